/** Time as a door spends it; injected, so that tests need not wait. */

/** Calls `fire` once after `ms` milliseconds, unless the function it answers is called before. */
export type After = (ms: number, fire: () => void) => () => void;

/** Milliseconds that requests have for their answers when a client of lines has said its last: `echo ... | doorward`. */
export const LAST_ANSWERS = 5_000;

export const after: After = (ms, fire) => {
  const timer = setTimeout(fire, ms);
  return () => clearTimeout(timer);
};
