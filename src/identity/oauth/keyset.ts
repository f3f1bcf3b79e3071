/**
 * The keys of one issuer as they are now: fetched once for all who wait, again when they are old or a key is asked for
 * that is not there, and never used beyond their time (guarantee ID2). A flood of unknown key ids makes no flood of
 * fetches: in between, an unknown one stays unknown.
 */
import type { Clock } from '../../core/state.ts';
import { draw, full } from '../../lib/bucket.ts';
import { Generations } from '../../lib/generations.ts';
import { type Key, pick } from './jwks.ts';

export interface KeySetOptions {
  /** Rejects when there are none to be had. */
  readonly load: () => Promise<readonly Key[]>;
  readonly clock: Clock;
  /** Age after which keys are fetched again, while those that are there go on. Milliseconds. */
  readonly refresh: number;
  /** Age after which they are not used any more. Milliseconds. */
  readonly stale: number;
  /** Hears of keys that are gone, and of fetches that failed. */
  readonly onChange?: (gone: readonly Key[]) => void;
  readonly onFault?: (error: unknown) => void;
}

/** Fetches beyond those that age asks for: so many at once, then one in five seconds. */
const BURST = 6;
const PER_SECOND = 0.2;
/** How long a key that a fetch did not bring makes no other one: tokens of a dead key come again and again. */
const MISSING = 60_000;

export class KeySet {
  readonly #options: KeySetOptions;
  readonly #bucket;
  /** When a fetch did not bring what was asked for. */
  readonly #missing = new Generations<number>(1024);
  #keys: readonly Key[] | undefined;
  #at = 0;
  /** No fetch that age asks for before this time. */
  #notBefore = 0;
  #loading: Promise<boolean> | undefined;
  #closed = false;

  constructor(options: KeySetOptions) {
    this.#options = options;
    this.#bucket = full(BURST, options.clock());
  }

  /** The key, or why there is none: no such key, or the issuer's keys cannot be had. */
  async find(kid: string | undefined, algorithm: string): Promise<Key | 'unknown' | 'unavailable'> {
    if (!this.#current()) await this.#load();
    const look = () => pick(this.#current() ?? [], kid, algorithm);
    let key = look();
    const name = `${algorithm} ${kid ?? ''}`;
    if (!key && !this.#isMissing(name)) {
      // Perhaps the issuer has a new key since. A fetch that is under way may have begun before that.
      if (this.#loading) await this.#loading;
      key = look();
      if (!key && (await this.#load())) key = look() ?? this.#miss(name);
    }
    return key ?? (this.#current() ? 'unknown' : 'unavailable');
  }

  /** Whether the issuer still has this key, as far as is known and still counts. */
  has({ thumbprint }: Key): boolean {
    return this.#current()?.some((key) => key.thumbprint === thumbprint) ?? false;
  }

  /** Fetches what is due. */
  look(): void {
    if (!this.#current() && this.#options.clock() >= this.#notBefore) void this.#load(true);
  }

  close(): void {
    this.#closed = true;
  }

  #miss(name: string): undefined {
    this.#missing.set(name, this.#at);
  }

  #isMissing(name: string): boolean {
    const age = this.#options.clock() - (this.#missing.peek(name) ?? -Infinity);
    return age >= 0 && age < MISSING;
  }

  /** Those that count now; asks for newer ones in passing when they are old. */
  #current(): readonly Key[] | undefined {
    const now = this.#options.clock();
    const age = now - this.#at;
    if (!this.#keys || age < 0 || age >= this.#options.stale) return undefined;
    if (age >= this.#options.refresh && now >= this.#notBefore) void this.#load(true);
    return this.#keys;
  }

  /** Answers whether keys have come. */
  #load(due = false): Promise<boolean> {
    if (this.#loading) return this.#loading;
    const now = this.#options.clock();
    if (this.#closed || (!due && draw(this.#bucket, PER_SECOND, BURST, 1, now) > 0)) return Promise.resolve(false);
    this.#notBefore = now + 1000 / PER_SECOND;
    this.#loading = this.#fetch().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #fetch(): Promise<boolean> {
    const { load, clock, onChange, onFault } = this.#options;
    // Their age is that of the question: they may be withdrawn while the answer is on its way.
    const at = clock();
    try {
      const keys = await load();
      const before = this.#keys ?? [];
      [this.#keys, this.#at] = [keys, at];
      const gone = before.filter(({ thumbprint }) => !keys.some((key) => key.thumbprint === thumbprint));
      if (gone.length > 0) onChange?.(gone);
      return true;
    } catch (error) {
      onFault?.(error);
      return false;
    }
  }
}
