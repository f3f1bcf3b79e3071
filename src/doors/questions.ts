/**
 * Clients of 2025-11-25 and older are asked while their call is open: requests of ours on the stream of the call, answers
 * as responses. Each round is a call of its own, made here with the answers; between two of them nothing of the call is
 * held but its stream (house rules "Held streams", "Asking").
 */

import type { Entry } from '../core/admit.ts';
import type { Call, Caller, Resume } from '../core/call.ts';
import type { Code } from '../core/codes/index.ts';
import { Ended } from '../core/ended.ts';
import { isRefused, type Refused } from '../core/gate.ts';
import type { Ending } from '../core/pipeline.ts';
import { principalOf } from '../core/principal.ts';
import { type InputRequest, requestsOf } from '../core/rounds.ts';
import type { Clock, Maybe, Random } from '../core/state.ts';
import { base64url } from '../lib/bytes.ts';
import type { JsonObject } from '../lib/json/types.ts';
import { toOlder } from '../wire/eras/client-asks.ts';
import type { LegacySession } from '../wire/eras/legacy.ts';
import type { ResponseFrame } from '../wire/frame.ts';
import type { After } from './timers.ts';

export interface QuestionsOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly after: After;
  /** Calls of one principal that wait for answers. */
  readonly max?: number;
  /** Milliseconds for all rounds of one call together. */
  readonly within?: number;
}

/** The call that asks, and the stream that it came by. */
export interface Asking {
  readonly caller: Caller;
  /** `expires` in milliseconds since the epoch. */
  readonly session: LegacySession & { readonly expires?: number };
  readonly signal: AbortSignal;
  /** One JSON-RPC message to the client. */
  send(text: string): Maybe<void>;
  /** Makes the call again with the answers, in the name of who gave them, as of when their request came. */
  again(resume: Resume, by: Answerer): Promise<Ending | Refused>;
  /** From now until the returned function is called, the call that asked is ended by `signal` when it must not go on. */
  waits(call: Call): () => void;
  /** Gives up the call at its server, which waits for an answer that nobody will bring. */
  stop(): void;
}

/** `at` in milliseconds since the epoch. */
export type Answerer = Pick<Entry, 'caller' | 'at'>;

/** Why there is no answer: the call was ended meanwhile, too many wait, or the client does not answer. */
export type Unanswered = Code;

interface Waiting {
  readonly session: string;
  readonly principal: string;
  /** An elicitation that fails is one that the user turned away; nothing else has such an answer. */
  readonly elicits: boolean;
  answer(result: JsonObject | undefined, by: Answerer): void;
}

const MAX_HELD = 16;
/** UTF-16 code units of JSON of one answer: they are kept until all of a round are there. */
const MAX_ANSWER = 256 * 1024;
const WITHIN = 600_000;
/** Longest time that a timer of Node takes, in milliseconds. */
const MAX_TIMER = 2 ** 31 - 1;

export class Questions {
  readonly #options: QuestionsOptions;
  /** By the id of our request: random, so that nobody answers for another. */
  readonly #waiting = new Map<string, Waiting>();
  /** Calls that wait, by principal. */
  readonly #held = new Map<string, number>();
  /** Ends all waiting of a session. */
  readonly #ends = new Map<string, Set<() => void>>();

  constructor(options: QuestionsOptions) {
    this.#options = options;
  }

  /** Takes a client's response. False: nobody asked that of this session and principal. */
  take({ id, result }: ResponseFrame, session: string, caller: Caller, at = this.#options.clock()): boolean {
    const waiting = typeof id === 'string' ? this.#waiting.get(id) : undefined;
    if (!waiting || waiting.session !== session || waiting.principal !== principalOf(caller)) return false;
    this.#waiting.delete(id as string);
    const large = result && JSON.stringify(result).length > MAX_ANSWER;
    waiting.answer(large ? undefined : (result ?? (waiting.elicits ? { action: 'cancel' } : undefined)), {
      caller,
      at,
    });
    return true;
  }

