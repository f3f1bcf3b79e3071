import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quote } from '../../../src/lib/json/quote.ts';

describe('quote', () => {
  it('writes what JSON.stringify writes, for every code unit', () => {
    const wrong: number[] = [];
    for (let c = 0; c < 0x10000; c++) {
      const text = `a${String.fromCharCode(c)}b`;
      if (quote(text) !== JSON.stringify(text)) wrong.push(c);
    }
    expect(wrong).toEqual([]);
  });

  it('and for any text, short or long', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => quote(text) === JSON.stringify(text)),
    );
  });
});
