/** What a server says it offers, and how long that can be relied on (house.md, "Inventory"). */
import { Ended } from '../core/ended.ts';
import type { Clock } from '../core/state.ts';
import { descriptorDigest, nameOf } from '../inventory/digest.ts';
import type { Listing } from '../inventory/drift.ts';

/** A listing older than this is taken anew before the next dispatch. */
export const LISTING_AGE = 60_000;
const LIST_LIMIT = 10_000;

const KINDS = [
  ['tool', 'tools'],
  ['prompt', 'prompts'],
  ['resource', 'resources'],
  ['template', 'templates'],
] as const;
/** Stands for two things of one name: which of them a call would reach is the server's choice. No pin equals it. */
const TWICE = 'listed twice';
/** Announced changes while one listing comes in. */
const MAX_RESTARTS = 3;

export interface CatalogOptions {
  readonly clock: Clock;
  /** Asks the server for everything. Rejects with an Error for the log. */
  readonly take: (signal: AbortSignal) => Promise<Listing>;
  /** Of a descriptor, as the lockfile has it. */
  readonly digest?: typeof descriptorDigest;
}

export class Catalog {
  readonly #options: CatalogOptions;
  #listing: Listing | undefined;
  #listedAt = Number.NEGATIVE_INFINITY;
  #relisting: Promise<Listing> | undefined;
  /** `kind:name` -> digest, of the last listing. */
  digests: ReadonlyMap<string, string> = new Map();

  constructor(options: CatalogOptions) {
    this.#options = options;
  }

  /** After the first `list`. */
  get listing(): Listing {
    return this.#listing!;
  }

  /** Whether the listing can be relied on at `now`: not while a newer one is on its way. */
  fresh(now: number): boolean {
    return this.#relisting === undefined && now - this.#listedAt <= LISTING_AGE;
  }

  /** The server announced a change. */
  expire(): void {
    this.#listedAt = Number.NEGATIVE_INFINITY;
  }

  /** Takes the listing again; callers at the same time share one. Rejects with Ended. */
  relist(): Promise<Listing> {
    this.#relisting ??= this.list(AbortSignal.timeout(LIST_LIMIT))
      .catch((error) => {
        // What is known is still the old one.
        this.expire();
        throw error instanceof Ended ? error : new Ended('stop', 'upstream.protocol', describe(error));
      })
      .finally(() => (this.#relisting = undefined));
    return this.#relisting;
  }

  async list(signal: AbortSignal, restarts = 0): Promise<Listing> {
    const { clock, take, digest: digestOf = descriptorDigest } = this.#options;
    const at = (this.#listedAt = clock());
    const listing = await take(signal);
    const digests = new Map<string, string>();
    for (const [kind, member] of KINDS) {
      for (const descriptor of listing[member]) {
        const name = nameOf(kind, descriptor);
        if (name === undefined) continue; // it cannot be pinned, called or shown
        const [key, digest] = [`${kind}:${name}`, digestOf(kind, descriptor)];
        const before = digests.get(key);
        digests.set(key, before === undefined || before === digest ? digest : TWICE);
      }
    }
    // A change that was announced while the pages came in makes this listing old again.
    if (this.#listedAt !== at && restarts < MAX_RESTARTS) return this.list(signal, restarts + 1);
    this.#listing = listing;
    this.digests = digests;
    return listing;
  }
}

/** For the log only. */
export function describe(error: unknown): string {
  if (error instanceof Ended) return error.detail ?? error.code;
  return error instanceof Error ? error.message : String(error);
}
