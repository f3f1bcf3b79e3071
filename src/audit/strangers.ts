/**
 * Against log flooding: what a stranger can cause without end is added up, one entry for each code, address prefix and
 * minute, on a fixed budget. A subject's own attempts and limit stops are entries of their own until its bucket is empty.
 */
import { isIPv4, isIPv6 } from 'node:net';
import type { Attempt, Caller } from '../core/call.ts';
import type { Code } from '../core/codes/index.ts';
import { type Bucket, draw, full } from '../lib/bucket.ts';
import { Generations } from '../lib/generations.ts';
import { iso } from '../lib/time.ts';

/** Entries a minute; what comes beyond is added up by its code alone. About 90 MB a day at the very worst. */
export const KEYS_PER_MINUTE = 256;
/** Entries of its own that a subject may cause by being refused: 60 at once, then one a second. */
const OWN = { perSecond: 1, burst: 60 };
const SUBJECTS = 20_000;
const MINUTE = 60_000;

interface Sum {
  /** Members that tell who, as JSON text. */
  readonly who: string;
  readonly code: Code;
  count: number;
}

export class Strangers {
  readonly #write: (body: string) => void;
  readonly #own = new Generations<Bucket>(SUBJECTS);
  #sums = new Map<string, Sum>();
  #minute = 0;

  /** `write` takes the members of one entry as JSON text. */
  constructor(write: (body: string) => void) {
    this.#write = write;
  }

  /** True when the subject may have an entry of its own; otherwise it was counted. */
  own(caller: Caller, code: Code, now: number): boolean {
    const who = `"tenant":${JSON.stringify(caller.tenant)},"subject":${JSON.stringify(caller.subject)}`;
    let bucket = this.#own.get(who);
    if (!bucket) this.#own.set(who, (bucket = full(OWN.burst, now)));
    if (draw(bucket, OWN.perSecond, OWN.burst, 1, now) === 0) return true;
    this.#count(who, code, now);
    return false;
  }

  stranger(attempt: Attempt, now: number): void {
    this.#count(`"prefix":"${prefix(attempt.peer.address)}"`, attempt.code, now);
  }

  /** Writes the sums of minutes that are over, or all of them. */
  flush(now: number, all = false): void {
    const minute = Math.floor(now / MINUTE);
    if (this.#sums.size === 0 || (minute === this.#minute && !all)) return;
    const sums = this.#sums;
    this.#sums = new Map();
    const at = iso(this.#minute * MINUTE);
    for (const { who, code, count } of sums.values()) {
      this.#write(`"code":"${code}",${who},"minute":"${at}","count":${count}`);
    }
  }

  #count(who: string, code: Code, now: number): void {
    this.flush(now);
    this.#minute = Math.floor(now / MINUTE);
    const sum = this.#sums.get(code + who);
    if (sum) sum.count++;
    else if (this.#sums.size < KEYS_PER_MINUTE) this.#sums.set(code + who, { who, code, count: 1 });
    else this.#overflow(code);
  }

  #overflow(code: Code): void {
    const sum = this.#sums.get(code);
    if (sum) sum.count++;
    else this.#sums.set(code, { who: '"prefix":"*"', code, count: 1 });
  }
}

/** The network an address belongs to: /24 of IPv4, /56 of IPv6 (one site, RFC 6177); `-` for a local pipe. */
export function prefix(address: string): string {
  const bare = address.split('%', 1)[0]!;
  if (isIPv4(bare)) return `${bare.slice(0, bare.lastIndexOf('.'))}.0/24`;
  if (!isIPv6(bare)) return address === '-' ? '-' : 'other';
  const groups = expand(bare);
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (mapped) return `${groups[6]! >> 8}.${groups[6]! & 255}.${groups[7]! >> 8}.0/24`;
  const network = [...groups.slice(0, 3), groups[3]! & 0xff00].map((group) => group.toString(16));
  return `${network.join(':')}::/56`;
}

/** The eight groups of a valid IPv6 address (RFC 4291 section 2.2). */
function expand(address: string): number[] {
  const [head, tail] = address.split('::').map((half) => (half === '' ? [] : half.split(':').flatMap(group)));
  if (!tail) return head!;
  return [...head!, ...Array<number>(8 - head!.length - tail.length).fill(0), ...tail];
}

function group(text: string): number[] {
  if (!text.includes('.')) return [Number.parseInt(text, 16)];
  const [a, b, c, d] = text.split('.').map(Number) as [number, number, number, number];
  return [(a << 8) | b, (c << 8) | d];
}
