/**
 * One pass over the bytes of a JSON text (RFC 8259): grammar, nesting, lengths and counts, before anything is built.
 * Iterative, so that depth costs nothing.
 */
import { beginObject, beginShapes, isFresh } from './shapes.ts';
import {
  begin,
  carried,
  escapes,
  finish,
  isProto,
  numberEnd,
  SURROGATE,
  spaceEnd,
  stringEnd,
  wordEnd,
} from './tokens.ts';

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

/** New shapes of objects, and numbers kept by digits, in one message: with these no megabyte holds the loop for 20 ms. */
const MAX_FRESH = 24_576;
const MAX_INEXACT = 16_384;

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const NONE: number[] = [];
/** The byte that closes each open container. */
let closers = new Uint8Array(256);

/** `latin1` is `bytes` with one character per byte. */
export function scan(bytes: Uint8Array, latin1: string, caps: Caps): Shape | Unfit {
  if (closers.length <= caps.maxDepth) closers = new Uint8Array(caps.maxDepth + 1);
  begin(latin1);
  beginShapes(caps.maxDepth);
  const shape = walk(bytes, caps);
  finish();
  return shape;
}

function walk(bytes: Uint8Array, { maxDepth, maxString, maxMembers }: Caps): Shape | Unfit {
  const end = bytes.length;
  const stack = closers;
  let depth = 0;
  let deepest = 0;
  let members = 0;
  let names = 0;
  let fresh = 0;
  let inexact = NONE;
  /** Whether a name comes next, not a value. */
  let naming = false;

  // Each turn reads one name or one value.
  for (let i = 0; ; ) {
    if (i < end && bytes[i]! <= SPACE) i = spaceEnd(bytes, i);
    if (i >= end) return unfit('syntax', end);
    const start = i;
    const c = bytes[start]!;
    if (c === QUOTE) {
      i = stringEnd(bytes, start + 1);
      if (i < 0) return unfit(i === SURROGATE ? 'surrogate' : 'syntax', start);
      if (i - start - 2 > maxString) return unfit('string', start);
      if (naming) {
        if (isProto(bytes, start + 1)) return unfit('proto', start);
        if (isFresh(bytes, start + 1, i - 1, depth) && ++fresh > MAX_FRESH) return unfit('members', start);
        if (i < end && bytes[i]! <= SPACE) i = spaceEnd(bytes, i);
        if (i >= end || bytes[i] !== COLON) return unfit('syntax', i);
        i++;
        names++;
        naming = false;
        continue;
      }
    } else if (naming) {
      return unfit('syntax', start);
    } else if (c === OPEN_OBJECT || c === OPEN_ARRAY) {
      if (++depth > maxDepth) return unfit('depth', start);
      if (depth > deepest) deepest = depth;
      const object = c === OPEN_OBJECT;
      const closer = object ? CLOSE_OBJECT : CLOSE_ARRAY;
      stack[depth] = closer;
      if (object) beginObject(depth);
      i = spaceEnd(bytes, start + 1);
      if (i >= end) return unfit('syntax', end);
      if (bytes[i] !== closer) {
        if (++members > maxMembers) return unfit('members', i);
        naming = object;
        continue;
      }
      i++;
      depth--;
    } else if (c === MINUS || (c >= 0x30 && c <= 0x39)) {
      i = numberEnd(bytes, start);
      if (i < 0) return unfit('syntax', start);
      if (!carried) {
        if (inexact === NONE) inexact = [];
        if (inexact.push(start, i) > 2 * MAX_INEXACT) return unfit('members', start);
      }
    } else {
      i = wordEnd(bytes, start);
      if (i < 0) return unfit('syntax', start);
    }

    // A value has ended: close what ends with it.
    for (;;) {
      if (i < end && bytes[i]! <= SPACE) i = spaceEnd(bytes, i);
      if (depth === 0) return i < end ? unfit('trailing', i) : { ok: true, depth: deepest, names, inexact, escapes };
      if (i >= end) return unfit('syntax', end);
      const closer = stack[depth]!;
      const next = bytes[i++]!;
      if (next === COMMA) {
        if (++members > maxMembers) return unfit('members', i - 1);
        naming = closer === CLOSE_OBJECT;
        break;
      }
      if (next !== closer) return unfit('syntax', i - 1);
      depth--;
    }
  }
}

function unfit(why: JsonFault, at: number): Unfit {
  return { ok: false, why, at };
}
