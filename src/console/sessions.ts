/**
 * Who is signed in. A session is a secret in the forms of the pages that it was given, and nowhere else: there is no
 * cookie, since a browser sends the cookies of loopback to every port (RFC 6265, section 8.5) and with every request. So
 * no other site or local server can send or read one, and no form can be posted for somebody.
 */
import type { Clock, Random } from '../core/state.ts';
import type { Person } from '../gateway/desk.ts';
import { base64url, sha256Hex } from '../lib/bytes.ts';

/** Milliseconds without a request, and in all. */
export const IDLE = 15 * 60_000;
export const LONGEST = 8 * 3_600_000;
/** One more ends the one that was idle longest. */
const MAX_SESSIONS = 32;

interface Live {
  readonly person: Person;
  readonly from: number;
  last: number;
}

export class Sessions {
  readonly #clock: Clock;
  readonly #random: Random;
  /** By digest: what is looked up takes no longer for a nearly right secret. The longest idle first. */
  readonly #live = new Map<string, Live>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** The secret of a new session. */
  begin(person: Person): string {
    const secret = base64url(this.#random(32));
    const now = this.#clock();
    if (this.#live.size >= MAX_SESSIONS) this.#live.delete(this.#live.keys().next().value!);
    this.#live.set(sha256Hex(secret), { person, from: now, last: now });
    return secret;
  }

  /** Whose it is; it is used by that. */
  who(secret: string): Person | undefined {
    const digest = sha256Hex(secret);
    const live = this.#live.get(digest);
    if (!live) return undefined;
    this.#live.delete(digest);
    const now = this.#clock();
    if (now - live.last >= IDLE || now - live.from >= LONGEST) return undefined;
    live.last = now;
    this.#live.set(digest, live);
    return live.person;
  }

  end(secret: string): void {
    this.#live.delete(sha256Hex(secret));
  }
}
