/** Keys of an issuer: where they come from, which of them count, how they rotate, and when none are to be had. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pick, publicKey, readKeySet } from '../../../src/identity/oauth/jwks.ts';
import { KeySet } from '../../../src/identity/oauth/keyset.ts';
import { Gate, type Setup } from './gate.ts';
import { Idp, pair } from './idp.ts';

let idp: Idp;
let gate: Gate | undefined;
let at = 0;
const clock = () => Date.now() + at;
beforeEach(async () => {
  idp = await Idp.start();
  at = 0;
});
afterEach(async () => {
  await gate?.close();
  gate = undefined;
  idp.close();
});
const start = async (setup: Setup = {}) => {
  gate = await Gate.start(idp, { clock, ...setup });
};
const ask = async (key = idp.signing, exp = Math.floor(clock() / 1000) + 3600) =>
  gate!.verdict(await gate!.bearer(await idp.token(gate!.resource, { key, claims: { exp } })));
const fetches = () => idp.asked.filter((path) => path === '/jwks').length;

describe('rotation', () => {
  it('takes a new key at once, and the old one as long as it is published', async () => {
    await start();
    expect(await ask()).toBe('200');
    const [old, next] = [idp.signing, await pair()];
    idp.published.push(next.jwk);
    expect([await ask(next), await ask(old), fetches()]).toEqual(['200', '200', 2]);
    idp.published = [next.jwk];
    at = 11 * 60_000;
    // What is old is used once more while newer ones are on their way.
    await ask(next);
    await expect.poll(fetches).toBe(3);
    await expect.poll(() => ask(old)).toBe('identity.signature');
    expect(await ask(next)).toBe('200');
  });

  it('ends what was remembered of a token whose key is gone', async () => {
    await start();
    const token = await idp.token(gate!.resource, { claims: { exp: Math.floor(clock() / 1000) + 3600 } });
    for (let i = 0; i < 3; i++) expect(await gate!.verdict(gate!.bearer(token))).toBe('200');
    const next = await pair();
    idp.published = [next.jwk];
    // The new key brings the new set, and that the end of the old one.
    expect(await ask(next)).toBe('200');
    expect(await gate!.verdict(gate!.bearer(token))).toBe('identity.signature');
  });

  it('loses no call while keys change under load', async () => {
    await start({ issuer: { refresh: '10s' } });
    let signing = idp.signing;
    const verdicts = new Set<string>();
    let going = true;
    const load = Array.from({ length: 4 }, async () => {
      while (going) verdicts.add(await ask(signing));
    });
    for (let round = 0; round < 4; round++) {
      const next = await pair();
      idp.published.push(next.jwk);
      const old = signing;
      signing = next;
      await new Promise((resolve) => setTimeout(resolve, 60));
      idp.published.shift();
      at += 11_000;
      await new Promise((resolve) => setTimeout(resolve, 60));
      await expect.poll(() => ask(old)).toBe('identity.signature');
    }
    going = false;
    await Promise.all(load);
    expect([...verdicts]).toEqual(['200']);
  });
});

describe('a flood of unknown keys', () => {
  it('makes a few fetches and no more', async () => {
    await start();
    expect(await ask()).toBe('200');
    const stranger = await pair();
    for (let i = 0; i < 40; i++) expect(await ask({ ...stranger, kid: `k${i}` })).toBe('identity.signature');
    expect(fetches()).toBeLessThanOrEqual(7);
    expect(await ask()).toBe('200');
  });

  it('waits together for one fetch', async () => {
    idp.answers.set('/jwks', { body: JSON.stringify({ keys: [idp.signing.jwk] }), delay: 50 });
    await start();
    expect(await Promise.all(Array.from({ length: 20 }, () => ask()))).toEqual(Array(20).fill('200'));
    expect(fetches()).toBe(1);
  });
});

describe('an issuer that cannot be asked', () => {
  const faults: [string, () => void][] = [
    ['is in trouble', () => idp.answers.set('/jwks', { status: 500, body: '{}' })],
    ['says no JSON', () => idp.answers.set('/jwks', { body: '<html>' })],
    ['says a member twice', () => idp.answers.set('/jwks', { body: '{"keys":[],"keys":[]}' })],
    ['says a list', () => idp.answers.set('/jwks', { body: '[]' })],
    ['says too much', () => idp.answers.set('/jwks', { body: JSON.stringify({ keys: [], x: 'x'.repeat(300_000) }) })],
    ['has too many keys', () => idp.answers.set('/jwks', { body: JSON.stringify({ keys: Array(101).fill({}) }) })],
    ['sends us on', () => idp.answers.set('/jwks', { status: 302, body: '' })],
    ['has metadata of another', () => metadata({ issuer: 'https://other.example' })],
    ['has metadata of its own with a slash more', () => metadata({ issuer: `${idp.url}/` })],
    ['has metadata without keys', () => metadata({ jwks_uri: undefined })],
    ['has keys at a private address', () => metadata({ jwks_uri: 'http://10.0.0.1/jwks' })],
    ['has keys at a metadata service', () => metadata({ jwks_uri: 'http://169.254.169.254/latest' })],
    ['has keys in a file', () => metadata({ jwks_uri: 'file:///etc/passwd' })],
    ['has keys in the clear elsewhere', () => metadata({ jwks_uri: 'http://idp.example/jwks' })],
    ['has keys behind a password', () => metadata({ jwks_uri: 'http://me:secret@127.0.0.1/jwks' })],
  ];
  const metadata = (over: object) =>
    idp.answers.set('/.well-known/oauth-authorization-server', {
      body: JSON.stringify({ issuer: idp.url, jwks_uri: `${idp.url}/jwks`, ...over }),
    });
  it.each(faults)('%s: nobody gets in, and the log says why', async (_name, spoil) => {
    spoil();
    await start();
    expect((await gate!.bearer(await idp.token(gate!.resource))).status).toBe(503);
    expect(gate!.faults.length).toBeGreaterThan(0);
    expect(gate!.faults.join()).not.toContain('secret');
  });

  it('is gone: what is there counts until it is stale, and no longer', async () => {
    await start();
    const token = await idp.token(gate!.resource, { claims: { exp: Math.floor(clock() / 1000) + 7200 } });
    expect(await gate!.verdict(gate!.bearer(token))).toBe('200');
    idp.answers.set('/jwks', { status: 500, body: '' });
    at = 59 * 60_000;
    expect(await gate!.verdict(gate!.bearer(token))).toBe('200');
    at = 61 * 60_000;
    expect(await gate!.verdict(gate!.bearer(token))).toBe('identity.unavailable');
    idp.answers.delete('/jwks');
    at += 60_000;
    expect(await gate!.verdict(gate!.bearer(token))).toBe('200');
  });
});

describe('keys from elsewhere', () => {
  it('by URL, without discovery', async () => {
    await start({ issuer: { keys: { url: `${idp.url}/jwks` } } });
    expect([await ask(), idp.asked]).toEqual(['200', ['/jwks']]);
  });

  it('from a file, which is read again', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'doorward-keys-'));
    const file = join(dir, 'keys.json');
    const write = () => writeFileSync(file, JSON.stringify({ keys: idp.published }));
    write();
    await start({ issuer: { keys: { file } } });
    expect([await ask(), idp.asked]).toEqual(['200', []]);
    const old = idp.signing;
    idp.signing = await pair();
    idp.published = [idp.signing.jwk];
    write();
    expect(await ask()).toBe('200');
    expect(await ask(old)).toBe('identity.signature');
    rmSync(dir, { recursive: true });
  });

  it('by OpenID Connect, where RFC 8414 leads nowhere', async () => {
    idp.answers.set('/.well-known/oauth-authorization-server', { status: 404, body: '' });
    const body = JSON.stringify({ issuer: idp.url, jwks_uri: `${idp.url}/jwks` });
    idp.answers.set('/.well-known/openid-configuration', { body });
    await start();
    expect(await ask()).toBe('200');
  });
});

describe('a key', () => {
  it.each(['ES256', 'ES384', 'EdDSA', 'RS256', 'PS256'])('of %s verifies what it signed', async (alg) => {
    idp.signing = await pair(alg);
    idp.published = [idp.signing.jwk];
    await start({ issuer: { algorithms: [alg] } });
    expect(await ask()).toBe('200');
  });

  it('counts only if it can be one of a signature', async () => {
    const { jwk } = idp.signing;
    const weak = await exportJWK((await generateKeyPair('RS256', { modulusLength: 2048 })).publicKey);
    const cases: [string, object, boolean][] = [
      ['as it is', jwk, true],
      ['for encryption', { ...jwk, use: 'enc' }, false],
      ['for signing alone', { ...jwk, use: undefined, key_ops: ['sign'] }, false],
      ['for verifying', { ...jwk, use: undefined, key_ops: ['verify'] }, true],
      ['with its private half', { ...jwk, d: 'A'.repeat(43) }, false],
      ['that is a secret', { kty: 'oct', k: 'AAAA', kid: 'x' }, false],
      ['on another curve', { ...jwk, crv: 'secp256k1' }, false],
      ['of another kind', { ...jwk, kty: 'OKP' }, false],
      ['with a short coordinate', { ...jwk, x: 'AAAA' }, false],
      ['with a coordinate spelled otherwise', { ...jwk, x: `${jwk.x}=` }, false],
      ['of 2048 bits', weak, true],
      ['of 1024 bits', { ...weak, n: weak.n!.slice(0, 171) }, false],
      ['with a huge exponent', { ...weak, e: weak.n }, false],
      [
        'with a leading zero',
        { ...weak, n: Buffer.concat([Buffer.of(0), Buffer.from(weak.n!, 'base64url')]).toString('base64url') },
        false,
      ],
    ];
    for (const [name, one, counts] of cases)
      expect([name, readKeySet(Buffer.from(JSON.stringify({ keys: [one] })))?.length]).toEqual([name, counts ? 1 : 0]);
  });

  it('is picked only when no other could have signed', async () => {
    const [a, b] = [await pair('ES256', 'a'), await pair('ES256', 'b')];
    const set = [a, b].map(({ jwk }) => publicKey(jwk as never)!);
    expect(pick(set, 'a', 'ES256')).toBe(set[0]);
    expect(pick(set, undefined, 'ES256')).toBeUndefined();
    expect(pick(set.slice(0, 1), undefined, 'ES256')).toBe(set[0]);
    expect(pick([set[0]!, { ...set[1]!, kid: 'a' }], 'a', 'ES256')).toBeUndefined();
    expect(pick(set, 'a', 'ES384')).toBeUndefined();
    // An RSA key can do both, and says for which it is.
    const rsa = publicKey((await pair('PS256', 'r')).jwk as never)!;
    expect([pick([rsa], 'r', 'PS256'), pick([rsa], 'r', 'RS256')]).toEqual([rsa, undefined]);
  });

  it('has the thumbprint that RFC 7638 works out', () => {
    const n =
      '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw';
    expect(publicKey({ kty: 'RSA', e: 'AQAB', n, alg: 'RS256', kid: '2011-04-29' })?.thumbprint).toBe(
      'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs',
    );
  });
});

describe('a fetch', () => {
  it('that began before a key was published does not speak for those after it', async () => {
    const [old, next] = [await pair('ES256', 'old'), await pair('ES256', 'next')].map(
      ({ jwk }) => publicKey(jwk as never)!,
    );
    let published = [old!];
    const answers: (() => void)[] = [];
    const load = () => {
      const seen = published;
      return new Promise<typeof published>((resolve) => answers.push(() => resolve(seen)));
    };
    const set = new KeySet({ load, clock: () => 1e12, refresh: 600_000, stale: 3_600_000 });
    const first = set.find('unknown', 'ES256');
    answers.shift()!();
    // It was not in the first answer, so that it is asked for once more.
    await expect.poll(() => answers.length).toBe(1);
    published = [old!, next!];
    const asked = set.find('next', 'ES256');
    answers.shift()!();
    expect(await first).toBe('unknown');
    await expect.poll(() => answers.length).toBe(1);
    answers.shift()!();
    expect(await asked).toBe(next);
  });
});

describe('a clock', () => {
  it('that went back makes no old key young', async () => {
    let time = 1e12;
    let loads = 0;
    const { jwk } = await pair();
    const set = new KeySet({
      load: async () => {
        loads++;
        return [publicKey(jwk as never)!];
      },
      clock: () => time,
      refresh: 600_000,
      stale: 3_600_000,
    });
    expect(await set.find(jwk.kid, 'ES256')).toHaveProperty('thumbprint');
    time -= 3_600_000;
    expect(await set.find(jwk.kid, 'ES256')).toHaveProperty('thumbprint');
    expect(loads).toBe(2);
  });
});
