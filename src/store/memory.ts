/**
 * What controls remember, in this process. Every map is bounded, by the rule that fits what it holds:
 * buckets lie in two generations, for a forgotten bucket is only a full one; gauges are never forgotten while something
 * is inside; values live for their time, and a full space refuses new ones, for a forgotten value may be a spent approval.
 */
import type { ControlId } from '../core/order.ts';
import type { Clock, Rate, State, Taken } from '../core/state.ts';
import { type Bucket, draw, full } from '../lib/bucket.ts';
import { sha256Hex } from '../lib/bytes.ts';
import { canonical } from '../lib/json/canonical.ts';
import type { Json } from '../lib/json/types.ts';
import { Buckets } from './buckets.ts';
import { Values } from './values.ts';

/** Entries of one space and kind; a longer key is kept as its digest, so that this bounds the bytes too. */
export const ENTRIES = 100_000;
const LONGEST_KEY = 200;

type Scratch = Partial<Record<ControlId, Record<string, unknown>>>;

const TAKEN: Taken = Object.freeze({ ok: true, retryAfter: 0 });

export function memoryState(clock: Clock, entries = ENTRIES): State {
  return new Memory(clock, entries, undefined);
}

class Memory implements State {
  readonly now: Clock;
  readonly #entries: number;
  readonly #base: Memory | undefined;
  readonly #buckets = new Map<string, Buckets>();
  readonly #gauges = new Map<string, Map<string, number>>();
  readonly #values = new Map<string, Values>();
  readonly #scratch = new Map<string, Scratch>();

  constructor(clock: Clock, entries: number, base: Memory | undefined) {
    this.now = clock;
    this.#entries = entries;
    this.#base = base;
  }

  take(space: string, key: string, rate: Rate, amount = 1): Taken {
    const now = this.now();
    const name = short(key);
    let buckets = this.#buckets.get(space);
    if (buckets === undefined) this.#buckets.set(space, (buckets = new Buckets(this.#entries, now)));
    buckets.refilled(rate, now);
    let bucket = buckets.get(name);
    if (!bucket) {
      const below = this.#base?.bucket(space, name);
      bucket = below ? { ...below } : full(rate.burst, now);
      buckets.set(name, bucket);
    }
    const retryAfter = draw(bucket, rate.perSecond, rate.burst, amount, now);
    return retryAfter === 0 ? TAKEN : { ok: false, retryAfter };
  }

  enter(space: string, key: string, max: number): boolean {
    const name = short(key);
    const gauges = this.#in(this.#gauges, space, newGauges);
    const inside = this.inside(space, name);
    if (inside >= max || (inside === 0 && gauges.size >= this.#entries)) return false;
    gauges.set(name, inside + 1);
    return true;
  }

  leave(space: string, key: string): void {
    const name = short(key);
    const left = Math.max(0, this.inside(space, name) - 1);
    const gauges = this.#in(this.#gauges, space, newGauges);
    // A view keeps its zero: it hides what the base says.
    if (left > 0 || this.#base) gauges.set(name, left);
    else gauges.delete(name);
  }

  get(space: string, key: string): Json | undefined {
    return this.value(space, short(key), this.now());
  }

  put(space: string, key: string, value: Json, ttl: number): void {
    const now = this.now();
    this.#space(space).set(short(key), freeze(value), now + ttl, now);
  }

  swap(space: string, key: string, expected: Json | undefined, value: Json | undefined, ttl: number): boolean {
    const now = this.now();
    const name = short(key);
    const current = this.value(space, name, now);
    if (current === undefined || expected === undefined) {
      if (current !== expected) return false;
    } else if (canonical(current) !== canonical(expected)) return false;
    if (value !== undefined) this.#space(space).set(name, freeze(value), now + ttl, now);
    else if (this.#base) this.#space(space).set(name, undefined, Infinity, now);
    else this.#space(space).delete(name);
    return true;
  }

  scratch(call: string, control: ControlId): Record<string, unknown> {
    const own = this.#in(this.#scratch, call, newScratch);
    return (own[control] ??= {});
  }

  forget(call: string): void {
    this.#scratch.delete(call);
  }

  overlay(): State {
    return new Memory(this.now, this.#entries, this);
  }

  // What a view sees of its base: looks only, never moves an entry between generations.

  private bucket(space: string, name: string): Bucket | undefined {
    return this.#buckets.get(space)?.peek(name) ?? this.#base?.bucket(space, name);
  }

  private inside(space: string, name: string): number {
    return this.#gauges.get(space)?.get(name) ?? this.#base?.inside(space, name) ?? 0;
  }

  private value(space: string, name: string, now: number): Json | undefined {
    const own = this.#values.get(space)?.get(name, now);
    return own ? own.value : this.#base?.value(space, name, now);
  }

  #space(space: string): Values {
    return this.#in(this.#values, space, () => new Values(this.#entries));
  }

  #in<V>(map: Map<string, V>, key: string, make: () => V): V {
    let found = map.get(key);
    if (found === undefined) map.set(key, (found = make()));
    return found;
  }
}

const newGauges = () => new Map<string, number>();
const newScratch = (): Scratch => ({});

function short(key: string): string {
  return key.length <= LONGEST_KEY ? key : sha256Hex(key);
}

/** One object is both the caller's and the store's: nobody may change it any more. */
function freeze(value: Json): Json {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const item of Object.values(value)) freeze(item as Json);
  return Object.freeze(value) as Json;
}
