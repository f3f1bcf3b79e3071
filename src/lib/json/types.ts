/** A JSON value as the gateway holds it. A number that a double cannot carry is a `RawNumber`. */
export type Json = null | boolean | number | string | RawNumber | Json[] | JsonObject;
export interface JsonObject {
  [name: string]: Json;
}

/** A number kept by its digits: `JSON.rawJSON` in the parsed tree, so that `JSON.stringify` writes it unchanged. */
export interface RawNumber {
  readonly rawJSON: string;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawNumber(value);
}

export function isRawNumber(value: unknown): value is RawNumber {
  return typeof value === 'object' && value !== null && (JSON as { isRawJSON?(v: unknown): boolean }).isRawJSON!(value);
}
