/** Leaves out of a result what its reviewed schema does not name (guarantee OU4). */
import { isObject, type Json, type JsonObject } from '../json/types.ts';
import { applied, itemsOf, opens } from './close.ts';
import type { Schema } from './judge.ts';
import { Exhausted, startMeter } from './meter.ts';
import { type LinearPattern, linearPattern } from './pattern.ts';
import { plain } from './plain.ts';

/**
 * The pruner of one schema: answers the same object when nothing was left out. A name is kept when any subschema for
 * its place declares it, or opens the place to others; a place for which nothing is declared is kept whole. The result
 * must still be checked: this only decides what is named. undefined = over the work budget.
 */
export function pruner(schema: JsonObject | boolean): (value: Json) => Json | undefined {
  const root = plain(schema) as Schema;
  const patterns = new Map<string, LinearPattern>();
  const parts = new Map<Schema, readonly JsonObject[]>();

  function matches(pattern: string, name: string): boolean {
    let compiled = patterns.get(pattern);
    if (!compiled) patterns.set(pattern, (compiled = linearPattern(pattern)));
    return compiled.test(name);
  }

  function partsOf(nodes: readonly Schema[]): readonly JsonObject[] {
    const all = new Set<JsonObject>();
    for (const node of nodes) {
      let own = parts.get(node);
      if (!own) parts.set(node, (own = applied(root, node)));
      for (const part of own) all.add(part);
    }
    return [...all];
  }

  function prune(value: Json, nodes: readonly Schema[]): Json {
    if (typeof value !== 'object' || value === null) return value;
    const here = partsOf(nodes);
    if (Array.isArray(value)) return pruneItems(value, here);
    if (!isObject(value)) return value;
    const declares = here.some((part) => part.properties !== undefined || part.patternProperties !== undefined);
    if (!declares && !here.some(opens)) return value;
    let kept: JsonObject | undefined;
    for (const name of Object.keys(value)) {
      const below = named(name, here);
      const member = below === undefined ? undefined : prune(value[name]!, below);
      if (member === value[name]) continue;
      kept ??= { ...value };
      if (member === undefined) delete kept[name];
      else kept[name] = member;
    }
    return kept ?? value;
  }

  /** The schemas for a name; undefined when none names it. */
  function named(name: string, here: readonly JsonObject[]): Schema[] | undefined {
    const below: Schema[] = [];
    let found = false;
    for (const part of here) {
      let own = false;
      if (isObject(part.properties) && Object.hasOwn(part.properties, name)) {
        below.push(part.properties[name] as Schema);
        own = true;
      }
      if (isObject(part.patternProperties)) {
        for (const [pattern, node] of Object.entries(part.patternProperties)) {
          if (!matches(pattern, name)) continue;
          below.push(node as Schema);
          own = true;
        }
      }
      for (const keyword of ['additionalProperties', 'unevaluatedProperties'] as const) {
        const node = part[keyword];
        if (own || node === undefined || node === false) continue;
        below.push(node as Schema);
        found = true;
      }
      found ||= own;
    }
    return found ? below : undefined;
  }

  function pruneItems(items: readonly Json[], here: readonly JsonObject[]): Json {
    let kept: Json[] | undefined;
    for (const [i, item] of items.entries()) {
      if (typeof item !== 'object' || item === null) continue;
      const below: Schema[] = [];
      for (const part of here) {
        const { items: each, rest, tuple } = itemsOf(part);
        const node = tuple && i < tuple.length ? (tuple[i] as Schema) : (each ?? rest);
        if (node !== undefined) below.push(node);
        if (part.contains !== undefined) below.push(part.contains as Schema);
      }
      const member = prune(item, below);
      if (member === item) continue;
      kept ??= [...items];
      kept[i] = member;
    }
    return kept ?? (items as Json);
  }

  return (value) => {
    startMeter();
    try {
      return prune(value, [root]);
    } catch (error) {
      if (error instanceof Exhausted) return undefined;
      throw error;
    }
  };
}
