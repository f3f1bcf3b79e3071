/**
 * Rewrites a schema into what ajv compiles: references hoisted into counted definitions, older spellings made those of
 * 2020-12, what asserts nothing left out; and, if asked, closed against names that it does not declare.
 *
 * Closing happens where a value begins (root, property, item): subschemas applied to the same value compose, so the
 * names that any of them declares are counted together (`unevaluatedProperties`, Core 11.3). `not`, `contains` and
 * open `additionalProperties` inside a composition would count names that nobody declared; the closed form leaves them
 * out and `exact` turns false: then the value must fit the closed form and the plain form.
 */
import { isObject, type Json, type JsonObject } from '../json/types.ts';
import { resolveRef, type Schema } from './judge.ts';
import { ASSERTIONS } from './keywords.ts';
import type { Places } from './places.ts';
import type { Strictness } from './types.ts';

/** Our keyword: counts one step of the meter. */
export const STEP = 'x-doorward-step';
const ANY = 'any';
type Path = readonly string[] | undefined;

export interface Rewritten {
  readonly schema: JsonObject;
  /** Whether the closed form alone says all that the plain form says. */
  readonly exact: boolean;
}

export function rewrite(root: Schema, strictness: Strictness, openings: Places): Rewritten {
  const definitions: JsonObject = {};
  const shared = new Map<Schema, string>();
  const mayBe = kinds(root);
  const said = new Map<JsonObject, boolean>();
  let exact = true;

  /** The schema of a place where a value begins. `path` is undefined inside shared definitions. */
  function place(node: Schema, path: Path): Schema {
    if (node === false) return false;
    const excepted = strictness === true && path !== undefined && openings.has(path);
    const parts = applied(root, node);
    const declares = parts.some((part) => part.properties !== undefined || part.patternProperties !== undefined);
    const explicit = parts.some(opens);
    const closeObject =
      strictness === true ? !excepted && mayBe(node, 'object') : strictness === 'declared' && declares && !explicit;
    const closeItems = strictness === true && !excepted && mayBe(node, 'array');
    const kept = strictness === false || excepted || (strictness === 'declared' && !closeObject);
    if (node === true) return closeObject ? anyClosed() : true;
    const out = same(node, path, kept, true);
    const composed = node.$ref !== undefined || parts.length > 1;
    if (closeObject) {
      if (composed) out.unevaluatedProperties = false;
      else out.additionalProperties = false;
    }
    if (closeItems) closeArray(out, node);
    return out;
  }

  /** A schema applied to a value whose place is closed elsewhere. `kept`: it may still open names. */
  function same(node: JsonObject, path: Path, kept: boolean, top: boolean): JsonObject {
    const out: JsonObject = {};
    for (const keyword of ASSERTIONS) if (node[keyword] !== undefined) out[keyword] = node[keyword];
    const below = (part: string): Path => path && [...path, part];
    const inner = (part: Json | undefined): Json => (isObject(part) ? same(part, path, kept, false) : (part as Json));
    for (const keyword of ['properties', 'patternProperties'] as const) {
      const map = node[keyword];
      if (isObject(map))
        out[keyword] = mapped(map, (part, name) => place(part, below(keyword === 'properties' ? name : '*')));
    }
    const { items, rest, tuple } = itemsOf(node);
    if (tuple) out.prefixItems = tuple.map((part, i) => place(part as Schema, below(String(i))));
    if (items !== undefined) out.items = place(items, below('*'));
    else if (rest !== undefined) out.items = place(rest, below('*'));
    if (node.propertyNames !== undefined) out.propertyNames = inner(node.propertyNames);
    for (const keyword of ['allOf', 'anyOf', 'oneOf'] as const) {
      const list = node[keyword];
      if (Array.isArray(list)) out[keyword] = list.map(inner);
    }
    if (node.if !== undefined) {
      // ajv miscounts what `if` evaluated; this says the same. The condition is shared, so nesting does not double it.
      const name = reserve();
      fill(name, node.if, (part) => same(part, path, kept, false));
      const when = { $ref: `#/$defs/${name}` };
      const either = [
        { allOf: [when, inner(node.then ?? true)] },
        { allOf: [{ not: when }, inner(node.else ?? true)] },
      ];
      out.allOf = [...((out.allOf as Json[]) ?? []), { anyOf: either }];
    }
    if (node.oneOf !== undefined || node.if !== undefined) exact &&= strictness === false;
    const schemas = { ...(isObject(node.dependentSchemas) ? node.dependentSchemas : {}) };
    if (isObject(node.dependencies)) {
      const required: JsonObject = { ...(isObject(node.dependentRequired) ? node.dependentRequired : {}) };
      for (const [name, value] of Object.entries(node.dependencies)) {
        if (Array.isArray(value)) required[name] = value;
        else schemas[name] = value;
      }
      out.dependentRequired = required;
    }
    if (Object.keys(schemas).length > 0) out.dependentSchemas = mapped(schemas, inner as (part: Schema) => Json);
    for (const keyword of ['not', 'contains'] as const) {
      if (node[keyword] === undefined) continue;
      if (strictness === false)
        out[keyword] = keyword === 'not' ? inner(node.not) : place(node.contains as Schema, undefined);
      else exact = false;
    }
    if (strictness !== false) {
      delete out.minContains;
      delete out.maxContains;
    }
    for (const keyword of ['additionalProperties', 'unevaluatedProperties', 'unevaluatedItems'] as const) {
      const value = node[keyword];
      if (value === undefined) continue;
      if (value === false) out[keyword] = false;
      else if (kept) out[keyword] = loose(value as Schema, below('*'));
      // At the top of a closed place it is replaced by something stricter; inside a composition its constraint is lost.
      else if (!top || keyword === 'unevaluatedItems') exact = false;
    }
    if (typeof node.$ref === 'string') refer(node.$ref, path, kept, out);
    return out;
  }

  /** ajv's `unevaluatedItems` skips items in compositions, so arrays are closed by plain `items`, branch by branch. */
  function closeArray(out: JsonObject, node: JsonObject): void {
    if (says(node)) return;
    for (const keyword of ['anyOf', 'oneOf'] as const) {
      const branches = node[keyword];
      if (!Array.isArray(branches) || !branches.some(says)) continue;
      exact &&= keyword === 'anyOf';
      out[keyword] = branches.map((branch, i) => {
        const made = (out[keyword] as Json[])[i]!;
        return says(branch) ? made : { allOf: [made, { items: anyClosed() }] };
      });
      return;
    }
    out.items ??= anyClosed();
  }

  /** Whether every item of an array that the schema accepts meets a schema of its own. */
  function says(node: Json | undefined): boolean {
    if (!isObject(node)) return node === false;
    let answer = said.get(node);
    if (answer === undefined) said.set(node, (answer = saysItself(node)));
    return answer;
  }

  function saysItself(node: JsonObject): boolean {
    const { items, rest } = itemsOf(node);
    if (items !== undefined || rest !== undefined || !mayBe(node, 'array')) return true;
    if (typeof node.$ref === 'string' && says(resolveRef(root, node.$ref))) return true;
    if (Array.isArray(node.allOf) && node.allOf.some(says)) return true;
    return [node.anyOf, node.oneOf].some((list) => Array.isArray(list) && list.every(says));
  }

  /** Names that nobody declared were allowed: what the author says nothing about stays open below as well. */
  function loose(node: Schema, path: Path): Schema {
    if (node === true || (isObject(node) && applied(root, node).every((part) => Object.keys(part).every(silent))))
      return true;
    return place(node, path);
  }

  function refer(ref: string, path: Path, kept: boolean, out: JsonObject): void {
    const target = resolveRef(root, ref)!;
    // A definition is shared; only a copy can be opened at one place.
    if (path && isObject(target) && strictness === true && openings.reaches(path)) {
      out.allOf = [...((out.allOf as Json[]) ?? []), same(target, path, kept, false)];
      return;
    }
    let name = shared.get(target);
    if (name === undefined) {
      name = reserve();
      shared.set(target, name);
      fill(name, target, (part) => same(part, undefined, strictness === false, false));
    }
    out.$ref = `#/$defs/${name}`;
  }

  /** The name of a counted definition: taken before its body is made, since bodies may refer back. */
  function reserve(): string {
    const name = `s${Object.keys(definitions).length}`;
    definitions[name] = {};
    return name;
  }

  function fill(name: string, node: Json, make: (part: JsonObject) => JsonObject): void {
    definitions[name] = { [STEP]: true, ...(isObject(node) ? make(node) : { allOf: [node] }) };
  }

  function anyClosed(): JsonObject {
    const ref = { $ref: `#/$defs/${ANY}` };
    definitions[ANY] ??= { [STEP]: true, additionalProperties: false, items: { ...ref } };
    return ref;
  }

  const body = place(root, []);
  const schema: JsonObject = typeof body === 'boolean' ? (body ? {} : { not: {} }) : { ...body };
  if (Object.keys(definitions).length > 0) schema.$defs = definitions;
  return { schema, exact };
}

