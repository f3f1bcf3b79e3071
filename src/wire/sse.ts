/** Server-sent events (WHATWG HTML, section 9.2), written and read. */

/** One event of the default type. Line ends in `data` become lines of their own; JSON on one line has none. */
export function encodeEvent(data: string): string {
  if (!data.includes('\n') && !data.includes('\r')) return `data: ${data}\n\n`;
  return `${data
    .split(/\r\n|\r|\n/)
    .map((line) => `data: ${line}\n`)
    .join('')}\n`;
}

/** A line that says nothing: keeps a quiet stream open. */
export function comment(): string {
  return ':\n\n';
}

/** `data` is not decoded: it goes to a strict parser, which refuses bytes that are not UTF-8. */
export interface SseEvent {
  readonly event: string;
  readonly data: Uint8Array;
  /** The last event id that the stream has set. */
  readonly id?: string;
}

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
/** Bytes that the type or the id of an event may have; longer ones are ignored. */
const MAX_FIELD = 1024;

/** Reads a stream of events, however it is cut into chunks. Work and memory are linear in what was pushed. */
export class SseReader {
  readonly #maxEvent: number;
  /** Bytes of the line that is not complete. */
  readonly #line = new Bytes();
  /** Data lines of the event that is not complete, each with its line end. */
  readonly #data = new Bytes();
  #event = '';
  #id: string | undefined;
  #retry: number | undefined;
  #afterCr = false;
  #first = true;
  #failed = false;

  /** `maxEvent`: bytes of one event, and of one line. */
  constructor(maxEvent: number) {
    this.#maxEvent = maxEvent;
  }

  /** An event was over its cap: the stream cannot be read on, and every later push answers nothing. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Reconnection time that the stream asked for, in milliseconds. */
  get retry(): number | undefined {
    return this.#retry;
  }

  /** The events that `chunk` completes. The chunk may be reused afterwards. */
  push(chunk: Uint8Array): SseEvent[] {
    const events: SseEvent[] = [];
    let start = 0;
    let lf = -1;
    let cr = -1;
    while (start < chunk.length && !this.#failed) {
      if (this.#afterCr) {
        this.#afterCr = false;
        if (chunk[start] === LF) {
          start++;
          continue;
        }
      }
      // Each search goes on where the last one ended, so no byte is searched twice.
      if (lf < start && (lf = chunk.indexOf(LF, start)) < 0) lf = chunk.length;
      if (cr < start && (cr = chunk.indexOf(CR, start)) < 0) cr = chunk.length;
      const end = Math.min(lf, cr);
      if (end === chunk.length) {
        this.#keep(this.#line, chunk.subarray(start, end));
        break;
      }
      const from = start;
      this.#afterCr = end === cr;
      start = end + 1;
      // What is whole in this chunk is not copied: a flood of short lines must not make an object of each.
      const whole = this.#line.size === 0 && !this.#first;
      if (whole && from === end && this.#data.size === 0) {
        this.#event = '';
        continue;
      }
      if (whole && from < end && end - from <= this.#maxEvent && NAMES[chunk[from]!] !== 1) continue;
      this.#keep(this.#line, chunk.subarray(from, end));
      if (this.#failed) break;
      const event = this.#finish(this.#line.take());
      if (event) events.push(event);
    }
    return events;
  }

  #keep(bytes: Bytes, part: Uint8Array): void {
    if (this.#line.size + this.#data.size + part.length > this.#maxEvent) this.#failed = true;
    else bytes.add(part);
  }

  #finish(whole: Uint8Array): SseEvent | undefined {
    let line = whole;
    if (this.#first) {
      this.#first = false;
      if (line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf) line = line.subarray(3);
    }
    if (line.length === 0) return this.#dispatch();
    const colon = line.indexOf(COLON);
    if (colon === 0) return undefined;
    const name = Buffer.from(line.subarray(0, colon < 0 ? undefined : colon)).toString('latin1');
    let value = colon < 0 ? EMPTY : line.subarray(colon + 1);
    if (value[0] === SPACE) value = value.subarray(1);
    switch (name) {
      case 'data':
        this.#keep(this.#data, value);
        if (!this.#failed) this.#keep(this.#data, LINE_END);
        break;
      case 'event':
        if (value.length <= MAX_FIELD) this.#event = Buffer.from(value).toString();
        break;
      case 'id':
        if (value.length <= MAX_FIELD && !value.includes(0)) this.#id = Buffer.from(value).toString();
        break;
      case 'retry':
        if (value.length > 0 && value.length <= 9 && value.every((c) => c >= 0x30 && c <= 0x39)) {
          this.#retry = Number(Buffer.from(value).toString('latin1'));
        }
        break;
    }
    return undefined;
  }

  #dispatch(): SseEvent | undefined {
    const event = this.#event || 'message';
    this.#event = '';
    if (this.#data.size === 0) return undefined;
    const lines = this.#data.take();
    const data = lines.subarray(0, lines.length - 1);
    return this.#id === undefined ? { event, data } : { event, data, id: this.#id };
  }
}

/** First bytes of the fields that are known; a line that begins otherwise, comments among them, says nothing. */
const NAMES = new Uint8Array(256);
for (const name of ['data', 'event', 'id', 'retry']) NAMES[name.charCodeAt(0)] = 1;

const EMPTY = new Uint8Array();
const LINE_END = new Uint8Array([LF]);

/** One growing buffer: a sender of one-byte chunks must not make an object of each. */
class Bytes {
  #buffer = EMPTY;
  size = 0;

  add(part: Uint8Array): void {
    const size = this.size + part.length;
    if (size > this.#buffer.length) {
      const bigger = new Uint8Array(Math.max(256, size, this.#buffer.length * 2));
      bigger.set(this.#buffer.subarray(0, this.size));
      this.#buffer = bigger;
    }
    this.#buffer.set(part, this.size);
    this.size = size;
  }

  /** All bytes, which are the caller's from now on. */
  take(): Uint8Array {
    const bytes = this.#buffer.subarray(0, this.size);
    this.#buffer = EMPTY;
    this.size = 0;
    return bytes;
  }
}
