/** The codec of 2026-07-28. The inner dialect is this revision, so it mostly checks, and fills in what it requires. */
import type { Said } from '../../core/admit.ts';
import {
  type Call,
  type Family,
  type Message,
  type Result,
  type Resume,
  type RpcError,
  STREAM,
} from '../../core/call.ts';
import type { Code } from '../../core/codes/index.ts';
import { declared, declares, required } from '../../core/extensions.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';
import type { Fault, Id, RequestFrame } from '../frame.ts';
import { interim, isLevel, SUBSCRIPTION, trace, type Wishes } from './interim.ts';
import { method as lookUp, META, onlyMembers, RESERVED } from './methods.ts';
import { MODERN, SUPPORTED, versionData } from './versions.ts';

const VERSION = `${RESERVED}protocolVersion`;
const CAPABILITIES = `${RESERVED}clientCapabilities`;
const CLIENT = `${RESERVED}clientInfo`;
const LEVEL = `${RESERVED}logLevel`;
/** Of a handle that `server/discover` gave. */
export const FLOW = 'dev.doorward/flow';
const MAX_FLOW = 512;
const RESUMES: ReadonlySet<string> = new Set(['inputResponses', 'requestState']);
/** `task` was a wish of 2025-11-25; SEP-2663 has it answered as if it were not there. */
const TASKED: ReadonlySet<string> = new Set([...RESUMES, 'task']);
const NOTHING: ReadonlySet<string> = new Set();
/** Methods whose results say how long they may be kept (SEP-2549). */
const CACHED: ReadonlySet<string> = new Set([
  'server/discover',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
]);

/** Whether a message claims this era: any of the two required members of `_meta` is there, well-formed or not. */
export function claims(params: JsonObject): boolean {
  const meta = params[META];
  return isObject(meta) && (meta[VERSION] !== undefined || meta[CAPABILITIES] !== undefined);
}

/** The revision that a message names in its envelope. */
export function claimedVersion(params: JsonObject): Json | undefined {
  const meta = params[META];
  return isObject(meta) ? meta[VERSION] : undefined;
}

/** One request in the inner dialect. */
export function hear({ id, method: name, params }: RequestFrame): Said | Fault {
  const fault = (code: Code, data?: JsonObject): Fault => (data ? { fault: code, id, data } : { fault: code, id });
  const meta = params[META];
  if (!isObject(meta)) return fault('frame.envelope');
  const { [VERSION]: version, [CAPABILITIES]: capabilities, [CLIENT]: client, [LEVEL]: level, [FLOW]: flow } = meta;
  if (typeof version !== 'string' || !isObject(capabilities)) return fault('frame.envelope');
  if ((client !== undefined && !isObject(client)) || (level !== undefined && !isLevel(level))) {
    return fault('frame.envelope');
  }
  if (version !== MODERN) return fault('frame.version', versionData(version));

  const method = lookUp(name);
  if (!method || method.era === 'legacy') return fault('frame.method');
  if (aboutTasks(name, method.family, params) && !declares(capabilities, 'tasks'))
    return fault('frame.capability', required('tasks'));
  const also = !method.resumes ? NOTHING : declares(capabilities, 'tasks') ? TASKED : RESUMES;
  if (!onlyMembers(method, params, also)) return fault('frame.params');
  const subject = method.subject(params);
  const resume = method.resumes ? resumed(params) : name === 'tasks/update' ? answered(params) : undefined;
  if (!subject || resume === null) return fault('frame.params');
  return {
    era: MODERN,
    method: name,
    family: method.family,
    name: subject.name,
    args: subject.args,
    claimed: client === undefined ? { capabilities } : { client, capabilities },
    trace: trace(params),
    ...(resume && { resume }),
    session: '-',
    ...(typeof flow === 'string' && flow.length <= MAX_FLOW && { flow }),
  };
}

/** Only clients that declared the extension may speak of tasks (SEP-2663). */
function aboutTasks(name: string, family: Family, { notifications }: JsonObject): boolean {
  return family === 'task' || (name === STREAM && isObject(notifications) && notifications['taskIds'] !== undefined);
}

/** Answers to what a task asked: the handle is all the state there is. */
function answered({ inputResponses }: JsonObject): Resume | null {
  return isObject(inputResponses) ? { answers: inputResponses } : null;
}

