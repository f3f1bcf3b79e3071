/**
 * What a server may ask of a client (elicitation, sampling, roots), in the shapes of 2026-07-28: capabilities of the
 * client, and the requests in an `input_required` result (basic/patterns/mrtr).
 */
import { declared, declares, EXTENSIONS } from '../../core/extensions.ts';
import { type AskKind, kindOf } from '../../core/rounds.ts';
import type { AskGrants } from '../../core/rules.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';
import { utf8Length } from '../../lib/text.ts';

/** What the operator lets one upstream ask for. */
export type Asks = Omit<AskGrants, 'hosts'>;

/** Requests in one result, bytes of the id of each, bytes of a server's own state. */
export const MAX_REQUESTS = 8;
const MAX_ID = 256;
export const MAX_STATE = 65_536;

/** The capabilities that a server is told: what the client declared, cut to what is granted. Never more than either. */
export function offer(claimed: Readonly<JsonObject>, asks: Asks): JsonObject {
  const offered: JsonObject = {};
  const { elicitation, sampling, roots } = claimed;
  if (isObject(elicitation)) {
    // Before 2025-11-25 there were no modes: an empty object means forms.
    const named: JsonObject = Object.keys(elicitation).length === 0 ? { form: {} } : elicitation;
    const modes = asks.elicitation.filter((mode) => isObject(named[mode]));
    if (modes.length > 0) offered['elicitation'] = Object.fromEntries(modes.map((mode) => [mode, {}]));
  }
  if (asks.sampling && isObject(sampling)) {
    const parts = ['tools', 'context'].filter((part) => isObject(sampling[part]));
    offered['sampling'] = Object.fromEntries(parts.map((part) => [part, {}]));
  }
  if (asks.roots && isObject(roots)) offered['roots'] = {};
  return offered;
}

/** Whether `offered` (capabilities, as `offer` makes them) has this kind. */
export function isOffered(kind: AskKind, offered: Readonly<JsonObject>): boolean {
  if (kind === 'sampling' || kind === 'roots') return offered[kind] !== undefined;
  const { elicitation } = offered;
  return isObject(elicitation) && elicitation[kind] !== undefined;
}

/** Why an `input_required` result is none, or asks for what was not offered; undefined = it is fit. */
export function misfit(value: JsonObject, offered: Readonly<JsonObject>): string | undefined {
  const { inputRequests, requestState } = value;
  if (inputRequests === undefined && requestState === undefined) return 'neither requests nor state';
  if (requestState !== undefined && (typeof requestState !== 'string' || requestState.length > MAX_STATE))
    return 'a state that is no text, or too long';
  if (inputRequests === undefined) return undefined;
  if (!isObject(inputRequests)) return 'requests that are no object';
  const requests = Object.entries(inputRequests);
  if (requests.length > MAX_REQUESTS) return `over ${MAX_REQUESTS} requests`;
  for (const [id, request] of requests) {
    if (utf8Length(id) > MAX_ID) return 'a long id of a request';
    const kind = kindOf(request);
    if (kind === undefined) return 'a request that is not known';
    if (!isOffered(kind, offered)) return `${kind} was not offered`;
  }
  return undefined;
}

/**
 * `data` for a client of which a server needs more than it declared (error -32021): what the server names that MCP has
 * and the client lacks, in words of our own. Undefined: it is no such error, or the client lacks nothing of it.
 */
export function undeclared(
  { code, data }: { readonly code: number; readonly data?: Json },
  capabilities: Readonly<JsonObject>,
): JsonObject | undefined {
  const wanted = code === -32021 && isObject(data) ? data['requiredCapabilities'] : undefined;
  if (!isObject(wanted)) return undefined;
  const lacks: JsonObject = {};
  for (const [name, parts] of Object.entries(PARTS)) {
    const [asked, has] = [wanted[name], capabilities[name]];
    if (!isObject(asked)) continue;
    const missing = parts.filter((part) => isObject(asked[part]) && !(isObject(has) && isObject(has[part])));
    if (!isObject(has) || missing.length > 0) lacks[name] = Object.fromEntries(missing.map((part) => [part, {}]));
  }
  const { extensions } = wanted;
  const tasks = isObject(extensions) && isObject(extensions[EXTENSIONS.tasks.id]);
  if (tasks && !declares(capabilities, 'tasks')) lacks['extensions'] = declared(['tasks']);
  return Object.keys(lacks).length > 0 ? { requiredCapabilities: lacks } : undefined;
}
const PARTS = { elicitation: ['form', 'url'], sampling: ['tools', 'context'], roots: [] as string[] };
