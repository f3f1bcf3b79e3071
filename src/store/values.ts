import type { Json } from '../lib/json/types.ts';

/** An undefined value hides the entry of a base. */
interface Entry {
  readonly value: Json | undefined;
  readonly until: number;
}

/** A full space looks for expired entries at most this often, so that fresh keys cannot make it look all the time. */
const SWEEP_EVERY = 1000;

/** A space that cannot take one more value. The control that asked stops its call: nothing live is forgotten. */
export class StateFull extends Error {
  override readonly name = 'StateFull';
}

/** Values with an end. Bounded: expired entries make room, live ones do not. Times in milliseconds. */
export class Values {
  readonly #limit: number;
  #entries = new Map<string, Entry>();
  #sweepAfter = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string, now: number): Entry | undefined {
    const entry = this.#entries.get(key);
    return entry && entry.until > now ? entry : undefined;
  }

  /** Throws StateFull. */
  set(key: string, value: Json | undefined, until: number, now: number): void {
    if (this.#entries.size >= this.#limit && !this.#entries.has(key)) this.#sweep(now);
    this.#entries.set(key, { value, until });
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  #sweep(now: number): void {
    if (now >= this.#sweepAfter) {
      this.#sweepAfter = now + SWEEP_EVERY;
      const live = new Map<string, Entry>();
      for (const [key, entry] of this.#entries) if (entry.until > now) live.set(key, entry);
      this.#entries = live;
    }
    if (this.#entries.size >= this.#limit) throw new StateFull(`no room: ${this.#limit} live entries`);
  }
}
