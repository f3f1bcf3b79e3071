/** What a relay could do to a signed request, byte for byte over real connections, each from an address of its own. */
import { createHash, generateKeyPairSync } from 'node:crypto';
import { type ConnectionOptions, connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SignWith, signRequest } from '../../src/identity/signatures/sign.ts';
import { modern } from '../doors/client.ts';
import { SecureSite } from './secure.ts';

const pair = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ed25519');
const ED: SignWith = { id: 'ci', algorithm: 'ed25519', key: pair.privateKey };
const IDENTITY =
  '{ keys: true, signatures: { keys: { ci: { algorithm: ed25519, public: ./ci.pem }, eve: { algorithm: ed25519, public: ./eve.pem } } } }';

let site: SecureSite;
let key = '';
beforeAll(async () => {
  site = new SecureSite();
  for (const [name, one] of Object.entries({ ci: pair, eve: other }))
    site.put(`${name}.pem`, one.publicKey.export({ type: 'spki', format: 'pem' }));
  site.configure(IDENTITY, '[{ to: { subject: ci }, allow: [tidy.echo] }]');
  key = site.site.run('key', 'create', '--subject', 'ci').stdout.trim();
  await site.start();
});
afterAll(async () => {
  await site.stop();
  site.close();
});

/** A request as it goes over the wire: lines of its head in order, and its body. */
interface Wire {
  method: string;
  target: string;
  lines: [name: string, value: string][];
  body: string;
}

const digest = (body: string, how = 'sha256') => createHash(how).update(body).digest('base64');

