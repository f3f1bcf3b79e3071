/**
 * What a model may read in a text that a person does not: one view of the text as it is meant, and the pieces that were
 * hidden in it. Linear and bounded. Views are for looking only; what leaves is never made from them.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import type { Slices } from '../core/slices.ts';
import data from './data/confusables.json' with { type: 'json' };
import { findInvisible, mayHoldInvisible, stripInvisible } from './invisible.ts';
import { classOf } from './shape.ts';

/** How a piece was hidden. */
export type How = 'comment' | 'markup' | 'tags' | 'escapes' | 'base64' | 'hex' | 'rot13' | 'spaced';

export interface Piece {
  readonly how: How;
  readonly text: string;
}
export interface View {
  /** Compatibility forms folded, invisible characters and terminal sequences removed, look-alikes in Latin words read as Latin. */
  readonly text: string;
  readonly hidden: readonly Piece[];
}

/** UTF-16 code units of hidden pieces that are kept, in all. */
const MOST = 64 * 1024;
const PIECES = 64;

export function normalise(text: string): View {
  const hidden = new Hidden();
  let shown = text;
  if (!isPlain(text)) shown = fold(text, hidden);
  // As calendars and JSON in JSON write the end of a line.
  if (shown.includes('\\n')) shown = shown.replaceAll('\\n', '\n');
  if (shown.includes('<')) markup(shown, hidden);
  if (shown.includes('](')) for (const [, alt] of shown.matchAll(ALT)) hidden.add('markup', alt!);
  if (/%[0-9a-f]{2}|&#|\\[ux]/i.test(shown))
    for (const [run] of shown.matchAll(ESCAPED)) hidden.add('escapes', unescaped(run));
  eachRun(shown, BLOB_SET, 24, (run) => blob(run, hidden));
  eachRun(shown, PAIR_SET, 36, (run) => {
    for (const [pairs] of run.matchAll(HEX_PAIRS)) hidden.add('hex', decoded(pairs.replace(/[^0-9a-f]/gi, ''), 'hex'));
  });
  if (SINGLES.test(shown))
    for (const [run] of shown.matchAll(SPACED)) hidden.add('spaced', run.replace(/([^ ]) (?! )/g, '$1'));
  if (ROTATED.test(shown)) hidden.add('rot13', rot13(shown.slice(0, MOST)));
  return { text: shown, hidden: hidden.pieces };
}

/** Each longest run of at least `least` characters of the set. One in `least` characters is looked at, and what is around it. */
function eachRun(text: string, set: Uint8Array, least: number, found: (run: string) => void): void {
  let done = 0;
  for (let i = least - 1; i < text.length; i += least) {
    if (!has(set, text, i)) continue;
    let from = i;
    while (from > done && has(set, text, from - 1)) from--;
    let to = i + 1;
    while (to < text.length && has(set, text, to)) to++;
    if (to - from >= least) found(text.slice(from, Math.min(to, from + LONGEST)));
    done = to;
    if (to > i) i = to - 1;
  }
}
function has(set: Uint8Array, text: string, at: number): boolean {
  const c = text.charCodeAt(at);
  return c < 128 && set[c] === 1;
}
const LONGEST = 16_000;
const BLOB_SET = classOf('A-Za-z0-9+/');
const PAIR_SET = classOf('A-Fa-f0-9 ,:x\\\\');
/** Two letters that stand alone, one behind the other. */
const SINGLES = / [A-Za-z] {1,3}[A-Za-z] /;

/** Whether the text is what it seems, character by character. */
function isPlain(text: string): boolean {
  return !NOT_ASCII.test(text) && !mayHoldInvisible(text);
}

const NOT_ASCII = /\P{ASCII}/u;
const ALT = /\[([^\][\n]{12,2000})\]\(/g;
const ESCAPED = /(?:%[0-9a-f]{2}|&#x?[0-9a-f]{1,6};|\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|[\w.,!?' -]){12,8000}/gi;
const HEX_PAIRS = /(?:(?:\\x|0x)?[0-9a-f]{2}[ ,:]{1,2}){12,8000}/gi;
const SPACED = /(?:(?<![A-Za-z0-9])[A-Za-z] {1,3}){4,400}[A-Za-z](?![A-Za-z0-9])/g;
/** "ignore", "instructions", "system prompt", "previous" thirteen letters on. */
/** Instructions, previous, system; the commonest words of all orders, the and you. */
const ROTATED = /vafgehpgvba|cerivbhf|flfgrz cebzcg|\bgur\b|\blbh\b/i;
const UNSEEN =
  /display:\s?none|visibility:\s?hidden|font-size:\s?[01](?:px|pt|em)?\s?[;"']|opacity:\s?0(?:\.0\d?)?\s?[;"']|\shidden(?:[\s=]|$)|color:\s?(?:#fff(?:fff)?|white)\b/i;
const ATTRIBUTE = /\b(?:alt|title|aria-label|content)\s?=\s?"([^"<>]{12,2000})"/gi;
const LONG_TAG = 4_000;
const LONG_PIECE = 8_000;

/** Comments, elements that a browser does not show (or in no size or colour), and texts in attributes. One pass. */
function markup(text: string, hidden: Hidden): void {
  let lastComment = 0;
  for (let at = text.indexOf('<'); at >= 0 && !hidden.full; at = text.indexOf('<', at + 1)) {
    if (text.startsWith('<!--', at)) {
      if (at < lastComment) continue;
      const end = text.indexOf('-->', at + 4);
      lastComment = end < 0 ? text.length : end;
      // An open comment hides the rest.
      hidden.add('comment', text.slice(at + 4, Math.min(lastComment, at + 4 + LONG_PIECE)));
      continue;
    }
    const next = text.charCodeAt(at + 1) | 0x20;
    if (next < 0x61 || next > 0x7a) continue;
    const end = text.indexOf('>', at);
    if (end < 0) return;
    if (end - at > LONG_TAG) continue;
    const tag = text.slice(at, end);
    if (!tag.includes('=') && !tag.includes(' ')) continue;
    if (UNSEEN.test(tag)) {
      const close = text.indexOf('<', end);
      hidden.add('markup', text.slice(end + 1, Math.min(close < 0 ? text.length : close, end + LONG_PIECE)));
    }
    for (const [, inside] of tag.matchAll(ATTRIBUTE)) hidden.add('markup', inside!);
    at = end;
  }
}

class Hidden {
  readonly pieces: Piece[] = [];
  #left = MOST;

  get full(): boolean {
    return this.pieces.length >= PIECES || this.#left < 4;
  }

  add(how: How, text: string): void {
    if (text.length < 4 || text.length > this.#left || this.pieces.length >= PIECES) return;
    this.#left -= text.length;
    this.pieces.push({ how, text });
  }
}

function fold(text: string, hidden: Hidden): string {
  let form = text;
  const tags = [...form.matchAll(/[\u{e0020}-\u{e007e}]{4,}/gu)];
  for (const [run] of tags)
    hidden.add('tags', String.fromCodePoint(...Array.from(run.slice(0, 8000), (c) => c.codePointAt(0)! - 0xe0000)));
  // A removed character can join what becomes another one: until nothing changes, and that is soon.
  for (let round = 0; round < 4; round++) {
    const before = form;
    form = form.replace(CSI, '');
    const found = mayHoldInvisible(form) ? findInvisible(form) : [];
    form = stripInvisible(form, found).normalize('NFKC');
    form = form.replace(MIXED, skeleton);
    if (form === before) break;
  }
  return form;
}

// ECMA-48, in a text of its own: what it opens with is a control character.
const ESCAPE = '\\u001b';
const CSI = new RegExp(`${ESCAPE}\\[[0-?]{0,64}[ -/]{0,8}[@-~]`, 'g');

/** Words that mix Latin with Greek or Cyrillic: nobody writes them to be read. */
const MIXED = /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}]{2,64}/gu;
const LOOKS: ReadonlyMap<string, string> = new Map(Object.entries(data.latin));
function skeleton(word: string): string {
  if (!/[a-z]/i.test(word) || !/[\p{Script=Greek}\p{Script=Cyrillic}]/u.test(word)) return word;
  return Array.from(word, (c) => LOOKS.get(c) ?? c).join('');
}

/** Words in Latin letters with Cyrillic ones that look the same among them, read as Latin; the same string without any. */
export function unmixed(text: string): string {
  return CYRILLIC.test(text) ? text.replace(MIXED, (word) => (/[a-z]$/i.test(word) ? cyrillic(word) : word)) : text;
}
/** The same in slices. */
export function* unmixing(text: string): Slices<string> {
  if (!CYRILLIC.test(text)) return text;
  // In flat pieces: a string of a million parts would be joined in one go.
  const out: string[] = [];
  let kept = 0;
  for (let from = 0; from < text.length; ) {
    // Beyond the section as far as a word that begins in it may reach.
    const piece = text.slice(from, from + SECTION + LONGEST_WORD);
    const edge = Math.min(SECTION, piece.length);
    const parts: string[] = [];
    let done = 0;
    MIXED.lastIndex = 0;
    for (let match = MIXED.exec(piece); match !== null && match.index < edge; match = MIXED.exec(piece)) {
      const [word] = match;
      done = match.index + word.length;
      const shown = /[a-z]$/i.test(word) ? cyrillic(word) : word;
      if (shown === word) continue;
      parts.push(text.slice(kept, from + match.index), shown);
      kept = from + done;
    }
    if (parts.length > 0) out.push(parts.join(''));
    from += Math.max(done, edge);
    yield;
  }
  return out.length === 0 ? text : out.join('') + text.slice(kept);
}
const SECTION = 16 * 1024;
/** 64 characters, in UTF-16 code units. */
const LONGEST_WORD = 128;
const CYRILLIC = /\p{Script=Cyrillic}/u;
function cyrillic(word: string): string {
  const seen = Array.from(word, (c) => (CYRILLIC.test(c) ? LOOKS.get(c) : c));
  return seen.includes(undefined) || /\p{Script=Greek}/u.test(word) ? word : seen.join('');
}

function unescaped(run: string): string {
  const text = run
    .replace(/&#x([0-9a-f]{1,6});/gi, (_, hex: string) => char(Number.parseInt(hex, 16)))
    .replace(/&#(\d{1,7});/g, (_, digits: string) => char(Number(digits)))
    .replace(/\\u([0-9a-f]{4})|\\x([0-9a-f]{2})/gi, (_, wide?: string, byte?: string) =>
      char(Number.parseInt((wide ?? byte)!, 16)),
    )
    .replace(/(?:%[0-9a-f]{2})+/gi, (bytes) => Buffer.from(bytes.replaceAll('%', ''), 'hex').toString('utf8'));
  return text === run ? '' : text;
}

function char(code: number): string {
  return code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? '\ufffd' : String.fromCodePoint(code);
}

function blob(run: string, hidden: Hidden): void {
  if (/^[0-9a-f]+$/i.test(run)) return hidden.add('hex', decoded(run, 'hex'));
  hidden.add('base64', decoded(run, 'base64'));
}

/** The text in a blob; empty when it holds none. */
function decoded(run: string, how: 'hex' | 'base64'): string {
  const bytes = Buffer.from(run, how);
  if (bytes.length < 3 || !isUtf8(bytes)) return '';
  const text = bytes.toString('utf8');
  if (/[^\P{Cc}\s]/u.test(text)) return '';
  return !isAscii(bytes) || (bytes.length < 12 ? /^[\w /:.@-]+$/.test(text) : /[a-z]{2}[ ,.]/i.test(text)) ? text : '';
}

function rot13(text: string): string {
  return text.replace(/[a-z]/gi, (c) => {
    const base = c <= 'Z' ? 65 : 97;
    return String.fromCharCode(((c.charCodeAt(0) - base + 13) % 26) + base);
  });
}
