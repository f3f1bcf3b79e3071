/**
 * A map for keys that strangers choose: bounded, and cheap under endless fresh keys. When the young generation is full
 * it becomes the old one, and the old one is dropped whole; a key that is used moves to the young one. Never an LRU by
 * delete and set, whose tombstones make each step slower.
 */
export class Generations<V> {
  readonly #each: number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();

  /** Holds at most `limit` entries, and at least the `limit / 2` that were used last. */
  constructor(limit: number) {
    this.#each = Math.max(1, Math.floor(limit / 2));
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: string): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  /** Looks without counting as use. */
  peek(key: string): V | undefined {
    return this.#young.get(key) ?? this.#old.get(key);
  }

  set(key: string, value: V): void {
    if (this.#young.size >= this.#each && !this.#young.has(key)) this.turn();
    this.#young.set(key, value);
  }

  /** Drops what was not used since the last turn. */
  turn(): void {
    this.#old = this.#young;
    this.#young = new Map();
  }
}
