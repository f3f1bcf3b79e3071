/** What is held right now: new or changed since review, as seen on a live server. Held = invisible and uncallable. */
import type { PinKind } from '../core/call.ts';

/** A server may list more than anyone reviews: the set of one upstream is bounded, and over the bound all is held. */
const MAX_HELD = 10_000;

/** Live and shared by all snapshots: a hold acts on the next admission, not on the next reload. */
export class Holds {
  readonly #held = new Map<string, Set<string>>();

  hold(upstream: string, kind: PinKind, name: string): void {
    const set = this.#of(upstream);
    if (set.size < MAX_HELD) set.add(`${kind} ${name}`);
    else set.add('*');
  }

  /** Everything of an upstream: its package or its instructions are not what was reviewed. */
  holdAll(upstream: string): void {
    this.#of(upstream).add('*');
  }

  /** After a review: the lock is the truth again. */
  release(upstream: string): void {
    this.#held.delete(upstream);
  }

  has(upstream: string, kind: PinKind, name: string): boolean {
    const set = this.#held.get(upstream);
    return set !== undefined && (set.has('*') || set.has(`${kind} ${name}`));
  }

  /** `kind name` of each held thing, sorted; `*` stands for all. */
  list(upstream: string): string[] {
    return [...(this.#held.get(upstream) ?? [])].sort();
  }

  #of(upstream: string): Set<string> {
    let set = this.#held.get(upstream);
    if (!set) this.#held.set(upstream, (set = new Set()));
    return set;
  }
}
