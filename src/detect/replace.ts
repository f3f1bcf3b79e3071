/** Texts: what is found is replaced by its kind and a fingerprint. */
import { isAscii } from 'node:buffer';
import { ONE_GO, type Slices, whole } from '../core/slices.ts';
import { behindWords, hasWord } from './languages.ts';
import { findMore } from './more.ts';
import { type Budget, joined, type Scan, type Span, scan, scanning } from './scan.ts';
import { type Sought, seeksMore, USUAL } from './source.ts';

/** A short name of a secret, under the gateway's own key: tells equal ones equal and nothing else. */
export type Fingerprint = (secret: string) => string;

export interface Found {
  /** Id of the rule. */
  readonly rule: string;
  /** In UTF-16 code units of the text. */
  readonly start: number;
  readonly end: number;
}
export interface RedactedText {
  /** The same string when nothing was found. */
  readonly text: string;
  readonly found: readonly Found[];
  /** More candidates than can be checked: nothing of the text is left. */
  readonly overflow: boolean;
  /** Where a token begins that another text could go on with; the length if there is none. */
  readonly open: number;
}

export function mark(rule: string, secret: string, fingerprint: Fingerprint | undefined): string {
  return fingerprint === undefined ? `[redacted ${rule}]` : `[redacted ${rule} ${fingerprint(secret)}]`;
}

/** Takes out every secret and card number. Linear; 1 MB takes about 2.4 ms when clean, under 20 ms at worst. */
export function redactText(
  text: string,
  fingerprint?: Fingerprint,
  purse?: Budget,
  sought: Sought = USUAL,
  name?: string,
): RedactedText {
  if (text.length < SHORTEST && !seeksMore(sought)) return { text, found: NONE, overflow: false, open: text.length };
  return whole(redacting(text, fingerprint, purse, sought, name));
}

/** The same in slices. `name`: of the member that the text is the value of, unless it tells nothing. */
export function* redacting(
  text: string,
  fingerprint: Fingerprint | undefined,
  purse: Budget | undefined,
  sought: Sought,
  name?: string,
): Slices<RedactedText> {
  const large = text.length > ONE_GO;
  if (large) yield;
  const bytes = load(text, !large);
  // The next text may be loaded into the same bytes.
  const ascii = isPlain(bytes, text.length);
  const plain = large
    ? yield* scanning(bytes, text.length, false, purse, sought.prose)
    : scan(bytes, text.length, false, purse, sought.prose);
  const { spans: secrets, overflow } = ESCAPED.test(text)
    ? yield* withEscapes(text, plain, purse, sought.prose)
    : plain;
  const words = ascii ? NONE : behindWords(text, false);
  const more = seeksMore(sought) ? [...words, ...(yield* findMore(text, sought, name))] : words;
  const spans = more.length === 0 ? secrets : joined([...secrets, ...more]);
  if (overflow)
    return { text: OVERFLOW, found: [{ rule: 'overflow', start: 0, end: text.length }], overflow, open: text.length };
  if (spans.length === 0) return { text, found: NONE, overflow, open: plain.open };
  let out = '';
  let from = 0;
  let marks = 0;
  for (const { rule, start, end } of spans) {
    if (++marks % MARKS === 0) yield;
    out += text.slice(from, start) + mark(rule, text.slice(start, end), fingerprint);
    from = end;
  }
  return { text: out + text.slice(from), found: spans, overflow, open: text.length };
}

/** Fingerprints, and escapes, between two `yield`s. */
const MARKS = 256;
const ESCAPES = 4 * 1024;

/** Whether the bytes are ASCII. Of a few it is cheaper to look than to ask. */
function isPlain(bytes: Buffer, length: number): boolean {
  if (length > 64) return isAscii(bytes.subarray(0, length));
  for (let i = 0; i < length; i++) if (bytes[i]! > 0x7f) return false;
  return true;
}

function* scanned(text: string, purse: Budget | undefined, prose: boolean): Slices<Scan> {
  if (text.length <= ONE_GO) return scan(load(text), text.length, false, purse, prose);
  yield;
  return yield* scanning(load(text, false), text.length, false, purse, prose);
}

/** Letters and digits that nobody has to escape: `\u0041KIA...`, `\x41KIA...`, `%41KIA...`, `&#65;KIA...`. */
const PLAIN = '3[0-9]|4[1-9a-fA-F]|5[0-9aAfF]|6[1-9a-fA-F]|7[0-9aA]';
const DECIMAL = '4[89]|5[0-7]|6[5-9]|[78][0-9]|90|95|9[7-9]|1[01][0-9]|12[0-2]';
const ESCAPED = new RegExp(`(?:\\\\u00|\\\\x|%)(?:${PLAIN})|&#(?:x(?:${PLAIN})|${DECIMAL});`);
/** Once there is one, the marks that tokens and addresses have are read as well. */
const MARKS_TOO = `${PLAIN}|2[bBdDeEfF]|3[aAdD]|40`;
const EACH_ESCAPED = new RegExp(
  `(?:\\\\u00|\\\\x|%)(${MARKS_TOO})|&#(?:x(${MARKS_TOO})|(${DECIMAL}|4[3567]|58|61|64));`,
  'g',
);

