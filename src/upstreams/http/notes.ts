/** Interim messages of one call on their way to a client that may be slow. */
import type { Notification } from '../../core/call.ts';

/** Messages that may wait; progress is lossy by nature. */
const MAX_PENDING = 64;

export class Notes {
  readonly #send: (message: Notification) => Promise<void>;
  #pending = 0;
  #tail: Promise<void> | undefined;

  constructor(send: (message: Notification) => Promise<void>) {
    this.#send = send;
  }

  /** False when it found no room. A rejection ends the delivery of this message, not the call. */
  push(message: Notification): boolean {
    if (this.#pending >= MAX_PENDING) return false;
    this.#pending++;
    const go = () => this.#send(message);
    const done = () => void this.#pending--;
    this.#tail = (this.#tail?.then(go) ?? go()).then(done, done);
    return true;
  }

  /** What the server said before its answer reaches the caller before its answer; undefined when nothing waits. */
  get waiting(): Promise<void> | undefined {
    return this.#pending === 0 ? undefined : this.#tail;
  }
}
