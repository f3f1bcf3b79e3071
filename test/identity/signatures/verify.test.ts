import { createPublicKey, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Caller } from '../../../src/core/call.ts';
import { Once } from '../../../src/identity/once.ts';
import { type Algorithm, publicKey, sharedKey } from '../../../src/identity/signatures/algorithms.ts';
import { type SignWith, signRequest } from '../../../src/identity/signatures/sign.ts';
import { type SignatureKey, signer } from '../../../src/identity/signatures/verify.ts';

const NOW = 1_800_000_000_000;
const ed = generateKeyPairSync('ed25519');
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const secret = createSecretKey(Buffer.alloc(32, 7));
const caller = { subject: 'ci' } as Caller;
const keys = new Map<string, SignatureKey>(
  (
    [
      ['ed', 'ed25519', ed.publicKey],
      ['ec', 'ecdsa-p256-sha256', ec.publicKey],
      ['mac', 'hmac-sha256', secret],
    ] as [string, Algorithm, KeyObject][]
  ).map(([id, algorithm, key]) => [id, { id, algorithm, key, caller }]),
);
const RULES = { tag: 'doorward', keys };
const ED: SignWith = { id: 'ed', algorithm: 'ed25519', key: ed.privateKey, at: NOW };
const BODY = '{"jsonrpc":"2.0"}';
const HEADERS = { 'content-type': 'application/json', 'mcp-method': 'tools/call', authorization: 'Bearer x' };

interface Sent {
  method: string;
  scheme: 'http' | 'https';
  authority: string;
  target: string;
  headers: Record<string, string>;
  body: string;
}
function signed(how: Partial<SignWith> = {}, headers: Record<string, string> = HEADERS): Sent {
  const url = 'https://gate.example/files?a=1';
  const more = signRequest({ method: 'POST', url, headers, body: BODY }, { ...ED, ...how });
  const sent = { ...headers, ...more };
  return {
    method: 'POST',
    scheme: 'https',
    authority: 'gate.example',
    target: '/files?a=1',
    headers: sent,
    body: BODY,
  };
}
let once: Once;
beforeEach(() => {
  once = new Once({ life: 65_000, each: 4, all: 6 });
});
async function judge(sent: Sent, now = NOW, rules = RULES): Promise<string> {
  const { headers, body, ...message } = sent;
  const request = { ...message, header: (name: string) => headers[name], body: async () => Buffer.from(body) };
  const said = await signer(request, rules, once, now);
  return said === undefined ? 'nobody' : typeof said === 'string' ? said : said.id;
}

