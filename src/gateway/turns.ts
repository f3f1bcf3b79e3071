/**
 * Turns of the event loop for long work. Those who wait go one by one, each in a round of the loop of its own, so that
 * ten large messages hold it no longer than one does.
 */
import type { World } from '../core/ports.ts';

/** Milliseconds of one turn: with the piece of work that ends it, under 5. */
const TURN = 2;

/** `now` in milliseconds, monotonic; `next` runs its argument in the next round of the event loop. */
export function turns(
  now: () => number = () => performance.now(),
  next: (run: () => void) => void = setImmediate,
): NonNullable<World['breathe']> {
  const waiting: (() => void)[] = [];
  let until = Number.NEGATIVE_INFINITY;

  function release(): void {
    until = now() + TURN;
    waiting.shift()!();
    if (waiting.length > 0) next(release);
  }

  return (signal) => {
    signal.throwIfAborted();
    if (now() < until) return undefined;
    return new Promise((resolve, reject) => {
      waiting.push(() => (signal.aborted ? reject(signal.reason) : resolve()));
      if (waiting.length === 1) next(release);
    });
  };
}
