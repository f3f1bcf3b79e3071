/**
 * How a call that waits for a person is put to its client, by what the client declared. Nothing is decided here: who
 * lies about its capabilities is only asked in a way that it cannot answer.
 */
import { isObject, type JsonObject } from '../lib/json/types.ts';
import { escapeText } from '../lib/text.ts';
import type { Call, Era, Result, RpcError } from './call.ts';
import type { Question } from './verdict.ts';

/** Where a person decides, and what a client that asks its person brings back. */
export interface Asks {
  /** The page of an approval; undefined where there is none that this client could open. */
  page(call: Call, id: string): string | undefined;
  /** Sealed `requestState` that names the approval for this very call. */
  state(call: Call, id: string): string;
  /** Sealed `requestState` of a call whose client was sent to a page of ours: what it brings back is for nobody behind. */
  sent(call: Call): string;
}

/** Key of the one request in `inputRequests`, and of its answer in `inputResponses`. */
export const APPROVAL = 'approval';
const CONNECT = 'connect';
/** Methods that may answer `input_required` (2026-07-28, multi round-trip requests). */
const RESUMABLE: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read']);
const MODERN: Era = '2026-07-28';
/** Older revisions whose clients can be asked for a form; a door does that on the stream of the call. */
const WITH_FORMS: ReadonlySet<Era> = new Set<Era>(['2025-11-25', '2025-06-18']);
/** URLElicitationRequiredError, and the one revision that has it. */
const URL_REQUIRED = -32042;
const WITH_URL_ERROR: Era = '2025-11-25';

/**
 * A form, only where the client's own answer counts; or the page, as `input_required` (2026-07-28) or as error -32042
 * (2025-11-25). Undefined: the client can do neither, or was asked already; then the text with the id says it all.
 */
export function asks(call: Call, { id, client = false }: Question, asking: Asks): Result | RpcError | undefined {
  const { era, claimed, approval, resume, method } = call;
  const { elicitation } = claimed.capabilities;
  // The answers that a later round brings would be lost on the way through another question.
  if (!isObject(elicitation) || resume || !RESUMABLE.has(method)) return undefined;
  // Asked again at once it would go on in a loop until somebody decides.
  const first = approval?.id !== id;
  // An empty declaration means forms (elicitation, capabilities).
  const forms = isObject(elicitation['form']) || Object.keys(elicitation).length === 0;
  if (first && client && forms && (era === MODERN || WITH_FORMS.has(era)))
    return required(call, id, form(call, id), asking);
  const url = isObject(elicitation['url']) ? asking.page(call, id) : undefined;
  if (url === undefined) return undefined;
  const page = { mode: 'url', message: look(id), url };
  if (era === MODERN) return first ? required(call, id, page, asking) : undefined;
  if (era !== WITH_URL_ERROR) return undefined;
  const elicitations = [{ ...page, elicitationId: id }];
  return { kind: 'error', code: URL_REQUIRED, message: look(id), data: { elicitations } };
}

function required(call: Call, id: string, params: JsonObject, asking: Asks): Result {
  const inputRequests = { [APPROVAL]: { method: 'elicitation/create', params } };
  const value = { resultType: 'input_required', inputRequests, requestState: asking.state(call, id) };
  return { kind: 'result', value };
}

/** The same for a page where this caller can put right what stopped the call. Undefined: the text has to do. */
export function sends(call: Call, link: string, asking: Asks): Result | RpcError | undefined {
  const { era, claimed, resume, method, upstream, id } = call;
  const { elicitation } = claimed.capabilities;
  if (!isObject(elicitation) || !isObject(elicitation['url']) || resume) return undefined;
  const message = `Connect your account at ${upstream}, then go on.`;
  if (era === MODERN) {
    // Whoever was sent there and comes back without is told in words, not sent there again.
    if (!RESUMABLE.has(method) || call.sent) return undefined;
    const params = { mode: 'url', message, url: link };
    const inputRequests = { [CONNECT]: { method: 'elicitation/create', params } };
    return { kind: 'result', value: { resultType: 'input_required', inputRequests, requestState: asking.sent(call) } };
  }
  if (era !== WITH_URL_ERROR) return undefined;
  const elicitations = [{ mode: 'url', message, url: link, elicitationId: id }];
  return { kind: 'error', code: URL_REQUIRED, message, data: { elicitations } };
}

function look(id: string): string {
  return `This call waits for the approval of a person: ${id}. Sign in on the page, look at it and decide there; then make the call again.`;
}

function form({ upstream, target }: Call, id: string): JsonObject {
  const thing = escapeText(`${upstream}.${target.name}`, 256);
  return {
    mode: 'form',
    message: `May ${thing} be called with these arguments, this once? (${id})`,
    requestedSchema: {
      type: 'object',
      properties: { approve: { type: 'boolean', title: 'Let this call pass, once', default: false } },
      required: ['approve'],
    },
  };
}
