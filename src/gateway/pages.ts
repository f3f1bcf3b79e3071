/**
 * Pages of a listing, and the cursors between them. A cursor is sealed: it is good for one caller, one listing, and
 * the entries as they were, and anything else is refused alike. No cursor of an upstream ever leaves the house.
 */
import type { Call } from '../core/call.ts';
import { Ended } from '../core/ended.ts';
import { principalOf } from '../core/principal.ts';
import type { Random } from '../core/state.ts';
import { sha256Hex } from '../lib/bytes.ts';
import { isObject, type Json, type JsonObject } from '../lib/json/types.ts';
import { type KeyRing, open, seal } from '../lib/seal.ts';

export interface Sealing {
  readonly ring: KeyRing;
  readonly random: Random;
}

/** Entries of one page. Few servers have more tools, and some clients read the first page only. */
export const PAGE = 200;
const CONTEXT = 'doorward.cursor.1';

const sizes = new WeakMap<object, number>();

/** Bytes of an entry as JSON. */
function sizeOf(entry: JsonObject): number {
  let size = sizes.get(entry);
  if (size === undefined) sizes.set(entry, (size = Buffer.byteLength(JSON.stringify(entry)) + 1));
  return size;
}

/** Whether the call wants the first page and the entries fit it, so that nothing need be known about the reader. */
export function isOnePage(call: Call, entries: readonly JsonObject[], bytes: number): boolean {
  return cursorOf(call.args) === undefined && entries.length <= PAGE && endOf(entries, 0, bytes) === entries.length;
}

/**
 * The page that the call asks for, of at most `bytes` and at least one entry. `entries` are all that the caller may
 * see, in their order. Throws Ended for a cursor that is not one of this caller, listing and state.
 */
export function page(
  call: Call,
  entries: readonly JsonObject[],
  bytes: number,
  { ring, random }: Sealing,
): { readonly entries: readonly JsonObject[]; readonly nextCursor?: string } {
  const cursor = cursorOf(call.args);
  let whole: string | undefined;
  const mark = () => (whole ??= sha256Hex(JSON.stringify(entries)));
  let start = 0;
  if (cursor !== undefined) {
    const plain = open(ring, CONTEXT, cursor);
    const said = plain && (JSON.parse(Buffer.from(plain).toString()) as Cursor);
    if (!said || said.for !== owner(call) || said.of !== mark()) throw new Ended('stop', 'frame.cursor');
    start = said.at;
  }
  const end = endOf(entries, start, bytes);
  const part = entries.slice(start, end);
  if (end === entries.length) return { entries: part };
  const next: Cursor = { for: owner(call), of: mark(), at: end };
  return { entries: part, nextCursor: seal(ring, CONTEXT, Buffer.from(JSON.stringify(next)), random) };
}

/** Only this file seals under its context, so what opens has this shape. */
interface Cursor {
  readonly for: string;
  /** Digest of all entries. */
  readonly of: string;
  readonly at: number;
}

function owner({ caller, route, method }: Call): string {
  return JSON.stringify([principalOf(caller), route, method]);
}

function endOf(entries: readonly JsonObject[], start: number, bytes: number): number {
  let end = start;
  for (let size = 0; end < entries.length && end - start < PAGE; end++) {
    size += sizeOf(entries[end]!);
    if (size > bytes && end > start) break;
  }
  return end;
}

function cursorOf(args: Json): string | undefined {
  const cursor = isObject(args) ? args['cursor'] : undefined;
  return typeof cursor === 'string' ? cursor : undefined;
}
