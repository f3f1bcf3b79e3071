/**
 * Bytes that arrive in pieces, under a cap. One growing buffer instead of a list: a sender of one-byte pieces must
 * not make the gateway hold an object for each. The usual case, one piece, is not copied.
 */
export class Gather {
  readonly #max: number;
  #first: Uint8Array | undefined;
  #buffer: Buffer | undefined;
  #size = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#size;
  }

  /** False, and everything forgotten, when `part` leads over the cap. */
  add(part: Uint8Array): boolean {
    const start = this.#size;
    if (start + part.length > this.#max) {
      this.#reset();
      return false;
    }
    this.#size += part.length;
    if (start === 0) this.#first = part;
    else {
      if (!this.#buffer) {
        this.#buffer = Buffer.allocUnsafe(this.#capacity());
        this.#buffer.set(this.#first!);
        this.#first = undefined;
      } else if (this.#buffer.length < this.#size) {
        const bigger = Buffer.allocUnsafe(this.#capacity());
        this.#buffer.copy(bigger, 0, 0, start);
        this.#buffer = bigger;
      }
      this.#buffer.set(part, start);
    }
    return true;
  }

  /** All bytes so far, and begins anew. */
  take(): Uint8Array {
    const bytes = this.#buffer ? this.#buffer.subarray(0, this.#size) : (this.#first ?? new Uint8Array());
    this.#reset();
    return bytes;
  }

  #capacity(): number {
    return Math.min(this.#max, Math.max(1024, this.#size * 2));
  }

  #reset(): void {
    this.#first = undefined;
    this.#buffer = undefined;
    this.#size = 0;
  }
}
