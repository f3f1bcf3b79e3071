/**
 * Where the tokens of a JSON text end (RFC 8259 sections 6 and 7). One text at a time: `begin` sets it, and the functions
 * answer the index after the token, or SYNTAX or SURROGATE. Synchronous, so one state is enough.
 */
import { carriesFraction, carriesInteger } from './digits.ts';

export const SYNTAX = -1;
export const SURROGATE = -2;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Bytes of one string looked at one by one before native search takes over. */
const NEAR = 24;
/** With at most this many digits and an exponent in +-EXPONENT every decimal survives a double (IEEE 754, DBL_DIG). */
const DIGITS = 15;
const EXPONENT = 280;

/** The same with one character per byte (latin1): native search in it is five times cheaper than in a Buffer. */
let text = '';
/** Where native search found the next quote and backslash: each byte is searched once, whatever the strings. */
let nextQuote = -1;
let nextSlash = -1;

/** Whether a `\u` or `\/` was read. */
export let escapes = false;
/** Whether a double carries the last number. */
export let carried = true;

export function begin(latin1: string): void {
  text = latin1;
  nextQuote = nextSlash = -1;
  escapes = false;
}

/** Nothing of a message stays behind. */
export function finish(): void {
  text = '';
}

/** After white space. */
export function spaceEnd(bytes: Uint8Array, at: number): number {
  let i = at;
  for (; i < bytes.length; i++) {
    const c = bytes[i]!;
    if (c > 0x20 || (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09)) break;
  }
  return i;
}

/** After the string whose first byte, behind the quote, is at `at`. */
export function stringEnd(bytes: Uint8Array, at: number): number {
  const end = bytes.length;
  let i = at;
  for (;;) {
    const near = i + NEAR < end ? i + NEAR : end;
    let c = 0x20;
    while (i < near && (c = bytes[i]!) !== QUOTE && c !== BACKSLASH && c >= 0x20) i++;
    if (i === near) {
      if (i === end) return SYNTAX;
      // Control characters in what is jumped over are left to JSON.parse.
      if (nextQuote < i && (nextQuote = text.indexOf('"', i)) < 0) return SYNTAX;
      if (nextSlash < i && (nextSlash = text.indexOf('\\', i)) < 0) nextSlash = end;
      if (nextQuote < nextSlash) return nextQuote + 1;
      i = nextSlash;
      c = BACKSLASH;
    }
    if (c === QUOTE) return i + 1;
    if (c !== BACKSLASH) return SYNTAX;
    i = escapeEnd(bytes, i + 1);
    if (i < 0) return i;
  }
}

/** After the escape whose letter is at `at`. */
function escapeEnd(bytes: Uint8Array, at: number): number {
  switch (at < bytes.length ? bytes[at] : 0) {
    case 0x2f:
      escapes = true;
      return at + 1;
    case QUOTE:
    case BACKSLASH:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return at + 1;
    case 0x75:
      break;
    default:
      return SYNTAX;
  }
  escapes = true;
  const unit = hex4(bytes, at + 1);
  if (unit < 0) return SYNTAX;
  if (unit < 0xd800 || unit > 0xdfff) return at + 5;
  if (unit > 0xdbff || at + 11 > bytes.length || bytes[at + 5] !== BACKSLASH || bytes[at + 6] !== 0x75)
    return SURROGATE;
  const low = hex4(bytes, at + 7);
  return low >= 0xdc00 && low <= 0xdfff ? at + 11 : SURROGATE;
}

/** The code unit of four hex digits, or SYNTAX. */
function hex4(bytes: Uint8Array, at: number): number {
  if (at + 4 > bytes.length) return SYNTAX;
  let unit = 0;
  for (let i = at; i < at + 4; i++) {
    const c = bytes[i]!;
    const lower = c | 0x20;
    const digit = c >= 0x30 && c <= 0x39 ? c - 0x30 : lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
    if (digit < 0) return SYNTAX;
    unit = unit * 16 + digit;
  }
  return unit;
}

/** After the number that begins at `at`; sets `carried`. */
export function numberEnd(bytes: Uint8Array, at: number): number {
  const end = bytes.length;
  const first = bytes[at] === 0x2d ? at + 1 : at;
  let i = digitsEnd(bytes, first);
  if (i === first || (bytes[first] === 0x30 && i > first + 1)) return SYNTAX;
  let digits = i - first;
  let exponent = 0;
  const whole = i;
  let c = i < end ? bytes[i]! : 0;
  if (c === 0x2e) {
    const from = i + 1;
    i = digitsEnd(bytes, from);
    if (i === from) return SYNTAX;
    digits += i - from;
    c = i < end ? bytes[i]! : 0;
  }
  if (c === 0x65 || c === 0x45) {
    i++;
    if (i < end && (bytes[i] === 0x2b || bytes[i] === 0x2d)) i++;
    const from = i;
    i = digitsEnd(bytes, from);
    if (i === from) return SYNTAX;
    for (let j = from; j < i && exponent <= EXPONENT; j++) exponent = exponent * 10 + bytes[j]! - 0x30;
  }
  if (digits <= DIGITS && exponent <= EXPONENT) carried = true;
  else carried = i === whole ? carriesInteger(text.slice(at, i)) : carriesFraction(text.slice(at, i));
  return i;
}

function digitsEnd(bytes: Uint8Array, at: number): number {
  let i = at;
  for (; i < bytes.length; i++) {
    const c = bytes[i]!;
    if (c < 0x30 || c > 0x39) break;
  }
  return i;
}

/** After `true`, `false` or `null`. */
export function wordEnd(bytes: Uint8Array, at: number): number {
  const word = bytes[at] === 0x74 ? 'true' : bytes[at] === 0x66 ? 'false' : 'null';
  return text.startsWith(word, at) ? at + word.length : SYNTAX;
}

const PROTO = Buffer.from('__proto__');

/** Whether the name at `at` is `__proto__`, however it is escaped: readers that assign members would set a prototype. */
export function isProto(bytes: Uint8Array, at: number): boolean {
  let i = at;
  for (let k = 0; k < PROTO.length; k++) {
    const escaped = bytes[i] === BACKSLASH && bytes[i + 1] === 0x75;
    if ((escaped ? hex4(bytes, i + 2) : bytes[i]) !== PROTO[k]) return false;
    i += escaped ? 6 : 1;
  }
  return bytes[i] === QUOTE;
}
