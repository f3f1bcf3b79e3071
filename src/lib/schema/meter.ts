/**
 * Work done by one check. Counted, not timed: a verdict must be the same on every machine and in every replay. One
 * check runs at a time (it is synchronous), so one meter serves all.
 */

/** Ran out of work. Thrown through ajv's generated code, caught by `check`. */
export class Exhausted extends Error {
  readonly kind: 'schema' | 'pattern';
  constructor(kind: 'schema' | 'pattern') {
    super(kind);
    this.kind = kind;
  }
}

/** Entries into referenced schemas, about 0.5 us each. Without them, work is bounded by schema size times value size. */
const STEPS = 40_000;
/** Characters times instructions of a pattern: about 8 ns each at worst on the reference machine, 16 ms in all. */
const WORK = 2_000_000;

let steps = 0;
let work = 0;

export function startMeter(): void {
  steps = STEPS;
  work = WORK;
}

export function step(): void {
  if (--steps < 0) throw new Exhausted('schema');
}

export function spend(units: number): void {
  work -= units;
  if (work < 0) throw new Exhausted('pattern');
}
