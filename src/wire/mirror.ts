/**
 * The headers that mirror a request of 2026-07-28 (Streamable HTTP; SEP-2243), built anew for each hop from the body
 * that is sent.
 */
import { isObject, isRawNumber, type Json, type JsonObject } from '../lib/json/types.ts';
import { nameOf } from './eras/methods.ts';
import { claimedVersion } from './eras/modern.ts';
import type { ParamHeaders } from './headers.ts';

const MAX_DEPTH = 16;
/** A token (RFC 9110, section 5.6.2). */
export const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;

/** Arguments that `x-mcp-header` annotates, reachable through `properties` alone. The review bounds the schema. */
export function paramHeaders(inputSchema: unknown): ParamHeaders {
  const params = new Map<string, readonly string[]>();
  const walk = (node: unknown, path: readonly string[]): void => {
    const properties = isObject(node as Json) ? (node as JsonObject)['properties'] : undefined;
    if (!isObject(properties) || path.length > MAX_DEPTH) return;
    for (const name of Object.keys(properties)) {
      const property = properties[name];
      if (!isObject(property)) continue;
      const header = property['x-mcp-header'];
      if (typeof header === 'string') params.set(header.toLowerCase(), [...path, name]);
      walk(property, [...path, name]);
    }
  };
  walk(inputSchema, []);
  return params;
}

/** Name, value, name, value: what a request with this body says of itself in its headers. */
export function mirror(method: string, params: JsonObject, declared?: ParamHeaders): string[] {
  const headers: string[] = [];
  const version = claimedVersion(params);
  if (typeof version === 'string') headers.push('mcp-protocol-version', version);
  headers.push('mcp-method', method);
  const name = nameOf(method, params);
  if (typeof name === 'string') headers.push('mcp-name', encode(name));
  for (const [header, path] of declared ?? []) {
    const value = text(at(params['arguments'], path));
    if (value !== undefined && TOKEN.test(header)) headers.push(`mcp-param-${header}`, encode(value));
  }
  return headers;
}

/** As it is where a header can carry it, else base64 of its UTF-8. A tab could be changed on the way. */
export function encode(value: string): string {
  const plain = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value);
  const ambiguous = value.startsWith('=?base64?') && value.endsWith('?=');
  return plain && !ambiguous ? value : `=?base64?${Buffer.from(value, 'utf8').toString('base64')}?=`;
}

/** Strings, numbers and booleans; what is absent, null or of another kind has no header. */
function text(value: Json | undefined): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean' || typeof value === 'number') return String(value);
  return isRawNumber(value) ? value.rawJSON : undefined;
}

function at(value: Json | undefined, path: readonly string[]): Json | undefined {
  let node = value;
  for (const name of path) {
    if (!isObject(node) || !Object.hasOwn(node, name)) return undefined;
    node = node[name];
  }
  return node;
}
