/**
 * One call that is open at a server of an older revision, which may ask while it works. Each request of a client is a
 * round: it ends with the server's answer, or with `input_required` when the server asks first; then the call is parked
 * until the next round brings the answers. The request to the server is made once, whatever happens.
 */
import type { Io, Notification, Result, RpcError } from '../core/call.ts';
import type { Json, JsonObject } from '../lib/json/types.ts';
import { MAX_REQUESTS } from '../wire/eras/asks.ts';
import { fromClient, refusesAsk, toClient } from '../wire/eras/older-asks.ts';
import type { Id } from '../wire/frame.ts';
import type { Ask, Question, Questions, Refusal } from './asking.ts';

export interface TalkOptions {
  /** The revision that the server speaks, and what it was told that the client can. */
  readonly version: string;
  readonly offered: JsonObject;
  /** Makes the call at the server. */
  readonly ask: (how: Ask) => Promise<Result | RpcError>;
  /** A state that names the parked call; undefined when there is no room. */
  readonly park: (talk: Talk) => string | undefined;
  /** Runs it after the pause in which a server says all that it asks together; the answer takes that back. */
  readonly pause: (run: () => void) => () => void;
}

/** Rounds of one call: a server must not ask for ever. */
const MAX_ROUNDS = 16;
const TOO_MANY: Refusal = { code: -32603, message: 'too many questions' };
const NO_ANSWER: Refusal = { code: -32603, message: 'no answer' };

interface Round {
  readonly send: Io['send'];
  readonly resolve: (answer: Result | RpcError) => void;
  readonly reject: (error: unknown) => void;
  /** What was sent before a question reaches the client before the question. */
  told: Promise<unknown> | undefined;
}

export class Talk implements Questions {
  readonly #options: TalkOptions;
  readonly #stop = new AbortController();
  /** By the id under which the client is asked; in the order in which the server asked. */
  readonly #asked = new Map<string, Question>();
  #next = 1;
  #rounds = 0;
  #round: Round | undefined;
  /** Begins the pause before the client is asked anew. */
  #hasty: () => void = () => {};
  /** No longer listens to the request of the last round. */
  #leave: () => void = () => {};
  #end: Promise<Result | RpcError> | undefined;
  /** Resolves when the server has answered, or the call has ended otherwise. */
  readonly over: Promise<unknown>;

  constructor(options: TalkOptions) {
    this.#options = options;
    const made = options.ask({ signal: this.#stop.signal, send: (note) => this.#send(note), questions: this });
    const end = () => this.#finish(made);
    this.over = made.then(end, end);
  }

  /** One request of the client. `answers` by the ids under which it was asked. Rejects with Ended. */
  round({ send, signal }: Io, answers: Readonly<JsonObject> = {}): Promise<Result | RpcError> {
    this.#leave();
    if (signal.aborted) this.stop(signal.reason);
    if (this.#end) return this.#end;
    this.#rounds++;
    // Heard also while the call is parked: a question that reaches nobody ends it.
    const abort = () => this.stop(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    this.#leave = () => signal.removeEventListener('abort', abort);
    return new Promise((resolve, reject) => {
      this.#round = { send, resolve, reject, told: undefined };
      this.#answer(answers);
    });
  }

  /** Cancels the call at the server. */
  stop(reason: unknown): void {
    this.#stop.abort(reason);
    for (const question of this.#asked.values()) question.answer({ error: NO_ANSWER });
    this.#asked.clear();
  }

  get parked(): boolean {
    return this.#round === undefined;
  }

  asked(question: Question): Refusal | undefined {
    const { version, offered } = this.#options;
    const refused = refusesAsk(version, offered, question.method, question.params);
    if (refused) return refused;
    if (this.#asked.size >= MAX_REQUESTS || this.#rounds >= MAX_ROUNDS) return TOO_MANY;
    this.#asked.set(`ask-${this.#next++}`, question);
    this.#parkSoon();
    return undefined;
  }

  withdrawn(id: Id): void {
    for (const [name, question] of this.#asked) if (question.id === id) this.#asked.delete(name);
  }

  #answer(answers: Readonly<JsonObject>): void {
    for (const [name, question] of this.#asked) {
      const answer = own(answers, name);
      if (answer === undefined) continue;
      this.#asked.delete(name);
      const result = fromClient(this.#options.version, question.method, answer);
      question.answer(result ? { result } : { error: NO_ANSWER });
    }
    if (this.#asked.size > 0) this.#parkSoon();
  }

  /** Questions that come together are put to the client together, also when each comes in a read of its own. */
  #parkSoon(): void {
    this.#hasty();
    if (!this.#round) return;
    this.#hasty = this.#options.pause(() => {
      const round = this.#round;
      if (!round) return;
      if (round.told) void round.told.then(() => this.#park(round));
      else this.#park(round);
    });
  }

  #park(round: Round): void {
    if (this.#round !== round || this.#asked.size === 0) return;
    const requestState = this.#options.park(this);
    if (requestState === undefined) {
      for (const question of this.#asked.values()) question.answer({ error: TOO_MANY });
      return this.#asked.clear();
    }
    this.#round = undefined;
    const inputRequests: JsonObject = {};
    for (const [name, { method, params }] of this.#asked) inputRequests[name] = toClient(method, params);
    round.resolve({ kind: 'result', value: { resultType: 'input_required', inputRequests, requestState } });
  }

  async #send(note: Notification): Promise<void> {
    const round = this.#round;
    // Nobody listens while a call is parked.
    if (!round) return;
    const told = round.send(note);
    round.told = told.catch(() => {});
    await told;
  }

  #finish(end: Promise<Result | RpcError>): void {
    this.#leave();
    this.#hasty();
    this.#end = end;
    this.#asked.clear();
    const round = this.#round;
    this.#round = undefined;
    if (round) end.then(round.resolve, round.reject);
  }
}

function own(answers: Readonly<JsonObject>, name: string): Json | undefined {
  return Object.hasOwn(answers, name) ? answers[name] : undefined;
}
