/**
 * Extensions of MCP that can be let through, by the word that configuration has for each. What is not named for an
 * upstream is taken out in both directions, so that neither side can use it.
 */
import { isObject, type JsonObject } from '../lib/json/types.ts';
import type { Extension, Pinned, Target } from './call.ts';

/** Identifier, and the settings that both sides are told. */
export const EXTENSIONS: Readonly<Record<Extension, { readonly id: string; readonly settings: Readonly<JsonObject> }>> =
  {
    tasks: { id: 'io.modelcontextprotocol/tasks', settings: {} },
    apps: { id: 'io.modelcontextprotocol/ui', settings: { mimeTypes: ['text/html;profile=mcp-app'] } },
  };

/** Whether a side said that it has the extension. */
export function declares(capabilities: Readonly<JsonObject>, extension: Extension): boolean {
  const { extensions } = capabilities;
  return isObject(extensions) && isObject(extensions[EXTENSIONS[extension].id]);
}

/** The member `extensions` of capabilities. */
export function declared(extensions: Iterable<Extension>): JsonObject {
  const said: JsonObject = {};
  for (const one of extensions) said[EXTENSIONS[one].id] = { ...EXTENSIONS[one].settings };
  return said;
}

/** `data` of error -32021 for what only a client with the extension can do. */
export function required(extension: Extension): JsonObject {
  return { requiredCapabilities: { extensions: declared([extension]) } };
}

/** A page that a host shows (MCP Apps). */
export function isApp(thing: Target): boolean {
  if (thing.kind !== 'resource' && thing.kind !== 'template') return false;
  return (thing.uri ?? thing.name).toLowerCase().startsWith('ui:');
}

const plain = new WeakMap<object, JsonObject>();

/** What a listing shows of a reviewed thing; undefined = nothing. All that is pinned of `_meta` belongs to apps. */
export function shown(pin: Pinned, apps: boolean): JsonObject | undefined {
  const descriptor = pin.descriptor as JsonObject;
  if (apps) return descriptor;
  if (isApp(pin)) return undefined;
  if (descriptor['_meta'] === undefined) return descriptor;
  let made = plain.get(descriptor);
  if (!made) {
    const { _meta: _, ...rest } = descriptor;
    plain.set(descriptor, (made = rest));
  }
  return made;
}
