/**
 * The headers that mirror the body (MCP 2026-07-28, Streamable HTTP; SEP-2243). The body is the source of truth:
 * headers are only ever compared with it, and none of them is forwarded.
 */
import type { Code } from '../core/codes/index.ts';
import { canonicalNumber } from '../lib/json/digits.ts';
import { isObject, isRawNumber, type Json, type JsonObject } from '../lib/json/types.ts';
import { nameOf } from './eras/methods.ts';
import { claimedVersion } from './eras/modern.ts';
import type { NotificationFrame, RequestFrame } from './frame.ts';

/** Values with optional white space trimmed and the base64 form decoded. */
export interface Headers {
  readonly version: string | undefined;
  readonly method: string | undefined;
  readonly name: string | undefined;
  readonly session: string | undefined;
  /** `Mcp-Param-*`, by the part after the prefix in lower case. */
  readonly params: ReadonlyMap<string, string>;
}

const VERSION = 'mcp-protocol-version';
const METHOD = 'mcp-method';
const NAME = 'mcp-name';
const SESSION = 'mcp-session-id';
const PARAM = 'mcp-param-';
/** Headers that two readers could take differently when they come twice. */
const ONCE: ReadonlySet<string> = new Set([
  VERSION,
  METHOD,
  NAME,
  SESSION,
  'authorization',
  'dpop',
  'host',
  'origin',
  'content-type',
  'content-length',
  'content-encoding',
  'transfer-encoding',
  'last-event-id',
]);
/** Bytes of one mirrored value, and how many `Mcp-Param-*` are looked at: refused before any decoding. */
const MAX_VALUE = 8192;
const MAX_PARAMS = 64;

const NO_PARAMS: ReadonlyMap<string, string> = new Map();

/** `raw` is Node's `rawHeaders`: name, value, name, value, before anything was joined. */
export function protocolHeaders(raw: readonly string[]): Headers | Code {
  const found = new Map<string, string>();
  let params: Map<string, string> | undefined;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    const param = name.startsWith(PARAM);
    if (!param && !ONCE.has(name)) continue;
    const value = trim(raw[i + 1]!);
    if (value.length > MAX_VALUE || !isClean(value)) return 'door.headers';
    if (param) {
      params ??= new Map();
      const key = name.slice(PARAM.length);
      if (params.has(key) || params.size >= MAX_PARAMS) return 'door.headers';
      const decoded = decode(value);
      if (decoded === undefined) return 'frame.header-mismatch';
      params.set(key, decoded);
    } else {
      if (found.has(name)) return 'door.headers';
      found.set(name, value);
    }
  }
  const name = found.get(NAME);
  const decoded = name === undefined ? undefined : decode(name);
  if (name !== undefined && decoded === undefined) return 'frame.header-mismatch';
  return {
    version: found.get(VERSION),
    method: found.get(METHOD),
    name: decoded,
    session: found.get(SESSION),
    params: params ?? NO_PARAMS,
  };
}

/** Where a mirrored argument stands: header name after `Mcp-Param-` in lower case -> path of member names. */
export type ParamHeaders = ReadonlyMap<string, readonly string[]>;

/**
 * Whether the headers of a modern message say what its body says. A request must mirror its version, its method and
 * its name; on a notification the mirrors are optional. `paramHeaders` are those that the tool's pinned schema
 * declares; headers that no schema declares mean nothing here and go nowhere.
 */
export function matchesBody(
  headers: Headers,
  frame: RequestFrame | NotificationFrame,
  paramHeaders?: ParamHeaders,
): Code | undefined {
  const { method, params } = frame;
  const optional = frame.kind === 'notification';
  const version = claimedVersion(params);
  if (!mirrors(headers.version, version, optional) || !mirrors(headers.method, method, optional)) return MISMATCH;
  // Where nothing is mirrored a name means nothing, and goes nowhere.
  const name = nameOf(method, params);
  if (name !== undefined && !mirrors(headers.name, name, optional)) return MISMATCH;
  if (paramHeaders) {
    for (const [header, path] of paramHeaders) {
      if (!equals(headers.params.get(header), at(params['arguments'], path))) return MISMATCH;
    }
  }
  return undefined;
}

const MISMATCH: Code = 'frame.header-mismatch';

function mirrors(header: string | undefined, body: Json | undefined, optional: boolean): boolean {
  return header === undefined ? optional || body === undefined : header === body;
}

/** An argument that is absent or null has no header. */
function equals(header: string | undefined, value: Json | undefined): boolean {
  if (value === undefined || value === null) return header === undefined;
  if (header === undefined) return false;
  if (typeof value === 'string') return header === value;
  if (typeof value === 'boolean') return header === String(value);
  const digits = typeof value === 'number' ? String(value) : isRawNumber(value) ? value.rawJSON : undefined;
  return digits !== undefined && NUMBER.test(header) && canonicalNumber(header) === canonicalNumber(digits);
}
/** A JSON number without exponent: linear, nothing in it can be matched in two ways. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;

function at(value: Json | undefined, path: readonly string[]): Json | undefined {
  let node = value;
  for (const name of path) {
    if (!isObject(node) || !Object.hasOwn(node, name)) return undefined;
    node = (node as JsonObject)[name];
  }
  return node;
}

/** Optional white space of RFC 9110 section 5.6.3. */
function trim(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isSpace(value.charCodeAt(start))) start++;
  while (end > start && isSpace(value.charCodeAt(end - 1))) end--;
  return value.slice(start, end);
}
const isSpace = (c: number): boolean => c === 0x20 || c === 0x09;

/** Visible ASCII, space and tab: everything else travels as base64. */
function isClean(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i);
    if (c < 0x20 ? c !== 0x09 : c > 0x7e) return false;
  }
  return true;
}

const PREFIX = '=?base64?';
const SUFFIX = '?=';

/** `=?base64?...?=` decoded (RFC 4648 section 4, canonical, UTF-8); anything else as it is; undefined when malformed. */
function decode(value: string): string | undefined {
  if (!value.startsWith(PREFIX) || !value.endsWith(SUFFIX)) return value;
  const coded = value.slice(PREFIX.length, -SUFFIX.length);
  const bytes = Buffer.from(coded, 'base64');
  if (bytes.toString('base64') !== coded) return undefined;
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) ? text : undefined;
}