  /** Nobody of this session will answer any more. */
  end(session: string): void {
    for (const end of this.#ends.get(session) ?? []) end();
  }

  /** Asks and calls again until the call has an answer. */
  async settle(first: Ending | Refused, asking: Asking): Promise<Ending | Refused | Unanswered> {
    if (!questionOf(first)) return first;
    const { clock, after, max = MAX_HELD, within = WITHIN } = this.#options;
    const principal = principalOf(asking.caller);
    const held = this.#held.get(principal) ?? 0;
    if (held >= max) {
      asking.stop();
      return 'asks.full';
    }
    this.#held.set(principal, held + 1);
    const over = new AbortController();
    const left = Math.min(within, ends(asking.session) - clock(), ends(asking.caller) - clock());
    const stop = after(Math.max(0, Math.min(left, MAX_TIMER)), () => over.abort());
    const all = this.#ends.get(asking.session.digest) ?? new Set();
    const end = () => over.abort();
    this.#ends.set(asking.session.digest, all.add(end));
    try {
      let last = first;
      for (let question = questionOf(last); question; question = questionOf(last)) {
        const leave = asking.waits((last as Ending).call);
        const answered = await this.#ask(question.requests, asking, over.signal).finally(leave);
        if (typeof answered === 'string') {
          asking.stop();
          return answered;
        }
        last = await asking.again({ state: question.state, answers: answered.answers }, answered.by);
      }
      // The client has its answer and no way back to a call whose last round was refused here.
      if (isRefused(last) || !last.outcome.sent) asking.stop();
      return last;
    } finally {
      stop();
      all.delete(end);
      if (all.size === 0) this.#ends.delete(asking.session.digest);
      const now = this.#held.get(principal)! - 1;
      if (now > 0) this.#held.set(principal, now);
      else this.#held.delete(principal);
    }
  }

  /** All requests of one round at once. */
  async #ask(
    requests: JsonObject,
    asking: Asking,
    over: AbortSignal,
  ): Promise<{ answers: JsonObject; by: Answerer } | Unanswered> {
    const { signal, session } = asking;
    const principal = principalOf(asking.caller);
    const answers: JsonObject = {};
    /** Id of each request of ours without an answer -> the message. All are there before the first is sent. */
    const open = new Map<string, string>();
    let by: Answerer = { caller: asking.caller, at: this.#options.clock() };
    const wait = Promise.withResolvers<Unanswered | undefined>();
    const gone = () => wait.resolve(signal.reason instanceof Ended ? signal.reason.code : 'run.cancelled');
    const late = () => wait.resolve('asks.unanswered');
    signal.addEventListener('abort', gone);
    over.addEventListener('abort', late);
    try {
      for (const [name, one] of Object.entries(requests)) {
        const asked = one as unknown as InputRequest;
        const told = toOlder(asked, session.era, base64url(this.#options.random(16)));
        if (!told) {
          answers[name] = { action: 'cancel' };
          continue;
        }
        const id = `dw-${base64url(this.#options.random(18))}`;
        // The id last: what leads with an id is an answer to who looks at the head of a line only (relay.ts).
        open.set(id, JSON.stringify({ jsonrpc: '2.0', ...told, id }));
        this.#waiting.set(id, {
          session: session.digest,
          principal,
          elicits: asked.method === 'elicitation/create',
          answer(result, who) {
            open.delete(id);
            by = who;
            if (result) answers[name] = result;
            if (!result) late();
            else if (open.size === 0) wait.resolve(undefined);
          },
        });
      }
      for (const text of open.values()) await asking.send(text);
      if (signal.aborted) gone();
      if (over.aborted) late();
      if (open.size === 0) wait.resolve(undefined);
      const why = await wait.promise;
      if (why === undefined) return { answers, by };
      for (const requestId of open.keys()) {
        const params = { requestId, reason: 'no longer needed' };
        await asking.send(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params }));
      }
      return why;
    } finally {
      signal.removeEventListener('abort', gone);
      over.removeEventListener('abort', late);
      for (const id of open.keys()) this.#waiting.delete(id);
    }
  }
}

/** What is asked, and the way back. Of Doorward's own questions only forms come here: no stream waits for a page. */
function questionOf(end: Ending | Refused): { requests: JsonObject; state: string } | undefined {
  if (isRefused(end) || (end.outcome.kind !== 'reply' && end.outcome.kind !== 'ask')) return undefined;
  const requests = requestsOf(end.message);
  const state = end.message.kind === 'result' ? end.message.value['requestState'] : undefined;
  return requests && typeof state === 'string' ? { requests, state } : undefined;
}

function ends({ expires = Infinity }: { readonly expires?: number }): number {
  return expires;
}
