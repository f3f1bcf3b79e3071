import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { base64url, fromBase64url } from '../../src/lib/bytes.ts';
import { type KeyRing, open, seal } from '../../src/lib/seal.ts';

const ring = (keys: Record<string, Uint8Array>): KeyRing => ({
  current: () => ({ kid: Object.keys(keys)[0]!, key: Object.values(keys)[0]! }),
  find: (kid) => (Object.hasOwn(keys, kid) ? keys[kid] : undefined),
});
const k1 = new Uint8Array(32).fill(1);
const k2 = new Uint8Array(32).fill(2);
const bytes = (text: string) => new TextEncoder().encode(text);

describe('sealed text', () => {
  it('opens for its context, whatever it holds', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string(), (plain, context) => {
        const r = ring({ a: k1 });
        expect(open(r, context, seal(r, context, plain, randomBytes))).toEqual(Buffer.from(plain));
      }),
    );
  });

  it('opens after rotation, not after the key is gone', () => {
    const old = seal(ring({ a: k1 }), 'c', bytes('x'), randomBytes);
    expect(open(ring({ b: k2, a: k1 }), 'c', old)).toEqual(Buffer.from('x'));
    expect(open(ring({ b: k2 }), 'c', old)).toBeUndefined();
  });

  it('opens for no other context, key or key id', () => {
    const sealed = seal(ring({ a: k1 }), 'session', bytes('x'), randomBytes);
    expect(open(ring({ a: k1 }), 'requestState', sealed)).toBeUndefined();
    expect(open(ring({ a: k2 }), 'session', sealed)).toBeUndefined();
    expect(open(ring({ b: k1 }), 'session', sealed.replace('a.', 'b.'))).toBeUndefined();
  });

  it('shows every changed bit', () => {
    const r = ring({ a: k1 });
    const sealed = fromBase64url(seal(r, 'c', bytes('hello'), randomBytes).slice(2))!;
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const bad = Uint8Array.from(sealed);
      bad[bit >> 3]! ^= 1 << (bit & 7);
      expect(open(r, 'c', `a.${base64url(bad)}`)).toBeUndefined();
    }
  });

  it('takes a fresh nonce each time', () => {
    const r = ring({ a: k1 });
    expect(seal(r, 'c', bytes('x'), randomBytes)).not.toBe(seal(r, 'c', bytes('x'), randomBytes));
  });

  it.each([
    '',
    '.',
    'a',
    'a.',
    'a.AA',
    '.AAAA',
    '__proto__.AAAA',
    'a.A A',
    `a.${'A'.repeat(36)}`,
    `a.${'A'.repeat(37)}`,
  ])('answers %j with undefined', (sealed) => expect(open(ring({ a: k1 }), 'c', sealed)).toBeUndefined());

  it('never throws on what a stranger sends', () => {
    fc.assert(fc.property(fc.string(), (s) => void expect(open(ring({ a: k1 }), 'c', `a.${s}`)).toBeUndefined()));
  });
});
