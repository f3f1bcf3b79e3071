/**
 * The bundles in force, one for each trust domain. One that goes bad leaves the last good one in force for a while;
 * after that nobody of the domain is believed any more.
 */
import type { Clock } from '../../core/state.ts';
import type { Bundle } from './bundle.ts';

interface Domain {
  readonly bundle?: Bundle;
  /** Since when its source has been bad; undefined = it is well. */
  readonly badSince?: number;
}

export class Trust {
  readonly #domains: Map<string, Domain>;
  readonly #clock: Clock;
  readonly #stale: number;
  #version = 0;

  /** `stale`: milliseconds for which a bundle outlives its source. */
  constructor(domains: Iterable<string>, clock: Clock, stale: number) {
    const began = clock();
    this.#domains = new Map([...domains].map((name) => [name, { badSince: began }]));
    this.#clock = clock;
    this.#stale = stale;
  }

  /** Changes with every bundle: what was verified under another one is to be verified again. */
  get version(): number {
    return this.#version;
  }

  /** What is in force; undefined for a domain that is not configured, has none yet, or has been without for too long. */
  of(trustDomain: string): Bundle | undefined {
    const { bundle, badSince } = this.#domains.get(trustDomain) ?? {};
    return badSince !== undefined && this.#clock() - badSince >= this.#stale ? undefined : bundle;
  }

  knows(trustDomain: string): boolean {
    return this.#domains.has(trustDomain);
  }

  /** Why it is not taken: an older bundle must not bring back an authority that is gone. */
  put(trustDomain: string, bundle: Bundle): string | undefined {
    const before = this.#domains.get(trustDomain)?.bundle;
    if (before?.sequence !== undefined && (bundle.sequence ?? 0) < before.sequence) {
      this.bad(trustDomain);
      return 'is older than the one in force';
    }
    this.#domains.set(trustDomain, { bundle });
    this.#version++;
    return undefined;
  }

  /** The source cannot be read, or says nonsense. */
  bad(trustDomain: string): void {
    const { bundle, badSince = this.#clock() } = this.#domains.get(trustDomain) ?? {};
    this.#domains.set(trustDomain, { ...(bundle && { bundle }), badSince });
  }

  /** The source is well again, and says what it said. */
  well(trustDomain: string): void {
    const { bundle } = this.#domains.get(trustDomain) ?? {};
    if (bundle) this.#domains.set(trustDomain, { bundle });
  }

  /** All authorities in force, in PEM, for the handshakes of a listener. */
  authorities(): string[] {
    const all = [...this.#domains.keys()].flatMap((name) => this.of(name)?.x509 ?? []);
    return [...new Set(all.map((one) => one.toString()))];
  }
}
