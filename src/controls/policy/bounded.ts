/**
 * A map of bounded size in two generations: when the young one is full it becomes the old one, and the old one is
 * dropped. What is used is carried over, so endless fresh keys cost no scan (performance.md 7).
 */
export class Bounded<V> {
  #young = new Map<string, V>();
  #old = new Map<string, V>();
  readonly #size: number;

  /** At most `2 * size` entries. */
  constructor(size: number) {
    this.#size = size;
  }

  get(key: string): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: V): void {
    if (this.#young.size >= this.#size) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }
}
