/**
 * Secrets that lie across two texts: blocks of one result, or messages of one call. The first part may have left; the
 * part that completes it is cut (house decision "Bytes").
 */
import type { State } from '../../core/state.ts';
import { type Fingerprint, redactText } from '../../detect/secrets.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';

/** What one call has sent so far. */
export interface Memory {
  /** The last 4 kB of text, in UTF-16 code units. */
  tail?: string;
}

const TAIL = 4096;
/** Of the first joints of a message the whole tail is looked at; thousands of blocks get a shorter look. */
const FULL_LOOKS = 16;
const SHORT = 256;
/** Characters that a secret can be cut between. */
const INSIDE = /[A-Za-z0-9_+/=.%~:@"' -]/;

export function memory(state: State, call: string): Memory {
  return state.scratch(call, 'redact') as Memory;
}

/** Whether there is a joint at all: an earlier message, or a second text. */
export function needsJoints(value: JsonObject, { tail }: Memory): boolean {
  return tail !== undefined || texts(value).length > 1;
}

/** Cuts what completes a secret at each joint, and remembers the end. The same object where nothing was cut. */
export function joints(
  value: JsonObject,
  known: Memory,
  fingerprint: Fingerprint,
): { value: JsonObject; found: readonly string[] } {
  const found: string[] = [];
  let tail = known.tail ?? '';
  let looks = 0;
  let changed = value;
  for (const path of texts(value)) {
    const text = at(value, path) as string;
    if (text === '') continue;
    const cut = tail === '' ? undefined : completion(tail, text, looks++ < FULL_LOOKS ? TAIL : SHORT, fingerprint);
    if (cut !== undefined) {
      found.push(cut.rule);
      changed = replaced(changed, path, cut.mark + text.slice(cut.length)) as JsonObject;
    }
    tail = (tail + text.slice(-TAIL)).slice(-TAIL);
  }
  known.tail = tail;
  return { value: changed, found };
}

interface Completion {
  readonly rule: string;
  /** How much of the second text belongs to the secret. */
  readonly length: number;
  readonly mark: string;
}

function completion(tail: string, text: string, reach: number, fingerprint: Fingerprint): Completion | undefined {
  if (!INSIDE.test(tail.at(-1)!) || !INSIDE.test(text[0]!)) return undefined;
  const before = tail.slice(-reach);
  const after = text.slice(0, reach);
  const across = redactText(before + after).found.find((f) => f.start < before.length && f.end > before.length);
  if (across === undefined) return undefined;
  const whole = (before + after).slice(across.start, across.end);
  return {
    rule: across.rule,
    length: across.end - before.length,
    mark: `[redacted ${across.rule} ${fingerprint(whole)}]`,
  };
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
