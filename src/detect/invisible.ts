/**
 * Characters that a reader does not see, or that turn the direction of what is seen (guarantee IN3): Unicode's
 * Bidi_Control, Default_Ignorable_Code_Point, Cf, Variation_Selector, the tag block, controls except TAB, LF and CR,
 * and the blanks that no property names. A joiner, mark or selector passes where a script or an emoji needs it.
 */

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

const JOINING =
  /[\p{sc=Arab}\p{sc=Syrc}\p{sc=Mong}\p{sc=Nkoo}\p{sc=Mand}\p{sc=Adlm}\p{sc=Rohg}\p{sc=Phag}\p{sc=Deva}\p{sc=Beng}\p{sc=Guru}\p{sc=Gujr}\p{sc=Orya}\p{sc=Taml}\p{sc=Telu}\p{sc=Knda}\p{sc=Mlym}\p{sc=Sinh}\p{sc=Khmr}\p{sc=Mymr}\p{sc=Tibt}\p{sc=Bali}\p{sc=Java}\p{sc=Newa}\p{sc=Cakm}\p{sc=Limb}]/u;
/** Written without spaces: U+200B marks where a line may break. */
const SPACELESS =
  /[\p{sc=Khmr}\p{sc=Thai}\p{sc=Laoo}\p{sc=Mymr}\p{sc=Tibt}\p{sc=Java}\p{sc=Bali}\p{sc=Lana}\p{sc=Talu}]/u;
const RIGHT_TO_LEFT =
  /[[\p{sc=Arab}\p{sc=Hebr}\p{sc=Syrc}\p{sc=Thaa}\p{sc=Nkoo}\p{sc=Mand}\p{sc=Samr}\p{sc=Adlm}\p{sc=Rohg}]&&\p{L}]/v;
const IDEOGRAPH = /[\p{Ideographic}]/u;
const PICTOGRAPH = /[\p{Extended_Pictographic}\p{Regional_Indicator}]/u;
const EMOJI = /\p{Emoji}/u;
const MARK = /\p{M}/u;
const MONGOLIAN = /\p{sc=Mong}/u;
const STANDARD_VARIANT = /[\p{Ideographic}\p{sc=Mymr}\p{sc=Phag}\p{Sm}\p{P}]/u;

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

/** Every invisible character that nothing excuses, in order. Linear in the text. */
export function findInvisible(text: string): Invisible[] {
  const found: Invisible[] = [];
  EACH_SUSPECT.lastIndex = 0;
  for (let hit = EACH_SUSPECT.exec(text); hit !== null; hit = EACH_SUSPECT.exec(text)) {
    const index = hit.index;
    const codePoint = text.codePointAt(index)!;
    if (codePoint > 0xffff) EACH_SUSPECT.lastIndex = index + 2;
    const kind = kindOf(codePoint);
    if (kind === undefined) continue;
    const end = excused(text, index, codePoint);
    if (end > 0) EACH_SUSPECT.lastIndex = end;
    else found.push({ index, codePoint, kind });
  }
  return found;
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
function excused(text: string, index: number, c: number): number {
  const end = index + (c > 0xffff ? 2 : 1);
  switch (c) {
    case ZWJ:
    case ZWNJ: {
      const before = charBefore(text, index);
      const after = charAt(text, end);
      if (SUSPECT.test(after)) return 0;
      if (JOINING.test(before) || (JOINING.test(after) && !SUSPECT.test(before))) return end;
      return c === ZWJ && PICTOGRAPH.test(after) && pictographBefore(text, index) ? end : 0;
    }
    case ZWSP:
      return (SPACELESS.test(charBefore(text, index)) || SPACELESS.test(charAt(text, end))) &&
        !SUSPECT.test(charAt(text, end))
        ? end
        : 0;
    case TEXT_STYLE:
    case EMOJI_STYLE:
      return EMOJI.test(charBefore(text, index)) ? end : 0;
    case 0x61c:
    case 0x200e:
    case 0x200f: {
      const near = text.slice(Math.max(0, index - MARK_REACH), end + MARK_REACH);
      return RIGHT_TO_LEFT.test(near) && !SUSPECT.test(charAt(text, end)) ? end : 0;
    }
    case 0x34f:
      return MARK.test(charBefore(text, index)) && MARK.test(charAt(text, end)) ? end : 0;
    case 0x1160:
      return /[\u1100-\u115e]/.test(charBefore(text, index)) ? end : 0;
    case 0x115f:
      return /[\u1161-\u11a7]/.test(charAt(text, end)) ? end : 0;
    case 0x2800:
      return braille(text, index);
    case 0xe0067:
      return flag(text, index);
  }
  if (c >= 0x180b && c <= 0x180f) return MONGOLIAN.test(charBefore(text, index)) ? end : 0;
  if (c >= 0xfe00 && c <= 0xfe02) return STANDARD_VARIANT.test(charBefore(text, index)) ? end : 0;
  if (c >= 0xe0100 && c <= 0xe01ef) return IDEOGRAPH.test(charBefore(text, index)) ? end : 0;
  return 0;
}

/** A pictograph, perhaps with a skin tone or a style selector, ends before `index`. */
function pictographBefore(text: string, index: number): boolean {
  let at = index;
  if (text.charCodeAt(at - 1) === EMOJI_STYLE) at--;
  return /[\p{Extended_Pictographic}\p{Emoji_Modifier}]/u.test(charBefore(text, at));
}

/** Blank cells are spaces of Braille: a run of them passes beside a written cell. */
function braille(text: string, index: number): number {
  if (text.charCodeAt(index - 1) === 0x2800) return 0; // the run was judged at its start
  let end = index + 1;
  while (text.charCodeAt(end) === 0x2800) end++;
  return cell(text.charCodeAt(index - 1)) || cell(text.charCodeAt(end)) ? end : 0;
}
function cell(c: number): boolean {
  return c > 0x2800 && c <= 0x28ff;
}

function flag(text: string, index: number): number {
  if (charBefore(text, index) !== '\u{1f3f4}') return 0;
  for (const tags of FLAGS) {
    if (tags.every((tag, i) => text.codePointAt(index + 2 * i) === tag)) {
      const end = index + 2 * tags.length;
      return text.codePointAt(end) === CANCEL_TAG ? end + 2 : 0;
    }
  }
  return 0;
}

function charAt(text: string, index: number): string {
  const c = text.codePointAt(index);
  return c === undefined ? '' : String.fromCodePoint(c);
}
function charBefore(text: string, index: number): string {
  const low = text.charCodeAt(index - 1);
  const whole = low >= 0xdc00 && low <= 0xdfff && index >= 2;
  return text.slice(index - (whole ? 2 : 1), index);
}
