import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { base64url, equal, fromBase64url, hex, sha256, sha256Hex } from '../../src/lib/bytes.ts';

describe('base64url', () => {
  it('comes back for all bytes', () => {
    fc.assert(fc.property(fc.uint8Array(), (b) => void expect(fromBase64url(base64url(b))).toEqual(Buffer.from(b))));
  });
  it('spells a view of a larger buffer', () => {
    const all = new Uint8Array([1, 2, 255, 254, 5]);
    expect(base64url(all.subarray(2, 4))).toBe('__4');
    expect(hex(all.subarray(2, 4))).toBe('fffe');
  });
  it.each(['A', 'AA==', 'AA=', 'A A', '+/+/', 'AB', 'AAB', 'AA\n', 'é', 'AAAAA'])('refuses %j', (text) => {
    expect(fromBase64url(text)).toBeUndefined();
  });
  it('has one text for one value', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9_-]{0,9}$/), (text) => {
        const bytes = fromBase64url(text);
        if (bytes) expect(base64url(bytes)).toBe(text);
      }),
    );
  });
});

describe('sha256', () => {
  it('agrees with FIPS 180-2, appendix B.1', () => {
    const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(sha256Hex('abc')).toBe(abc);
    expect(hex(sha256(Buffer.from('abc')))).toBe(abc);
  });
});

describe('equal', () => {
  it('compares bytes and texts', () => {
    expect(equal('a', new Uint8Array([97]))).toBe(true);
    expect(equal('a', 'b')).toBe(false);
    expect(equal('a', 'ab')).toBe(false);
    expect(equal('', '')).toBe(true);
  });
});
