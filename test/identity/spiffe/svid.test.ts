import { X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DerFault, extensionsOf } from '../../../src/identity/spiffe/der.ts';
import { x509Svid } from '../../../src/identity/spiffe/svid.ts';
import { Authority, type Pair, type Wanted } from '../../net/pki.ts';

const ID = 'spiffe://prod.example/ns/ci/agent';
const USE = 'keyUsage=critical,digitalSignature\n';
let prod: Authority;
let other: Authority;
beforeAll(() => {
  prod = new Authority();
  other = new Authority();
});
afterAll(() => {
  prod.remove();
  other.remove();
});

const der = (pair: Pair) => new X509Certificate(pair.cert).raw;
const roots = (domain: string) =>
  domain === 'prod.example'
    ? [new X509Certificate(prod.root.cert)]
    : domain === 'other.example'
      ? [new X509Certificate(other.root.cert)]
      : undefined;
const judge = (chain: readonly Pair[], at = Date.now()) => x509Svid(chain.map(der), roots, at);
const workload = (names = `URI:${ID}`, more: Wanted = {}) => prod.issue(names, { client: true, lines: USE, ...more });

describe('an X.509-SVID', () => {
  it('says which workload, and until when', () => {
    const pair = workload();
    const said = judge([pair]);
    expect(said).toMatchObject({ id: ID, trustDomain: 'prod.example', path: '/ns/ci/agent' });
    expect(said).toMatchObject({ until: new X509Certificate(prod.root.cert).validToDate.getTime() });
  });

  it('may have names of other kinds beside', () =>
    expect(judge([workload(`DNS:a.example,URI:${ID},IP:10.0.0.1`)])).toMatchObject({ id: ID }));

  it.each<[string, () => readonly Pair[], string]>([
    ['none', () => [], 'not exactly one URI'],
    ['no URI', () => [workload('DNS:prod.example')], 'not exactly one URI'],
    ['no names', () => [workload('')], 'not exactly one URI'],
    ['two URIs', () => [workload(`URI:${ID},URI:spiffe://prod.example/admin`)], 'not exactly one URI'],
    ['one URI twice', () => [workload(`URI:${ID},URI:${ID}`)], 'not exactly one URI'],
    ['a URI beside that is none of ours', () => [workload(`URI:https://x.example,URI:${ID}`)], 'not exactly one URI'],
    ['another scheme', () => [workload('URI:https://prod.example/x')], 'no SPIFFE id of a workload'],
    ['a text that only looks like one', () => [workload('DNS:URI\\:spiffe.prod.example')], 'not exactly one URI'],
    ['the id of the trust domain', () => [workload('URI:spiffe://prod.example')], 'no SPIFFE id of a workload'],
    ['an id with a relative path', () => [workload('URI:spiffe://prod.example/../x')], 'no SPIFFE id of a workload'],
    ['an authority', () => [workload(`URI:${ID}`, { ca: true, lines: '' })], 'the certificate of an authority'],
    ['no key usage', () => [workload(`URI:${ID}`, { lines: '' })], 'a key for other uses'],
    ['keyEncipherment', () => [workload(`URI:${ID}`, { lines: 'keyUsage=keyEncipherment\n' })], 'a key for other uses'],
    [
      'a key that signs certificates',
      () => [workload(`URI:${ID}`, { lines: 'keyUsage=digitalSignature,keyCertSign\n' })],
      'a key for other uses',
    ],
    [
      'a key that signs revocations',
      () => [workload(`URI:${ID}`, { lines: 'keyUsage=digitalSignature,cRLSign\n' })],
      'a key for other uses',
    ],
    ['a server', () => [workload(`URI:${ID}`, { client: false })], 'not for clients'],
    ['an unknown trust domain', () => [workload('URI:spiffe://third.example/x')], 'a trust domain that is not known'],
    [
      'the trust domain of another authority',
      () => [workload('URI:spiffe://other.example/x')],
      'no chain to its trust domain',
    ],
    [
      'another authority',
      () => [other.issue(`URI:${ID}`, { client: true, lines: USE })],
      'no chain to its trust domain',
    ],
    ['itself', () => [workload(`URI:${ID}`, { selfSigned: true })], 'no chain to its trust domain'],
    ['an expired certificate', () => [workload(`URI:${ID}`, { days: -1 })], 'no chain to its trust domain'],
    [
      'a demand that is not understood',
      () => [workload(`URI:${ID}`, { lines: `${USE}1.2.3.4=critical,DER:0500\n` })],
      'no chain to its trust domain',
    ],
  ])('is not one with %s', (_what, chain, why) => expect(judge(chain())).toEqual({ why }));

  it('may come through an authority below that of its domain', () => {
    const middle = prod.issue('', { ca: true });
    const leaf = workload(`URI:${ID}`, { from: middle });
    expect(judge([leaf, middle])).toMatchObject({ id: ID });
    expect(judge([leaf])).toEqual({ why: 'no chain to its trust domain' });
    // Others in the chain lead nowhere and hurt nobody.
    expect(judge([leaf, other.issue('', { ca: true }), middle])).toMatchObject({ id: ID });
  });

  it('does not come through a workload, or one authority too many', () => {
    const plain = workload('URI:spiffe://prod.example/x');
    expect(judge([workload(`URI:${ID}`, { from: plain }), plain])).toEqual({ why: 'no chain to its trust domain' });
    const last = prod.issue('', { ca: true, pathLength: 0 });
    const below = prod.issue('', { ca: true, from: last });
    expect(judge([workload(`URI:${ID}`, { from: last }), last])).toMatchObject({ id: ID });
    expect(judge([workload(`URI:${ID}`, { from: below }), below, last])).toEqual({
      why: 'no chain to its trust domain',
    });
  });

  it('ends with the first certificate of its chain', () => {
    const pair = workload(`URI:${ID}`, { days: 1 });
    const end = new X509Certificate(pair.cert).validToDate.getTime();
    expect(judge([pair])).toMatchObject({ until: end });
    expect(judge([pair], end)).toEqual({ why: 'no chain to its trust domain' });
    expect(judge([pair], new X509Certificate(pair.cert).validFromDate.getTime() - 1000)).toEqual({
      why: 'no chain to its trust domain',
    });
  });

  it('is bytes that are a certificate', () => {
    expect(x509Svid([new Uint8Array(10)], roots, 0)).toEqual({ why: 'not a certificate' });
  });

  it('is read from damaged bytes as nothing but a fault', () => {
    const good = der(workload());
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, byte) => {
        const bytes = Buffer.from(good);
        bytes[at] = byte;
        try {
          expect(extensionsOf(bytes).uris.length).toBeLessThan(3);
        } catch (error) {
          expect(error).toBeInstanceOf(DerFault);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