function signed(how: Partial<SignWith> = {}, more: Record<string, string> = {}): Wire {
  const { headers, body: message } = modern(1, 'echo', { text: 'a' });
  const body = JSON.stringify(message);
  const all: Record<string, string> = {
    ...headers,
    host: `gate.example:${site.port}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...more,
  };
  const made = signRequest({ method: 'POST', url: site.url(), headers: all, body }, { ...ED, ...how });
  return { method: 'POST', target: '/tidy', lines: Object.entries({ ...all, ...made }), body };
}

/** Status and text of the answer. The door turns addresses away that are refused often: each is another. */
let address = 0;
function send({ method, target, lines, body }: Wire): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    let text = '';
    const how: ConnectionOptions & { localAddress: string } = {
      host: '127.0.0.1',
      localAddress: `127.0.${1 + (++address >> 8)}.${address & 255 || 1}`,
      port: site.port,
      servername: 'gate.example',
      ca: site.ca.root.cert,
    };
    const socket = connect(how)
      .on('data', (chunk) => (text += String(chunk)))
      .on('error', reject)
      .on('close', () => resolve({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0), text }));
    const all = [...lines, ['content-length', String(Buffer.byteLength(body))], ['connection', 'close']];
    socket.write(`${method} ${target} HTTP/1.1\r\n${all.map(([n, v]) => `${n}: ${v}\r\n`).join('')}\r\n${body}`);
  });
}

const value = ({ lines }: Wire, name: string) => lines.find(([one]) => one === name)![1];
const set = (wire: Wire, name: string, to: string) => {
  wire.lines = wire.lines.map(([one, was]) => [one, one === name ? to : was]);
};
const drop = (wire: Wire, ...names: string[]) => {
  wire.lines = wire.lines.filter(([one]) => !names.includes(one));
};
const add = (wire: Wire, name: string, to: string) => wire.lines.push([name, to]);
const rewrite = (wire: Wire, name: string, from: string | RegExp, to: string) =>
  set(wire, name, value(wire, name).replace(from, to));

const ATTACKS: [what: string, change: (wire: Wire) => void][] = [
  ['another method', (w) => (w.method = 'DELETE')],
  ['another route', (w) => (w.target = '/other')],
  ['a query', (w) => (w.target = '/tidy?x=1')],
  ['a route in another spelling', (w) => (w.target = '/%74idy')],
  ['another body', (w) => (w.body = w.body.replace('"a"', '"b"'))],
  [
    'another body with its digest',
    (w) => ((w.body = w.body.replace('"a"', '"b"')), set(w, 'content-digest', `sha-256=:${digest(w.body)}:`)),
  ],
  [
    'another body with a second digest',
    (w) => ((w.body = w.body.replace('"a"', '"b"')), add(w, 'content-digest', `sha-256=:${digest(w.body)}:`)),
  ],
  ['a body with more behind it', (w) => (w.body += ' ')],
  ['no body', (w) => (w.body = '')],
  ['no digest', (w) => drop(w, 'content-digest')],
  ['a digest of another kind', (w) => set(w, 'content-digest', `sha-512=:${digest(w.body, 'sha512')}:`)],
  ['another tool by header', (w) => rewrite(w, 'mcp-name', 'echo', 'where')],
  ['a tool by header twice', (w) => add(w, 'mcp-name', 'where')],
  ['no tool by header', (w) => drop(w, 'mcp-name')],
  ['another method by header', (w) => rewrite(w, 'mcp-method', 'call', 'list')],
  ['another revision', (w) => rewrite(w, 'mcp-protocol-version', '2026-07-28', '2025-11-25')],
  ['a session', (w) => add(w, 'mcp-session-id', 'x'.repeat(32))],
  ['a proof', (w) => add(w, 'dpop', 'x')],
  ['another type', (w) => set(w, 'content-type', 'application/json; charset=utf-7')],
  ['the credential of another', (w) => add(w, 'authorization', 'Bearer dw_000000000000_no')],
  ['a good credential put to it', (w) => add(w, 'authorization', `Bearer ${key}`)],
  ['two credentials', (w) => (add(w, 'authorization', `Bearer ${key}`), add(w, 'authorization', 'Bearer x'))],
  ['another key id', (w) => rewrite(w, 'signature-input', 'keyid="ci"', 'keyid="eve"')],
  ['a key id of every object', (w) => rewrite(w, 'signature-input', 'keyid="ci"', 'keyid="__proto__"')],
  ['another algorithm', (w) => rewrite(w, 'signature-input', 'alg="ed25519"', 'alg="hmac-sha256"')],
  ['no algorithm', (w) => rewrite(w, 'signature-input', ';alg="ed25519"', '')],
  [
    'a later time',
    (w) => rewrite(w, 'signature-input', /created=(\d+)/, `created=${Math.floor(Date.now() / 1000) + 2}`),
  ],
  ['a later end', (w) => rewrite(w, 'signature-input', /expires=\d+/, 'expires=9999999999')],
  ['another nonce', (w) => rewrite(w, 'signature-input', /nonce="[^"]+"/, 'nonce="AAAAAAAAAAAAAAAAAAAAAA"')],
  ['fewer components', (w) => rewrite(w, 'signature-input', ' "content-digest"', '')],
  [
    'the same components in another order',
    (w) => rewrite(w, 'signature-input', '"@method" "@target-uri"', '"@target-uri" "@method"'),
  ],
  ['a component twice', (w) => rewrite(w, 'signature-input', '("@method"', '("@method" "@method"')],
  ['a component of another message', (w) => rewrite(w, 'signature-input', '"@method"', '"@method";req')],
  ['another signature', (w) => rewrite(w, 'signature', /:.{4}/, ':AAAA')],
  ['an empty signature', (w) => set(w, 'signature', 'sig=::')],
  ['a signature that is text', (w) => set(w, 'signature', 'sig="x"')],
  ['no signature', (w) => drop(w, 'signature')],
  ['no signature parameters', (w) => drop(w, 'signature-input')],
  ['another label', (w) => rewrite(w, 'signature', 'sig=', 'gis=')],
  [
    'a second signature of ours',
    (w) =>
      set(
        w,
        'signature-input',
        `${value(w, 'signature-input')}, ${value(w, 'signature-input').replace('sig=', 'two=')}`,
      ),
  ],
  ['two lines of signatures', (w) => add(w, 'signature', 'sig=:AAAA:')],
  ['two lines of parameters', (w) => add(w, 'signature-input', 'sig=()')],
  ['no structure', (w) => set(w, 'signature-input', 'sig=(((')],
  ['very long parameters', (w) => set(w, 'signature-input', `${value(w, 'signature-input')};x="${'a'.repeat(9000)}"`)],
  ['a port in the name', (w) => rewrite(w, 'host', /.*/, `gate.example.:${site.port}`)],
];

describe('a request that was signed, and then', () => {
  it('nothing was done to, is taken; also with headers that no signature covers', async () => {
    expect((await send(signed())).status).toBe(200);
    const more = signed();
    add(more, 'x-forwarded-for', '10.0.0.1');
    add(more, 'via', '1.1 relay');
    expect((await send(more)).status).toBe(200);
    // Under its label or another, in whatever spelling of the names of headers.
    const spelled = signed();
    spelled.lines = spelled.lines.map(([name, to]) => [name.toUpperCase(), to]);
    expect((await send(spelled)).status).toBe(200);
    expect((await send(signed({}, { authorization: `Bearer ${key}` }))).status).toBe(200);
  });

  it.each(ATTACKS)('has %s, is refused', async (_what, change) => {
    const wire = signed();
    change(wire);
    const { status, text } = await send(wire);
    expect([400, 401, 421]).toContain(status);
    expect(text).not.toMatch(/"result"/);
  });

  it.each<[string, Partial<SignWith>]>([
    ['over a minute ago', { at: Date.now() - 61_000, life: 600 }],
    ['for a time to come', { at: Date.now() + 30_000 }],
    ['for no time', { life: 0 }],
    ['with a short nonce', { nonce: 'x'.repeat(15) }],
    ['for another application', { tag: 'other' }],
    ['by a key that is not known', { id: 'nobody' }],
    ['by a key of another', { id: 'ci', key: other.privateKey }],
  ])('was signed %s, is refused', async (_what, how) => {
    expect((await send(signed(how))).status).toBe(401);
  });

  it('comes again, at once or many times, is taken once', async () => {
    const wire = signed();
    const all = await Promise.all(Array.from({ length: 20 }, () => send(wire)));
    expect(all.filter(({ status }) => status === 200).length).toBe(1);
    // With the nonce of another, under another label, or after it failed.
    const nonce = 'n'.repeat(20);
    expect((await send(signed({ nonce }))).status).toBe(200);
    expect((await send(signed({ nonce }))).status).toBe(401);
    const spoilt = signed();
    const good = { ...spoilt, lines: [...spoilt.lines] };
    spoilt.body = spoilt.body.replace('"a"', '"b"');
    expect((await send(spoilt)).status).toBe(401);
    // Whoever relays it can waste it, and cannot use it.
    expect((await send(good)).status).toBe(401);
  });

  it('is of somebody else than the credential beside it, is refused', async () => {
    expect((await send(signed({ id: 'eve', key: other.privateKey }, { authorization: `Bearer ${key}` }))).status).toBe(
      401,
    );
  });
});
