/**
 * The results of MCP 2026-07-28 (schema.ts) as tables: which members each has, and what they hold. A wrong type is a
 * fault; a member that no table names is left out, since nobody checks it.
 */
import { isObject, isRawNumber, type Json, type JsonObject } from '../../lib/json/types.ts';

/** The value, the same object when nothing was left out; undefined = not what MCP has. */
type Shape = (value: Json) => Json | undefined;

const text: Shape = (value) => (typeof value === 'string' ? value : undefined);
const flag: Shape = (value) => (typeof value === 'boolean' ? value : undefined);
const number: Shape = (value) => (typeof value === 'number' || isRawNumber(value) ? value : undefined);
const anything: Shape = (value) => value;
const object: Shape = (value) => (isObject(value) ? value : undefined);
const base64: Shape = (value) =>
  typeof value === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(value) ? value : undefined;
const oneOf =
  (...values: readonly string[]): Shape =>
  (value) =>
    typeof value === 'string' && values.includes(value) ? value : undefined;

function list(item: Shape, max = Number.POSITIVE_INFINITY): Shape {
  return (value) => {
    if (!Array.isArray(value) || value.length > max) return undefined;
    let kept: Json[] | undefined;
    for (let i = 0; i < value.length; i++) {
      const made = item(value[i]!);
      if (made === undefined) return undefined;
      if (made !== value[i]) (kept ??= [...value])[i] = made;
    }
    return kept ?? value;
  };
}

/** `!` after a name: it must be there. */
function record(members: Readonly<Record<string, Shape>>): Shape {
  const shapes = new Map(Object.entries(members).map(([name, shape]) => [name.replace('!', ''), shape]));
  const required = Object.keys(members).flatMap((name) => (name.endsWith('!') ? [name.slice(0, -1)] : []));
  return (value) => {
    if (!isObject(value)) return undefined;
    for (const name of required) if (!Object.hasOwn(value, name)) return undefined;
    let kept: JsonObject | undefined;
    for (const name in value) {
      const shape = shapes.get(name);
      const made = shape?.(value[name]!);
      if (shape && made === undefined) return undefined;
      if (made === value[name]) continue;
      kept ??= { ...value };
      if (made === undefined) delete kept[name];
      else kept[name] = made;
    }
    return kept ?? value;
  };
}

const extra = { annotations: object, _meta: object };
const textContents = record({ 'uri!': text, mimeType: text, 'text!': text, _meta: object });
const blobContents = record({ 'uri!': text, mimeType: text, 'blob!': base64, _meta: object });
const contents: Shape = (value) => (isObject(value) && 'blob' in value ? blobContents(value) : textContents(value));
const media = record({ 'type!': text, 'data!': base64, 'mimeType!': text, ...extra });
const BLOCKS: ReadonlyMap<Json | undefined, Shape> = new Map<Json | undefined, Shape>([
  ['text', record({ 'type!': text, 'text!': text, ...extra })],
  ['image', media],
  ['audio', media],
  ['resource', record({ 'type!': text, 'resource!': contents, ...extra })],
  [
    'resource_link',
    record({
      'type!': text,
      'uri!': text,
      'name!': text,
      title: text,
      description: text,
      mimeType: text,
      size: number,
      icons: list(object),
      ...extra,
    }),
  ],
]);
const block: Shape = (value) => (isObject(value) ? BLOCKS.get(value.type)?.(value) : undefined);

const result = { resultType: text, _meta: object };
const cached = { ...result, ttlMs: number, cacheScope: oneOf('public', 'private') };
const listed = (member: string) => record({ ...cached, [`${member}!`]: list(object), nextCursor: text });

const CALL = record({ ...result, content: list(block), structuredContent: anything, isError: flag });
const MESSAGE = record({ 'role!': oneOf('user', 'assistant'), 'content!': block, _meta: object });
const COMPLETION = record({ 'values!': list(text, 100), total: number, hasMore: flag });

const RESULTS: ReadonlyMap<string, Shape> = new Map([
  ['tools/call', CALL],
  // What a task has become; what is around it is the gateway's.
  ['tasks/get', CALL],
  ['tasks/update', record(result)],
  ['tasks/cancel', record(result)],
  ['resources/read', record({ ...cached, 'contents!': list(contents) })],
  ['prompts/get', record({ ...result, description: text, 'messages!': list(MESSAGE) })],
  ['completion/complete', record({ ...result, 'completion!': COMPLETION })],
  ['tools/list', listed('tools')],
  ['prompts/list', listed('prompts')],
  ['resources/list', listed('resources')],
  ['resources/templates/list', listed('resourceTemplates')],
  ['subscriptions/listen', record(result)],
  ['resources/subscribe', record(result)],
  ['resources/unsubscribe', record(result)],
  [
    'server/discover',
    record({ ...cached, 'supportedVersions!': list(text, 32), 'capabilities!': object, instructions: text }),
  ],
]);

/** The result of a method without members that MCP does not have; undefined = not a result of that method. */
export function shaped(method: string, value: JsonObject): JsonObject | undefined {
  return RESULTS.get(method)?.(value) as JsonObject | undefined;
}

const QUESTION = record({ resultType: text, inputRequests: object });

/** The same for a question; its way back is put there last, by the gateway. */
export function shapedQuestion(value: JsonObject): JsonObject | undefined {
  return QUESTION(value) as JsonObject | undefined;
}

const LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];
const token: Shape = (value) => (typeof value === 'string' || typeof value === 'number' ? value : undefined);
const NOTES: ReadonlyMap<string, Shape> = new Map([
  [
    'notifications/progress',
    record({ progressToken: token, 'progress!': number, total: number, message: text, _meta: object }),
  ],
  ['notifications/message', record({ 'level!': oneOf(...LEVELS), logger: text, 'data!': anything, _meta: object })],
]);

const FILTER = record({
  toolsListChanged: flag,
  promptsListChanged: flag,
  resourcesListChanged: flag,
  resourceSubscriptions: list(text),
  taskIds: list(text),
});
const changed = record({});
const CHANGES: ReadonlyMap<string, Shape> = new Map([
  ['notifications/subscriptions/acknowledged', record({ 'notifications!': FILTER })],
  ['notifications/tools/list_changed', changed],
  ['notifications/prompts/list_changed', changed],
  ['notifications/resources/list_changed', changed],
  ['notifications/resources/updated', record({ 'uri!': text })],
  // Made of the answer to a call, which passed the column `task` by then.
  [
    'notifications/tasks',
    record({
      'taskId!': text,
      'status!': text,
      statusMessage: text,
      'createdAt!': text,
      'lastUpdatedAt!': text,
      'ttlMs!': anything,
      pollIntervalMs: number,
      result: object,
      error: object,
      inputRequests: object,
    }),
  ],
]);

/** The same for what may come before a result; `stream` = the call is there for nothing but notifications. */
export function shapedNote(method: string, params: JsonObject, stream: boolean): JsonObject | undefined {
  return (stream ? CHANGES : NOTES).get(method)?.(params) as JsonObject | undefined;
}
