import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonical, digest } from '../../../src/lib/json/canonical.ts';
import { parseJson, REPLY_CAPS } from '../../../src/lib/json/scan.ts';
import type { Json } from '../../../src/lib/json/types.ts';

function read(text: string): Json {
  const parsed = parseJson(Buffer.from(text), REPLY_CAPS);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
}
const form = (text: string) => canonical(read(text));

describe('canonical', () => {
  it('is the example of RFC 8785 section 3.2', () => {
    const text = `{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
      "string":"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}`;
    // 333333333.33333329 keeps its digits here: the RFC would round it to ...3333333.
    expect(form(text)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.33333329,1e+30,4.5,0.002,1e-27],' +
        '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  it('sorts by UTF-16 code units', () => {
    expect(form('{"\ufb33":1,"\ud83d\ude00":2,"\u20ac":3,"1":4,"\\r":5,"\u0080":6,"\u00f6":7}')).toBe(
      '{"\\r":5,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":3,"\ud83d\ude00":2,"\ufb33":1}',
    );
  });

  it.each([
    ['1', '1.0', '1e0', '10e-1', '0.1e1', '1.00000000000000000000'],
    ['0', '-0', '0.0', '0e5', '-0.00000000000000000000'],
    ['1e400', '10e399', '0.1E+401', `1${'0'.repeat(400)}`],
    ['12345678901234567890', '12345678901234567890.0', '1234567890123456789e1'],
    ['10000000000000000', '1e16', '1.0E16'],
    ['1e-400', '0.1e-399'],
    ['-0.1', '-1e-1', '-0.10'],
  ])('gives one text to %s, %s and its kin', (...texts) => {
    expect(new Set(texts.map(form)).size).toBe(1);
  });

  it('never lets neighbouring 64-bit ids collide', () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 64n), 2n ** 64n), fc.bigInt(1n, 5n), (id, step) => {
        expect(digest(read(`${id}`))).not.toBe(digest(read(`${id + step}`)));
        expect(form(`${id}`)).toBe(`${id}`);
      }),
    );
  });

  it('does not depend on the order of names', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 })), (object) => {
        const turned = Object.fromEntries(Object.entries(object).reverse());
        expect(canonical(turned as Json)).toBe(canonical(object as Json));
        expect(JSON.parse(canonical(object as Json))).toEqual(JSON.parse(JSON.stringify(object)));
      }),
    );
  });

  it('prints doubles as ECMAScript does', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => {
        expect(form(JSON.stringify(x))).toBe(JSON.stringify(x));
      }),
    );
  });

  it('refuses what is not JSON', () => {
    expect(() => canonical(Number.NaN)).toThrow(TypeError);
    expect(() => canonical(undefined as unknown as Json)).toThrow(TypeError);
    expect(() => canonical((() => 1) as unknown as Json)).toThrow(TypeError);
  });

  it('digests to a known value', () => {
    expect(digest({})).toBe('sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a');
  });
});
