/** Workloads by their SPIFFE ids, through the running program: files, an agent's socket, and what must not pass. */
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { jwt } from '../identity/jwt.ts';
import { Agent } from '../identity/spiffe/agent.ts';
import { Authority, type Pair } from '../net/pki.ts';
import { freePort, SecureSite } from './secure.ts';

const ID = 'spiffe://prod.example/ns/ci/agent';
const USE = { client: true, lines: 'keyUsage=critical,digitalSignature\n' };
const POLICY = `[{ to: { subject: "${ID}", via: svid }, allow: [tidy.echo] }]`;
let site: SecureSite;
let [prod, next, other]: [Authority, Authority, Authority] = [undefined!, undefined!, undefined!];
beforeAll(() => {
  site = new SecureSite();
  [prod, next, other] = [new Authority(), new Authority(), new Authority()];
  site.put('other.pem', other.root.cert);
});
afterEach(() => site.stop());
afterAll(() => {
  site.close();
  for (const one of [prod, next, other]) one.remove();
});
const svid = (by: Authority, names = `URI:${ID}`, from?: Pair) => by.issue(names, { ...USE, ...(from && { from }) });

const tokens = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = { ...tokens.publicKey.export({ format: 'jwk' }), kid: 'k1' };
const bundle = (...authorities: Authority[]) =>
  JSON.stringify({
    keys: [
      ...authorities.map(({ root }) => ({
        kty: 'EC',
        use: 'x509-svid',
        x5c: [new X509Certificate(root.cert).raw.toString('base64')],
      })),
      { ...jwk, use: 'jwt-svid' },
    ],
  });
const token = (claims: object, header: object = {}, key = tokens.privateKey) =>
  jwt({ sub: ID, aud: [site.url()], exp: Date.now() / 1000 + 60, ...claims }, { kid: 'k1', ...header }, key);
const bearer = (text: string) => ({ headers: { authorization: `Bearer ${text}` } });

