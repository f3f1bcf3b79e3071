import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BundleFault, derBundle, parseBundle } from '../../../src/identity/spiffe/bundle.ts';
import { Trust } from '../../../src/identity/spiffe/trust.ts';
import { Authority } from '../../net/pki.ts';

let ca: Authority;
let x5c: string;
beforeAll(() => {
  ca = new Authority();
  x5c = new X509Certificate(ca.root.cert).raw.toString('base64');
});
afterAll(() => ca.remove());

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = (key: KeyObject = ec.publicKey) => key.export({ format: 'jwk' });
const parse = (value: unknown) => parseBundle(Buffer.from(JSON.stringify(value)));

describe('a bundle', () => {
  it('is a JWK set whose keys say what they are for', () => {
    const bundle = parse({
      keys: [
        { kty: 'EC', use: 'x509-svid', x5c: [x5c] },
        { ...jwk(), use: 'jwt-svid', kid: 'k' },
        { ...jwk(), use: 'sig', kid: 'other' },
        { ...jwk(), kid: 'none' },
      ],
      spiffe_sequence: 7,
      spiffe_refresh_hint: 300,
    });
    expect(bundle.x509.map(({ fingerprint256 }) => fingerprint256)).toEqual([
      new X509Certificate(ca.root.cert).fingerprint256,
    ]);
    expect([...bundle.jwt.keys()]).toEqual(['k']);
    expect(bundle).toMatchObject({ sequence: 7, refresh: 300_000 });
  });

  it('is PEM, for certificates alone', () => {
    const bundle = parseBundle(Buffer.from(`# team\n${ca.root.cert}${ca.root.cert}`));
    expect([bundle.x509.length, bundle.jwt.size]).toEqual([2, 0]);
    expect(derBundle(Buffer.concat([bundle.x509[0]!.raw, bundle.x509[1]!.raw]))).toHaveLength(2);
  });

  it('takes no more of a key than makes it public', () => {
    const { jwt } = parse({ keys: [{ ...jwk(ec.privateKey), use: 'jwt-svid', kid: 'k' }] });
    expect(jwt.get('k')!.type).toBe('public');
  });

  it.each<[string, () => unknown, RegExp]>([
    ['text', () => 'x', /neither/],
    ['no keys', () => ({}), /no JWK set/],
    ['keys that are no list', () => ({ keys: {} }), /no JWK set/],
    ['a key that is none', () => ({ keys: [1] }), /no key/],
    ['too many keys', () => ({ keys: Array(65).fill({}) }), /more than 64/],
    ['a token key without an id', () => ({ keys: [{ ...jwk(), use: 'jwt-svid' }] }), /without an id/],
    ['two of one id', () => ({ keys: Array(2).fill({ ...jwk(), use: 'jwt-svid', kid: 'k' }) }), /without an id/],
    ['a shared secret', () => ({ keys: [{ kty: 'oct', k: 'AAAA', use: 'jwt-svid', kid: 'k' }] }), /not taken/],
    [
      'a broken key',
      () => ({ keys: [{ kty: 'EC', crv: 'P-256', x: 'A', y: 'A', use: 'jwt-svid', kid: 'k' }] }),
      /cannot be used/,
    ],
    ['no certificate', () => ({ keys: [{ use: 'x509-svid' }] }), /without its certificate/],
    ['a broken certificate', () => ({ keys: [{ use: 'x509-svid', x5c: ['AAAA'] }] }), /no certificate/],
    [
      'a certificate of a workload',
      () => ({
        keys: [
          {
            use: 'x509-svid',
            x5c: [new X509Certificate(ca.issue('DNS:x', { client: true }).cert).raw.toString('base64')],
          },
        ],
      }),
      /not of an authority/,
    ],
  ])('is not %s', (_what, value, why) => {
    const bad = value();
    const text = typeof bad === 'string' ? bad : JSON.stringify(bad);
    expect(() => parseBundle(Buffer.from(text))).toThrow(BundleFault);
    expect(() => parseBundle(Buffer.from(text))).toThrow(why);
  });

  it('does not say a name twice, and is not endless', () => {
    expect(() => parseBundle(Buffer.from('{"keys":[],"keys":[]}'))).toThrow(/no JWK set/);
    expect(() => parseBundle(Buffer.alloc(1024 * 1024 + 1))).toThrow(/1 MiB/);
    expect(() => derBundle(Buffer.from('3000', 'hex'))).toThrow(BundleFault);
    expect(() => derBundle(Buffer.from('30', 'hex'))).toThrow(BundleFault);
  });
});

describe('trust', () => {
  const bundle = (sequence?: number) => ({ x509: [], jwt: new Map(), ...(sequence !== undefined && { sequence }) });
  it('is not turned back, and outlives its source by a while', () => {
    let now = 0;
    const trust = new Trust(['a'], () => now, 1000);
    expect([trust.of('a'), trust.of('b'), trust.knows('a'), trust.knows('b')]).toEqual([
      undefined,
      undefined,
      true,
      false,
    ]);
    expect(trust.put('a', bundle(5))).toBeUndefined();
    now = 5000;
    expect(trust.of('a')?.sequence).toBe(5);
    expect(trust.put('a', bundle(4))).toMatch(/older/);
    expect(trust.put('a', bundle())).toMatch(/older/);
    now = 5999;
    trust.bad('a');
    expect(trust.of('a')?.sequence).toBe(5);
    now = 6000;
    expect(trust.of('a')).toBeUndefined();
    expect(trust.put('a', bundle(6))).toBeUndefined();
    now = 99_000;
    expect(trust.of('a')?.sequence).toBe(6);
  });
});
