/**
 * Remembers what may be used once (nonces of signed requests) or by one alone (links of agents), for as long as it could be
 * used again. It forgets nothing earlier: when it is full it refuses, and what one owner sends fills that owner's share alone.
 */
export interface OnceLimits {
  /** Milliseconds for which a use is remembered, at least. */
  readonly life: number;
  /** Most uses remembered of one owner, and of all. */
  readonly each: number;
  readonly all: number;
}

interface Generation {
  /** Owner -> id -> who used it; '' = nobody may again. */
  readonly uses: Map<string, Map<string, string>>;
  size: number;
}
const empty = (): Generation => ({ uses: new Map(), size: 0 });

export class Once {
  readonly #limits: OnceLimits;
  #young = empty();
  #old = empty();
  #since = -Infinity;

  /** Milliseconds since the epoch: what was made before this memory began may have been used before. */
  readonly since: number;

  constructor(limits: OnceLimits, since = -Infinity) {
    this.#limits = limits;
    this.since = since;
  }

  /**
   * `owner` is one that is known: whoever has proved nothing must not get here. `by` may use it again, and nobody else.
   */
  use(owner: string, id: string, now: number, by = ''): 'first' | 'again' | 'full' {
    this.#turn(now);
    const [young, old] = [this.#young.uses.get(owner), this.#old.uses.get(owner)];
    const before = young?.get(id) ?? old?.get(id);
    if (before !== undefined) return by !== '' && before === by ? 'first' : 'again';
    const { each, all } = this.#limits;
    if ((young?.size ?? 0) + (old?.size ?? 0) >= each || this.#young.size + this.#old.size >= all) return 'full';
    if (young) young.set(id, by);
    else this.#young.uses.set(owner, new Map([[id, by]]));
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
