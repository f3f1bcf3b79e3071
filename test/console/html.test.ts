/** Whatever goes in, what comes out is our own markup around inert text that says the same. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { html, outside, outsideJson } from '../../src/console/html.ts';
import { cpuMs } from '../fixtures/cpu.ts';

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
const seen = (text: string) =>
  text.replace(/<\/?(?:bdi|mark)(?: dir="ltr")?>/g, '').replace(/&(\w+|#39);/g, (_, name) => ENTITIES[name]!);
const markup = (text: string) => text.replace(/<\/?(?:bdi|mark)(?: dir="ltr")?>/g, '');
const words = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('<', '>', '"', "'", '&', '\\', 'u', '0', '\u200b', '\u202e', '\ud800', '\n', 'U+', ';'),
  }),
);

describe('text that is put into a page', () => {
  it('is escaped, in elements and in attributes', () => {
    fc.assert(
      fc.property(words, (text) => {
        const { text: out } = html`<p title="${text}">${text}</p>`;
        const inner = out.slice('<p title="'.length, -'</p>'.length);
        expect(inner.replace('">', '')).not.toMatch(/[<>"']/);
      }),
    );
  });

  it('of others is inert, and no unseen character is left in it', () => {
    fc.assert(
      fc.property(words, (text) => {
        const { text: out } = outside(text);
        expect(markup(out)).not.toMatch(/[<>"']/);
        expect(out).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});

describe('JSON of others', () => {
  it('is inert, and says the very same value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), fc.dictionary(words, words), (any, strings) => {
        const value = JSON.parse(JSON.stringify({ any, strings })) as unknown;
        const { text: out } = outsideJson(value);
        expect(markup(out)).not.toMatch(/[<>"']/);
        expect(out).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
        expect(JSON.parse(seen(out))).toEqual(value);
      }),
    );
  });

  it('marks what could not be seen, and not what only looks like it', () => {
    expect(outsideJson('a\u200bb').text).toBe('<bdi dir="ltr">&quot;a<mark>\\u200b</mark>b&quot;</bdi>');
    expect(outsideJson('a\\u200bb').text).toBe('<bdi dir="ltr">&quot;a\\\\u200bb&quot;</bdi>');
  });

  it('takes time that grows with its length alone', () => {
    const long = JSON.parse(JSON.stringify({ a: '\\"'.repeat(100_000), b: '"<'.repeat(60_000) })) as unknown;
    expect(cpuMs(() => void outsideJson(long), 1000)).toBeLessThan(1000);
  });
});
