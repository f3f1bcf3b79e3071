/**
 * The methods that both eras share, and what each is about. Requests are taken apart into name and arguments here and
 * put together again from a Call, so that nothing else of a stranger's params reaches an upstream.
 */
import { type Call, type Family, STREAM } from '../../core/call.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';
import { utf8Length } from '../../lib/text.ts';

export const META = '_meta';
/** Prefix of the members of `_meta` that the protocol reserves. */
export const RESERVED = 'io.modelcontextprotocol/';

/** What a request is about: a name (empty for the route itself) and arguments. */
export interface Subject {
  readonly name: string;
  readonly args: Json;
}

interface Method {
  readonly family: Family;
  /** Absent: both eras have it. */
  readonly era?: 'modern' | 'legacy';
  /** Members of params besides `_meta`. */
  readonly members: ReadonlySet<string>;
  /** Whether a client may answer `input_required` of it. */
  readonly resumes: boolean;
  subject(params: JsonObject): Subject | undefined;
  params(call: Call): JsonObject;
}

/** Bytes of a name, a URI, a cursor. */
const MAX_NAME = 1024;
const MAX_URI = 8192;
const MAX_CURSOR = 4096;
/** Handles of tasks are sealed and carry the arguments of the call; a header mirrors them. */
const MAX_TASK = 6144;
/** Resources that one stream may watch, and tasks that it may follow. */
export const MAX_WATCHED = 100;
const MAX_FOLLOWED = 16;

const listing: Method = {
  family: 'list',
  members: new Set(['cursor']),
  resumes: false,
  subject({ cursor }) {
    if (cursor === undefined) return { name: '', args: {} };
    return isText(cursor, MAX_CURSOR) ? { name: '', args: { cursor } } : undefined;
  },
  params: ({ args }) => (isObject(args) && args['cursor'] !== undefined ? { cursor: args['cursor'] } : {}),
};

const named = (family: Family, good: (args: JsonObject) => boolean): Method => ({
  family,
  members: new Set(['name', 'arguments']),
  resumes: true,
  subject({ name, arguments: args = {} }) {
    return isName(name, MAX_NAME) && isObject(args) && good(args) ? { name, args } : undefined;
  },
  params: (call) => ({ name: call.target.name, arguments: call.args }),
});

/** Of 2025-11-25; its notifications come over the stream that the session has open, if any. */
const subscribing: Method = {
  family: 'listen',
  era: 'legacy',
  members: new Set(['uri']),
  resumes: false,
  subject: ({ uri }) => (isName(uri, MAX_URI) ? { name: uri, args: {} } : undefined),
  params: ({ target }) => ({ uri: 'uri' in target && target.uri !== undefined ? target.uri : target.name }),
};

/** Of the extension tasks (SEP-2663). */
const tasked = (...more: string[]): Method => ({
  family: 'task',
  era: 'modern',
  members: new Set(['taskId', ...more]),
  resumes: false,
  subject: ({ taskId }) => (isName(taskId, MAX_TASK) ? { name: taskId, args: {} } : undefined),
  params: ({ target }) => ({ taskId: target.kind === 'route' ? '' : (target.task?.id ?? '') }),
});

const METHODS: ReadonlyMap<string, Method> = new Map([
  ['tasks/get', tasked()],
  ['tasks/update', tasked('inputResponses')],
  ['tasks/cancel', tasked()],
  ['tools/call', named('call', () => true)],
  ['prompts/get', named('get', isTexts)],
  ['tools/list', listing],
  ['prompts/list', listing],
  ['resources/list', listing],
  ['resources/templates/list', listing],
  [
    'server/discover',
    { ...listing, members: new Set<string>(), subject: () => ({ name: '', args: {} }), params: () => ({}) },
  ],
  [
    'resources/read',
    {
      family: 'read',
      members: new Set(['uri']),
      resumes: true,
      subject: ({ uri }) => (isName(uri, MAX_URI) ? { name: uri, args: {} } : undefined),
      params: ({ target }) => ({ uri: 'uri' in target && target.uri !== undefined ? target.uri : target.name }),
    },
  ],
  ['resources/subscribe', subscribing],
  ['resources/unsubscribe', subscribing],
  [
    STREAM,
    {
      family: 'listen',
      era: 'modern',
      members: new Set(['notifications']),
      resumes: false,
      subject: listened,
      params: ({ args }) => args as JsonObject,
    },
  ],
  [
    'completion/complete',
    {
      family: 'complete',
      members: new Set(['ref', 'argument', 'context']),
      resumes: false,
      subject: completion,
      params: ({ target, args }) => ({
        ref:
          target.kind === 'prompt'
            ? { type: 'ref/prompt', name: target.name }
            : { type: 'ref/resource', uri: target.name },
        ...(args as JsonObject),
      }),
    },
  ],
]);

