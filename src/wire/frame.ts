/**
 * JSON-RPC 2.0 messages as MCP narrows them: objects, no null id, nothing beside the known members; and the batches of
 * the one revision that had them.
 */
import type { Code } from '../core/codes/index.ts';
import { type Caps, type JsonFacts, parseJson, REQUEST_CAPS } from '../lib/json/scan.ts';
import { isObject, type Json, type JsonObject } from '../lib/json/types.ts';
import { utf8Length } from '../lib/text.ts';

/** A text of at most 256 bytes of UTF-8, or an integer that a double carries. */
export type Id = string | number;

export interface RequestFrame {
  readonly kind: 'request';
  readonly id: Id;
  readonly method: string;
  readonly params: JsonObject;
  readonly facts: JsonFacts;
}
export interface NotificationFrame {
  readonly kind: 'notification';
  readonly method: string;
  readonly params: JsonObject;
  readonly facts: JsonFacts;
}
export interface ResponseFrame {
  readonly kind: 'response';
  /** Absent when the sender could not read the id of what it answers (an error only). */
  readonly id?: Id;
  readonly result?: JsonObject;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: Json };
  readonly facts: JsonFacts;
}
export type Frame = RequestFrame | NotificationFrame | ResponseFrame;

/** `id` only where it could be read safely; `data` is that of the JSON-RPC error. */
export interface Fault {
  readonly fault: Code;
  readonly id?: Id;
  readonly data?: JsonObject;
}

const MAX_ID = 256;
const MAX_METHOD = 128;

/** What one body or one line holds. The elements of a batch are messages, or faults of their own. */
export interface Batch {
  readonly kind: 'batch';
  readonly elements: readonly (Frame | Fault)[];
}

/** Elements of a batch: each may be a call. */
export const MAX_BATCH = 32;

/** One message; a batch is a fault. */
export function frame(bytes: Uint8Array, caps: Caps = REQUEST_CAPS): Frame | Fault {
  const said = frames(bytes, caps);
  return 'kind' in said && said.kind === 'batch' ? { fault: 'frame.batch' } : said;
}

/** One message, or a batch of at most `MAX_BATCH` (2025-03-26, basic; JSON-RPC 2.0 section 6). */
export function frames(bytes: Uint8Array, caps: Caps = REQUEST_CAPS): Frame | Batch | Fault {
  const parsed = parseJson(bytes, caps);
  if (!parsed.ok) return { fault: 'frame.json' };
  const { value, facts } = parsed;
  if (!Array.isArray(value)) return message(value, facts);
  if (value.length === 0 || value.length > MAX_BATCH) return { fault: 'frame.batch' };
  return { kind: 'batch', elements: value.map((element) => message(element, facts)) };
}

function message(value: Json, facts: JsonFacts): Frame | Fault {
  if (!isObject(value)) return { fault: 'frame.request' };
  const { jsonrpc, id, method, params, result, error } = value;
  if (id !== undefined && id !== null && !isId(id)) return { fault: 'frame.request' };
  const named = id === undefined || id === null ? {} : { id };
  const fault = (code: Code): Fault => ({ fault: code, ...named });
  if (jsonrpc !== '2.0' || !onlyKnown(value)) return fault('frame.request');

  if (method !== undefined) {
    if (typeof method !== 'string' || method === '' || method.length > MAX_METHOD) return fault('frame.request');
    if (id === null || result !== undefined || error !== undefined) return fault('frame.request');
    if (params !== undefined && !isObject(params)) return fault('frame.params');
    const said = { method, params: params ?? {}, facts };
    return id === undefined ? { kind: 'notification', ...said } : { kind: 'request', id, ...said };
  }

  if (params !== undefined || (result === undefined) === (error === undefined)) return fault('frame.request');
  if (isObject(result))
    return named.id === undefined ? fault('frame.request') : { kind: 'response', id: named.id, result, facts };
  const failure = readError(error);
  return failure ? { kind: 'response', ...named, error: failure, facts } : fault('frame.request');
}

export function isId(value: Json | undefined): value is Id {
  return typeof value === 'string'
    ? value.length <= MAX_ID && utf8Length(value) <= MAX_ID
    : Number.isSafeInteger(value);
}

function onlyKnown(message: JsonObject): boolean {
  for (const name in message) if (!KNOWN.has(name)) return false;
  return true;
}
const KNOWN: ReadonlySet<string> = new Set(['jsonrpc', 'id', 'method', 'params', 'result', 'error']);

function readError(error: Json | undefined): ResponseFrame['error'] {
  if (!isObject(error)) return undefined;
  const { code, message, data } = error;
  if (typeof code !== 'number' || !Number.isSafeInteger(code) || typeof message !== 'string') return undefined;
  return data === undefined ? { code, message } : { code, message, data };
}
