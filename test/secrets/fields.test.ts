import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { CompactEncrypt, compactDecrypt } from 'jose';
import { describe, expect, it } from 'vitest';
import { looksSealed } from '../../src/core/fields.ts';
import type { Json } from '../../src/lib/json/types.ts';
import type { KeyRing } from '../../src/lib/seal.ts';
import { fieldCipher } from '../../src/secrets/fields.ts';

const keys = new Map(['a', 'b'].map((kid) => [kid, new Uint8Array(randomBytes(32))]));
const ring = (kid = 'a', known = ['a', 'b']): KeyRing => ({
  current: () => ({ kid, key: keys.get(kid)! }),
  find: (name) => (known.includes(name) ? keys.get(name) : undefined),
});
let now = 1000;
const cipher = (kid?: string, known?: string[]) =>
  fieldCipher({ ring: ring(kid, known), clock: () => now, random: (n) => new Uint8Array(randomBytes(n)) });
const TO = { principal: 'ann', upstreams: ['pay', 'bank'], until: 2000 };
const BY = { principal: 'ann', upstream: 'pay' };
const house = cipher();
const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;

describe('a sealed field', () => {
  it('opens as what it was, and looks like nothing but a sealed field', () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = house.seal(value, TO);
        expect(looksSealed(text)).toBe(true);
        expect(JSON.stringify(house.open(text, BY))).toBe(JSON.stringify({ value }));
        expect(house.open(text, { ...BY, upstream: 'bank' })).toHaveProperty('value');
      }),
    );
  });

  it('keeps the digits of its numbers', () => {
    const raw = JSON as unknown as { rawJSON(text: string): Json };
    const { value } = house.open(house.seal({ n: raw.rawJSON('12345678901234567890.10') }, TO), BY) as { value: Json };
    expect(JSON.stringify(value)).toBe('{"n":12345678901234567890.10}');
  });

  it('says the same twice in two ways, and little of its length', () => {
    const texts = ['', 'x', 'four', 'some more'].map((value) => house.seal(value, TO));
    expect(new Set(texts).size).toBe(4);
    expect(new Set(texts.map((text) => text.length)).size).toBe(1);
    expect(house.seal('x', TO)).not.toBe(house.seal('x', TO));
  });

  it.each([
    ['another principal', { ...BY, principal: 'bob' }, 'seal.foreign'],
    ['another upstream', { ...BY, upstream: 'mail' }, 'seal.foreign'],
  ])('is refused to %s', (_, by, code) => {
    expect(house.open(house.seal(7, TO), by)).toEqual({ code });
  });

  it('ends', () => {
    const text = house.seal(7, TO);
    now = 1999;
    expect(house.open(text, BY)).toEqual({ value: 7 });
    now = 2000;
    expect(house.open(text, BY)).toEqual({ code: 'seal.expired' });
    now = 1000;
  });

  it('outlives a new key, and dies with its own', () => {
    const text = house.seal(7, TO);
    expect(cipher('b').open(text, BY)).toEqual({ value: 7 });
    expect(cipher('b', ['b']).open(text, BY)).toEqual({ code: 'seal.unknown' });
  });

  it('is nothing when any character of it is another', () => {
    const text = house.seal({ card: '4111' }, TO);
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.constantFrom('A', 'B', '-', '.', '=', ' ', ''), (at, other) => {
        const changed = text.slice(0, at) + other + text.slice(at + 1);
        if (changed !== text) expect(house.open(changed, BY)).toEqual({ code: 'seal.unknown' });
      }),
      { numRuns: 500 },
    );
  });

  it('never throws, whatever it is given', () => {
    fc.assert(fc.property(fc.string(), (text) => void expect(house.open(text, BY)).toEqual({ code: 'seal.unknown' })));
    for (const bad of ['....', '.....', 'eyJ9.....', 'eyJ..A.A.A'])
      expect(house.open(bad, BY)).toEqual({ code: 'seal.unknown' });
  });
});

describe('by the standard', () => {
  const { hkdfSync } = process.getBuiltinModule('node:crypto');
  const key = new Uint8Array(hkdfSync('sha256', keys.get('a')!, '', 'doorward.field.1', 32));
  const only = { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] };
  const HEADER = { alg: 'dir', enc: 'A256GCM', kid: 'a', typ: 'doorward-field' };
  const inside = (v: Json) => Buffer.from(JSON.stringify({ v, p: 'ann', u: ['pay'], x: 2000 }));

  it('another implementation reads it, and writes what is read here', async () => {
    const { plaintext, protectedHeader } = await compactDecrypt(house.seal({ a: 1 }, TO), key, only);
    expect(protectedHeader).toEqual(HEADER);
    expect(JSON.parse(Buffer.from(plaintext).toString())).toMatchObject({ v: { a: 1 }, p: 'ann' });
    const theirs = await new CompactEncrypt(inside(8)).setProtectedHeader(HEADER).encrypt(key);
    expect(house.open(theirs, BY)).toEqual({ value: 8 });
  });

  it.each([
    ['another algorithm', { ...HEADER, enc: 'A256CBC-HS512' }, 64],
    ['a weaker one', { ...HEADER, enc: 'A128GCM' }, 16],
    ['compressed, or with more in its header', { ...HEADER, cty: 'x' }, 32],
    ['another order of its header', { enc: 'A256GCM', alg: 'dir', kid: 'a', typ: 'doorward-field' }, 32],
    ['another type', { ...HEADER, typ: 'JWT' }, 32],
    ['the key itself, not the one for fields', HEADER, 0],
  ])('but not with %s', async (_, header, length) => {
    const other = length === 0 ? keys.get('a')! : length === 32 ? key : new Uint8Array(length).fill(7);
    const text = await new CompactEncrypt(inside(8)).setProtectedHeader(header).encrypt(other);
    expect(house.open(text, BY)).toEqual({ code: 'seal.unknown' });
  });
});
