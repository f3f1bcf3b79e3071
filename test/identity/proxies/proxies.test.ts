import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Evidence } from '../../../src/core/gate.ts';
import { readKeySet } from '../../../src/identity/oauth/jwks.ts';
import { proxies, withoutProxies } from '../../../src/identity/proxies/index.ts';
import { proxies as schema } from '../../../src/identity/proxies/rules.ts';
import { jwt } from '../jwt.ts';

const NOW = 1_800_000_000_000;
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const set = (...keys: (typeof pair)[]) =>
  readKeySet(
    Buffer.from(
      JSON.stringify({ keys: keys.map((one, i) => ({ ...one.publicKey.export({ format: 'jwk' }), kid: `k${i}` })) }),
    ),
  )!;
const CONFIG = schema.parse([
  {
    addresses: ['10.0.0.5/32'],
    tenant: 'acme',
    assertion: {
      header: 'x-assertion',
      issuer: 'https://proxy.example',
      audience: 'doorward',
      keys: 'x',
      subject: 'email',
      groups: 'groups',
    },
  },
  { addresses: ['127.0.0.1/32'], mesh: 'linkerd', domains: ['cluster.local'] },
  { addresses: ['127.0.0.6/32'], mesh: 'istio', domains: ['cluster.local'] },
]);
let keys = set(pair);
const NOBODY = 'identity.missing' as const;
async function ask(address: string, headers: Record<string, string>, has: readonly string[] = [], at = NOW) {
  const made = proxies(
    CONFIG,
    () => keys,
    () => at,
  );
  const evidence: Evidence = {
    peer: { listener: 'http', address },
    header: (name) => headers[name],
    has: (name) => headers[name] !== undefined || has.includes(name),
  };
  return made.around(async (one) => (await made.authenticate(one)) ?? NOBODY)(evidence);
}
const token = (claims: object = {}, header: object = {}, key = pair.privateKey) =>
  jwt(
    {
      iss: 'https://proxy.example',
      aud: 'doorward',
      email: 'a@b.example',
      groups: ['eng'],
      exp: NOW / 1000 + 60,
      ...claims,
    },
    { kid: 'k0', ...header },
    key,
  );
const from = (text: string) => ask('10.0.0.5', { 'x-assertion': text });

describe('a signed assertion', () => {
  it('is a caller, from its proxy', async () => {
    expect(await from(token({ acr: 'gold', amr: ['mfa'], auth_time: NOW / 1000 - 5 }))).toMatchObject({
      tenant: 'acme',
      subject: 'a@b.example',
      groups: ['eng'],
      issuer: 'https://proxy.example',
      how: 'proxy',
      expires: NOW + 60_000,
      strength: { acr: 'gold', amr: ['mfa'], at: NOW - 5000 },
    });
  });

  it.each<[string, string]>([
    ['another issuer', token({ iss: 'https://proxy.example/' })],
    ['another audience', token({ aud: 'other' })],
    ['two audiences', token({ aud: ['doorward', 'other'] })],
    ['no end', token({ exp: undefined })],
    ['an end that has come', token({ exp: NOW / 1000 })],
    ['a beginning to come', token({ nbf: NOW / 1000 + 6 })],
    ['no subject', token({ email: undefined })],
    ['a subject that is a list', token({ email: ['a@b.example'] })],
    ['a subject that hides something', token({ email: 'a\u202eb' })],
    ['groups that are a text', token({ groups: 'eng' })],
    ['methods that are a text', token({ amr: 'mfa' })],
    ['another key', token({}, {}, other.privateKey)],
    ['an unknown key', token({}, { kid: 'k9' })],
    ['no algorithm', token({}, { alg: 'none' })],
    ['another algorithm', token({}, { alg: 'HS256' })],
    ['a demand', token({}, { crit: ['x'] })],
    ['proof of a key to give', token({ cnf: { jkt: 'x' } })],
    ['no signature', `${token().split('.').slice(0, 2).join('.')}.`],
    ['no form', 'a@b.example'],
  ])('is refused with %s', async (_what, text) => expect(await from(text)).toBe('identity.assertion'));

  it('is refused from anybody else', async () => {
    for (const address of ['10.0.0.6', '127.0.0.1', '::1', '-'])
      expect(await ask(address, { 'x-assertion': token() })).toBe('identity.forwarded');
  });

  it('ends with its key, and with its time', async () => {
    const made = proxies(
      CONFIG,
      () => keys,
      () => NOW,
    );
    const evidence: Evidence = {
      peer: { listener: 'http', address: '10.0.0.5' },
      header: (name) => (name === 'x-assertion' ? kept : undefined),
    };
    const kept = token();
    expect(await made.authenticate(evidence)).toMatchObject({ subject: 'a@b.example' });
    expect(made.authenticate(evidence)).toMatchObject({ subject: 'a@b.example' });
    keys = set(other);
    expect(await made.authenticate(evidence)).toBe('identity.assertion');
    keys = set(pair);
  });
});

