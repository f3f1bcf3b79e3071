/** The codec of the revisions with sessions: initialize, and results without a kind. What the older of them lack is in older.ts. */
import type { Said } from '../../core/admit.ts';
import { type Call, type Claimed, type Message, type Result, type RpcError, STREAM } from '../../core/call.ts';
import type { Code } from '../../core/codes/index.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';
import type { Fault, RequestFrame } from '../frame.ts';
import { interim, isLevel, trace, type Wishes } from './interim.ts';
import { LISTS_CHANGED, method as lookUp, META, onlyMembers, RESERVED } from './methods.ts';
import { capabilitiesOf, claimedBy, noteOf, resultOf, serverOf, withoutStructure } from './older.ts';
import { LEGACY, type LegacyEra, negotiated, OVER_HTTP } from './versions.ts';

/** What `initialize` left behind. `digest` names the session in lanes and logs; '-' where there is one client only. */
export interface LegacySession {
  readonly digest: string;
  readonly era: LegacyEra;
  readonly claimed: Claimed;
  /** Set by `logging/setLevel`. */
  readonly level?: string;
}

/** `task` asks for what we do not offer; the specification has such a request answered as if it were not there. */
const IGNORED: ReadonlySet<string> = new Set(['task']);
const SERVER_INFO = `${RESERVED}serverInfo`;

/**
 * One request in the inner dialect. `initialize` is heard as `server/discover`; its claims begin a session, for which the answer is
 * `tell('initialize', ...)`. Every other request needs one. `served`: what an `initialize` may agree on.
 */
export function hear(
  { id, method: name, params }: RequestFrame,
  session?: LegacySession,
  served: readonly LegacyEra[] = OVER_HTTP,
): Said | Fault {
  const fault = (code: Code): Fault => ({ fault: code, id });
  if (params[META] !== undefined && !isObject(params[META])) return fault('frame.params');
  if (name === 'initialize') {
    const { protocolVersion, capabilities, clientInfo } = params;
    if (typeof protocolVersion !== 'string' || !isObject(capabilities) || !isObject(clientInfo)) {
      return fault('frame.params');
    }
    const era = negotiated(protocolVersion, served);
    return {
      era,
      method: 'server/discover',
      family: 'list',
      name: '',
      args: {},
      claimed: { client: clientInfo, capabilities: claimedBy(era, capabilities) },
      trace: trace(params),
      session: '-',
    };
  }
  const method = name === 'server/discover' ? undefined : lookUp(name);
  if (!method || method.era === 'modern') return fault('frame.method');
  if (!session) return fault('frame.session-missing');
  if (!onlyMembers(method, params, IGNORED)) return fault('frame.params');
  const subject = method.subject(params);
  if (!subject) return fault('frame.params');
  return {
    era: session.era,
    method: name,
    family: method.family,
    name: subject.name,
    args: subject.args,
    claimed: session.claimed,
    trace: trace(params),
    session: session.digest,
  };
}

/**
 * The stream that a session has beside its requests, in the inner dialect. What was subscribed to is known by the
 * session; lists have no filter in this era.
 */
export function listening(session: LegacySession): Said {
  const notifications = Object.fromEntries(LISTS_CHANGED.map((kind) => [kind, true]));
  return {
    era: session.era,
    method: STREAM,
    family: 'listen',
    name: '',
    args: { notifications },
    claimed: session.claimed,
    trace: {},
    session: session.digest,
  };
}

/** Requests that a door answers itself: their result, or undefined. Nothing of them concerns an upstream. */
export function local({ id, method, params }: RequestFrame): JsonObject | Fault | undefined {
  if (method === 'ping') return {};
  if (method !== 'logging/setLevel') return undefined;
  return isLevel(params['level']) ? {} : { fault: 'frame.params', id };
}

/**
 * The members `result`, `error`, or `method` and `params` of the message, as the revision has them; undefined when the
 * client did not ask for such a notification. `method` is that of the call, or `initialize`.
 */
