/** The annotation `x-mcp-header`, as a client must check it before it lists a tool (SEP-2243). */
import { isObject, type Json, type JsonObject } from '../lib/json/types.ts';
import { LIST, MAP, ONE } from '../lib/schema/keywords.ts';
import { pointer } from '../lib/schema/places.ts';
import { TOKEN } from './mirror.ts';

const TYPES: ReadonlySet<unknown> = new Set(['string', 'integer', 'boolean']);

/**
 * What is wrong with the annotations of a tool, each with its place as a JSON pointer: a client must not list such a
 * tool (2026-07-28, server/tools, x-mcp-header). The schema is bounded already.
 */
export function annotationFaults(inputSchema: Json): { readonly at: string; readonly text: string }[] {
  const faults: { at: string; text: string }[] = [];
  const seen = new Set<string>();
  const look = (schema: JsonObject, path: readonly string[], reachable: boolean): void => {
    const header = schema['x-mcp-header'];
    if (header === undefined) return;
    const fault = (text: string) => void faults.push({ at: pointer([...path, 'x-mcp-header']), text });
    if (!reachable) return fault('an argument that stands elsewhere than under `properties` cannot be mirrored');
    if (typeof header !== 'string' || !TOKEN.test(header)) return fault('not a name that a header can have');
    if (!TYPES.has(schema['type'])) return fault('only strings, integers and booleans can be mirrored');
    if (seen.has(header.toLowerCase())) return fault('two arguments with one header');
    seen.add(header.toLowerCase());
  };
  /** `reachable`: through `properties` alone. The root itself is no argument. */
  const walk = (schema: Json | undefined, path: readonly string[], reachable: boolean): void => {
    if (!isObject(schema)) return;
    look(schema, path, reachable && path.length > 0);
    for (const keyword of ONE) walk(schema[keyword], [...path, keyword], false);
    for (const keyword of LIST) {
      const list = schema[keyword];
      if (Array.isArray(list)) list.forEach((one, i) => walk(one, [...path, keyword, String(i)], false));
    }
    for (const keyword of MAP) {
      const map = schema[keyword];
      if (!isObject(map)) continue;
      for (const name in map) walk(map[name], [...path, keyword, name], reachable && keyword === 'properties');
    }
  };
  walk(inputSchema, [], true);
  return faults;
}
