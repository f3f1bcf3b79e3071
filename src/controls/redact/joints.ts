/**
 * Secrets that lie across two texts: blocks of one result, or messages of one call. The part that completes one is cut,
 * and what of the first part has not left with an earlier message (house decision "Bytes").
 */
import type { Slices } from '../../core/slices.ts';
import type { State } from '../../core/state.ts';
import { type Fingerprint, type Found, redactText, type Sought } from '../../detect/secrets.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';

/** What one call has sent so far. */
export interface Memory {
  /** The last 4 kB of text, in UTF-16 code units. */
  tail?: string;
}

const TAIL = 4096;
/** At the first joints of a message the whole tail is looked at; thousands of blocks get a shorter look. */
const FULL_LOOKS = 16;
const SHORT = 512;
/** A key block may go on for so long. */
const LONG = 64 * 1024;

export function memory(state: State, call: string): Memory {
  return state.scratch(call, 'redact') as Memory;
}

/** Whether there is a joint at all: an earlier message, or a second text. */
export function needsJoints(value: JsonObject, { tail }: Memory): boolean {
  return tail !== undefined || texts(value).length > 1;
}

/** Cuts what completes a secret at each joint, and remembers the end. The same object where nothing was cut. */
export function* joints(
  value: JsonObject,
  known: Memory,
  fingerprint: Fingerprint,
  sought: Sought,
): Slices<{ value: JsonObject; found: readonly string[] }> {
  const found: string[] = [];
  let tail = known.tail ?? '';
  let looks = 0;
  let changed = value;
  let passed = 0;
  const earlier: Piece[] = [];
  for (const path of texts(value)) {
    const text = at(value, path) as string;
    if (text === '') continue;
    yield;
    const cut =
      tail === '' ? undefined : completion(tail, text, looks++ < FULL_LOOKS ? TAIL : SHORT, fingerprint, sought);
    if (cut !== undefined) {
      found.push(cut.rule);
      changed = begun(changed, earlier, passed - cut.before);
      changed = replaced(changed, path, text.slice(0, cut.from) + cut.mark + text.slice(cut.to)) as JsonObject;
    }
    earlier.push({ path, from: passed, to: passed + text.length, own: text.length - (cut?.to ?? 0) });
    passed += text.length;
    tail = (tail + text.slice(-TAIL)).slice(-TAIL);
  }
  known.tail = tail;
  return { value: changed, found };
}

/** A text of this message that was passed, in UTF-16 code units of all of them. */
interface Piece {
  readonly path: Path;
  readonly from: number;
  readonly to: number;
  /** How many code units at its end nothing has replaced. */
  own: number;
}

/** Without what the earlier texts of this message hold from `start` on: it has not left yet. */
function begun(value: JsonObject, earlier: readonly Piece[], start: number): JsonObject {
  let changed = value;
  for (let i = earlier.length - 1; i >= 0 && earlier[i]!.to > start; i--) {
    const piece = earlier[i]!;
    const many = Math.min(piece.own, piece.to - Math.max(start, piece.from));
    if (many <= 0) continue;
    piece.own -= many;
    const text = at(changed, piece.path) as string;
    changed = replaced(changed, piece.path, text.slice(0, text.length - many)) as JsonObject;
  }
  return changed;
}

interface Completion {
  readonly rule: string;
  /** Code units of it that stand before the second text. */
  readonly before: number;
  /** The part of the second text that goes. */
  readonly from: number;
  readonly to: number;
  readonly mark: string;
}

function completion(
  tail: string,
  text: string,
  reach: number,
  fingerprint: Fingerprint,
  sought: Sought,
): Completion | undefined {
  const before = tail.slice(-reach);
  const seam = before.length;
  let after = text.slice(0, reach);
  let across = acrossSeam(before, after, sought);
  if (across !== undefined && across.end === seam + reach && text.length > reach) {
    after = text.slice(0, LONG);
    across = acrossSeam(before, after, sought);
  }
  if (across === undefined) return undefined;
  const { rule, start, end } = across;
  return {
    rule,
    before: Math.max(0, seam - start),
    from: Math.max(0, start - seam),
    to: end - seam,
    mark: `[redacted ${rule} ${fingerprint((before + after).slice(start, end))}]`,
  };
}

/** What is found only because both texts were looked at together. */
function acrossSeam(before: string, after: string, sought: Sought): Found | undefined {
  const seam = before.length;
  const found = redactText(before + after, undefined, undefined, sought).found.filter(({ end }) => end > seam);
  if (found.length === 0) return undefined;
  const alone = redactText(after, undefined, undefined, sought).found;
  return found.find(
    ({ start, end }) => start < seam || !alone.some((a) => a.start + seam <= start && a.end + seam >= end),
  );
}

type Path = readonly (string | number)[];

/** Where the texts that a model reads lie, in order. */
function texts(value: JsonObject): Path[] {
  const found: Path[] = [];
  for (const name of ['message', 'data']) if (typeof value[name] === 'string') found.push([name]);
  for (const list of ['content', 'contents', 'messages']) {
    const items = value[list];
    if (!Array.isArray(items)) continue;
    items.forEach((item, i) => {
      if (!isObject(item)) return;
      if (typeof item.text === 'string') found.push([list, i, 'text']);
      for (const inner of ['resource', 'content']) {
        const part = item[inner];
        if (isObject(part) && typeof part.text === 'string') found.push([list, i, inner, 'text']);
      }
    });
  }
  return found;
}

function at(value: Json, path: Path): Json {
  return path.reduce<Json>((held, step) => (held as Record<string | number, Json>)[step]!, value);
}

/** A copy along the path. */
function replaced(value: Json, path: Path, text: string): Json {
  const [step, ...rest] = path;
  if (step === undefined) return text;
  const copy = (Array.isArray(value) ? value.slice() : { ...(value as JsonObject) }) as Record<string | number, Json>;
  copy[step] = replaced(copy[step]!, rest, text);
  return copy as Json;
}
