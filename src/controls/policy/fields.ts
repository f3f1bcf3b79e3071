/** Keeps, drops and masks fields of a result (guarantees AZ5, OU7). Text that is JSON is treated as what it holds. */
import { parseJson, REPLY_CAPS } from '../../lib/json/scan.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';
import { segments } from '../../lib/schema/index.ts';
import type { Results } from './bounds.ts';

export const WITHHELD = '[withheld: only named fields of this result may be read]';
const MASK = '***';

type Paths = readonly (readonly string[])[];

/** The result of a tool, an error too, with only the fields that `rules` leave. */
export function minimised(value: JsonObject, rules: Results): JsonObject {
  const keep = rules.keep && paths(rules.keep);
  const drop = paths(rules.drop ?? []);
  const mask = paths(rules.mask ?? []);
  const fields = (data: Json): Json => {
    const kept = keep ? (only(data, keep) ?? {}) : data;
    return without(without(kept, drop, false), mask, true);
  };
  // `_meta` has no fields that a grant could name.
  const { structuredContent, content, _meta: _, ...next } = value;
  const words = rules.text === 'errors' && value['isError'] === true;
  if (structuredContent !== undefined) next['structuredContent'] = fields(structuredContent);
  if (content !== undefined)
    next['content'] = Array.isArray(content)
      ? content.map((block) => blockOf(block, fields, rules.text === 'pass', words))
      : [];
  return next;
}

/** `all` = whatever is no JSON passes; `words` = of that, plain text. */
function blockOf(block: Json, fields: (data: Json) => Json, all: boolean, words: boolean): Json {
  const text = isObject(block) && block['type'] === 'text' ? block['text'] : undefined;
  if (typeof text === 'string') {
    const data = jsonOf(text);
    if (data !== undefined) return { type: 'text', text: JSON.stringify(fields(data)) };
    if (words) return { type: 'text', text };
  }
  // Of prose, an image, a recording, an embedded resource no field can be told apart.
  return all ? block : { type: 'text', text: WITHHELD };
}

/** An object or a list; undefined for any other text. */
function jsonOf(text: string): Json | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  const parsed = parseJson(Buffer.from(text), REPLY_CAPS);
  return parsed.ok ? parsed.value : undefined;
}

function paths(pointers: readonly string[]): Paths {
  return pointers.map((pointer) => segments(pointer)!);
}

/** The paths that go on below `name`. */
function below(all: Paths, name: string): Paths {
  return all.flatMap(([step, ...rest]) => (step === '*' || step === name ? [rest] : []));
}

/** The part of `value` that some path leads to; undefined when there is none. */
function only(value: Json, wanted: Paths): Json | undefined {
  if (wanted.some((path) => path.length === 0)) return value;
  if (Array.isArray(value)) {
    const kept = value.map((item, i) => only(item, below(wanted, String(i))));
    return kept.some((item) => item !== undefined) ? kept.map((item) => item ?? null) : undefined;
  }
  if (!isObject(value)) return undefined;
  const kept = Object.entries(value).flatMap(([name, inner]): [string, Json][] => {
    const next = below(wanted, name);
    const part = next.length === 0 ? undefined : only(inner, next);
    return part === undefined ? [] : [[name, part]];
  });
  return kept.length > 0 ? Object.fromEntries(kept) : undefined;
}

/** `value` without what the paths lead to, or with a mask in its place. Items of a list leave null. */
function without(value: Json, unwanted: Paths, masked: boolean): Json {
  if (unwanted.length === 0 || typeof value !== 'object' || value === null) return value;
  const gone = (next: Paths) => next.some((path) => path.length === 0);
  if (Array.isArray(value)) {
    return value.map((item, i) => {
      const next = below(unwanted, String(i));
      if (gone(next)) return masked ? MASK : null;
      return without(item, next, masked);
    });
  }
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]): [string, Json][] => {
      const next = below(unwanted, name);
      if (!gone(next)) return [[name, without(inner, next, masked)]];
      return masked ? [[name, MASK]] : [];
    }),
  );
}
