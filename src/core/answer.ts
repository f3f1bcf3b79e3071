/** Turns the end of a call, or an Attempt, into what the caller reads: fixed text of the code row, and a reference. */
import type { JsonObject } from '../lib/json/types.ts';
import { type Asks, asks, sends } from './asks.ts';
import type { Call, Result, RpcError } from './call.ts';
import { CODES, type Code } from './codes/index.ts';
import type { Question } from './verdict.ts';

interface End {
  readonly code: Code;
  readonly question?: Question | undefined;
  readonly link?: string | undefined;
  readonly data?: JsonObject | undefined;
}

/** A visible tool that is refused answers with `isError`, so that a model can correct itself; all else is an RPC error. */
export function answer(call: Call, end: End, asking?: Asks): Result | RpcError {
  const row = CODES[end.code];
  const asked = end.question && asking && asks(call, end.question, asking);
  if (asked) return asked;
  const sent = end.link !== undefined && asking && sends(call, end.link, asking);
  if (sent) return sent;
  // All are made of our own alphabets: nothing of a request comes into the text.
  const text = row.text
    .replace('{approval}', end.question?.id ?? '')
    .replace('{upstream}', call.upstream)
    .replace('{ref}', call.id);
  if (row.tool === 'isError' && call.family === 'call') {
    const value: JsonObject = { content: [{ type: 'text', text }], isError: true, resultType: 'complete' };
    return { kind: 'result', value };
  }
  return { kind: 'error', code: row.rpc, message: text, ...(end.data && { data: end.data }) };
}

/** The answer to something that never became a Call; `ref` is the id of its Attempt. */
export function refusal(code: Code, ref: string): RpcError {
  const row = CODES[code];
  return { kind: 'error', code: row.rpc, message: row.text.replace('{ref}', ref) };
}