describe('a sidecar', () => {
  const id = 'web.shop.serviceaccount.identity.linkerd.cluster.local';
  const uri = 'spiffe://cluster.local/ns/shop/sa/web';
  it('names its peer, from its address', async () => {
    expect(await ask('127.0.0.1', { 'l5d-client-id': id })).toMatchObject({
      subject: id,
      how: 'proxy',
      issuer: 'mesh:linkerd',
    });
    expect(await ask('127.0.0.6', { 'x-forwarded-client-cert': `Hash=0a;URI=${uri}` })).toMatchObject({
      subject: uri,
      issuer: 'mesh:istio',
    });
  });
  it.each<[string, string, Record<string, string>, string]>([
    ['nothing at all', '127.0.0.1', {}, NOBODY],
    ['nonsense', '127.0.0.1', { 'l5d-client-id': 'x' }, 'identity.assertion'],
    ['the header from elsewhere', '10.1.1.1', { 'l5d-client-id': id }, 'identity.forwarded'],
    ['the header from an address that only looks like it', '127.0.0.10', { 'l5d-client-id': id }, 'identity.forwarded'],
    ['the header of the other mesh', '127.0.0.1', { 'x-forwarded-client-cert': `URI=${uri}` }, 'identity.forwarded'],
    [
      'both headers',
      '127.0.0.6',
      { 'x-forwarded-client-cert': `URI=${uri}`, 'l5d-client-id': id },
      'identity.forwarded',
    ],
    ['the header of a proxy', '127.0.0.1', { 'x-assertion': 'x' }, 'identity.forwarded'],
    ['an unsigned name beside', '127.0.0.1', { 'x-forwarded-user': 'root' }, NOBODY],
    ['an unsigned name from elsewhere', '10.1.1.1', { 'x-forwarded-user': 'root' }, 'identity.forwarded'],
    ['an unsigned name in another header', '10.1.1.1', { 'x-auth-request-email': 'a@b' }, 'identity.forwarded'],
  ])('with %s', async (_what, address, headers, said) => expect(await ask(address, headers)).toBe(said));

  it('is not heard twice', async () => {
    // A header that was sent more than once has no value, and was sent all the same.
    expect(await ask('10.1.1.1', {}, ['l5d-client-id'])).toBe('identity.forwarded');
    expect(await ask('127.0.0.1', {}, ['l5d-client-id'])).toBe('identity.assertion');
  });
});

describe('without proxies', () => {
  it.each([
    'x-forwarded-user',
    'x-remote-user',
    'x-forwarded-client-cert',
    'l5d-client-id',
    'client-cert',
    'tailscale-user-login',
  ])('%s is refused', (name) => {
    const evidence: Evidence = {
      peer: { listener: 'http', address: '127.0.0.1' },
      header: (one) => (one === name ? 'x' : undefined),
    };
    expect(withoutProxies(() => NOBODY)(evidence)).toBe('identity.forwarded');
    expect(withoutProxies(() => NOBODY)({ ...evidence, header: () => undefined })).toBe(NOBODY);
  });
});
