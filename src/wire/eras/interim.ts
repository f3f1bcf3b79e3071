/** What a client asked to hear while its call runs. */
import type { Notification } from '../../core/call.ts';
import { isObject, type JsonObject } from '../../lib/json/types.ts';
import { type Id, isId } from '../frame.ts';
import { META, RESERVED } from './methods.ts';

export interface Wishes {
  /** The client's own token; inside and upstream another one is used. */
  readonly progressToken?: Id;
  /** Modern clients name the lowest level of log messages that they want; without it they get none. */
  readonly logLevel?: string;
  /** On a stream of change notifications: the id of the request that opened it; the older revisions have none. */
  readonly listen?: { readonly id?: Id };
}

/** RFC 5424 severities, lowest first. */
const LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

export function isLevel(value: unknown): value is string {
  return typeof value === 'string' && LEVELS.includes(value);
}

/** Whether `level` leaves out messages that `than` lets through. */
export function louder(level: string, than: string): boolean {
  return LEVELS.indexOf(level) > LEVELS.indexOf(than);
}

/** Malformed wishes are no wishes. */
export function wishes(params: JsonObject): Wishes {
  const meta = params[META];
  if (!isObject(meta)) return NONE;
  const { progressToken, [`${RESERVED}logLevel`]: logLevel } = meta;
  if (progressToken === undefined && logLevel === undefined) return NONE;
  return { ...(isId(progressToken) && { progressToken }), ...(isLevel(logLevel) && { logLevel }) };
}
const NONE: Wishes = Object.freeze({});

/** The notification as this client gets it; undefined when it did not ask for it, or has no such thing. */
export function interim(
  { method, params }: Notification,
  { progressToken, logLevel, listen }: Wishes,
): { method: string; params: JsonObject } | undefined {
  if (method === 'notifications/progress') {
    return progressToken === undefined ? undefined : { method, params: { ...params, progressToken } };
  }
  if (method === 'notifications/message') {
    const level = params['level'];
    const wanted = logLevel !== undefined && isLevel(level) && LEVELS.indexOf(level) >= LEVELS.indexOf(logLevel);
    return wanted ? { method, params } : undefined;
  }
  if (!listen || !CHANGES.has(method)) return undefined;
  const { id } = listen;
  if (id === undefined) return method === ACKNOWLEDGED ? undefined : { method, params };
  return { method, params: { ...params, [META]: { [SUBSCRIPTION]: id } } };
}

export const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
export const SUBSCRIPTION = `${RESERVED}subscriptionId`;
const CHANGES: ReadonlySet<string> = new Set([
  ACKNOWLEDGED,
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/resources/list_changed',
  'notifications/resources/updated',
  'notifications/tasks',
]);

/** The request that `notifications/cancelled` names. */
export function cancelled(params: JsonObject): Id | undefined {
  const { requestId } = params;
  return isId(requestId) ? requestId : undefined;
}

/** W3C Trace Context level 1: version 00, non-zero ids. Anything else is ignored, as that text demands. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

export function trace(params: JsonObject): { traceparent?: string } {
  const meta = params[META];
  const traceparent = isObject(meta) ? meta['traceparent'] : undefined;
  return typeof traceparent === 'string' && TRACEPARENT.test(traceparent) ? { traceparent } : {};
}
