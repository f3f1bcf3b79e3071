/** The envelopes that a door writes around what the house answers. They are always ours (house rule "Bytes"). */
import type { Said } from '../core/admit.ts';
import { refusal } from '../core/answer.ts';
import type { Era, Message, Notification, Result, RpcError } from '../core/call.ts';
import type { Code } from '../core/codes/index.ts';
import type { Refused } from '../core/gate.ts';
import type { JsonObject } from '../lib/json/types.ts';
import { escapeText } from '../lib/text.ts';
import type { Wishes } from '../wire/eras/interim.ts';
import * as legacy from '../wire/eras/legacy.ts';
import * as modern from '../wire/eras/modern.ts';
import { MODERN, OVER_LINES } from '../wire/eras/versions.ts';
import type { Id } from '../wire/frame.ts';

/** A JSON text in parts: text of ours around bytes that are passed on as they came. */
export type Parts = readonly (string | Uint8Array)[];

export interface Codec {
  readonly tell: (method: string, message: Message, asked?: Wishes) => JsonObject | undefined;
  readonly pass: (method: string, result: Result) => Parts | undefined;
}
const OLDER = OVER_LINES.map((era): [Era, Codec] => [
  era,
  {
    tell: (method, message, asked) => legacy.tell(method, message, asked, era),
    pass: (method, result) => legacy.pass(method, result, era),
  },
]);
export const CODECS = Object.fromEntries<Codec>([[MODERN, modern], ...OLDER]) as Readonly<Record<Era, Codec>>;

const MAX_URI = 8192;
/** Bytes of one message from a client. */
export const MAX_MESSAGE = 4 * 1024 * 1024;

/**
 * `jsonrpc` and `id` come first: the relay finds the id there without reading the rest. An id that could not be read
 * is left out; MCP has no null there.
 */
function head(id: Id | undefined): string {
  return id === undefined ? '{"jsonrpc":"2.0",' : `{"jsonrpc":"2.0","id":${JSON.stringify(id)},`;
}

/** What a refusal reads like where no call existed. */
export function refusedMessage(id: Id | undefined, error: RpcError, data?: JsonObject): string {
  const told = modern.errorMembers({ ...error, ...(data && { data }) });
  return `${head(id)}"error":${JSON.stringify(told)}}`;
}

/**
 * `data` of the answer to a read of what is not there: its URI (2026-07-28, resources, error handling). It is the
 * client's own text, and the same whether the resource does not exist or may not be seen.
 */
export function missing({ code }: Refused, { family, name }: Said): JsonObject | undefined {
  return family === 'read' && code.startsWith('inventory.') ? { uri: escapeText(name, MAX_URI) } : undefined;
}

/** A refusal that no log knows. */
export function errorMessage(id: Id | undefined, code: Code): string {
  return refusedMessage(id, refusal(code, 'none'));
}

export function localMessage(id: Id, result: JsonObject): string {
  return `${head(id)}"result":${JSON.stringify(result)}}`;
}

/** The final message of a call. `method` is that of the request as the client said it. */
export function finalMessage(codec: Codec, method: string, id: Id, message: Result | RpcError): Parts {
  const bytes = message.kind === 'result' ? codec.pass(method, message) : undefined;
  if (bytes) return [`${head(id)}"result":`, ...bytes, '}'];
  return [head(id) + JSON.stringify(codec.tell(method, message, { listen: { id } })).slice(1)];
}

/** An interim message; undefined when the client did not ask for it. */
export function interimMessage(codec: Codec, note: Notification, wishes: Wishes): string | undefined {
  const told = codec.tell('', note, wishes);
  return told && JSON.stringify({ jsonrpc: '2.0', ...told });
}

/**
 * The answers to a batch as arrays of at most `max` bytes, unless one answer has more (JSON-RPC 2.0 section 6). Clients
 * go by ids, not by arrays.
 */
export function arrays(answers: readonly Parts[], max = Infinity): Parts[] {
  const all: (string | Uint8Array)[][] = [];
  let size = 0;
  for (const answer of answers) {
    const length = answer.reduce((sum, part) => sum + Buffer.byteLength(part), 1);
    const last = all.at(-1);
    if (last && size + length <= max) {
      last.push(',', ...answer);
      size += length;
    } else {
      all.push(['[', ...answer]);
      size = length + 1;
    }
  }
  return all.map((parts) => [...parts, ']']);
}

const CR = 13;
const LF = 10;

/** The same text without line ends: an event, like a line of stdio, is one line. Only bytes of others can hold any. */
export function oneLine(parts: Parts): Parts {
  if (!parts.some((part) => typeof part !== 'string' && (part.includes(LF) || part.includes(CR)))) return parts;
  // A JSON string holds no raw line end, so each of these is white space between two tokens.
  return parts.map((part) =>
    typeof part === 'string'
      ? part
      : Buffer.from(part)
          .toString()
          .replace(/[\r\n]/g, ' '),
  );
}

export function joined(parts: Parts): string {
  if (parts.length === 1 && typeof parts[0] === 'string') return parts[0];
  let text = '';
  for (const part of parts)
    text += typeof part === 'string' ? part : Buffer.from(part.buffer, part.byteOffset, part.length).toString();
  return text;
}
