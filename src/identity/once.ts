/**
 * Remembers what may be used once (nonces of signed requests), for as long as it could be used again. It forgets
 * nothing earlier: when it is full it refuses, and what one owner sends fills that owner's share alone.
 */
export interface OnceLimits {
  /** Milliseconds for which a use is remembered, at least. */
  readonly life: number;
  /** Most uses remembered of one owner, and of all. */
  readonly each: number;
  readonly all: number;
}

interface Generation {
  readonly uses: Map<string, Set<string>>;
  size: number;
}
const empty = (): Generation => ({ uses: new Map(), size: 0 });

export class Once {
  readonly #limits: OnceLimits;
  #young = empty();
  #old = empty();
  #since = -Infinity;

  constructor(limits: OnceLimits) {
    this.#limits = limits;
  }

  /** `owner` is one that is known: whoever has proved nothing must not get here. */
  use(owner: string, id: string, now: number): 'first' | 'again' | 'full' {
    this.#turn(now);
    const [young, old] = [this.#young.uses.get(owner), this.#old.uses.get(owner)];
    if (young?.has(id) || old?.has(id)) return 'again';
    const { each, all } = this.#limits;
    if ((young?.size ?? 0) + (old?.size ?? 0) >= each || this.#young.size + this.#old.size >= all) return 'full';
    if (young) young.add(id);
    else this.#young.uses.set(owner, new Set([id]));
    this.#young.size++;
    return 'first';
  }

  /** A generation is dropped when its youngest member is older than a life. A clock that goes back drops nothing. */
  #turn(now: number): void {
    const passed = now - this.#since;
    if (passed < this.#limits.life) return;
    this.#old = passed < 2 * this.#limits.life ? this.#young : empty();
    this.#young = empty();
    this.#since = now;
  }
}
