/** Requests of servers of older revisions, as `inputRequests` of 2026-07-28, and the answers on their way back. */
import { kindOf } from '../../core/rounds.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';
import { isOffered, MAX_REQUESTS } from './asks.ts';

/** First revisions that have a kind of request. */
const SINCE = { roots: '2024-11-05', sampling: '2024-11-05', form: '2025-06-18', url: '2025-11-25' } as const;
/** Sampling results of earlier ones have one block of content. */
const BLOCKS = '2025-11-25';
/** What belongs to the connection with the server, or asks for a task, which we did not declare. */
const OURS: ReadonlySet<string> = new Set(['_meta', 'task', 'elicitationId']);

/** The error that a request is refused with: what was not declared does not exist; an unknown mode is a bad parameter. */
export function refusesAsk(
  version: string,
  offered: Readonly<JsonObject>,
  method: string,
  params: JsonObject,
): { readonly code: number; readonly message: string } | undefined {
  const kind = kindOf({ method, params });
  if (kind !== undefined && version >= SINCE[kind] && isOffered(kind, offered)) return undefined;
  return method === 'elicitation/create' && offered['elicitation'] !== undefined && version >= SINCE.form
    ? { code: -32602, message: 'mode not offered' }
    : { code: -32601, message: 'method not found' };
}

/** One member of `inputRequests`. */
export function toClient(method: string, params: JsonObject): JsonObject {
  // Made of entries: a member `__proto__` stays a member.
  return { method, params: Object.fromEntries(Object.entries(params).filter(([name]) => !OURS.has(name))) };
}

/** The result that the server gets; undefined when the answer is none that its revision knows. */
export function fromClient(version: string, method: string, answer: Json): JsonObject | undefined {
  if (!isObject(answer)) return undefined;
  const { _meta, resultType: _kind, ...result } = answer;
  if (method !== 'sampling/createMessage' || version >= BLOCKS || !Array.isArray(result['content'])) return result;
  const [block, ...more] = result['content'];
  return block === undefined || more.length > 0 ? undefined : { ...result, content: block };
}

/**
 * The questions of a server of 2025-11-25 that refuses a request until people have followed links (error -32042).
 * Undefined: it is no such error, or not all of it is fit to be asked.
 */
export function linksAsked(
  version: string,
  offered: Readonly<JsonObject>,
  { code, data }: { readonly code: number; readonly data?: Json },
): JsonObject | undefined {
  if (code !== -32042 || version < SINCE.url || !isOffered('url', offered)) return undefined;
  const links = isObject(data) ? data['elicitations'] : undefined;
  if (!Array.isArray(links) || links.length === 0 || links.length > MAX_REQUESTS) return undefined;
  const requests: JsonObject = {};
  for (const [i, params] of links.entries()) {
    if (!isObject(params) || params['mode'] !== 'url') return undefined;
    requests[`link-${i + 1}`] = toClient('elicitation/create', params);
  }
  return requests;
}

/** Whether every question of a `linksAsked` was answered with yes. */
export function allAccepted(answers: Readonly<JsonObject>): boolean {
  const given = Object.values(answers);
  return given.length > 0 && given.every((answer) => isObject(answer) && answer['action'] === 'accept');
}