describe('a signed request', () => {
  it('from before the memory of nonces began is refused: it may have been used', async () => {
    once = new Once({ life: 65_000, each: 4, all: 6 }, NOW);
    expect(await judge(signed({ at: NOW - 1000 }))).toBe('identity.signed');
    expect(await judge(signed({ at: NOW }))).toBe('ed');
  });
  it.each<[string, Partial<SignWith>]>([
    ['ed', {}],
    ['ec', { id: 'ec', algorithm: 'ecdsa-p256-sha256', key: ec.privateKey }],
    ['mac', { id: 'mac', algorithm: 'hmac-sha256', key: secret }],
  ])('by %s is accepted once', async (id, how) => {
    const sent = signed(how);
    expect(await judge(sent)).toBe(id);
    expect(await judge(sent)).toBe('identity.signed');
    expect(await judge(signed(how))).toBe(id);
  });

  it('may name where it goes in parts', async () => {
    const { headers, ...sent } = signed();
    const input = headers['signature-input']!.replace('"@target-uri"', '"@authority" "@path" "@query"');
    // Signed over other components than named: the signature does not fit.
    expect(await judge({ ...sent, headers: { ...headers, 'signature-input': input } })).toBe('identity.signed');
  });

  it('for another application is nobody’s here', async () => {
    expect(await judge(signed({ tag: 'other' }))).toBe('nobody');
    expect(await judge({ ...signed(), headers: HEADERS })).toBe('nobody');
  });

  it('of a method without a body needs no digest', async () => {
    const more = signRequest({ method: 'DELETE', url: 'https://gate.example/files', headers: {} }, ED);
    const sent = { ...signed(), method: 'DELETE', target: '/files', headers: more, body: '' };
    expect(await judge(sent)).toBe('ed');
    expect(await judge({ ...sent, method: 'POST' })).toBe('identity.signed');
  });

  it('covers headers that are configured besides, wherever they are sent', async () => {
    const rules = { ...RULES, covered: ['x-tickets-key'] };
    const headers = { ...HEADERS, 'x-tickets-key': 'mine' };
    const sent = signed({ cover: ['X-Tickets-Key'] }, headers);
    expect(
      await judge(
        edit(sent, 'x-tickets-key', () => 'theirs'),
        NOW,
        rules,
      ),
    ).toBe('identity.signed');
    expect(await judge(sent, NOW, rules)).toBe('ed');
    expect(await judge(signed({}, headers), NOW, rules)).toBe('identity.signed');
    expect(await judge(signed({}, headers))).toBe('ed');
    expect(await judge(signed(), NOW, rules)).toBe('ed');
  });

  const edit = (sent: Sent, name: string, change: (value: string) => string | undefined): Sent => {
    const value = change(sent.headers[name]!);
    const { [name]: _, ...rest } = sent.headers;
    return { ...sent, headers: value === undefined ? rest : { ...rest, [name]: value } };
  };
  const input = (change: (value: string) => string) => (sent: Sent) => edit(sent, 'signature-input', change);
  it.each<[string, (sent: Sent) => Sent]>([
    ['another method', (sent) => ({ ...sent, method: 'PUT' })],
    ['another path', (sent) => ({ ...sent, target: '/other?a=1' })],
    ['another query', (sent) => ({ ...sent, target: '/files?a=2' })],
    ['another host', (sent) => ({ ...sent, authority: 'gate.evil' })],
    ['another port', (sent) => ({ ...sent, authority: 'gate.example:8443' })],
    ['another scheme', (sent) => ({ ...sent, scheme: 'http' })],
    ['another body', (sent) => ({ ...sent, body: `${BODY} ` })],
    [
      'another body with its own digest',
      (sent) => ({
        ...edit(sent, 'content-digest', () => 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:'),
        body: '',
      }),
    ],
    ['no digest', (sent) => edit(sent, 'content-digest', () => undefined)],
    ['another token', (sent) => edit(sent, 'authorization', () => 'Bearer y')],
    ['another tool header', (sent) => edit(sent, 'mcp-method', () => 'tools/list')],
    ['a header put in', (sent) => ({ ...sent, headers: { ...sent.headers, 'mcp-name': 'x' } })],
    ['a proof put in', (sent) => ({ ...sent, headers: { ...sent.headers, dpop: 'x' } })],
    ['another content type', (sent) => edit(sent, 'content-type', () => 'text/plain')],
    ['no signature', (sent) => edit(sent, 'signature', () => undefined)],
    ['no input', (sent) => edit(sent, 'signature-input', () => undefined)],
    ['an unknown key', input((value) => value.replace('keyid="ed"', 'keyid="no"'))],
    ['a key that is no text', input((value) => value.replace('keyid="ed"', 'keyid=ed'))],
    ['the key of another', input((value) => value.replace('keyid="ed"', 'keyid="ec"'))],
    ['another algorithm', input((value) => value.replace('alg="ed25519"', 'alg="hmac-sha256"'))],
    ['no nonce', input((value) => value.replace(/;nonce="[^"]+"/, ''))],
    ['another nonce', input((value) => value.replace(/nonce="."?/, 'nonce="AAAA'))],
    ['no created', input((value) => value.replace(/;created=\d+/, ''))],
    ['no expires', input((value) => value.replace(/;expires=\d+/, ''))],
    ['a later created', input((value) => value.replace(/created=\d+/, `created=${NOW / 1000 + 1}`))],
    ['a later expires', input((value) => value.replace(/expires=\d+/, `expires=${NOW / 1000 + 50}`))],
    ['a component less', input((value) => value.replace('"content-type" ', ''))],
    ['a component twice', input((value) => value.replace('"@method"', '"@method" "@method"'))],
    ['a parameter more', input((value) => value.replace('"@method"', '"@method";req'))],
    ['a second signature of ours', input((value) => `${value}, b=${value.slice(value.indexOf('='))}`)],
    ['two of the same name', input((value) => `${value}, ${value}`)],
    ['a signature of no bytes', (sent) => edit(sent, 'signature', () => 'sig="x"')],
    ['an empty signature', (sent) => edit(sent, 'signature', () => 'sig=::')],
    ['a signature of another name', (sent) => edit(sent, 'signature', (value) => value.replace('sig=', 'x='))],
    ['too much', input((value) => `${value}, x="${'x'.repeat(9000)}"`)],
    ['something malformed', input((value) => `${value},`)],
  ])('with %s is refused', async (_what, change) => {
    expect(await judge(change(signed()))).toBe('identity.signed');
    // The refusal has used up nothing but the nonce of what the key itself had signed.
    expect(await judge(signed())).toBe('ed');
  });

  it.each<[string, Partial<SignWith>, number, string]>([
    ['at once', {}, 0, 'ed'],
    ['by a clock ahead', { at: NOW + 4_000 }, 0, 'ed'],
    ['from the future', { at: NOW + 6_000 }, 0, 'identity.signed'],
    ['at its end', {}, 30_000, 'identity.signed'],
    ['in a long life of its own', { life: 3600 }, 59_999, 'ed'],
    ['after the window', { life: 3600 }, 60_000, 'identity.signed'],
    ['that ends before it begins', { life: 0 }, 0, 'identity.signed'],
    ['with a short nonce', { nonce: 'x' }, 0, 'identity.signed'],
    ['with a long nonce', { nonce: 'x'.repeat(129) }, 0, 'identity.signed'],
  ])('%s', async (_what, how, later, said) => expect(await judge(signed(how), NOW + later)).toBe(said));

  it('is not covered by a signature over less, whoever made it', async () => {
    const { headers, ...sent } = signed({}, { 'content-type': 'application/json' });
    expect(await judge({ ...sent, headers: { ...headers, authorization: 'Bearer stolen' } })).toBe('identity.signed');
  });

  it('is refused when too many are remembered, of its signer alone', async () => {
    for (let i = 0; i < 4; i++) expect(await judge(signed())).toBe('ed');
    expect(await judge(signed())).toBe('identity.unavailable');
    expect(await judge(signed({ id: 'mac', algorithm: 'hmac-sha256', key: secret }))).toBe('mac');
    // Forgotten no earlier than it could be used again.
    const later = NOW + 131_000;
    expect(await judge(signed({ at: later }), later)).toBe('ed');
  });
});

describe('a key', () => {
  const pem = (key: KeyObject) =>
    key.export({ type: key.type === 'public' ? 'spki' : 'pkcs8', format: 'pem' }).toString();
  it('is public, and of its algorithm', () => {
    expect(publicKey('ed25519', pem(ed.publicKey))).toEqual(createPublicKey(ed.privateKey));
    expect(publicKey('ed25519', pem(ed.privateKey))).toBeUndefined();
    expect(publicKey('ed25519', pem(ec.publicKey))).toBeUndefined();
    expect(
      publicKey('ecdsa-p256-sha256', pem(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey)),
    ).toBeUndefined();
    // A public key as a shared secret is known to everybody.
    expect(publicKey('hmac-sha256', pem(ed.publicKey))).toBeUndefined();
    expect(sharedKey(Buffer.alloc(31))).toBeUndefined();
  });
});
