/** Lists of revoked client certificates, through the running program: in the handshake, on open connections, for workloads. */
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Authority, type Pair } from '../net/pki.ts';
import { SecureSite } from './secure.ts';

const HOUR = 3_600_000;
const ID = 'spiffe://prod.example/ns/ci/agent';
const KEYS = '[{ to: { subject: ci }, allow: [tidy.echo] }]';
const LISTS = ', clients: ./clients.pem, crl: ./clients.crl';
let site: SecureSite;
let [ca, mesh]: [Authority, Authority] = [undefined!, undefined!];
let [good, bad]: [Pair, Pair] = [undefined!, undefined!];
let key = '';
beforeAll(() => {
  site = new SecureSite();
  [ca, mesh] = [new Authority(), new Authority()];
  [good, bad] = [ca.issue('DNS:good', { client: true }), ca.issue('DNS:bad', { client: true })];
  site.put('clients.pem', ca.root.cert);
  key = site.site.run('key', 'create', '--subject', 'ci').stdout.trim();
});
afterEach(() => site.stop());
afterAll(() => {
  site.close();
  for (const one of [ca, mesh]) one.remove();
});

const headers = () => ({ authorization: `Bearer ${key}` });
/** 200, or that nothing was answered. */
const by = (cert: Pair, chain: readonly Pair[] = []) =>
  site.status({ cert, chain, headers: headers() }).catch(() => 'no answer');
function held(cert: Pair): Promise<TLSSocket> {
  const how = { host: '127.0.0.1', port: site.port, servername: 'gate.example', ca: site.ca.root.cert };
  return new Promise((resolve, reject) => {
    const socket = connect({ ...how, cert: cert.cert, key: cert.key }, () => resolve(socket)).on('error', reject);
  });
}
const cut = (socket: TLSSocket) =>
  new Promise<string>((resolve) => socket.on('error', () => {}).once('close', () => resolve('cut')));

describe('a client certificate', () => {
  it('that is in the list is refused, from the moment that the list says so', async () => {
    site.put('clients.crl', ca.revoked([], { from: Date.now() - 3 * HOUR }));
    site.configure('{ keys: true }', KEYS, LISTS);
    await site.start();
    expect([await by(good), await by(bad)]).toEqual([200, 200]);
    const [open, stays] = [await held(bad), await held(good)];
    const ended = cut(open);

    site.put('clients.crl', ca.revoked([bad]));
    await site.heard('event.certificate ');
    expect(await ended).toBe('cut');
    expect(stays.destroyed).toBe(false);
    stays.destroy();
    expect([await by(good), await by(bad)]).toEqual([200, 'no answer']);
    // Without one the listener goes on as it did: here they are optional.
    expect(await site.status({ headers: headers() })).toBe(200);

    // Neither an older list nor a broken one brings it back.
    site.put('clients.crl', ca.revoked([], { from: Date.now() - 2 * HOUR }));
    await site.heard('event.certificate-refused');
    expect(await by(bad)).toBe('no answer');
    site.put('clients.crl', 'no list');
    await site.heard('event.certificate-refused', 2);
    expect([await by(good), await by(bad)]).toEqual([200, 'no answer']);
  });

  it('is refused below an authority that is, and counts for nothing once the list is over', async () => {
    const middle = ca.issue('', { ca: true });
    const below = ca.issue('DNS:below', { client: true, from: middle });
    const lists = (revoked: readonly Pair[], until?: number) =>
      ca.revoked(revoked, { ...(until !== undefined && { until }) }) + ca.revoked([], { by: middle });
    site.put('clients.crl', lists([]));
    site.configure('{ keys: true }', KEYS, `${LISTS}, required: true`);
    await site.start();
    expect([await by(below, [middle]), await by(good)]).toEqual([200, 200]);
    const until = Math.ceil(Date.now() / 1000) * 1000 + 4000;
    site.put('clients.crl', lists([middle], until));
    await site.heard('event.certificate ');
    expect([await by(below, [middle]), await by(good)]).toEqual(['no answer', 200]);
    const open = await held(good);
    const said = new Promise<string>((resolve) => open.once('data', (chunk) => resolve(String(chunk))));
    await new Promise((resolve) => setTimeout(resolve, until - Date.now() + 200));
    expect(await by(good)).toBe('no answer');
    open.write('GET /healthz HTTP/1.1\r\nHost: gate.example:1\r\n\r\n'.replace(':1', `:${site.port}`));
    expect(await said).not.toMatch(/^HTTP\/1\.1 200/);
    open.destroy();
    const doctor = site.site.run('doctor', '--json').stdout;
    expect(doctor).toMatch(/a list of revoked certificates is over: client certificates of its issuer are refused/);
  });

  it('goes on by a list that is over where that is chosen', async () => {
    site.put('clients.crl', ca.revoked([bad], { from: Date.now() - 2 * HOUR, until: Date.now() - HOUR }));
    site.configure('{ keys: true }', KEYS, `${LISTS}, crl-ended: accept`);
    await site.start();
    expect([await by(good), await by(bad)]).toEqual([200, 'no answer']);
  });
});

it('holds for workloads, whose authorities need no list', async () => {
  const USE = { client: true, lines: 'keyUsage=critical,digitalSignature\n' };
  const [stays, goes] = [ca.issue(`URI:${ID}`, USE), ca.issue(`URI:${ID}`, USE)];
  const far = mesh.issue('URI:spiffe://mesh.example/x', USE);
  site.put('mesh.pem', mesh.root.cert);
  site.put('clients.crl', ca.revoked([], { from: Date.now() - 3 * HOUR }));
  const domains = 'prod.example: { bundle: ./clients.pem }, mesh.example: { bundle: ./mesh.pem }';
  const policy = `[{ to: { subject: "${ID}" }, allow: [tidy.echo] }]`;
  site.configure(`{ spiffe: { domains: { ${domains} } } }`, policy, ', crl: ./clients.crl, required: true');
  await site.start();
  const status = (cert: Pair) => site.status({ cert }).catch(() => 'no answer');
  expect([await status(stays), await status(goes), await status(far)]).toEqual([200, 200, 200]);
  site.put('clients.crl', ca.revoked([goes]));
  await site.heard('event.certificate ');
  expect([await status(stays), await status(goes), await status(far)]).toEqual([200, 'no answer', 200]);
});
