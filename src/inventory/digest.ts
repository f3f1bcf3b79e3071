/**
 * What is pinned of a thing: everything that a client or a model gets to see of it. `size`, members that no revision
 * knows, and `_meta` but for the page that a tool of MCP Apps belongs to are neither pinned nor stored, and so never
 * shown: listings are answered from what is stored.
 */
import type { PinKind } from '../core/call.ts';
import { digest } from '../lib/json/canonical.ts';
import { isObject, type Json, type JsonObject } from '../lib/json/types.ts';

const SHOWN: Readonly<Record<PinKind, readonly string[]>> = {
  tool: ['name', 'title', 'description', 'inputSchema', 'outputSchema', 'annotations', 'icons', 'execution'],
  prompt: ['name', 'title', 'description', 'arguments', 'icons'],
  resource: ['uri', 'name', 'title', 'description', 'mimeType', 'annotations', 'icons'],
  template: ['uriTemplate', 'name', 'title', 'description', 'mimeType', 'annotations', 'icons'],
};

/** The member that names a thing. */
export const NAMED_BY: Readonly<Record<PinKind, string>> = {
  tool: 'name',
  prompt: 'name',
  resource: 'uri',
  template: 'uriTemplate',
};

/** The pinned part of a descriptor, its members in a fixed order. Shares its values with the original. */
export function pinnedPart(kind: PinKind, descriptor: JsonObject): JsonObject {
  const part: JsonObject = {};
  for (const member of SHOWN[kind]) {
    const value = descriptor[member];
    if (value !== undefined) part[member] = value;
  }
  const ui = kind === 'tool' && isObject(descriptor['_meta']) ? descriptor['_meta']['ui'] : undefined;
  if (isObject(ui)) {
    const app: JsonObject = {};
    for (const member of APP) if (ui[member] !== undefined) app[member] = ui[member];
    part['_meta'] = { ui: app };
  }
  return part;
}

const APP = ['resourceUri', 'visibility'] as const;

/** `sha256:` + hex over the canonical form of the kind and the pinned part. */
export function descriptorDigest(kind: PinKind, descriptor: JsonObject): string {
  return digest([kind, pinnedPart(kind, descriptor)]);
}

/** Undefined when the descriptor has no name that is text. */
export function nameOf(kind: PinKind, descriptor: JsonObject): string | undefined {
  const name: Json | undefined = descriptor[NAMED_BY[kind]];
  return typeof name === 'string' && name !== '' ? name : undefined;
}

export function textDigest(text: string): string {
  return digest(text);
}
