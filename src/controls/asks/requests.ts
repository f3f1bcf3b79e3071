/** One question of a server, as MCP has it and as it may reach a client. */

import type { Code } from '../../core/codes/index.ts';
import { kindOf } from '../../core/rounds.ts';
import type { AskGrants } from '../../core/rules.ts';
import { canonical } from '../../lib/json/canonical.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';
import { escapeText, utf8Length } from '../../lib/text.ts';
import { secretAsked, shapedForm } from './form.ts';

/** Why a question goes nowhere. `detail` is for the log. */
export interface Refusal {
  readonly code: Code;
  readonly detail: string;
}

const MAX_MESSAGE = 8192;
const MAX_URL = 2048;
const LOOPBACK = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/;
/** What a model may be told. Context of other servers, and what is passed on to a vendor unseen, is not in it. */
const SAMPLING: ReadonlySet<string> = new Set([
  'messages',
  'modelPreferences',
  'systemPrompt',
  'temperature',
  'maxTokens',
  'stopSequences',
  'tools',
  'toolChoice',
]);
const MAX_MESSAGES = 100;

/** The request as the client may get it, the same object where nothing had to change. Questions are rare and small. */
export function permitted(
  request: Json | undefined,
  grant: AskGrants | undefined,
  loopback: boolean,
): JsonObject | Refusal {
  const kind = kindOf(request);
  if (kind === undefined) return { code: 'asks.shape', detail: 'not a request that a client can be asked' };
  const { params = {} } = request as JsonObject;
  const granted = kind === 'form' || kind === 'url' ? grant?.elicitation.includes(kind) : grant?.[kind];
  if (granted !== true) return { code: 'asks.denied', detail: kind };
  if (!isObject(params)) return { code: 'asks.shape', detail: `${kind} params` };
  const shaped = SHAPES[kind](params, grant!, loopback);
  if (isRefusal(shaped)) return shaped;
  const { method, params: told } = request as JsonObject;
  const made: JsonObject = { method: method!, ...(told !== undefined && { params: shaped }) };
  return canonical(made) === canonical(request as JsonObject) ? (request as JsonObject) : made;
}

export function isRefusal(made: JsonObject | Refusal): made is Refusal {
  return 'detail' in made && 'code' in made && !('method' in made);
}

type Shape = (params: JsonObject, grant: AskGrants, loopback: boolean) => JsonObject | Refusal;
const SHAPES: Readonly<Record<'form' | 'url' | 'sampling' | 'roots', Shape>> = {
  form(params) {
    const { mode, message, requestedSchema } = params;
    const schema = shapedForm(requestedSchema);
    if (!isMessage(message) || !schema) return { code: 'asks.shape', detail: 'form' };
    const secret = secretAsked(message, schema);
    if (secret !== undefined) return { code: 'asks.secret', detail: escapeText(secret, 128) };
    return { ...(mode !== undefined && { mode }), message, requestedSchema: schema };
  },

  url({ message, url }, { hosts }, loopback) {
    if (!isMessage(message) || typeof url !== 'string') return { code: 'asks.shape', detail: 'url' };
    const page = url.length <= MAX_URL ? URL.parse(url) : null;
    if (!page) return { code: 'asks.url', detail: 'not a URL' };
    const host = escapeText(page.host, 256);
    const plain = page.protocol === 'http:' && loopback && LOOPBACK.test(page.hostname);
    if (page.protocol !== 'https:' && !plain) return { code: 'asks.url', detail: `not https: ${host}` };
    if (page.username !== '' || page.password !== '') return { code: 'asks.url', detail: `credentials for ${host}` };
    if (!hosts.includes(page.host)) return { code: 'asks.url', detail: `host ${host}` };
    // As it was understood here, so that nobody understands it otherwise.
    return { mode: 'url', message, url: page.href };
  },

  sampling(params) {
    const { messages, maxTokens } = params;
    if (!Array.isArray(messages) || messages.length > MAX_MESSAGES || !messages.every(isSaid) || !isCount(maxTokens)) {
      return { code: 'asks.shape', detail: 'sampling' };
    }
    return Object.fromEntries(Object.entries(params).filter(([name]) => SAMPLING.has(name)));
  },

  roots: () => ({}),
};

function isMessage(value: Json | undefined): value is string {
  return typeof value === 'string' && utf8Length(value) <= MAX_MESSAGE;
}

function isSaid(message: Json): boolean {
  if (!isObject(message) || (message['role'] !== 'user' && message['role'] !== 'assistant')) return false;
  return isObject(message['content']) || Array.isArray(message['content']);
}

function isCount(value: Json | undefined): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0;
}
