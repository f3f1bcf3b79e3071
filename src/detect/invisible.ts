/**
 * Characters that a reader does not see, or that turn the direction of what is seen (guarantee IN3): Unicode's
 * Bidi_Control, Default_Ignorable_Code_Point, Cf, Variation_Selector, the tag block, controls except TAB, LF and CR,
 * and the blanks that no property names. A joiner, mark or selector passes where a script or an emoji needs it.
 */

import type { Slices } from '../core/slices.ts';

export type InvisibleKind = 'bidi' | 'tag' | 'zero-width' | 'control' | 'variation' | 'blank';
export interface Invisible {
  /** In UTF-16 code units. */
  readonly index: number;
  readonly codePoint: number;
  readonly kind: InvisibleKind;
}

// Code units, not code points: irregexp is far quicker without the u flag. High surrogates stand for their whole block
// and `kindOf` decides. test/detect/invisible.test.ts proves that no code point of the properties is missing.
const SUSPECTS = [
  [0x0000, 0x0008], // controls around TAB, LF and CR
  [0x000b, 0x000c],
  [0x000e, 0x001f],
  [0x007f, 0x009f],
  [0x00ad, 0x00ad], // soft hyphen
  [0x034f, 0x034f], // grapheme joiner
  [0x061c, 0x061c], // Arabic letter mark
  [0x115f, 0x1160], // Hangul fillers
  [0x17b4, 0x17b5], // Khmer inherent vowels
  [0x180b, 0x180f], // Mongolian selectors
  [0x200b, 0x200f], // zero width space, joiners, direction marks
  [0x202a, 0x202e], // direction embeddings and overrides
  [0x2060, 0x206f], // word joiner, invisible operators, isolates
  [0x2800, 0x2800], // blank Braille cell
  [0x3164, 0x3164], // Hangul filler
  [0xd82f, 0xd82f], // shorthand controls U+1BCA0
  [0xd834, 0xd834], // musical controls U+1D173
  [0xdb40, 0xdb43], // tags and variation selectors U+E0000
  [0xfe00, 0xfe0f], // variation selectors
  [0xfeff, 0xfeff], // byte order mark
  [0xffa0, 0xffa0], // halfwidth Hangul filler
  [0xfff0, 0xfffb], // interlinear annotation
] as const;
const CLASS = SUSPECTS.map(([from, to]) => `${unit(from)}-${unit(to)}`).join('');
const SUSPECT = new RegExp(`[${CLASS}]`);
const EACH_SUSPECT = new RegExp(SUSPECT, 'g');

function unit(c: number): string {
  return `\\u${c.toString(16).padStart(4, '0')}`;
}

// What the neighbours of a suspect can be, as bits of one table over planes 0 and 1: a property regex per neighbour
// would cost 200 ns, and a flood of excused characters holds a million of them.
const JOINING = 1;
/** Written without spaces: U+200B marks where a line may break. */
const SPACELESS = 2;
const RIGHT_TO_LEFT = 4;
const IDEOGRAPH = 8;
const PICTOGRAPH = 16;
const EMOJI = 32;
const MARK = 64;
const MONGOLIAN = 128;
/** Takes a standardised variant (U+FE00 to U+FE02). */
const VARIABLE = 256;
const HIDDEN = 512;
const PROPERTIES: readonly (readonly [number, RegExp])[] = [
  [
    JOINING,
    /[\p{sc=Arab}\p{sc=Syrc}\p{sc=Mong}\p{sc=Nkoo}\p{sc=Mand}\p{sc=Adlm}\p{sc=Rohg}\p{sc=Phag}\p{sc=Deva}\p{sc=Beng}\p{sc=Guru}\p{sc=Gujr}\p{sc=Orya}\p{sc=Taml}\p{sc=Telu}\p{sc=Knda}\p{sc=Mlym}\p{sc=Sinh}\p{sc=Khmr}\p{sc=Mymr}\p{sc=Tibt}\p{sc=Bali}\p{sc=Java}\p{sc=Newa}\p{sc=Cakm}\p{sc=Limb}]/gu,
  ],
  [
    SPACELESS,
    /[\p{sc=Khmr}\p{sc=Thai}\p{sc=Laoo}\p{sc=Mymr}\p{sc=Tibt}\p{sc=Java}\p{sc=Bali}\p{sc=Lana}\p{sc=Talu}]/gu,
  ],
  [
    RIGHT_TO_LEFT,
    /[[\p{sc=Arab}\p{sc=Hebr}\p{sc=Syrc}\p{sc=Thaa}\p{sc=Nkoo}\p{sc=Mand}\p{sc=Samr}\p{sc=Adlm}\p{sc=Rohg}]&&\p{L}]/gv,
  ],
  [IDEOGRAPH, /\p{Ideographic}/gu],
  [PICTOGRAPH, /[\p{Extended_Pictographic}\p{Regional_Indicator}\p{Emoji_Modifier}]/gu],
  [EMOJI, /\p{Emoji}/gu],
  [MARK, /\p{M}/gu],
  [MONGOLIAN, /\p{sc=Mong}/gu],
  [VARIABLE, /[\p{Ideographic}\p{sc=Mymr}\p{sc=Phag}\p{Sm}\p{P}]/gu],
  [HIDDEN, /[\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]/gu],
];
let table: Uint16Array | undefined;

