/** Bounds on foreign schemas (guarantee IN8), and the constructs that are not served. Runs at review and at load. */
import { isObject, type Json, type JsonObject } from '../json/types.ts';
import { utf8Length } from '../text.ts';
import { PatternRefused } from './ecma.ts';
import { FORMATS } from './formats.ts';
import { ANNOTATIONS, DIALECTS, KNOWN, LIST, MAP, ONE, REFUSED } from './keywords.ts';
import { linearPattern } from './pattern.ts';
import { pointer, segments } from './places.ts';
import { type SchemaFinding, SchemaRefused } from './types.ts';

/** Bytes of the schema as JSON. */
export const MAX_BYTES = 65_536;
/** Nesting of subschemas. */
export const MAX_DEPTH = 32;
export const MAX_SUBSCHEMAS = 1_000;
/** Entries of enum, required and dependentRequired, added up. */
export const MAX_ENTRIES = 2_000;
export const MAX_PATTERNS = 100;

export type Schema = JsonObject | boolean;

/** Notes for the reviewer. Throws SchemaRefused at the first thing that cannot be served. */
export function inspectSchema(root: Schema): SchemaFinding[] {
  const bytes = utf8Length(JSON.stringify(root));
  if (bytes > MAX_BYTES) throw new SchemaRefused('schema.budget', '', `${bytes} bytes (at most ${MAX_BYTES})`);
  const notes: SchemaFinding[] = [];
  let schemas = 0;
  let entries = 0;
  let patterns = 0;
  let unevaluated: string | undefined;
  let branching = false;

  function visit(node: Json | undefined, path: readonly string[]): void {
    if (typeof node === 'boolean') return;
    const at = pointer(path);
    if (!isObject(node)) throw new SchemaRefused('schema.invalid', at, 'not a schema');
    if (++schemas > MAX_SUBSCHEMAS) throw new SchemaRefused('schema.budget', at, `over ${MAX_SUBSCHEMAS} subschemas`);
    if (path.length > MAX_DEPTH * 2) throw new SchemaRefused('schema.budget', at, `over ${MAX_DEPTH} levels`);
    for (const [keyword, value] of Object.entries(node)) visitKeyword(keyword, value, [...path, keyword]);
  }

  function visitKeyword(keyword: string, value: Json, path: readonly string[]): void {
    const at = pointer(path);
    if (REFUSED.has(keyword) || (keyword === '$id' && path.length > 1)) {
      throw new SchemaRefused('schema.ref', at, `${keyword} is not served`);
    }
    if (keyword === '$schema' && !(typeof value === 'string' && DIALECTS.has(value))) {
      throw new SchemaRefused('schema.keyword', at, 'not a dialect that is served (2020-12; drafts 6, 7 and 2019-09)');
    }
    if (keyword === 'unevaluatedItems') unevaluated ??= at;
    if (BRANCHING.has(keyword)) branching = true;
    if (keyword === '$ref') {
      if (typeof value !== 'string' || resolveRef(root, value) === undefined) {
        throw new SchemaRefused('schema.ref', at, 'not a reference into this schema (#/...)');
      }
    } else if (keyword === 'pattern') pattern(value, at);
    else if (keyword === 'format') {
      if (typeof value === 'string' && !FORMATS.has(value)) {
        notes.push({ rule: 'schema.format', severity: 'note', at, detail: 'the format is not known and not checked' });
      }
    } else if (keyword === 'enum' || keyword === 'required') count(Array.isArray(value) ? value.length : 0, at);
    else if (keyword === 'dependentRequired' && isObject(value)) {
      for (const list of Object.values(value)) count(Array.isArray(list) ? list.length : 0, at);
    } else if (keyword === 'items' && Array.isArray(value)) each(value, path);
    else if (keyword === 'dependencies' && isObject(value)) {
      for (const [name, part] of Object.entries(value)) {
        if (Array.isArray(part)) count(part.length, at);
        else visit(part, [...path, name]);
      }
    } else if (ONE.includes(keyword) || keyword === 'additionalItems') visit(value, path);
    else if (LIST.includes(keyword)) each(value, path);
    else if (MAP.includes(keyword)) {
      if (!isObject(value)) throw new SchemaRefused('schema.invalid', at, 'not an object of schemas');
      for (const [name, part] of Object.entries(value)) {
        if (keyword === 'patternProperties') pattern(name, at);
        if (name === '__proto__') throw new SchemaRefused('schema.keyword', at, 'the name __proto__ is not served');
        visit(part, [...path, name]);
      }
    } else if (!KNOWN.has(keyword) && !ANNOTATIONS.has(keyword) && !keyword.startsWith('x-')) {
      notes.push({ rule: 'schema.keyword', severity: 'note', at, detail: 'not a keyword of JSON Schema: no effect' });
    }
  }

  function each(value: Json, path: readonly string[]): void {
    if (!Array.isArray(value)) throw new SchemaRefused('schema.invalid', pointer(path), 'not a list of schemas');
    for (const [i, part] of value.entries()) visit(part, [...path, String(i)]);
  }

  function count(more: number, at: string): void {
    entries += more;
    if (entries > MAX_ENTRIES) throw new SchemaRefused('schema.budget', at, `over ${MAX_ENTRIES} entries in lists`);
  }

  function pattern(value: Json, at: string): void {
    if (typeof value !== 'string') throw new SchemaRefused('schema.invalid', at, 'the pattern is not text');
    if (++patterns > MAX_PATTERNS) throw new SchemaRefused('schema.budget', at, `over ${MAX_PATTERNS} patterns`);
    try {
      linearPattern(value);
    } catch (error) {
      if (!(error instanceof PatternRefused)) throw error;
      throw new SchemaRefused('schema.pattern', at, `the pattern cannot run in linear time: ${error.message}`);
    }
  }

  visit(root, []);
  if (unevaluated !== undefined && branching) {
    // ajv counts items as evaluated that no branch looked at: it would let them pass unseen.
    throw new SchemaRefused(
      'schema.keyword',
      unevaluated,
      'unevaluatedItems is not served beside branches or contains',
    );
  }
  refuseCycles(root);
  return notes;
}

