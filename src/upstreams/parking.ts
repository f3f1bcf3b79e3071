/**
 * Calls whose server waits for an answer while no request of the client is open. A client of any revision gets a result
 * with `input_required` instead, whose state names the parked call; the retry goes on with that very call and is never a
 * second one. Lives in this process: what is not here any more ends with `upstream.gone`.
 */
import type { Call, Result, RpcError } from '../core/call.ts';
import type { Code } from '../core/codes/index.ts';
import { Ended } from '../core/ended.ts';
import { principalOf } from '../core/principal.ts';
import type { Random } from '../core/state.ts';
import { base64url } from '../lib/bytes.ts';
import { digest } from '../lib/json/canonical.ts';
import type { Talk } from './talk.ts';

export interface Timers {
  set(run: () => void, ms: number): unknown;
  clear(timer: unknown): void;
}

/** Milliseconds that a question stays open, and how many of one principal, of one lane, and in all. */
const TTL = 600_000;
const PER_PRINCIPAL = 8;
const PER_LANE = 4;
const IN_ALL = 1000;
/** Milliseconds of silence after which a server is taken to have asked all that it asks at once. */
const TOGETHER = 50;

const PREFIX = 'doorward:parked:';

interface Parked {
  readonly talk: Talk;
  readonly call: Call;
  readonly principal: string;
  readonly lane: string;
  /** What the retry must name again. */
  readonly subject: string;
  readonly timer: unknown;
}

export interface ParkingOptions {
  readonly timers: Timers;
  readonly random: Random;
  /** Milliseconds; ten minutes by default. */
  readonly ttl?: number | undefined;
  /** A parked call was given up; nobody has heard of that yet. */
  readonly onEnd: (call: Pick<Call, 'id' | 'upstream'>, why: string) => void;
}

export class Parking {
  readonly #options: ParkingOptions;
  readonly #parked = new Map<string, Parked>();

  constructor(options: ParkingOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#parked.size;
  }

  /** Waits for what else a server asks. */
  pause(run: () => void): () => void {
    const { timers } = this.#options;
    const timer = timers.set(run, TOGETHER);
    return () => timers.clear(timer);
  }

  /** The state that names it; undefined when there is no room. A principal's own oldest one gives way. */
  park(call: Call, talk: Talk): string | undefined {
    const principal = principalOf(call.caller);
    this.#makeRoom((one) => one.principal === principal, PER_PRINCIPAL);
    this.#makeRoom((one) => one.principal === principal && one.lane === call.lane, PER_LANE);
    if (this.#parked.size >= IN_ALL) return undefined;
    const { timers, random, ttl = TTL } = this.#options;
    const state = PREFIX + base64url(random(16));
    const timer = timers.set(() => this.#end(state, 'nobody answered in time'), ttl);
    this.#parked.set(state, { talk, call, principal, lane: call.lane, subject: subjectOf(call), timer });
    return state;
  }

  /** The call that `call` resumes; it can be taken once. Throws Ended. */
  take(call: Call): Talk {
    const state = call.resume?.state ?? '';
    const parked = this.#parked.get(state);
    if (!parked || parked.principal !== principalOf(call.caller))
      throw new Ended('stop', 'upstream.gone', 'no such parked call of this caller');
    // Sealed states are bound to all of this already; a wrong one must not end the call of who is right.
    if (parked.subject !== subjectOf(call)) throw new Ended('stop', 'upstream.gone', 'another call was parked');
    this.#forget(state);
    return parked.talk;
  }

  /** The parked call that an answer names. */
  named(answer: Result | RpcError): Talk | undefined {
    if (answer.kind !== 'result') return undefined;
    const { requestState } = answer.value;
    return typeof requestState === 'string' ? this.#parked.get(requestState)?.talk : undefined;
  }

  /** Gives up the calls for which there is a code. */
  end(why: (call: Call) => Code | undefined): void {
    for (const [state, { call }] of this.#parked) {
      const code = why(call);
      if (code !== undefined) this.#end(state, code);
    }
  }

  #makeRoom(inGroup: (parked: Parked) => boolean, bound: number): void {
    let [count, oldest] = [0, undefined as string | undefined];
    for (const [state, parked] of this.#parked) {
      if (!inGroup(parked)) continue;
      count++;
      oldest ??= state;
    }
    if (count >= bound && oldest !== undefined) this.#end(oldest, 'newer ones of the same caller wait');
  }

  #end(state: string, why: string): void {
    const parked = this.#parked.get(state);
    this.#forget(state);
    if (!parked) return;
    parked.talk.stop(new Ended('cancel', 'run.cancelled', why));
    this.#options.onEnd(parked.call, why);
  }

  #forget(state: string): void {
    this.#options.timers.clear(this.#parked.get(state)?.timer);
    this.#parked.delete(state);
  }
}

/** Whether a state is one of ours, of whichever process. */
export const isParked = (state: string | undefined): boolean => state?.startsWith(PREFIX) === true;

/** Everything but the id of the call, which a lane for tools that execute code ends with. */
function subjectOf({ lane, method, target, args }: Call): string {
  const [upstream, tenant, subject, agent, session] = JSON.parse(lane) as string[];
  const name = target.kind !== 'route' ? (target.uri ?? target.name) : '';
  return digest([upstream!, tenant!, subject!, agent!, session!, method, name, args]);
}
