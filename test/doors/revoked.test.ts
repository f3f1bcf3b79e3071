/** Lists of revoked certificates: what is read of them, and whom they refuse. Handshakes are in tls.test.ts. */
import { X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CertificateFault, credentials } from '../../src/doors/certificate.ts';
import { idOf, idsOf, revocation, subjectOf } from '../../src/doors/revoked.ts';
import { Authority, type Pair, type WantedList } from '../net/pki.ts';

const HOUR = 3_600_000;
const NOW = Date.now();
let ca: Authority;
let other: Authority;
let [good, bad, middle, below, same]: Pair[] = [];
beforeAll(() => {
  [ca, other] = [new Authority(), new Authority()];
  [good, bad] = [ca.issue('DNS:good', { client: true }), ca.issue('DNS:bad', { client: true })];
  middle = ca.issue('', { ca: true });
  below = ca.issue('DNS:below', { client: true, from: middle });
  // Both roots have one name: their certificates are told apart by number and signature.
  same = other.issue('DNS:same', { client: true });
});
afterAll(() => {
  ca.remove();
  other.remove();
});
const der = ({ cert }: Pair) => new X509Certificate(cert).raw;
const id = (pair: Pair) => idOf(der(pair));
const made = (text: string | Uint8Array, ended: 'refuse' | 'accept' = 'refuse', by: Pair[] = [ca.root]) =>
  revocation(
    Buffer.from(text),
    by.map(({ cert }) => new X509Certificate(cert)),
    ended,
  );
const list = (pairs: readonly Pair[], wanted: WantedList = {}) => ca.revoked(pairs, wanted);

describe('a list of revoked certificates', () => {
  it('refuses what is in it, and nothing else', () => {
    const all = made(list([bad!]));
    expect([all.refuses([id(good!)], NOW), all.refuses([id(bad!)], NOW)]).toEqual([false, true]);
    // Whatever in a chain it is.
    expect(made(list([middle!])).refuses([id(below!), id(middle!)], NOW)).toBe(true);
    expect(all.refuses([id(below!)], NOW)).toBe(false);
    expect(subjectOf(der(ca.root))).toBe(id(good!).issuer);
  });

  it('is read in DER too, and empty', () => {
    const pem = list([]);
    const bytes = Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64');
    for (const form of [pem, bytes]) expect(made(form).refuses([id(bad!)], NOW)).toBe(false);
    expect(made(list([bad!]) + pem).refuses([id(bad!)], NOW)).toBe(true);
  });

  it('refuses all of its issuer when it is over, or not yet begun, unless that is accepted', () => {
    const over = list([bad!], { from: NOW - 2 * HOUR, until: NOW - HOUR });
    expect([made(over).refuses([id(good!)], NOW), made(over).refuses([id(good!)], NOW - 1.5 * HOUR)]).toEqual([
      true,
      false,
    ]);
    const early = list([bad!], { from: NOW + HOUR, until: NOW + 2 * HOUR });
    for (const ended of ['refuse', 'accept'] as const) expect(made(early, ended).refuses([id(good!)], NOW)).toBe(true);
    const on = made(over, 'accept');
    expect([on.refuses([id(good!)], NOW), on.refuses([id(bad!)], NOW)]).toEqual([false, true]);
    // A newer one beside it will do.
    expect(made(over + list([])).refuses([id(good!)], NOW)).toBe(false);
  });

  it('only takes away where nobody who is known signed it', () => {
    const forged = other.revoked([]);
    const all = made(forged + list([]));
    expect(all.refuses([id(good!)], NOW)).toBe(false);
    expect(made(forged).refuses([id(good!)], NOW)).toBe(true);
    expect(made(other.revoked([same!]), 'refuse', [other.root]).refuses([id(same!)], NOW)).toBe(true);
  });

  it('is as new as the newest of its issuer, in any order', () => {
    const [old, young] = [list([], { from: NOW - 2 * HOUR }), list([bad!], { from: NOW - HOUR })];
    const { issuer } = id(good!);
    const at = Math.floor((NOW - HOUR) / 1000) * 1000;
    for (const text of [old + young, young + old]) expect(made(text).made.get(issuer)).toBe(at);
  });

  it('refuses also where its issuer has the name in other letters than the certificate', () => {
    const again = ca.anew('string_mask = MASK:2');
    const all = made(list([bad!], { by: again }), 'refuse', [again]);
    const refuses = (pair: Pair, ...above: Pair[]) => all.refuses(idsOf([pair, ...above].map(der)), NOW);
    expect(id(bad!).issuer).not.toBe(subjectOf(der(again)));
    expect([refuses(bad!, again), refuses(good!, again), refuses(bad!, ca.root)]).toEqual([true, false, false]);
  });

  it('does not go missing when the file is cut off', () => {
    const pem = list([bad!]);
    expect(() => made(list([]) + pem.slice(0, -10))).toThrow();
    expect(() => made(list([]) + pem.slice(0, 60))).toThrow();
  });

  it('is none when it is part of one, damaged, or something else', () => {
    const partial = list([], { lines: 'issuingDistributionPoint = critical,@p\n[p]\nonlyuser = TRUE' });
    const pem = list([bad!]);
    for (const text of [partial, '', 'x', ca.root.cert, pem.replace('-----END', '')])
      expect(() => made(text), text.slice(0, 40)).toThrow();
    const bytes = Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64');
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = Buffer.from(bytes);
        damaged[at]! ^= flip;
        let refuses = true;
        try {
          // Of a damaged list nothing is believed: who is in it is refused, and so is everybody else of its issuer.
          refuses = made(damaged).refuses([id(bad!)], NOW) || !made(damaged).issuers.size;
        } catch {
          // Not read at all.
        }
        expect(refuses).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the files of a listener', () => {
  const load = (crl: string, clients = ca.root.cert, more: { trust?: string; ended?: 'accept' } = {}) => {
    const pair = ca.issue('DNS:gate.example');
    const pem = {
      cert: pair.cert,
      key: pair.key,
      clients,
      crl,
      ...(more.trust !== undefined && { trust: more.trust }),
    };
    const bytes = Object.fromEntries(Object.entries(pem).map(([name, text]) => [name, Buffer.from(text)]));
    return credentials(bytes as never, Date.now(), undefined, more.ended);
  };

  it('need a list of each authority that is named, signed by it', () => {
    const [own, theirs] = [list([]), other.revoked([])];
    expect(load(own).clients?.revocation?.until).toBeGreaterThan(NOW);
    for (const text of [theirs, 'x', '']) expect(() => load(text), text.slice(0, 20)).toThrow(CertificateFault);
    expect(() => load(theirs)).toThrow(/there is no list in it that "CN=test root" signed/);
    expect(() => load(theirs, ca.root.cert, { ended: 'accept' })).toThrow(CertificateFault);
    // An authority between is one that is named.
    expect(() => load(own, ca.root.cert + middle!.cert)).toThrow(/"CN=authority \d+" signed/);
    expect(() => load(own + list([], { by: middle! }), ca.root.cert + middle!.cert)).not.toThrow();
    // Those of trust bundles come and go, and need none.
    expect(() => load(own, ca.root.cert, { trust: other.root.cert })).not.toThrow();
  });
});
