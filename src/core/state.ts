/** What controls remember, and the time they see. Injected, so that tests are exact. */
import type { Json } from '../lib/json/types.ts';
import type { ControlId } from './order.ts';

export type Maybe<T> = T | Promise<T>;

/** Milliseconds since the epoch. */
export type Clock = () => number;
/** `n` random bytes. */
export type Random = (n: number) => Uint8Array;

/** Tokens per second and bucket size. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}
export interface Taken {
  readonly ok: boolean;
  /** Milliseconds until one token is there; 0 when `ok`. */
  readonly retryAfter: number;
}

/**
 * All that controls remember. In process now, shared later: methods may answer with a promise.
 * Every map keyed by what a stranger sends is bounded. `space` names the map, `key` the entry.
 */
export interface State {
  readonly now: Clock;
  /** Token bucket. `amount` 0 asks without taking. */
  take(space: string, key: string, rate: Rate, amount?: number): Maybe<Taken>;
  /** Concurrency gauge: false when `max` are inside already. */
  enter(space: string, key: string, max: number): Maybe<boolean>;
  leave(space: string, key: string): Maybe<void>;
  get(space: string, key: string): Maybe<Json | undefined>;
  /** `ttl` in milliseconds. */
  put(space: string, key: string, value: Json, ttl: number): Maybe<void>;
  /** Compare-and-set on the canonical form; `expected` undefined = must be absent. True when it was written. */
  swap(space: string, key: string, expected: Json | undefined, value: Json | undefined, ttl: number): Maybe<boolean>;
  /** In-process scratch of one control for one call; gone after settle. */
  scratch(call: string, control: ControlId): Record<string, unknown>;
  forget(call: string): void;
  /** A copy-on-write view: `explain`, `simulate` and fuzzing decide on it without effect. */
  overlay(): State;
}