/** The schema and all that it applies to the same value, each once. `not` is left out: nothing it names is declared. */
export function applied(root: Schema, node: Schema): readonly JsonObject[] {
  const found = new Set<JsonObject>();
  function add(part: Json | undefined): void {
    if (!isObject(part) || found.has(part)) return;
    found.add(part);
    if (typeof part.$ref === 'string') add(resolveRef(root, part.$ref));
    for (const keyword of ['allOf', 'anyOf', 'oneOf'] as const) {
      const list = part[keyword];
      if (Array.isArray(list)) list.forEach(add);
    }
    for (const keyword of ['if', 'then', 'else'] as const) add(part[keyword]);
    for (const keyword of ['dependentSchemas', 'dependencies'] as const) {
      const map = part[keyword];
      if (isObject(map)) Object.values(map).forEach(add);
    }
  }
  add(node);
  return [...found];
}

/** `items` of every draft: a list of 2020-12's `prefixItems` spelled `items`, its rest `additionalItems`. */
export function itemsOf(node: JsonObject): { items?: Schema; rest?: Schema; tuple?: readonly Json[] } {
  if (Array.isArray(node.items)) {
    const rest = node.additionalItems as Schema | undefined;
    return { tuple: node.items, ...(rest !== undefined && { rest }) };
  }
  return {
    ...(node.items !== undefined && { items: node.items as Schema }),
    ...(Array.isArray(node.prefixItems) && { tuple: node.prefixItems }),
  };
}

