/** Bytes in, complete lines out (MCP stdio transport). Bounded, linear in the bytes, whatever way they are cut. */

const NEWLINE = 0x0a;
const SMALLEST = 1024;

export interface LineSink {
  /** One line without its newline. A view, valid for ever: nothing is written into it again. */
  line(bytes: Uint8Array): void;
  /** A line went over the cap: told at once, not at its end. The rest of it is dropped. */
  over(): void;
  /** Told at every further `cap` bytes of an oversized line: a sink may give up on the stream. */
  still?(bytes: number): void;
}

export class LineReader {
  readonly #cap: number;
  readonly #sink: LineSink;
  /** The line that is not complete yet, in a buffer that doubles: a million pieces of a byte are no million objects. */
  #held: Buffer | undefined;
  #length = 0;
  #dropping = false;

  /** `cap`: the longest line in bytes. */
  constructor(cap: number, sink: LineSink) {
    this.#cap = cap;
    this.#sink = sink;
  }

  /** Takes ownership of `chunk`. */
  push(chunk: Uint8Array): void {
    let start = 0;
    while (start < chunk.length) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end < 0) return this.#keep(start === 0 ? chunk : chunk.subarray(start));
      const piece = chunk.subarray(start, end);
      start = end + 1;
      if (this.#dropping) {
        this.#reset();
      } else if (this.#length + piece.length > this.#cap) {
        this.#reset();
        this.#sink.over();
      } else if (this.#length === 0) {
        this.#sink.line(piece);
      } else {
        this.#hold(piece);
        const line = this.#held!.subarray(0, this.#length);
        this.#reset();
        this.#sink.line(line);
      }
    }
  }

  #keep(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    if (this.#dropping) {
      const before = this.#length;
      this.#length = length;
      if (Math.floor(before / this.#cap) !== Math.floor(length / this.#cap)) this.#sink.still?.(length);
    } else if (length > this.#cap) {
      this.#dropping = true;
      this.#held = undefined;
      this.#length = length;
      this.#sink.over();
    } else this.#hold(piece);
  }

  #hold(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    if (this.#held === undefined || length > this.#held.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(2 * length, SMALLEST));
      this.#held?.copy(larger, 0, 0, this.#length);
      this.#held = larger;
    }
    this.#held.set(piece, this.#length);
    this.#length = length;
  }

  #reset(): void {
    this.#held = undefined;
    this.#length = 0;
    this.#dropping = false;
  }
}
