/**
 * Calls that are under way: at their server, or between two of their rounds, while their client is asked. Who may not go on
 * is stopped in the middle (guarantees ID9, DE3).
 */
import type { Call, Caller } from '../core/call.ts';
import type { Code } from '../core/codes/index.ts';
import { Ended } from '../core/ended.ts';
import type { Clock } from '../core/state.ts';

/** Milliseconds in which what knocked before its credential was revoked may still become a call: more than a body may take. */
const LATE = 60_000;

type Which = (caller: Caller) => boolean;

export class Underway {
  readonly #clock: Clock;
  readonly #open = new Map<AbortController, Call>();
  #revoked: readonly { readonly at: number; readonly which: Which }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls under way now. */
  get size(): number {
    return this.#open.size;
  }

  /** `cancel` is aborted when the call must end, until the returned function is called. */
  enter(call: Call, cancel: AbortController): () => void {
    this.#open.set(cancel, call);
    return () => this.#open.delete(cancel);
  }

  /** Ends the calls for which there is a code; it is what their callers are answered with. */
  stop(why: (call: Call) => Code | undefined): void {
    for (const [cancel, call] of this.#open) {
      const code = why(call);
      if (code !== undefined) cancel.abort(new Ended('stop', code));
    }
  }

  /** Ends the calls of callers who are known no more, or by other facts. */
  revoke(which: Which): void {
    const at = this.#clock();
    this.#revoked = [...this.#recent(at), { at, which }];
    this.stop(({ caller }) => (which(caller) ? 'run.revoked' : undefined));
  }

  /** Ends a new call whose caller signed in before the credential was revoked, and only now has said what for. */
  late({ at, caller }: Call, cancel: AbortController): void {
    if (this.#revoked.length === 0) return;
    this.#revoked = this.#recent(this.#clock());
    if (this.#revoked.some((one) => at <= one.at && one.which(caller))) cancel.abort(new Ended('stop', 'run.revoked'));
  }

  #recent(now: number) {
    return this.#revoked.filter(({ at }) => now - at < LATE);
  }
}
