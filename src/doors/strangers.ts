/**
 * The limit by address that holds before anybody has signed in (guarantee LI1). Requests that sign in cost nothing:
 * their caller has a bucket of its own. What is refused is charged, and a failed sign-in is charged dearer.
 */
import type { Clock } from '../core/state.ts';

export interface StrangerRules {
  /** Size of the bucket of one address. */
  readonly burst: number;
  /** Charges that flow back in a second. */
  readonly perSecond: number;
  /** Addresses remembered in one generation; two are kept. */
  readonly addresses: number;
}

/** Ten failed sign-ins at once, then one a second. */
export const STRANGER_RULES: StrangerRules = { burst: 100, perSecond: 10, addresses: 4096 };
export const CHARGE = { refused: 1, signIn: 10 } as const;

interface Bucket {
  charged: number;
  at: number;
}

export class Strangers {
  readonly #rules: StrangerRules;
  readonly #clock: Clock;
  // Bounded without bookkeeping by age: when `young` is full it becomes `old`, and what nobody asked for is forgotten.
  #young = new Map<string, Bucket>();
  #old = new Map<string, Bucket>();

  constructor(clock: Clock, rules: StrangerRules = STRANGER_RULES) {
    this.#clock = clock;
    this.#rules = rules;
  }

  /** Seconds to wait when the address has used up its bucket; 0 when it may go on. Remembers nothing. */
  wait(address: string): number {
    const bucket = this.#find(addressKey(address));
    if (!bucket) return 0;
    const over = this.#level(bucket) - this.#rules.burst;
    return over < 0 ? 0 : Math.max(1, Math.ceil((over + 1) / this.#rules.perSecond));
  }

  charge(address: string, amount: number): void {
    const key = addressKey(address);
    const found = this.#find(key);
    const level = found ? this.#level(found) : 0;
    // Never over the burst by more than one charge: an address that goes on knocking is not locked out for ever.
    const bucket = { charged: Math.min(level + amount, this.#rules.burst + amount), at: this.#clock() };
    if (!this.#young.has(key) && this.#young.size >= this.#rules.addresses) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, bucket);
  }

  /** Addresses remembered now. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  #find(key: string): Bucket | undefined {
    return this.#young.get(key) ?? this.#old.get(key);
  }

  #level(bucket: Bucket): number {
    const seconds = Math.max(0, this.#clock() - bucket.at) / 1000;
    return Math.max(0, bucket.charged - seconds * this.#rules.perSecond);
  }
}

/** One IPv4 address, or one IPv6 /64: what one household can hand out to itself counts as one. */
export function addressKey(address: string): string {
  if (address.startsWith('::ffff:') && address.includes('.')) return address.slice(7);
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('%')[0]!.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const back = tail === '' ? [] : tail.split(':');
    while (groups.length + back.length < 8) groups.push('0');
    groups.push(...back);
  }
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