/** The bits of a code point; 0 for none (-1). */
function bits(c: number): number {
  table ??= tabulate();
  if (c < 0x20000) return c < 0 ? 0 : table[c]!;
  return c < 0x40000 ? IDEOGRAPH | VARIABLE : c >= 0xe0000 && c < 0xe1000 ? HIDDEN : 0;
}

function tabulate(): Uint16Array {
  const made = new Uint16Array(0x20000);
  for (let from = 0; from < made.length; from += 0x800) {
    if (from === 0xd800) continue;
    const block = String.fromCodePoint(...Array.from({ length: 0x800 }, (_, i) => from + i));
    for (const [bit, property] of PROPERTIES) {
      for (const [char] of block.matchAll(property)) {
        const c = char.codePointAt(0)!;
        made[c] = made[c]! | bit;
      }
    }
  }
  return made;
}

const ZWSP = 0x200b;
const ZWNJ = 0x200c;
const ZWJ = 0x200d;
const TEXT_STYLE = 0xfe0e;
const EMOJI_STYLE = 0xfe0f;
const CANCEL_TAG = 0xe007f;
/** U+1F3F4 and the subdivision in tag characters: the only three sequences that Unicode recommends. */
const FLAGS = ['gbeng', 'gbsct', 'gbwls'].map((name) => [...name].map((c) => 0xe0000 + c.charCodeAt(0)));
/** How far from a direction mark a right-to-left letter may be, in code units. */
const MARK_REACH = 24;

/** False proves that the text holds none. Linear, about 1 GB/s on Latin-1 text. */
export function mayHoldInvisible(text: string): boolean {
  return SUSPECT.test(text);
}

/** The invisible characters that nothing excuses, in order, the first `max` of them. Linear in the text. */
export function findInvisible(text: string, max = Number.POSITIVE_INFINITY): Invisible[] {
  const found: Invisible[] = [];
  search(text, 0, text.length, max, found);
  return found;
}

/** Code units between two `yield`s. */
const SECTION = 16 * 1024;

/** The same in slices. */
export function* findingInvisible(text: string, max: number): Slices<Invisible[]> {
  const found: Invisible[] = [];
  for (let from = 0; from < text.length && found.length < max; ) {
    from = search(text, from, from + SECTION, max, found);
    yield;
  }
  return found;
}

/** What begins from `from` to `to`; answers where the search goes on. */
function search(text: string, from: number, to: number, max: number, found: Invisible[]): number {
  EACH_SUSPECT.lastIndex = from;
  while (found.length < max && EACH_SUSPECT.test(text)) {
    const index = EACH_SUSPECT.lastIndex - 1;
    const codePoint = text.codePointAt(index)!;
    const end = index + (codePoint > 0xffff ? 2 : 1);
    EACH_SUSPECT.lastIndex = end;
    const kind = kindOf(codePoint);
    if (kind === undefined) continue;
    const past = excused(text, index, end, codePoint);
    if (past > 0) EACH_SUSPECT.lastIndex = past;
    else found.push({ index, codePoint, kind });
    if (EACH_SUSPECT.lastIndex >= to) return EACH_SUSPECT.lastIndex;
  }
  return text.length;
}

/** The text without them; the same string when there are none. */
export function stripInvisible(text: string, found: readonly Invisible[] = findInvisible(text)): string {
  if (found.length === 0) return text;
  let out = '';
  let from = 0;
  for (const { index, codePoint } of found) {
    out += text.slice(from, index);
    from = index + (codePoint > 0xffff ? 2 : 1);
  }
  return out + text.slice(from);
}

