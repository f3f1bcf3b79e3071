/**
 * Extensions of MCP that can be let through, by the word that configuration has for each. What is not named for an
 * upstream is taken out in both directions, so that neither side can use it.
 */
import { isObject, type JsonObject } from '../lib/json/types.ts';

export type Extension = 'tasks' | 'apps';

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
