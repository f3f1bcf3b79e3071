/** What a server of an older revision may say while a request to it is open: messages for the caller, and questions. */
import type { Io } from '../core/call.ts';
import type { Ended } from '../core/ended.ts';
import type { JsonObject } from '../lib/json/types.ts';
import type { Id } from '../wire/frame.ts';

export interface Ask {
  readonly signal?: AbortSignal;
  /** Takes progress and log messages of this call, in order. A rejection ends their delivery, not the call. */
  readonly send?: Io['send'];
  /** Takes what the server asks of the client meanwhile; absent: everything is refused. */
  readonly questions?: Questions;
}

/** A request of the server. `answer` is called at most once, with the member `result` or `error`. */
export interface Question {
  readonly id: Id;
  readonly method: string;
  readonly params: JsonObject;
  answer(members: Answer): void;
}
export type Answer = { readonly result: JsonObject } | { readonly error: Refusal };
export interface Refusal {
  readonly code: number;
  readonly message: string;
}

export interface Questions {
  /** The client has no request open: the server waits for its answers. */
  readonly parked: boolean;
  /** Undefined: it was taken and will be answered. */
  asked(question: Question): Refusal | undefined;
  /** The server no longer waits for the answer. */
  withdrawn(id: Id): void;
  /** Gives up on the call: an answer did not reach the server, which would wait for it. */
  stop(reason: Ended): void;
}

/**
 * The call that a question can belong to which names none: the one that the server works on, or else the one that is
 * parked. Undefined: it could be of several.
 */
export function asker(open: Iterable<Questions>): Questions | undefined {
  const [working, parked]: [Questions[], Questions[]] = [[], []];
  for (const one of open) (one.parked ? parked : working).push(one);
  const candidates = working.length > 0 ? working : parked;
  return candidates.length === 1 ? candidates[0] : undefined;
}

export const NOT_FOUND: Refusal = Object.freeze({ code: -32601, message: 'method not found' });
