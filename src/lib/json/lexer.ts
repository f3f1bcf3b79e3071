/**
 * One pass over the bytes of a JSON text (RFC 8259): grammar, nesting, lengths and counts, before anything is built.
 * Iterative, so that depth costs nothing; long strings are crossed by native search.
 */
import { carriesFraction, carriesInteger } from './digits.ts';

/** Ceilings for one message. Bytes, levels of nesting, bytes of one string or name, members and items in total. */
export interface Caps {
  readonly maxBytes: number;
  readonly maxDepth: number;
  readonly maxString: number;
  readonly maxMembers: number;
}

export type JsonFault =
  | 'size'
  | 'utf8'
  | 'bom'
  | 'syntax'
  | 'trailing'
  | 'depth'
  | 'string'
  | 'members'
  | 'surrogate'
  | 'duplicate'
  | 'proto';

/** What the pass saw. */
export interface Shape {
  readonly ok: true;
  readonly depth: number;
  /** Members of all objects. */
  readonly names: number;
  /** Start and end of each number that a double does not carry, flat, in order. */
  readonly inexact: readonly number[];
  /** `\u` or `\/` occurs: the bytes of a string can differ from its text. */
  readonly escapes: boolean;
}
export interface Unfit {
  readonly ok: false;
  readonly why: JsonFault;
  readonly at: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
/** Bytes of one string looked at one by one before native search takes over. */
const NEAR = 24;
/** With at most this many digits and an exponent in +-EXPONENT every decimal survives a double (IEEE 754, DBL_DIG). */
const DIGITS = 15;
const EXPONENT = 280;

const NONE: number[] = [];
const SYNTAX = -1;
const SURROGATE = -2;
const IN_ARRAY = 0;
const IN_OBJECT = 1;
// State of the running pass. It is synchronous, so one is enough.
let escapes = false;
/** Where native search found the next quote and backslash: each byte is searched once, whatever the strings. */
let nextQuote = -1;
let nextSlash = -1;
/** Kinds of the open containers. */
let nest = new Uint8Array(256);

/** `text` has one character per byte of `bytes` (latin1): native search in it is five times cheaper than in a Buffer. */
export function scan(bytes: Uint8Array, text: string, caps: Caps): Shape | Unfit {
  const end = bytes.length;
  const { maxDepth, maxString, maxMembers } = caps;
  if (nest.length <= maxDepth) nest = new Uint8Array(maxDepth + 1);
  const stack = nest;
  let i = 0;
  let c = 0;
  let depth = 0;
  let deepest = 0;
  let members = 0;
  let names = 0;
  let inexact = NONE;
  let name = false;
  escapes = false;
  nextQuote = -1;
  nextSlash = -1;

  // Each turn reads one name or one value; `c` is its first byte.
  for (;;) {
    while (i < end && ((c = bytes[i]!) === 0x20 || c === 0x0a || c === 0x0d || c === 0x09)) i++;
    if (i >= end) return unfit('syntax', end);
    if (c === QUOTE) {
      const start = ++i;
      i = stringEnd(bytes, text, start, end);
      if (i < 0) return unfit(i === SURROGATE ? 'surrogate' : 'syntax', start);
      if (i - start > maxString) return unfit('string', start);
      i++;
      if (name) {
        if (isProto(bytes, start)) return unfit('proto', start);
        while (i < end && ((c = bytes[i]!) === 0x20 || c === 0x0a || c === 0x0d || c === 0x09)) i++;
        if (i >= end || c !== COLON) return unfit('syntax', i);
        i++;
        names++;
        name = false;
        continue;
      }
    } else if (name) return unfit('syntax', i);
    else if (c === 0x7b || c === 0x5b) {
      if (++depth > maxDepth) return unfit('depth', i);
      if (depth > deepest) deepest = depth;
      const object = c === 0x7b;
      stack[depth] = object ? IN_OBJECT : IN_ARRAY;
      i++;
      while (i < end && ((c = bytes[i]!) === 0x20 || c === 0x0a || c === 0x0d || c === 0x09)) i++;
      if (i >= end) return unfit('syntax', end);
      if (c !== (object ? 0x7d : 0x5d)) {
        if (++members > maxMembers) return unfit('members', i);
        name = object;
        continue;
      }
      i++;
      depth--;
    } else if (c === 0x2d || (c >= 0x30 && c <= 0x39)) {
      const start = i;
      if (c === 0x2d) c = ++i < end ? bytes[i]! : 0;
      const first = i;
      if (c === 0x30) c = ++i < end ? bytes[i]! : 0;
      else {
        if (c < 0x31 || c > 0x39) return unfit('syntax', i);
        do c = ++i < end ? bytes[i]! : 0;
        while (c >= 0x30 && c <= 0x39);
      }
      let digits = i - first;
      let carried = true;
      if (c === 0x2e || c === 0x65 || c === 0x45) {
        let exponent = 0;
        if (c === 0x2e) {
          const dot = i;
          do c = ++i < end ? bytes[i]! : 0;
          while (c >= 0x30 && c <= 0x39);
          if (i - dot < 2) return unfit('syntax', i);
          digits += i - dot - 1;
        }
        if (c === 0x65 || c === 0x45) {
          c = ++i < end ? bytes[i]! : 0;
          if (c === 0x2b || c === 0x2d) c = ++i < end ? bytes[i]! : 0;
          const from = i;
          while (c >= 0x30 && c <= 0x39) {
            if (exponent <= EXPONENT) exponent = exponent * 10 + c - 0x30;
            c = ++i < end ? bytes[i]! : 0;
          }
          if (i === from) return unfit('syntax', i);
        }
        if (digits > DIGITS || exponent > EXPONENT) carried = carriesFraction(text.slice(start, i));
      } else if (digits > DIGITS) carried = carriesInteger(text.slice(start, i));
      if (!carried) {
        if (inexact === NONE) inexact = [];
        inexact.push(start, i);
      }
    } else if (c === 0x74) {
      if (!word(bytes, i, 0x72, 0x75, 0x65)) return unfit('syntax', i);
      i += 4;
    } else if (c === 0x6e) {
      if (!word(bytes, i, 0x75, 0x6c, 0x6c)) return unfit('syntax', i);
      i += 4;
    } else if (c === 0x66) {
      if (!word(bytes, i + 1, 0x6c, 0x73, 0x65)) return unfit('syntax', i);
      i += 5;
    } else return unfit('syntax', i);

    // A value has ended: close what ends with it.
    for (;;) {
      while (i < end && ((c = bytes[i]!) === 0x20 || c === 0x0a || c === 0x0d || c === 0x09)) i++;
      if (depth === 0) {
        if (i < end) return unfit('trailing', i);
        return { ok: true, depth: deepest, names, inexact, escapes };
      }
      if (i >= end) return unfit('syntax', end);
      const object = stack[depth] === IN_OBJECT;
      i++;
      if (c === COMMA) {
        if (++members > maxMembers) return unfit('members', i);
        name = object;
        break;
      }
      if (c !== (object ? 0x7d : 0x5d)) return unfit('syntax', i - 1);
      depth--;
    }
  }
}

/** The index of the closing quote, or a negative reason. */
function stringEnd(bytes: Uint8Array, text: string, from: number, end: number): number {
  let i = from;
  for (;;) {
    const near = i + NEAR < end ? i + NEAR : end;
    let c = 0x20;
    while (i < near && (c = bytes[i]!) !== QUOTE && c !== BACKSLASH && c >= 0x20) i++;
    if (i === near) {
      if (i === end) return SYNTAX;
      // Control characters in what is jumped over are left to JSON.parse.
      if (nextQuote < i && (nextQuote = text.indexOf('"', i)) < 0) return SYNTAX;
      if (nextSlash < i && (nextSlash = text.indexOf('\\', i)) < 0) nextSlash = end;
      if (nextQuote < nextSlash) return nextQuote;
      i = nextSlash;
      c = BACKSLASH;
    }
    if (c === QUOTE) return i;
    if (c !== BACKSLASH) return SYNTAX;
    i = escapeEnd(bytes, i + 1);
    if (i < 0) return i;
  }
}

/** The index after the escape whose letter is at `at`, or a negative reason. */
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

function unfit(why: JsonFault, at: number): Unfit {
  return { ok: false, why, at };
}

/** The code unit of four hex digits, or -1. */
function hex4(bytes: Uint8Array, at: number): number {
  if (at + 4 > bytes.length) return -1;
  let unit = 0;
  for (let i = at; i < at + 4; i++) {
    const c = bytes[i]!;
    const lower = c | 0x20;
    const digit = c >= 0x30 && c <= 0x39 ? c - 0x30 : lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

function word(bytes: Uint8Array, at: number, second: number, third: number, fourth: number): boolean {
  return at + 4 <= bytes.length && bytes[at + 1] === second && bytes[at + 2] === third && bytes[at + 3] === fourth;
}

const PROTO = Buffer.from('__proto__');

/** Whether the name at `at` is `__proto__`, however it is escaped: readers that assign members would set a prototype. */
function isProto(bytes: Uint8Array, at: number): boolean {
  let i = at;
  for (const wanted of PROTO) {
    const escaped = bytes[i] === BACKSLASH && bytes[i + 1] === 0x75;
    if ((escaped ? hex4(bytes, i + 2) : bytes[i]) !== wanted) return false;
    i += escaped ? 6 : 1;
  }
  return bytes[i] === QUOTE;
}