/** A client's answer to `input_required`; null when it is malformed. */
function resumed({ inputResponses, requestState }: JsonObject): Resume | null | undefined {
  if (inputResponses !== undefined && !isObject(inputResponses)) return null;
  if (requestState !== undefined && typeof requestState !== 'string') return null;
  // Each question of ours has a state: answers without one answer nothing that was asked.
  if (requestState === undefined) return undefined;
  return { state: requestState, answers: inputResponses ?? {} };
}

/**
 * The members `result`, `error`, or `method` and `params` of the message, as this era has them; undefined when the
 * client did not ask for such a notification. `method` is that of the call.
 */
export function tell(method: string, message: Message, asked: Wishes = {}): JsonObject | undefined {
  switch (message.kind) {
    case 'result':
      return { result: complete(method, message.value, asked.listen?.id) };
    case 'error':
      return { error: errorMembers(message) };
    case 'notification':
      return interim(message, asked);
  }
}

/** The parts that JSON text of the result is joined from when the upstream's bytes can go out; else undefined. */
export function pass(method: string, { bytes, value }: Result): readonly (string | Uint8Array)[] | undefined {
  if (!bytes || CACHED.has(method) || value['resultType'] !== 'complete') return undefined;
  return ['{"resultType":"complete",', bytes.subarray(1)];
}

function complete(method: string, value: JsonObject, id: Id | undefined): JsonObject {
  const result: JsonObject = value['resultType'] === undefined ? { resultType: 'complete', ...value } : { ...value };
  if (method === STREAM && id !== undefined) result[META] = { [SUBSCRIPTION]: id };
  if (!CACHED.has(method) || result['resultType'] !== 'complete') return result;
  // Every answer of the house depends on who asked, so no answer may be shared (SEP-2549).
  result['cacheScope'] = 'private';
  // What policy or review takes away must be gone with the next answer.
  result['ttlMs'] = 0;
  if (method === 'server/discover') result['supportedVersions'] = [...SUPPORTED];
  return result;
}

/** Numbers that only older revisions know must not be sent in this one. */
export function errorMembers({ code, message, data }: RpcError): JsonObject {
  const number = code === -32002 ? -32602 : code === -32042 ? -32603 : code;
  return data === undefined ? { code: number, message } : { code: number, message, data };
}

/** What an upstream of this era is asked. `client` = what we say of ourselves; `offered` = what it may ask for. */
export function ask(call: Call, client: JsonObject, offered: JsonObject = {}): { method: string; params: JsonObject } {
  const method = lookUp(call.method);
  if (!method) throw new Error('a call of an unknown method');
  const { resume, extensions } = call;
  const capabilities = extensions ? { ...offered, extensions: declared(extensions) } : offered;
  return {
    method: call.method,
    params: {
      ...method.params(call),
      ...(resume &&
        (call.family === 'task' || Object.keys(resume.answers).length > 0) && { inputResponses: resume.answers }),
      ...(resume?.state !== undefined && { requestState: resume.state }),
      [META]: { ...envelope(client, capabilities), ...(call.logLevel !== undefined && { [LEVEL]: call.logLevel }) },
    },
  };
}

/** The first request to an upstream that may be of this era. */
export function handshake(client: JsonObject): { method: string; params: JsonObject } {
  return { method: 'server/discover', params: { [META]: envelope(client) } };
}

function envelope(client: JsonObject, offered: JsonObject = {}): JsonObject {
  return { [VERSION]: MODERN, [CAPABILITIES]: offered, [CLIENT]: client };
}

/** An upstream's result. What says of itself that it is of an unknown kind is an error. `tasks`: it may begin one. */
export function heard(method: string, value: JsonObject, tasks = false): Result | RpcError {
  const { resultType = 'complete' } = value;
  if (resultType === 'input_required' && lookUp(method)?.resumes) return { kind: 'result', value };
  if (resultType === 'task' && tasks && method === 'tools/call') return { kind: 'result', value };
  if (resultType !== 'complete') return { kind: 'error', code: -32603, message: 'unknown result type' };
  return { kind: 'result', value: { ...value, resultType } };
}
