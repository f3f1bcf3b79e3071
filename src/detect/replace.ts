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
  if (text.length < SHORTEST && !seeksMore(sought)) return { text, found: NONE, overflow: false };
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
  const plain = text.length <= ONE_GO ? scanOnce(text, purse, sought.prose) : yield* scanned(text, purse, sought.prose);
  const { spans: secrets, overflow } = ESCAPED.test(text)
    ? yield* withEscapes(text, plain, purse, sought.prose)
    : plain;
  const words = plain.ascii ? NONE : behindWords(text, false);
  const more = seeksMore(sought) ? [...words, ...findMore(text, sought, name)] : words;
  const spans = more.length === 0 ? secrets : joined([...secrets, ...more]);
  if (overflow) return { text: OVERFLOW, found: [{ rule: 'overflow', start: 0, end: text.length }], overflow };
  if (spans.length === 0) return { text, found: NONE, overflow };
  let out = '';
  let from = 0;
  let marks = 0;
  for (const { rule, start, end } of spans) {
    if (++marks % MARKS === 0) yield;
    out += text.slice(from, start) + mark(rule, text.slice(start, end), fingerprint);
    from = end;
  }
  return { text: out + text.slice(from), found: spans, overflow };
}

/** Fingerprints, and escapes, between two `yield`s. */
const MARKS = 256;
const ESCAPES = 4 * 1024;

interface Scanned extends Scan {
  readonly ascii: boolean;
}

function scanOnce(text: string, purse: Budget | undefined, prose: boolean): Scanned {
  const bytes = load(text);
  const { spans, overflow, open } = scan(bytes, text.length, false, purse, prose);
  return { spans, overflow, open, ascii: isAscii(bytes.subarray(0, text.length)) };
}

function* scanned(text: string, purse: Budget | undefined, prose: boolean): Slices<Scanned> {
  if (text.length <= ONE_GO) return scanOnce(text, purse, prose);
  yield;
  const bytes = load(text, false);
  const done = yield* scanning(bytes, text.length, false, purse, prose);
  return { ...done, ascii: isAscii(bytes.subarray(0, text.length)) };
}

/** Letters and digits that nobody has to escape: `\u0041KIA...`, `%41KIA...`. */
const ESCAPED = /(?:\\u00|%)(?:3[0-9]|4[1-9a-fA-F]|5[0-9aAfF]|6[1-9a-fA-F]|7[0-9aA])/;
const EACH_ESCAPED = new RegExp(ESCAPED, 'g');

/** The text is looked at once more as it reads without those escapes. */
function* withEscapes(text: string, plain: Scan, purse: Budget | undefined, prose: boolean): Slices<Scan> {
  const from: number[] = [];
  // Joined in flat pieces: a string of a million parts would be joined in one go.
  const pieces: string[] = [];
  let parts: string[] = [];
  let at = 0;
  let count = 0;
  for (const { 0: escape, index } of text.matchAll(EACH_ESCAPED)) {
    if (++count % ESCAPES === 0) {
      pieces.push(parts.join(''));
      parts = [];
      yield;
    }
    for (let i = at; i < index; i++) from.push(i);
    from.push(index);
    parts.push(text.slice(at, index), String.fromCharCode(Number.parseInt(escape.slice(-2), 16)));
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
  if (backslash >= 0 && (bytes.includes('\\u', backslash, 'latin1') || bytes.includes('\\/', backslash, 'latin1')))
    return true;
  return hasPercent(bytes);
}

/** A letter or digit written as `%41`. */
function hasPercent(bytes: Buffer): boolean {
  for (let p = bytes.indexOf(0x25); p >= 0 && p < bytes.length - 2; p++) {
    if (bytes[p] !== 0x25) {
      p = bytes.indexOf(0x25, p) - 1;
      if (p < 0) return false;
    } else if (ESCAPED.test(bytes.toString('latin1', p, p + 3))) return true;
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
