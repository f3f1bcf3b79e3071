import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Bare,
  Decimal,
  type Dictionary,
  type InnerList,
  type Item,
  isInnerList,
  parseDictionary,
  Token,
  writeDictionary,
} from '../../src/wire/structured.ts';
import { cpuMs } from '../fixtures/cpu.ts';

const first = (text: string): Bare | undefined => {
  const member = parseDictionary(text)?.get('a');
  return member && !isInnerList(member) ? member.value : undefined;
};

describe('a dictionary', () => {
  it.each<[string, Bare]>([
    ['a=1', 1],
    ['a=-999999999999999', -999999999999999],
    ['a=-0', 0],
    ['a=00', 0],
    ['a', true],
    ['a=?0', false],
    ['a=?1;x', true],
    ['a=""', ''],
    ['a="\\"\\\\"', '"\\'],
    [' a=1  ', 1],
    ['a=1 ,\tb', 1],
  ])('%s', (text, value) => expect(first(text)).toEqual(value));

  it('tells tokens, decimals and bytes apart', () => {
    expect(first('a=*x:/y')).toEqual(new Token('*x:/y'));
    expect(first('a=1.50')).toEqual(new Decimal(1.5));
    expect(first('a=:AQI=:')).toEqual(Buffer.from([1, 2]));
    expect(first('a=::')).toEqual(Buffer.alloc(0));
    const list = parseDictionary('a=( "x";k  1);p=2')?.get('a') as InnerList;
    expect(list.items.map(({ value }) => value)).toEqual(['x', 1]);
    expect([list.items[0]!.params.get('k'), list.params.get('p')]).toEqual([true, 2]);
  });

  it.each([
    '',
    ' ',
    ',',
    'a,',
    'a,,b',
    'A=1',
    '1=1',
    'a =1',
    'a= 1',
    'a=',
    'a=1;',
    'a=1;B',
    'a=1 ;b',
    '\ta',
    'a=1, a=2',
    'a;x;x',
    'a=1;x=1;x=2',
    'a=1234567890123456',
    'a=1.',
    'a=.5',
    'a=1.1234',
    'a=1234567890123.1',
    'a=-',
    'a=--1',
    'a=+1',
    'a=1e3',
    'a="',
    'a="\\x"',
    'a="\x7f"',
    'a="é"',
    'a="\n"',
    'a=:A:',
    'a=:AQI:',
    'a=:AQJ=:',
    'a=:AQ I=:',
    'a=:AQI=',
    'a=:-_==:',
    'a=?2',
    'a=?',
    'a=(',
    'a=(1',
    'a=(1"x")',
    'a=(1,2)',
    'a=((1))',
    'a=(1\t2)',
    'a=@1',
    'a=%"x"',
    'a=1 b',
    'a=é',
    'a\0',
    `a${';x'.repeat(2)}`,
    Array.from({ length: 65 }, (_, i) => `a${i}`).join(','),
  ])('is not %j', (text) => expect(parseDictionary(text)).toBeUndefined());

  const key = fc.stringMatching(/^[a-z*][a-z0-9_.*-]{0,6}$/);
  const bare: fc.Arbitrary<Bare> = fc.oneof(
    fc.integer({ min: -999_999_999_999_999, max: 999_999_999_999_999 }),
    fc.integer({ min: -999_999_999, max: 999_999_999 }).map((n) => new Decimal(n / 1000)),
    fc.stringMatching(/^[ -~]{0,8}$/),
    fc.stringMatching(/^[a-zA-Z*][a-zA-Z0-9:/!~]{0,8}$/).map((text) => new Token(text)),
    fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes)),
    fc.boolean(),
  );
  const params = fc.dictionary(key, bare, { maxKeys: 3 }).map((all) => new Map(Object.entries(all)));
  const item: fc.Arbitrary<Item> = fc.record({ value: bare, params });
  const list: fc.Arbitrary<InnerList> = fc.record({ items: fc.array(item, { maxLength: 4 }), params });
  const dictionary: fc.Arbitrary<Dictionary> = fc
    .dictionary(key, fc.oneof(item, list), { minKeys: 1, maxKeys: 4 })
    .map((all) => new Map(Object.entries(all)));

  it('is read back as it was written', () =>
    fc.assert(
      fc.property(dictionary, (all) => {
        expect(parseDictionary(writeDictionary(all))).toEqual(all);
      }),
    ));

  it('has one spelling, which is read the same', () =>
    fc.assert(
      fc.property(fc.stringMatching(/^[a-c=;,:"()? 0-9.*\\-]{0,24}$/), (text) => {
        const read = parseDictionary(text);
        if (read) expect(parseDictionary(writeDictionary(read))).toEqual(read);
      }),
      { numRuns: 2000 },
    ));

  it('is read in linear time', () => {
    for (const text of ['a=1;', 'a=(', 'a=:', 'a="', ',', ' ', 'a, \t', 'a=1'].map((part) => part.repeat(50_000))) {
      expect(cpuMs(() => void parseDictionary(text), 200)).toBeLessThan(200);
    }
  });
});