export function method(name: string): Method | undefined {
  return METHODS.get(name);
}

/** The kinds of a subscription filter that are switched on. */
export const LISTS_CHANGED = ['toolsListChanged', 'promptsListChanged', 'resourcesListChanged'] as const;

/** What else an extension may have added to the filter is not served, and so is not acknowledged. */
function listened({ notifications }: JsonObject): Subject | undefined {
  if (!isObject(notifications)) return undefined;
  const kept: JsonObject = {};
  for (const kind of LISTS_CHANGED) {
    const wanted = notifications[kind];
    if (wanted !== undefined && typeof wanted !== 'boolean') return undefined;
    if (wanted) kept[kind] = true;
  }
  const { resourceSubscriptions: uris } = notifications;
  if (uris !== undefined) {
    if (!Array.isArray(uris) || uris.length > MAX_WATCHED || !uris.every((uri) => isName(uri, MAX_URI)))
      return undefined;
    if (uris.length > 0) kept['resourceSubscriptions'] = [...new Set(uris)];
  }
  const { taskIds } = notifications;
  if (taskIds !== undefined) {
    if (!Array.isArray(taskIds) || taskIds.length > MAX_FOLLOWED || !taskIds.every((id) => isName(id, MAX_TASK)))
      return undefined;
    if (taskIds.length > 0) kept['taskIds'] = [...new Set(taskIds)];
  }
  return { name: '', args: { notifications: kept } };
}

/** Whether params hold nothing but what the method has; `also` = members of one era. */
export function onlyMembers({ members }: Method, params: JsonObject, also: ReadonlySet<string>): boolean {
  for (const name in params) if (name !== META && !members.has(name) && !also.has(name)) return false;
  return true;
}

/** The value that the header `Mcp-Name` mirrors; undefined where it has nothing to mirror. */
export function nameOf(name: string, params: JsonObject): Json | undefined {
  if (name === 'tools/call' || name === 'prompts/get') return params['name'];
  if (name === 'resources/read') return params['uri'];
  return METHODS.get(name)?.family === 'task' ? params['taskId'] : undefined;
}

/** Prompt names and URI templates; which of them it was is said again by the pinned thing. */
function completion({ ref, argument, context }: JsonObject): Subject | undefined {
  if (!isObject(ref) || !isObject(argument)) return undefined;
  const name = ref['type'] === 'ref/prompt' ? ref['name'] : ref['type'] === 'ref/resource' ? ref['uri'] : undefined;
  const { name: about, value, ...more } = argument;
  if (!isName(name, MAX_URI) || !isName(about, MAX_NAME) || typeof value !== 'string') return undefined;
  if (Object.keys(more).length > 0) return undefined;
  if (context === undefined) return { name, args: { argument: { name: about, value } } };
  if (!isObject(context)) return undefined;
  const { arguments: filled = {}, ...rest } = context;
  if (!isObject(filled) || !isTexts(filled) || Object.keys(rest).length > 0) return undefined;
  return { name, args: { argument: { name: about, value }, context: { arguments: filled } } };
}

function isText(value: Json | undefined, max: number): value is string {
  return typeof value === 'string' && value.length <= max && utf8Length(value) <= max;
}

/** Never empty: an empty name means the route itself inside. */
function isName(value: Json | undefined, max: number): value is string {
  return isText(value, max) && value !== '';
}

function isTexts(values: JsonObject): boolean {
  for (const name in values) if (typeof values[name] !== 'string') return false;
  return true;
}
