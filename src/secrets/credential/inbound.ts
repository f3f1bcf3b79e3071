/**
 * What callers bring that is not for the log: the token that an exchange needs, and keys for a server behind. Held under
 * the Caller object itself, in memory alone: whoever has not been handed that very object, as everything has that reads
 * a Call from bytes, finds nothing (guarantees ID9, SE7). It goes with the Caller, or at its end of life, whichever is first.
 */
import { createHmac } from 'node:crypto';
import type { Caller } from '../../core/call.ts';
import type { Clock } from '../../core/state.ts';

/** Milliseconds that something is kept after it was last brought, however long its Caller lives. */
const LIFE = 600_000;
const MAX_BYTES = 16_384;
const MAX_KEYS = 16;

interface Held {
  readonly bytes: Buffer;
  readonly mark: string;
  readonly until: number;
}

export class Inbound {
  readonly #held = new WeakMap<Caller, Map<string, Held>>();
  readonly #clock: Clock;
  readonly #salt: Uint8Array;

  /** `salt`: 32 random bytes, so that marks are worth nothing elsewhere. */
  constructor(clock: Clock, salt: Uint8Array) {
    [this.#clock, this.#salt] = [clock, salt];
  }

  /** `what`: `token`, or the name of a header. */
  bring(caller: Caller, what: string, value: string): void {
    if (value === '' || value.length > MAX_BYTES) return;
    let mine = this.#held.get(caller);
    if (!mine) this.#held.set(caller, (mine = new Map()));
    const old = mine.get(what);
    if (!old && mine.size >= MAX_KEYS) return;
    old?.bytes.fill(0);
    const until = Math.min(caller.expires ?? Number.POSITIVE_INFINITY, this.#clock() + LIFE);
    const bytes = Buffer.from(value, 'latin1');
    mine.set(what, { bytes, mark: createHmac('sha256', this.#salt).update(bytes).digest('base64url'), until });
  }

  /** The same for the same value, whoever brings it; empty for none. */
  mark(caller: Caller, what: string): string {
    return this.#held.get(caller)?.get(what)?.mark ?? '';
  }

  get(caller: Caller, what: string): string | undefined {
    const held = this.#held.get(caller)?.get(what);
    if (held === undefined) return undefined;
    if (this.#clock() < held.until) return held.bytes.toString('latin1');
    held.bytes.fill(0);
    this.#held.get(caller)!.delete(what);
    return undefined;
  }
}