/** The text is looked at once more as it reads without those escapes. */
function* withEscapes(text: string, plain: Scan, purse: Budget | undefined, prose: boolean): Slices<Scan> {
  const from: number[] = [];
  // Joined in flat pieces: a string of a million parts would be joined in one go.
  const pieces: string[] = [];
  let parts: string[] = [];
  let at = 0;
  let count = 0;
  for (const { 0: escape, 1: pair, 2: entity, 3: decimal, index } of text.matchAll(EACH_ESCAPED)) {
    if (++count % ESCAPES === 0) {
      pieces.push(parts.join(''));
      parts = [];
      yield;
    }
    for (let i = at; i < index; i++) from.push(i);
    from.push(index);
    parts.push(
      text.slice(at, index),
      String.fromCharCode(decimal === undefined ? Number.parseInt(pair ?? entity!, 16) : Number(decimal)),
    );
    at = index + escape.length;
  }
  for (let i = at; i <= text.length; i++) from.push(i);
  pieces.push(parts.join(''), text.slice(at));
  const read = pieces.join('');
  const done = yield* scanned(read, purse, prose);
  const back = done.spans.map(({ rule, start, end }) => ({ rule, start: from[start]!, end: from[end]! }));
  return { ...plain, spans: joined([...plain.spans, ...back]), overflow: plain.overflow || done.overflow };
}

/**
 * Over the raw bytes of a JSON text: false proves that `redactJson` of its value finds nothing. True when an escape could
 * hide something (`\u`, `\/`), so that the value must be looked at.
 */
export function mayHold(bytes: Uint8Array): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (mayEscape(buffer)) return true;
  const { spans, overflow } = scan(buffer, buffer.length, true);
  return overflow || spans.length > 0 || (!isAscii(buffer) && whole(mayName(buffer)));
}

/** The same in slices. */
export function* mayHolding(bytes: Uint8Array): Slices<boolean> {
  if (bytes.length <= ONE_GO) return mayHold(bytes);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (mayEscape(buffer)) return true;
  const { spans, overflow } = yield* scanning(buffer, buffer.length, true);
  return overflow || spans.length > 0 || (!isAscii(buffer) && (yield* mayName(buffer)));
}

/** Bytes between two `yield`s, and how far the next part reaches back so that no name is cut. */
const PART = 32 * 1024;
const BACK = 96;

/** A word of another language that names a secret. */
function* mayName(bytes: Buffer): Slices<boolean> {
  for (let from = 0; from < bytes.length; from += PART) {
    if (from > 0) yield;
    if (hasWord(bytes.toString('latin1', Math.max(0, from - BACK), from + PART))) return true;
  }
  return false;
}

/** Whether characters may be written so that the bytes do not show them. */
function mayEscape(bytes: Buffer): boolean {
  const backslash = bytes.indexOf(0x5c);
  if (backslash >= 0 && ['\\u', '\\/', '\\x'].some((escape) => bytes.includes(escape, backslash, 'latin1')))
    return true;
  return hasEscape(bytes, '%') || hasEscape(bytes, '&#');
}

/** A letter or digit written as `%41` or `&#65;`. */
function hasEscape(bytes: Buffer, sign: string): boolean {
  for (let p = bytes.indexOf(sign, 0, 'latin1'); p >= 0; p = bytes.indexOf(sign, p + 1, 'latin1')) {
    if (ESCAPED.test(bytes.toString('latin1', p, p + 6))) return true;
  }
  return false;
}

/** Stands for a text that holds more candidates than can be checked. */
export const OVERFLOW = '[redacted overflow]';
const NONE: readonly Span[] = Object.freeze([]);
/** `password=abc12` is the least that any rule takes. */
const SHORTEST = 8;
const WIDE = /[\u0100-\uffff]/;
/** Above this a buffer is made for the one text, so that a huge reply does not stay in memory. */
const KEPT = 256 * 1024;
let scratch = Buffer.allocUnsafeSlow(16 * 1024);

/** Matchers may look at what follows the end: zeroes, never the text before. */
const AFTER = 8;

/** One byte per code unit, so that indices stay: what is not Latin-1 becomes 0x80, which no rule takes. */
function load(text: string, shared = true): Buffer {
  const { length } = text;
  const wide = WIDE.test(text);
  const at = length + AFTER + (length & 1);
  const size = wide ? at + 2 * length : at;
  let buffer = shared ? scratch : Buffer.allocUnsafeSlow(size);
  if (buffer.length < size) {
    buffer = Buffer.allocUnsafeSlow(Math.max(size, 2 * scratch.length));
    if (buffer.length <= KEPT) scratch = buffer;
  }
  if (wide) {
    // The code units lie behind the bytes made of them.
    const units = new Uint16Array(buffer.buffer, buffer.byteOffset + at, length);
    buffer.write(text, at, 2 * length, 'utf16le');
    for (let i = 0; i < length; i++) buffer[i] = units[i]! < 0x100 ? units[i]! : 0x80;
  } else buffer.write(text, 0, length, 'latin1');
  buffer.fill(0, length, length + AFTER);
  return buffer;
}