function kindOf(c: number): InvisibleKind | undefined {
  if (c < 0x20 || (c >= 0x7f && c <= 0x9f)) return 'control';
  if (c >= 0xe0000) {
    if (c >= 0xe0100 && c <= 0xe01ef) return 'variation';
    return c <= 0xe0fff ? 'tag' : undefined;
  }
  if (c >= 0x10000) {
    if ((c >= 0x1bca0 && c <= 0x1bca3) || (c >= 0x1d173 && c <= 0x1d17a)) return 'zero-width';
    return c === 0x1d159 ? 'blank' : undefined;
  }
  if (c === 0x61c || c === 0x200e || c === 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069)) {
    return 'bidi';
  }
  if ((c >= 0xfe00 && c <= 0xfe0f) || (c >= 0x180b && c <= 0x180f && c !== 0x180e)) return 'variation';
  if (c === 0x115f || c === 0x1160 || c === 0x2800 || c === 0x3164 || c === 0xffa0) return 'blank';
  return 'zero-width';
}

/** Index after what a script or an emoji needs here; 0 when nothing excuses the character. */
function excused(text: string, index: number, end: number, c: number): number {
  const before = codeBefore(text, index);
  const after = text.codePointAt(end) ?? -1;
  return allowed(text, index, c, before, after) ? end : c === 0x2800 || c === 0xe0067 ? run(text, index, c) : 0;
}

function allowed(text: string, index: number, c: number, before: number, after: number): boolean {
  switch (c) {
    case ZWJ:
    case ZWNJ: {
      if (bits(after) & HIDDEN) return false;
      if (bits(before) & JOINING || (bits(after) & JOINING && !(bits(before) & HIDDEN))) return true;
      if (c === ZWNJ || !(bits(after) & PICTOGRAPH)) return false;
      return Boolean(bits(before === EMOJI_STYLE ? codeBefore(text, index - 1) : before) & PICTOGRAPH);
    }
    case ZWSP:
      return Boolean((bits(before) | bits(after)) & SPACELESS) && !(bits(after) & HIDDEN);
    case TEXT_STYLE:
    case EMOJI_STYLE:
      return Boolean(bits(before) & EMOJI);
    case 0x061c:
    case 0x200e:
    case 0x200f:
      return !((bits(before) | bits(after)) & HIDDEN) && nearRightToLeft(text, index);
    case 0x034f:
      return Boolean(bits(before) & bits(after) & MARK);
    case 0x115f:
      return after >= 0x1160 && after <= 0x11a7;
    case 0x1160:
      return before >= 0x1100 && before <= 0x115f;
  }
  if (c >= 0x180b && c <= 0x180f) return Boolean(bits(before) & MONGOLIAN);
  if (c >= 0xfe00 && c <= 0xfe02) return Boolean(bits(before) & VARIABLE);
  return c >= 0xe0100 && c <= 0xe01ef && Boolean(bits(before) & IDEOGRAPH);
}

function nearRightToLeft(text: string, index: number): boolean {
  const end = Math.min(text.length, index + MARK_REACH);
  for (let i = Math.max(0, index - MARK_REACH); i < end; i++) {
    if (bits(text.codePointAt(i)!) & RIGHT_TO_LEFT) return true;
  }
  return false;
}

/** Blank Braille cells are spaces beside a written cell; tags spell one of three flags. */
function run(text: string, index: number, c: number): number {
  if (c === 0xe0067) return flag(text, index);
  if (text.charCodeAt(index - 1) === 0x2800) return 0; // the run was judged at its start
  let end = index + 1;
  while (text.charCodeAt(end) === 0x2800) end++;
  return cell(text.charCodeAt(index - 1)) || cell(text.charCodeAt(end)) ? end : 0;
}

function cell(c: number): boolean {
  return c > 0x2800 && c <= 0x28ff;
}

function flag(text: string, index: number): number {
  if (codeBefore(text, index) !== 0x1f3f4) return 0;
  for (const tags of FLAGS) {
    if (tags.every((tag, i) => text.codePointAt(index + 2 * i) === tag)) {
      const end = index + 2 * tags.length;
      return text.codePointAt(end) === CANCEL_TAG ? end + 2 : 0;
    }
  }
  return 0;
}

/** The code point that ends before `index`; -1 at the start. */
function codeBefore(text: string, index: number): number {
  if (index < 1) return -1;
  const low = text.charCodeAt(index - 1);
  return low >= 0xdc00 && low <= 0xdfff && index >= 2 ? text.codePointAt(index - 2)! : low;
}
