import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findInvisible, mayHoldInvisible, stripInvisible } from '../../src/detect/invisible.ts';
import { cpuMs } from '../fixtures/cpu.ts';

const PROPERTIES = /[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\p{Variation_Selector}\p{Bidi_Control}\u2800]/u;
/** Format characters that are seen: number signs that enclose digits, and Egyptian layout. */
const SEEN = /[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u{110bd}\u{110cd}\u{13430}-\u{1343f}]/u;

const kinds = (text: string) => findInvisible(text).map((f) => f.kind);

describe('findInvisible', () => {
  it('knows every code point of the Unicode properties', () => {
    const missed: string[] = [];
    for (let c = 0; c <= 0x10ffff; c++) {
      if (c >= 0xd800 && c <= 0xdfff) continue;
      const char = String.fromCodePoint(c);
      const expected = PROPERTIES.test(char) && !SEEN.test(char) && !/[\t\n\r]/.test(char);
      const text = `a${char}b`;
      const found = findInvisible(text).length > 0;
      if (expected !== found && c !== 0x1d159) missed.push(c.toString(16));
      if (found && !mayHoldInvisible(text)) missed.push(`gate ${c.toString(16)}`);
    }
    expect(missed).toEqual([]);
  });

  it.each([
    ['plain', 'a\tb\r\nc'],
    ['emoji family', '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}'],
    ['emoji with selector and joiner', '\u2764\ufe0f\u200d\u{1f525}'],
    ['emoji with skin tone', '\u{1f469}\u{1f3fd}\u200d\u{1f4bb}'],
    ['rainbow flag', '\u{1f3f3}\ufe0f\u200d\u{1f308}'],
    ['keycap', '1\ufe0f\u20e3'],
    ['flag of Wales', '\u{1f3f4}\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}'],
    ['Persian joiner', '\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645'],
    ['Persian abbreviation', '\u0647\u200d.'],
    ['Devanagari half form', '\u0915\u094d\u200d\u0937'],
    ['Sinhala', '\u0DC1\u0DCA\u200D\u0DBB\u0DD3'],
    ['Khmer word break', '\u1780\u17b6\u179a\u200b\u1784\u17b6\u179a'],
    ['Hebrew with direction mark', '\u05e9\u05dc\u05d5\u05dd (abc)\u200f.'],
    ['Arabic with direction mark', '\u061c\u0633\u0644\u0627\u0645 12'],
    ['variant ideograph', '\u845b\u{e0100}'],
    ['Mongolian selector', '\u182d\u180b\u182d'],
    ['Braille', '\u2813\u2800\u2815'],
    ['Hangul without a first consonant', '\u115f\u1161'],
    ['musical symbol', '\u{1d11e}'],
  ])('passes %s', (_, text) => {
    expect(findInvisible(text)).toEqual([]);
    expect(stripInvisible(text)).toBe(text);
  });

  it.each([
    ['direction override', 'user\u202e txt.exe', ['bidi']],
    ['isolate', 'a\u2066b\u2069', ['bidi', 'bidi']],
    ['direction mark in Latin text', 'a\u200fb', ['bidi']],
    ['zero width space in Latin text', 'rm\u200b -rf', ['zero-width']],
    ['joiner in Latin text', 'ig\u200dnore', ['zero-width']],
    ['joiner doubled behind an Arabic letter', '\u0645\u200c\u200c\u0645', ['zero-width', 'zero-width']],
    ['tag text', `x${String.fromCodePoint(0xe0068, 0xe0069)}`, ['tag', 'tag']],
    ['tag text behind the flag', `\u{1f3f4}${String.fromCodePoint(0xe0068, 0xe0069)}`, ['tag', 'tag']],
    ['flag that is not one of three', '\u{1f3f4}\u{e0067}\u{e0062}\u{e007f}', ['tag', 'tag', 'tag']],
    ['selectors behind an emoji', '\u{1f600}\ufe0f\ufe0f', ['variation']],
    ['bytes as selectors', '\u{1f600}\u{e0110}\u{e0111}', ['variation', 'variation']],
    ['byte order mark', '\ufeffa', ['zero-width']],
    ['soft hyphen', 'ig\u00adnore', ['zero-width']],
    ['blank Braille cell', 'a\u2800b', ['blank']],
    ['Hangul filler', 'a\u3164b', ['blank']],
    ['escape', '\u001b[31m', ['control']],
    ['C1 control', '\u009b31m', ['control']],
  ])('finds %s', (_, text, expected) => {
    expect(kinds(text)).toEqual(expected);
    expect(findInvisible(stripInvisible(text)).length).toBeLessThan(expected.length);
  });

  it('strips until nothing is left but what is excused, and only removes', () => {
    const char = fc.constantFrom(
      'a',
      ' ',
      '\u0645',
      '\u0915',
      '\u{1f468}',
      '\u{1f3f4}',
      '\u200d',
      '\u200b',
      '\ufe0f',
      '\u202e',
      '\u{e0067}',
      '\u2800',
      '\u2801',
      '\u845b',
      '\u{e0100}',
    );
    fc.assert(
      fc.property(fc.array(char, { maxLength: 24 }), (chars) => {
        const text = chars.join('');
        const found = findInvisible(text);
        const kept = stripInvisible(text);
        expect(kept.length).toBe(text.length - found.reduce((n, f) => n + (f.codePoint > 0xffff ? 2 : 1), 0));
        for (const f of found) expect(text.codePointAt(f.index)).toBe(f.codePoint);
      }),
    );
  });

  it('is linear on floods', () => {
    for (const piece of ['\u200d', '\u2800', '\u{1f3f4}\u{e0067}', '\u0645\u200c', '\u200f', '\u{1f600}\ufe0f']) {
      const text = piece.repeat(Math.ceil(200_000 / piece.length));
      expect(cpuMs(() => findInvisible(text))).toBeLessThan(100);
    }
  });
});

const CORPORA = process.env['DOORWARD_CORPORA'] ?? join(import.meta.dirname, '../../../shared/corpora');
describe.skipIf(!existsSync(join(CORPORA, 'unicode.jsonl')))('the public unicode samples', () => {
  const rows = existsSync(join(CORPORA, 'unicode.jsonl'))
    ? readFileSync(join(CORPORA, 'unicode.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { id: string; label: string; category: string; text: string })
    : [];
  it('finds every hidden or reordering sample', () => {
    const attacks = rows.filter((r) => r.category === 'bidi_or_invisible');
    expect(attacks.filter((r) => findInvisible(r.text).length === 0).map((r) => r.id)).toEqual([]);
    expect(attacks.length).toBeGreaterThan(80);
  });
  it('passes every benign document', () => {
    const benign = rows.filter((r) => r.label === 'benign');
    expect(benign.filter((r) => findInvisible(r.text).length > 0).map((r) => r.id)).toEqual([]);
    expect(benign.length).toBeGreaterThan(10);
  });
});
