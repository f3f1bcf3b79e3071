import type { Rate } from '../core/state.ts';
import type { Bucket } from '../lib/bucket.ts';
import { Generations } from '../lib/generations.ts';

/** Buckets of one space. One that was not used for as long as it takes to fill is as good as forgotten, and is. */
export class Buckets extends Generations<Bucket> {
  #turned: number;
  /** Milliseconds in which the slowest bucket seen fills up. */
  #slowest = 0;

  constructor(limit: number, now: number) {
    super(limit);
    this.#turned = now;
  }

  refilled({ burst, perSecond }: Rate, now: number): void {
    const ms = perSecond > 0 ? (burst * 1000) / perSecond : Infinity;
    if (ms > this.#slowest) this.#slowest = ms;
    if (now - this.#turned <= this.#slowest) return;
    this.turn();
    this.#turned = now;
  }
}