export function tell(
  method: string,
  message: Message,
  asked: Wishes = {},
  era: LegacyEra = LEGACY,
): JsonObject | undefined {
  switch (message.kind) {
    case 'result': {
      const { value } = message;
      // A door of this era asks by itself: what is still a question here cannot be put to the client.
      if (value['resultType'] === 'input_required') return { error: UNASKED };
      return {
        result: method === 'initialize' ? initialized(value, era) : resultOf(era, method, without(method, value)),
      };
    }
    case 'error': {
      const { message: text, data } = message;
      // A number of the newer era.
      const code = message.code === -32021 ? -32600 : message.code;
      return { error: data === undefined ? { code, message: text } : { code, message: text, data } };
    }
    case 'notification': {
      const told = interim(message, asked);
      return told && { ...told, params: noteOf(era, told.method, told.params) };
    }
  }
}

const UNASKED: JsonObject = { code: -32603, message: 'the client cannot be asked' };

/** The parts that JSON text of the result is joined from when the upstream's bytes can go out; else undefined. */
export function pass(
  method: string,
  { bytes, value }: Result,
  era: LegacyEra = LEGACY,
): readonly (string | Uint8Array)[] | undefined {
  if (!bytes || value['resultType'] !== 'complete') return undefined;
  if (method === 'tools/call' && !isStructure(value['structuredContent'])) return undefined;
  return resultOf(era, method, value) === value ? [bytes] : undefined;
}

/** Members of results that came with 2026-07-28. */
const ERA_MEMBERS = ['resultType', 'ttlMs', 'cacheScope'] as const;

function without(method: string, value: JsonObject): JsonObject {
  const { resultType: _, ttlMs: _ttl, cacheScope: _scope, ...result } = value;
  // Structured content of this era is an object, and so is what a tool promises of it.
  if (method === 'tools/call' && !isStructure(result['structuredContent'])) return withoutStructure(result);
  if (method === 'tools/list' && Array.isArray(result['tools'])) result['tools'] = result['tools'].map(objectOutput);
  return result;
}

function isStructure(value: Json | undefined): boolean {
  return value === undefined || isObject(value);
}

function objectOutput(tool: Json): Json {
  if (!isObject(tool) || tool['outputSchema'] === undefined) return tool;
  if (isObject(tool['outputSchema']) && tool['outputSchema']['type'] === 'object') return tool;
  const { outputSchema: _, ...rest } = tool;
  return rest;
}

/** A discovery as an InitializeResult. */
function initialized(value: JsonObject, era: LegacyEra): JsonObject {
  const { capabilities, instructions, [META]: meta } = value;
  const info = isObject(meta) ? meta[SERVER_INFO] : undefined;
  return {
    protocolVersion: era,
    capabilities: isObject(capabilities) ? capabilitiesOf(era, capabilities) : {},
    serverInfo: isObject(info) ? serverOf(era, info) : { name: 'doorward', version: '0' },
    ...(typeof instructions === 'string' && { instructions }),
  };
}

/** What an upstream of this era is asked. */
export function ask(call: Call): { method: string; params: JsonObject } {
  const method = lookUp(call.method);
  if (!method || call.method === 'server/discover') throw new Error('a call of an unknown method');
  return { method: call.method, params: method.params(call) };
}

/** The first request to an upstream. `offered` = what it may ask our client for, as capabilities. */
export function handshake(client: JsonObject, offered: JsonObject = {}): { method: string; params: JsonObject } {
  return { method: 'initialize', params: { protocolVersion: LEGACY, capabilities: offered, clientInfo: client } };
}

/**
 * An upstream's result in the inner dialect. `bytes` are its own, an object; they are kept only if they hold no
 * member that would mean something in the newer era.
 */
export function heard(_method: string, value: JsonObject, bytes?: Uint8Array): Result {
  const foreign = ERA_MEMBERS.some((name) => value[name] !== undefined);
  const { ttlMs: _ttl, cacheScope: _scope, ...rest } = value;
  const complete: JsonObject = { ...(foreign ? rest : value), resultType: 'complete' };
  const own = bytes !== undefined && !foreign && bytes[0] === 0x7b && Object.keys(value).length > 0;
  return own ? { kind: 'result', value: complete, bytes } : { kind: 'result', value: complete };
}

/**
 * An upstream's error in the inner dialect. Numbers about the connection between us and it (malformed message, wrong
 * header, version, capability) would mislead a client about its own, and become an internal error.
 */
export function heardError(error: RpcError): RpcError {
  const { code } = error;
  if (code === -32002) return { ...error, code: -32602 };
  const ours = code === -32700 || code === -32600 || code === -32042 || (code <= -32020 && code >= -32022);
  return ours ? { kind: 'error', code: -32603, message: 'upstream error' } : error;
}
