import type { Json } from '../lib/json/types.ts';

/** An undefined value hides the entry of a base. */
interface Entry {
  readonly value: Json | undefined;
  readonly until: number;
}

/** A full space looks for expired entries at most this often, so that fresh keys cannot make it look all the time. */
const SWEEP_EVERY = 1000;
/** Fewer entries are not looked through before there is no room. */
const SWEEP_FROM = 1024;

/** A space that cannot take one more value. The control that asked stops its call: nothing live is forgotten. */
export class StateFull extends Error {
  override readonly name = 'StateFull';
}

/** Values with an end. Bounded: expired entries make room, live ones do not. Times in milliseconds. */
export class Values {
  readonly #limit: number;
  #entries = new Map<string, Entry>();
  #sweepAfter = 0;
  /** Size at which expired entries are looked for though there is room. */
  #sweepAt: number;

  constructor(limit: number) {
    this.#limit = limit;
    this.#sweepAt = Math.min(limit, SWEEP_FROM);
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
    if (this.#entries.size >= this.#sweepAt && !this.#entries.has(key)) this.#sweep(now);
    if (this.#entries.size >= this.#limit && !this.#entries.has(key)) throw full(this.#limit);
    this.#entries.set(key, { value, until });
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  #sweep(now: number): void {
    if (now < this.#sweepAfter) return;
    this.#sweepAfter = now + SWEEP_EVERY;
    const live = new Map<string, Entry>();
    for (const [key, entry] of this.#entries) if (entry.until > now) live.set(key, entry);
    this.#entries = live;
    // Looked at again when it has doubled: each entry pays for its own.
    this.#sweepAt = Math.min(this.#limit, Math.max(SWEEP_FROM, 2 * live.size));
  }
}

function full(limit: number): StateFull {
  return new StateFull(`no room: ${limit} live entries`);
}
