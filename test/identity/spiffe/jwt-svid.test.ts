import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Bundle } from '../../../src/identity/spiffe/bundle.ts';
import { claimsSpiffe, jwtSvid } from '../../../src/identity/spiffe/jwt-svid.ts';
import { jwt } from '../jwt.ts';

const NOW = 1_800_000_000_000;
const AUDIENCE = 'https://gate.example/files';
const ID = 'spiffe://prod.example/ns/ci/agent';
const prod = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const bundles: Readonly<Record<string, Bundle>> = {
  'prod.example': {
    x509: [],
    jwt: new Map([
      ['k1', prod.publicKey],
      ['rsa', rsa.publicKey],
    ]),
  },
  'other.example': { x509: [], jwt: new Map([['k1', other.publicKey]]) },
};
const token = (claims: object = {}, header: object = {}, key = prod.privateKey) =>
  jwt({ sub: ID, aud: [AUDIENCE], exp: NOW / 1000 + 60, ...claims }, { kid: 'k1', ...header }, key);
const judge = (text: string, at = NOW) => jwtSvid(text, AUDIENCE, (domain) => bundles[domain], at);

describe('a JWT-SVID', () => {
  it.each<[string, string]>([
    ['is good', token()],
    ['has its one audience as a text', token({ aud: AUDIENCE })],
    ['says no type', token({}, { typ: undefined })],
    ['says JOSE', token({}, { typ: 'JOSE' })],
    ['was made by a clock a little ahead', token({ iat: NOW / 1000 + 4, nbf: NOW / 1000 + 4 })],
    ['brings a key, which nobody looks at', token({}, { jwk: other.publicKey.export({ format: 'jwk' }) })],
  ])('that %s says who', async (_what, text) => {
    expect(await judge(text)).toMatchObject({ id: ID, trustDomain: 'prod.example', until: NOW + 60_000 });
    expect(claimsSpiffe(text)).toMatchObject({ trustDomain: 'prod.example' });
  });

  const [head, payload, signature] = token().split('.') as [string, string, string];
  const hmac = (said: string) =>
    createHmac('sha256', prod.publicKey.export({ type: 'spki', format: 'pem' }))
      .update(said)
      .digest('base64url');
  const twice = Buffer.from(
    `{"sub":"spiffe://prod.example/x","sub":"${ID}","aud":"${AUDIENCE}","exp":${NOW / 1000 + 60}}`,
  );
  const said = `${head}.${twice.toString('base64url')}`;
  const double = `${said}.${sign('sha256', Buffer.from(said), { key: prod.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  const shared = Buffer.from(JSON.stringify({ alg: 'HS256', kid: 'k1' })).toString('base64url');
  it.each<[string, string, string]>([
    ['another route', token({ aud: 'https://gate.example/other' }), 'for another audience'],
    ['part of the route', token({ aud: 'https://gate.example' }), 'for another audience'],
    ['two audiences', token({ aud: [AUDIENCE, 'https://other.example'] }), 'for another audience'],
    ['the audience twice', token({ aud: [AUDIENCE, AUDIENCE] }), 'for another audience'],
    ['no audience', token({ aud: undefined }), 'for another audience'],
    ['an empty list of audiences', token({ aud: [] }), 'for another audience'],
    ['no end', token({ exp: undefined }), 'expired'],
    ['an end that is now', token({ exp: NOW / 1000 }), 'expired'],
    ['an end in words', token({ exp: String(NOW / 1000 + 60) }), 'expired'],
    ['a beginning to come', token({ nbf: NOW / 1000 + 6 }), 'not valid yet'],
    ['a birth to come', token({ iat: NOW / 1000 + 6 }), 'not valid yet'],
    ['a birth in words', token({ iat: 'today' }), 'not valid yet'],
    ['the id of a domain', token({ sub: 'spiffe://prod.example' }), 'no SPIFFE id of a workload'],
    ['an id that is none', token({ sub: 'spiffe://prod.example//x' }), 'no SPIFFE id of a workload'],
    ['a list of ids', token({ sub: [ID] }), 'no SPIFFE id of a workload'],
    ['no id', token({ sub: undefined }), 'no SPIFFE id of a workload'],
    [
      'a domain that is not known',
      token({ sub: 'spiffe://third.example/x' }),
      'a key that its trust domain does not have',
    ],
    ['the key of another domain', token({}, {}, other.privateKey), 'not signed by its trust domain'],
    ['the id of another domain', token({ sub: 'spiffe://other.example/x' }), 'not signed by its trust domain'],
    ['an unknown key', token({}, { kid: 'k2' }), 'a key that its trust domain does not have'],
    ['no key id', token({}, { kid: undefined }), 'a key that its trust domain does not have'],
    ['a key id that is no text', token({}, { kid: 1 }), 'a key that its trust domain does not have'],
    ['a key of another kind', token({}, { kid: 'rsa' }), 'not signed by its trust domain'],
    ['another type', token({}, { typ: 'at+jwt' }), 'a token of another type'],
    ['the type in other letters', token({}, { typ: 'jwt' }), 'a token of another type'],
    ['a demand', token({}, { crit: ['x'], x: 1 }), 'a demand that is not understood'],
    ['a payload that is not coded', token({}, { b64: false }), 'a demand that is not understood'],
    ['proof of a key to give', token({ cnf: { jkt: 'x' } }), 'a demand that is not understood'],
    ['an agent', token({ act: { sub: 'x' } }), 'agents, of which nothing is known here'],
    ['no algorithm', token({}, { alg: 'none' }), 'an algorithm that is not taken'],
    ['another algorithm', token({}, { alg: 'ES384' }), 'not signed by its trust domain'],
    ['a shared secret', `${shared}.${payload}.${hmac(`${shared}.${payload}`)}`, 'an algorithm that is not taken'],
    ['a cut signature', `${head}.${payload}.${signature.slice(0, -4)}`, 'not signed by its trust domain'],
    ['no signature', `${head}.${payload}.`, 'not signed by its trust domain'],
    ['another payload', `${head}.${token({ exp: NOW }).split('.')[1]}.${signature}`, 'not signed by its trust domain'],
    ['a name twice', double, 'not a token'],
    ['a part too many', `${token()}.x`, 'not a token'],
    ['a part too few', `${head}.${payload}`, 'not a token'],
    ['padding', `${head}=.${payload}.${signature}`, 'not a token'],
    ['no end to it', token({ x: 'x'.repeat(9000) }), 'not a token'],
  ])('is not one with %s', async (_what, text, why) => expect(await judge(text)).toEqual({ why }));
});
