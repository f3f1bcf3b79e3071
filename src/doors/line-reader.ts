/**
 * Lines of a byte stream under a cap, for the stdio framing of MCP (one message a line, no line end inside). A line
 * over the cap is dropped up to its end and reported once; what follows is read as usual.
 */
import { Gather } from './gather.ts';

const LF = 10;

export interface LineEvents {
  /** One line without its end. */
  line(bytes: Uint8Array): void;
  /** A line over the cap was dropped. */
  tooLong(): void;
}

export class LineReader {
  readonly #events: LineEvents;
  readonly #held: Gather;
  #skipping = false;

  /** `max` in bytes, without the line end. */
  constructor(max: number, events: LineEvents) {
    this.#events = events;
    this.#held = new Gather(max);
  }

  push(chunk: Uint8Array): void {
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      this.#take(chunk.subarray(start, end));
      this.#finish();
      start = end + 1;
    }
    if (start < chunk.length) this.#take(chunk.subarray(start));
  }

  #take(part: Uint8Array): void {
    if (!this.#skipping) this.#skipping = !this.#held.add(part);
  }

  #finish(): void {
    const skipped = this.#skipping;
    this.#skipping = false;
    if (skipped) this.#events.tooLong();
    else this.#events.line(this.#held.take());
  }
}
