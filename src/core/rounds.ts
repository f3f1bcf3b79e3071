/**
 * What a client is asked in the middle of a call: an `input_required` result with requests by id (MCP 2026-07-28,
 * basic/patterns/mrtr). What Doorward itself asks, for an approval, is in asks.ts.
 */
import { isObject, type Json, type JsonObject } from '../lib/json/types.ts';
import type { Call, Message, Opened } from './call.ts';
import type { Maybe } from './state.ts';

/** The kinds of question, as grants name them: an elicitation is a form or a page. */
export type AskKind = 'form' | 'url' | 'sampling' | 'roots';

/** One member of `inputRequests`. */
export interface InputRequest {
  readonly method: string;
  readonly params: JsonObject;
}

/** Undefined: not a request that MCP has. */
export function kindOf(request: Json | undefined): AskKind | undefined {
  if (!isObject(request)) return undefined;
  const { method, params = {} } = request;
  if (method === 'sampling/createMessage') return 'sampling';
  if (method === 'roots/list') return 'roots';
  if (method !== 'elicitation/create' || !isObject(params)) return undefined;
  const { mode = 'form' } = params;
  return mode === 'form' || mode === 'url' ? mode : undefined;
}

/** The requests of a result that is a question, by id; undefined for any other message. */
export function requestsOf(message: Message): JsonObject | undefined {
  if (message.kind !== 'result' || message.value['resultType'] !== 'input_required') return undefined;
  const { inputRequests = {} } = message.value;
  return isObject(inputRequests) ? inputRequests : {};
}

/**
 * What a client would have to declare to be asked all of this, beyond what it did; undefined = it can be asked. The
 * `data.requiredCapabilities` of error -32021. An empty `elicitation` means forms (2025-06-18).
 */
export function lacking(requests: JsonObject, capabilities: Readonly<JsonObject>): JsonObject | undefined {
  const lacks: Record<string, JsonObject> = {};
  const need = (name: string, part?: string) => {
    const has = capabilities[name];
    if (isObject(has) && (part === undefined || isObject(has[part]))) return;
    if (isObject(has) && part === 'form' && Object.keys(has).length === 0) return;
    lacks[name] = { ...lacks[name], ...(part !== undefined && { [part]: {} }) };
  };
  for (const id in requests) {
    const request = requests[id];
    const kind = kindOf(request);
    if (kind === 'form' || kind === 'url') need('elicitation', kind);
    else if (kind === 'roots') need('roots');
    else if (kind === 'sampling') {
      const { params } = request as JsonObject;
      need('sampling', isObject(params) && params['tools'] !== undefined ? 'tools' : undefined);
    }
  }
  return Object.keys(lacks).length > 0 ? lacks : undefined;
}

/** The question of a call, on its way to the client and back. What leaves is sealed (house rule "Sealed things"). */
export interface Rounds {
  /** The call with what its state says, or with why that says nothing: a control then refuses it. */
  open(call: Call): Call;
  /** True for exactly one of the calls that bring the same state. */
  spend(opened: Opened): Maybe<boolean>;
  /** The question with its way back. `state` is the server's own. Undefined: too much to carry. */
  seal(call: Call, question: JsonObject, state: string | undefined): JsonObject | undefined;
}
