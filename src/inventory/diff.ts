/** What changed between two descriptors of one thing, as sentences for a person. Texts are escaped and cut. */
import type { PinKind } from '../core/call.ts';
import { canonical } from '../lib/json/canonical.ts';
import { isObject, type Json, type JsonObject } from '../lib/json/types.ts';
import { pointer } from '../lib/schema/index.ts';
import { escapeText } from '../lib/text.ts';
import { pinnedPart } from './digest.ts';

/** Bytes of a quoted text; changes reported for one thing. */
const QUOTED = 600;
const MAX_CHANGES = 100;

const HINTS: Readonly<Record<string, readonly [yes: string, no: string]>> = {
  readOnlyHint: ['now marked read-only', 'no longer marked read-only'],
  destructiveHint: ['now marked destructive', 'no longer marked destructive'],
  idempotentHint: ['now marked safe to repeat', 'no longer marked safe to repeat'],
  openWorldHint: ['now marked as reaching outside', 'no longer marked as reaching outside'],
};

/** Empty when the pinned parts are equal. */
export function diff(kind: PinKind, before: JsonObject, after: JsonObject): string[] {
  const out: string[] = [];
  const [old, fresh] = [pinnedPart(kind, before), pinnedPart(kind, after)];
  for (const member of new Set([...Object.keys(old), ...Object.keys(fresh)])) {
    const [a, b] = [old[member], fresh[member]];
    if (same(a, b)) continue;
    if (member === 'inputSchema') schema(a, b, 'parameter', out);
    else if (member === 'outputSchema') schema(a, b, 'result field', out);
    else if (member === 'annotations') hints(a, b, out);
    else if (member === 'arguments') promptArguments(a, b, out);
    else out.push(sentence(member, a, b));
  }
  if (out.length === 0 && !same(old, fresh)) out.push('changed in order only, or in a way that has no words here');
  return out.length > MAX_CHANGES
    ? [...out.slice(0, MAX_CHANGES), `and ${out.length - MAX_CHANGES} more changes`]
    : out;
}

function sentence(what: string, before: Json | undefined, after: Json | undefined): string {
  if (after === undefined) return `${what} is gone (it said: ${quote(before!)})`;
  return before === undefined
    ? `new ${what}: ${quote(after)}`
    : `${what} now says: ${quote(after)} (before: ${quote(before)})`;
}

function hints(before: Json | undefined, after: Json | undefined, out: string[]): void {
  const [old, fresh] = [isObject(before) ? before : {}, isObject(after) ? after : {}];
  for (const hint of new Set([...Object.keys(old), ...Object.keys(fresh)])) {
    const [a, b] = [old[hint], fresh[hint]];
    if (same(a, b)) continue;
    const words = Object.hasOwn(HINTS, hint) ? HINTS[hint] : undefined;
    if (!words) out.push(sentence(`annotation ${name(hint)}`, a, b));
    else if (b === true) out.push(words[0]);
    else if (b === false) out.push(a === true || hint !== 'readOnlyHint' ? words[1] : 'now marked not read-only');
    else out.push(`no longer says whether it is ${hint === 'readOnlyHint' ? 'read-only' : name(hint)}`);
  }
}

function promptArguments(before: Json | undefined, after: Json | undefined, out: string[]): void {
  const table = (list: Json | undefined) =>
    new Map((Array.isArray(list) ? list : []).map((item) => [isObject(item) ? String(item.name) : '', item] as const));
  const [old, fresh] = [table(before), table(after)];
  for (const [key, item] of fresh) {
    if (!old.has(key))
      out.push(`new argument ${name(key)}${isObject(item) && item.required === true ? ' (required)' : ''}`);
    else if (!same(old.get(key), item)) out.push(`argument ${name(key)} now says: ${quote(item)}`);
  }
  for (const key of old.keys()) if (!fresh.has(key)) out.push(`argument ${name(key)} is gone`);
}

/** Properties by name, all else by its place. */
function schema(
  before: Json | undefined,
  after: Json | undefined,
  what: string,
  out: string[],
  path: readonly string[] = [],
): void {
  if (same(before, after)) return;
  if (!isObject(before) || !isObject(after)) {
    out.push(sentence(path.length === 0 ? `${what} schema` : place(what, path), before, after));
    return;
  }
  const required = (node: JsonObject) => (Array.isArray(node.required) ? node.required.map(String) : []);
  const [wasRequired, isRequired] = [required(before), required(after)];
  const [old, fresh] = [properties(before), properties(after)];
  for (const [key, value] of Object.entries(fresh)) {
    const at = [...path, key];
    if (!Object.hasOwn(old, key)) {
      const need = isRequired.includes(key) ? 'required' : 'optional';
      out.push(`new ${place(what, at)} (${kindOf(value)}, ${need})${describe(value)}`);
      continue;
    }
    if (isRequired.includes(key) !== wasRequired.includes(key)) {
      out.push(`${place(what, at)} is ${isRequired.includes(key) ? 'now required' : 'no longer required'}`);
    }
    schema(old[key], value, what, out, at);
  }
  for (const key of Object.keys(old))
    if (!Object.hasOwn(fresh, key)) out.push(`${place(what, [...path, key])} is gone`);
  for (const keyword of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (keyword === 'properties' || keyword === 'required' || same(before[keyword], after[keyword])) continue;
    const [a, b] = [before[keyword], after[keyword]];
    if (keyword === 'items' && isObject(a) && isObject(b)) schema(a, b, what, out, [...path, '*']);
    else out.push(`${path.length === 0 ? `${what}s` : place(what, path)}: ${sentence(name(keyword), a, b)}`);
  }
}

function properties(node: JsonObject): JsonObject {
  return isObject(node.properties) ? node.properties : {};
}

function place(what: string, path: readonly string[]): string {
  return `${what} ${name(path.length === 1 ? path[0]! : pointer(path))}`;
}

function kindOf(value: Json): string {
  const type = isObject(value) ? value.type : undefined;
  return type === undefined ? 'any type' : escapeText(Array.isArray(type) ? type.join(' or ') : String(type), 60);
}

function describe(value: Json): string {
  return isObject(value) && typeof value.description === 'string' ? `: ${quote(value.description)}` : '';
}

function name(text: string): string {
  return `\`${escapeText(text, 128)}\``;
}

function quote(value: Json): string {
  return `"${escapeText(typeof value === 'string' ? value : canonical(value), QUOTED)}"`;
}

function same(a: Json | undefined, b: Json | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && canonical(a) === canonical(b));
}