describe('an X.509-SVID', () => {
  it('is a caller, under the bundle of its own trust domain and no other', async () => {
    site.put('prod.json', bundle(prod));
    site.configure(
      '{ keys: true, spiffe: { domains: { prod.example: { bundle: ./prod.json }, other.example: { bundle: ./other.pem } } } }',
      POLICY,
    );
    await site.start();
    expect(await site.status({ cert: svid(prod) })).toBe(200);
    expect(site.audit()).toMatch(/"subject":"spiffe:\/\/prod\.example\/ns\/ci\/agent".*"how":"svid"/);

    const attacks: [string, Pair | undefined][] = [
      ['nobody', undefined],
      ['the authority of another domain', svid(other)],
      ['another workload', svid(prod, 'URI:spiffe://prod.example/ns/ci/other')],
      ['another domain', svid(other, 'URI:spiffe://other.example/ns/ci/agent')],
      ['two ids', svid(prod, `URI:${ID},URI:spiffe://prod.example/x`)],
      ['a name that is no id', svid(prod, 'URI:spiffe://prod.example//ns/ci/agent')],
      ['the subject in a DNS name', svid(prod, 'DNS:prod.example')],
      ['an authority', prod.issue(`URI:${ID}`, { ca: true })],
      ['a key for other uses', prod.issue(`URI:${ID}`, { client: true })],
    ];
    const statuses = await Promise.all(
      attacks.map(async ([what, cert]) => [what, await site.status(cert && { cert }).catch(() => 'no handshake')]),
    );
    // Known, and granted nothing: the name of a tool they may not see.
    const known = ['another workload', 'another domain'];
    expect(statuses).toEqual(
      attacks.map(([what]) => [what, known.includes(what) ? 200 : what === 'an authority' ? 'no handshake' : 401]),
    );
    const { text } = await site.call({ cert: svid(prod, 'URI:spiffe://prod.example/ns/ci/other') });
    expect(text).toContain('unknown name');
    // Node does not tell the authority between, and here two bundles could have vouched for it.
    const middle = prod.issue('', { ca: true });
    expect([200, 401]).toContain(await site.status({ cert: svid(prod, `URI:${ID}`, middle), chain: [middle] }));
    // A token that is sent is what counts, and it must be good.
    expect(await site.status({ cert: svid(prod), ...bearer('no-such-token-at-all') })).toBe(401);
  });

  it('may come through an authority below, and its bundle is followed', async () => {
    site.put('prod.json', bundle(prod));
    site.configure('{ spiffe: { domains: { prod.example: { bundle: ./prod.json } } } }', POLICY);
    await site.start();
    const middle = prod.issue('', { ca: true });
    expect(await site.status({ cert: svid(prod, `URI:${ID}`, middle), chain: [middle] })).toBe(200);
    const [old, fresh] = [svid(prod), svid(next)];
    await expect(site.status({ cert: fresh })).rejects.toThrow();

    site.put('prod.json', bundle(prod, next));
    await site.heard('event.trust ');
    expect([await site.status({ cert: old }), await site.status({ cert: fresh })]).toEqual([200, 200]);

    site.put('prod.json', '{"keys": [');
    await site.heard('event.trust-refused');
    expect(await site.status({ cert: fresh })).toBe(200);

    site.put('prod.json', bundle(next));
    await site.heard('event.trust ', 2);
    await expect(site.status({ cert: old })).rejects.toThrow();
    expect(await site.status({ cert: fresh })).toBe(200);
  });

  it('is known by the bundle of an agent, and no longer when the agent says so', async () => {
    const agent = new Agent();
    const of = (authority: Authority) => ({
      x509: { 'spiffe://prod.example': new X509Certificate(authority.root.cert).raw },
      jwt: { 'spiffe://prod.example': Buffer.from(JSON.stringify({ keys: [jwk] })) },
    });
    await agent.listen(of(prod));
    site.configure(
      `{ spiffe: { domains: { prod.example: { workload-api: "${agent.socket}", tenant: acme } }, callers: { "spiffe://prod.example/ns/*": { subject: builds, agent: [builder] } } } }`,
      '[{ to: { tenant: acme, subject: builds, agent: builder }, allow: [tidy.echo] }]',
      ', required: true',
    );
    try {
      await site.start();
      await site.heard('event.trust ');
      expect(await site.status({ cert: svid(prod) })).toBe(200);
      await expect(site.status()).rejects.toThrow();
      agent.put(of(next));
      await site.heard('event.trust ', 2);
      await expect(site.status({ cert: svid(prod) })).rejects.toThrow();
      expect(await site.status({ cert: svid(next) })).toBe(200);
      await agent.close();
      await site.heard('event.trust-refused');
      expect(await site.status({ cert: svid(next) })).toBe(200);
    } finally {
      await agent.close().catch(() => {});
    }
  });
});

describe('a JWT-SVID', () => {
  it('is a caller on the route that it is for', async () => {
    site.put('prod.json', bundle(prod));
    site.configure('{ spiffe: { domains: { prod.example: { bundle: ./prod.json } } } }', POLICY);
    await site.start();
    expect(await site.status(bearer(token({})))).toBe(200);
    const kept = token({ aud: site.url() });
    expect([await site.status(bearer(kept)), await site.status(bearer(kept))]).toEqual([200, 200]);
    const attacks = [
      token({ aud: site.url('other') }),
      token({ exp: Date.now() / 1000 - 1 }),
      token({ sub: 'spiffe://third.example/x' }),
      token({}, {}, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
    ];
    for (const attack of attacks) expect(await site.status(bearer(attack))).toBe(401);
  });

  it('is for the public address, which is not that of the connection behind a proxy', async () => {
    site.put('prod.json', bundle(prod));
    site.configure('{ spiffe: { domains: { prod.example: { bundle: ./prod.json } } } }', POLICY);
    const port = await freePort();
    const text = readFileSync(site.site.config, 'utf8');
    const known = text.replace('port: 0', `port: ${port}, url: "https://gate.example"`);
    const risk = 'bearer-only: the test asks for it';
    const risky = known.includes('unsafe: {')
      ? known.replace('unsafe: {', `unsafe: { ${risk},`)
      : `${known}unsafe: { ${risk} }\n`;
    writeFileSync(site.site.config, risky);
    await site.start(port);
    const at = (aud: string) => ({ headers: { ...bearer(token({ aud })).headers, host: 'gate.example' } });
    expect(await site.status(at('https://gate.example/tidy'))).toBe(200);
    expect(await site.status(at(`https://gate.example:${port}/tidy`))).toBe(401);
  });
});
