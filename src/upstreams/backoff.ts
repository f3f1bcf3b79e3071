/** Waits after failed starts: each doubles the next. */
import type { Clock } from '../core/state.ts';
import { Generations } from '../lib/generations.ts';

interface Failure {
  readonly count: number;
  /** No start before, on the clock. */
  readonly until: number;
}

/** Failures that are remembered; callers choose the keys. */
const MAX_FAILURES = 2000;

export class Backoff {
  readonly #first: number;
  readonly #most: number;
  readonly #clock: Clock;
  readonly #failures = new Generations<Failure>(MAX_FAILURES);

  /** Milliseconds: the first wait, and the longest. */
  constructor(first: number, most: number, clock: Clock) {
    this.#first = first;
    this.#most = most;
    this.#clock = clock;
  }

  /** Milliseconds until the next start may be tried; 0 or less = now. */
  wait(from: string): number {
    return (this.#failures.peek(from)?.until ?? 0) - this.#clock();
  }

  /** Starts that were under way together fail as one: who has many lanes need not wait longer for a server. */
  failed(from: string): void {
    const { count, until } = this.#failures.peek(from) ?? NONE;
    const now = this.#clock();
    if (now < until) return;
    const wait = Math.min(this.#most, this.#first * 2 ** Math.min(count, 20));
    this.#failures.set(from, { count: count + 1, until: now + wait });
  }

  recovered(from: string): void {
    if (this.#failures.peek(from)) this.#failures.set(from, NONE);
  }
}

const NONE: Failure = { count: 0, until: 0 };