/** The schema that `#`, or `#/` and a pointer, names; undefined when there is none. Nothing is ever fetched. */
export function resolveRef(root: Schema, ref: string): Schema | undefined {
  if (!ref.startsWith('#')) return undefined;
  let text: string;
  try {
    text = decodeURIComponent(ref.slice(1));
  } catch {
    return undefined;
  }
  let node: Json | undefined = root;
  for (const part of segments(text) ?? ['\0']) {
    if (Array.isArray(node)) node = /^(?:0|[1-9][0-9]{0,5})$/.test(part) ? node[Number(part)] : undefined;
    else node = isObject(node) && Object.hasOwn(node, part) ? node[part] : undefined;
  }
  return typeof node === 'boolean' || isObject(node) ? node : undefined;
}

const BRANCHING: ReadonlySet<string> = new Set(['anyOf', 'oneOf', 'if', 'contains', 'dependentSchemas']);
const SAME_PLACE = ['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'dependentSchemas', 'dependencies'];

/** A reference that comes back to itself without going into the value would never end (Core 9.4.1). */
function refuseCycles(root: Schema): void {
  const done = new Set<Schema>();
  const open = new Set<Schema>();
  function walk(node: Json | undefined): void {
    if (!isObject(node) || done.has(node)) return;
    if (open.has(node)) throw new SchemaRefused('schema.ref', '', 'a reference leads back to itself');
    open.add(node);
    if (typeof node.$ref === 'string') walk(resolveRef(root, node.$ref));
    for (const keyword of SAME_PLACE) {
      const value = node[keyword];
      if (Array.isArray(value)) value.forEach(walk);
      else if (keyword.startsWith('dependen') && isObject(value)) Object.values(value).forEach(walk);
      else walk(value);
    }
    open.delete(node);
    done.add(node);
  }
  // Every schema that references lead to is a possible start; those that nothing references are reached from the root.
  const starts: Json[] = [root];
  for (let i = 0; i < starts.length; i++) {
    const node = starts[i]!;
    walk(node);
    if (typeof node === 'object' && node !== null) starts.push(...Object.values(node));
  }
}
