/**
 * The only way in which a stranger's bytes become a JSON value. Stricter than RFC 8259 where two readers could
 * disagree: names are unique, text is well-formed Unicode, numbers keep their digits (guarantee IN7; RFC 7493).
 */
import { isAscii, isUtf8 } from 'node:buffer';
import { type Caps, type JsonFault, scan } from './lexer.ts';
import type { Json, JsonObject, RawNumber } from './types.ts';

export type { Caps, JsonFault } from './lexer.ts';

export const REQUEST_CAPS: Caps = { maxBytes: 4 << 20, maxDepth: 64, maxString: 4 << 20, maxMembers: 50_000 };
export const REPLY_CAPS: Caps = { maxBytes: 4 << 20, maxDepth: 128, maxString: 4 << 20, maxMembers: 200_000 };

/** What is known of the text besides its value. */
export interface JsonFacts {
  readonly ascii: boolean;
  /** A `\u` or `\/` occurs. */
  readonly escapes: boolean;
  /** Every number round-trips through a double. */
  readonly exact: boolean;
  /** Levels of nesting; a scalar has 0. */
  readonly depth: number;
}

/** `at` is a byte offset; 0 for `utf8`, the end for `duplicate`, which show only in the whole. */
export type Parsed =
  | { readonly ok: true; readonly value: Json; readonly facts: JsonFacts }
  | { readonly ok: false; readonly why: JsonFault; readonly at: number };

/** Never throws. Linear in the bytes; the caps bound what a stranger can make it build. */
export function parseJson(input: Uint8Array, caps: Caps): Parsed {
  const bytes = Buffer.isBuffer(input) ? input : Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  const end = bytes.length;
  if (end > caps.maxBytes) return fault('size', caps.maxBytes);
  const ascii = isAscii(bytes);
  if (!ascii) {
    if (!isUtf8(bytes)) return fault('utf8', 0);
    if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return fault('bom', 0);
  }
  const latin1 = bytes.toString('latin1');
  const shape = scan(bytes, latin1, caps);
  if (!shape.ok) return shape;
  const exact = shape.inexact.length === 0;
  const marked = exact ? latin1 : mark(latin1, shape.inexact);
  const text = ascii ? marked : exact ? bytes.toString('utf8') : Buffer.from(marked, 'latin1').toString('utf8');
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return fault('syntax', 0);
  }
  // JSON.parse keeps the last of two equal names: fewer members in the tree than in the text prove a duplicate.
  if (countNames(value) !== shape.names + shape.inexact.length / 2) return fault('duplicate', end);
  if (!exact) value = unmark(value);
  return { ok: true, value, facts: { ascii, escapes: shape.escapes, exact, depth: shape.depth } };
}

function fault(why: JsonFault, at: number): Parsed {
  return { ok: false, why, at };
}

/** Members of all objects in the tree. Recursion is as deep as the scan allowed. */
function countNames(value: Json): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const item = value[i]!;
      if (typeof item === 'object' && item !== null) count += countNames(item);
    }
    return count;
  }
  const object = value as JsonObject;
  for (const name in object) {
    count++;
    const member = object[name]!;
    if (typeof member === 'object' && member !== null) count += countNames(member);
  }
  return count;
}

/**
 * Puts `{"__proto__":"digits"}` where a number would lose digits. Nothing else can look like that: the scan has
 * refused the name. (A reviver that is given the source text does the same at forty times the cost.)
 */
function mark(text: string, places: readonly number[]): string {
  const parts: string[] = [];
  let last = 0;
  for (let i = 0; i < places.length; i += 2) {
    parts.push(text.slice(last, places[i]), '{"__proto__":"', text.slice(places[i], places[i + 1]), '"}');
    last = places[i + 1]!;
  }
  parts.push(text.slice(last));
  return parts.join('');
}

const { rawJSON } = JSON as unknown as { rawJSON(text: string): RawNumber };

function unmark(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = unmark(value[i]!);
    return value;
  }
  const object = value as JsonObject;
  if (Object.hasOwn(object, '__proto__')) return rawJSON(object['__proto__'] as string);
  for (const name in object) object[name] = unmark(object[name]!);
  return object;
}
