/**
 * Tokens in memory, each obtained once however many calls wait for it, and renewed before it ends. What fails is not
 * asked for again at once.
 */
import type { Clock, Maybe } from '../../core/state.ts';
import { Generations } from '../../lib/generations.ts';
import type { Token } from '../oauth/token.ts';

const MAX_TOKENS = 20_000;
/** Milliseconds. */
const PAUSE = 2_000;
const DUE = 60_000;
const SPARE = 5_000;
/** For tokens of which nobody says how long they live. */
const UNTOLD = 300_000;

export class Flights {
  readonly #clock: Clock;
  #held = new Generations<Token | null>(MAX_TOKENS);
  readonly #pending = new Map<string, Promise<Token>>();
  readonly #failed = new Generations<{ readonly until: number; readonly error: unknown }>(MAX_TOKENS);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  peek(key: string): Token | undefined {
    return this.#held.get(key) ?? undefined;
  }

  set(key: string, token: Token): void {
    this.#held.set(key, token);
  }

  /** Neither what is held nor what is under way is kept. */
  drop(key: string): void {
    this.#pending.delete(key);
    this.#held.set(key, null);
  }

  /** A token that may be sent now: the one that is held, or what `fresh` gets. Rejects as `fresh` does. */
  token(key: string, fresh: () => Promise<Token>): Maybe<Token> {
    const held = this.peek(key);
    const left = held === undefined ? 0 : endOf(held) - this.#clock();
    if (held === undefined || left <= 0) return this.renew(key, fresh);
    if (left < dueOf(held)) this.renew(key, fresh).catch(() => {});
    return held;
  }

  /** One at a time for a key. */
  renew(key: string, fresh: () => Promise<Token>): Promise<Token> {
    const under = this.#pending.get(key);
    if (under) return under;
    const failed = this.#failed.peek(key);
    if (failed && this.#clock() < failed.until) return Promise.reject(failed.error);
    const landed = (): boolean => this.#pending.get(key) === made && this.#pending.delete(key);
    const made: Promise<Token> = fresh().then(
      (token) => {
        if (landed()) this.#held.set(key, token);
        return token;
      },
      (error: unknown) => {
        this.#failed.set(key, { until: this.#clock() + PAUSE, error });
        landed();
        throw error;
      },
    );
    this.#pending.set(key, made);
    return made;
  }

  /** Nothing is held any more; what is under way arrives. */
  clear(): void {
    this.#held = new Generations<Token | null>(MAX_TOKENS);
  }
}

/** Until when it may be sent. */
function endOf({ expires, obtained }: Token): number {
  if (expires === undefined) return obtained + UNTOLD;
  return expires - Math.min(SPARE, (expires - obtained) / 4);
}

/** How long before that a new one is fetched. */
function dueOf(token: Token): number {
  return Math.min(DUE, (endOf(token) - token.obtained) / 4);
}