/** Whether the schema says itself that names it does not declare are welcome. */
export function opens(part: JsonObject): boolean {
  return [part.additionalProperties, part.unevaluatedProperties].some(
    (value) => value !== undefined && value !== false,
  );
}

function silent(keyword: string): boolean {
  return (
    !ASSERTIONS.includes(keyword) &&
    !/^(?:properties|patternProperties|items|prefixItems|contains|not|additional|unevaluated|propertyNames)/.test(
      keyword,
    )
  );
}

export type Kind = 'object' | 'array';

/**
 * Whether a value of that kind can fit: false when `type`, `const`, `enum` or a composition proves that it cannot.
 * Each schema is looked at once: references may lead to one schema along very many ways.
 */
export function kinds(root: Schema): (node: Json | undefined, kind: Kind) => boolean {
  const known = { object: new Map<JsonObject, boolean>(), array: new Map<JsonObject, boolean>() };
  function mayBe(node: Json | undefined, kind: Kind): boolean {
    if (!isObject(node)) return node !== false;
    let answer = known[kind].get(node);
    if (answer === undefined) known[kind].set(node, (answer = judge(node, kind)));
    return answer;
  }
  function judge(node: JsonObject, kind: Kind): boolean {
    const { type } = node;
    if (type !== undefined && type !== kind && !(Array.isArray(type) && type.includes(kind))) return false;
    if (node.const !== undefined && !is(node.const, kind)) return false;
    if (Array.isArray(node.enum) && !node.enum.some((value) => is(value, kind))) return false;
    const may = (part: Json | undefined) => mayBe(part, kind);
    if (typeof node.$ref === 'string' && !may(resolveRef(root, node.$ref))) return false;
    if (Array.isArray(node.allOf) && !node.allOf.every(may)) return false;
    return [node.anyOf, node.oneOf].every((list) => !Array.isArray(list) || list.some(may));
  }
  return mayBe;
}

function is(value: Json, kind: Kind): boolean {
  return kind === 'array' ? Array.isArray(value) : isObject(value);
}

function mapped(map: JsonObject, change: (part: Schema, name: string) => Json): JsonObject {
  return Object.fromEntries(Object.entries(map).map(([name, part]) => [name, change(part as Schema, name)]));
}
