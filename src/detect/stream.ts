/** Byte streams: logs, stderr. Any chunking gives the same bytes. */
import { isAscii } from 'node:buffer';
import { behindWords } from './languages.ts';
import { type Fingerprint, mark, OVERFLOW } from './replace.ts';
import { type Budget, joined, type Span, scan } from './scan.ts';
import { classOf } from './shape.ts';

/** The most that is held back, in bytes. */
const HELD = 4096;
/** What stays held when a line grows longer than that. */
const TAIL = 3072;
/** Bytes already sent that a rule may still look back at. */
const CONTEXT = 512;
/** A PEM block longer than this has no end. */
const PEM_MOST = 64 * 1024;
const TOKEN = classOf('A-Za-z0-9_+/=.%~:-');
/** What a piece of the stream may cost beside its length, in steps. */
const STEPS = 300_000;
const NEWLINE = 0x0a;
const NOTHING = Buffer.alloc(0);

/**
 * Takes secrets out of a stream, wherever a chunk cuts them. Whole lines leave at once; of an unfinished line or token at
 * most 4 kB wait. A token that outgrows this, and a PEM block, is swallowed to its end.
 */
export class StreamRedactor {
  readonly #fingerprint: Fingerprint | undefined;
  #context: Buffer = NOTHING;
  #held: Buffer = NOTHING;
  /** Bytes are dropped: to the END of a PEM block, or to the end of a token. */
  #swallow: 'pem' | 'token' | undefined;
  #swallowed = 0;
  #budget: Budget = { left: STEPS };

  constructor(fingerprint?: Fingerprint) {
    this.#fingerprint = fingerprint;
  }

  push(chunk: Uint8Array): Uint8Array {
    const bytes = this.#held.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#held, chunk]);
    if (bytes.length <= HELD && !chunk.includes(NEWLINE)) {
      this.#held = bytes;
      return NOTHING;
    }
    return this.#drain(bytes, false);
  }

  /** What was held back. The redactor is as new afterwards. */
  end(): Uint8Array {
    const out = this.#drain(this.#held, true);
    this.#context = NOTHING;
    this.#held = NOTHING;
    this.#swallow = undefined;
    return out;
  }

  #drain(bytes: Buffer, last: boolean): Buffer {
    const out: Buffer[] = [];
    let rest: Buffer | undefined = bytes;
    while (rest !== undefined) {
      if (this.#swallow !== undefined) rest = this.#skip(rest, last);
      if (rest === undefined) break;
      rest = this.#step(rest, last, out);
    }
    return out.length === 1 ? out[0]! : Buffer.concat(out);
  }

  /** What follows the end of the block or token that is dropped; undefined when all was dropped or held. */
  #skip(bytes: Buffer, last: boolean): Buffer | undefined {
    let end = 0;
    if (this.#swallow === 'token') {
      while (end < bytes.length && TOKEN[bytes[end]!] === 1) end++;
    } else {
      const close = bytes.indexOf('-----END', 0, 'latin1');
      const line =
        close < 0 ? null : /^-----END [A-Z0-9 ]{0,48}-----/.exec(bytes.toString('latin1', close, close + 64));
      if (line !== null) end = close + line[0].length;
      else if (this.#swallowed > PEM_MOST) end = 0;
      else {
        // The END line may be cut.
        const from: number = close < 0 ? Math.max(0, bytes.length - 8) : close;
        const stays = last || bytes.length - from > 64 ? bytes.length : from;
        this.#swallowed += stays;
        this.#held = bytes.subarray(stays);
        return undefined;
      }
    }
    if (this.#swallow === 'token' && end === bytes.length && !last) {
      this.#held = NOTHING;
      return undefined;
    }
    this.#swallow = undefined;
    return bytes.subarray(end);
  }

  /** Sends what is safe of `bytes`, holds the rest; answers what is left when something is swallowed from there on. */
  #step(bytes: Buffer, last: boolean, out: Buffer[]): Buffer | undefined {
    const base = this.#context.length;
    const all = base === 0 ? bytes : Buffer.concat([this.#context, bytes]);
    const { spans: known, overflow, open } = scan(all, all.length, false, this.#budget);
    const spans = isAscii(all) ? known : joined([...known, ...behindWords(all.toString('latin1'), true)]);
    // Long quiet does not save up for a flood.
    this.#budget = { left: Math.min(STEPS, Math.max(0, this.#budget.left)) };
    if (overflow) return this.#overflow(bytes, last, out);
    let cut = all.length;
    if (!last) {
      cut = Math.max(base, bytes.lastIndexOf(NEWLINE) + 1 + base, all.length - TAIL);
      cut = Math.max(base, Math.min(cut, open));
      const across =
        spans.find((span) => span.start < cut && span.end > cut) ??
        spans.find((s) => s.end === all.length && s.start < cut);
      if (across !== undefined) cut = across.end < all.length ? across.end : Math.max(base, across.start);
      while (cut > base && cut < all.length && (all[cut]! & 0xc0) === 0x80) cut--;
    }
    this.#send(all, base, cut, spans, out);
    if (!last && all.length - cut > HELD) {
      const span = spans.find((s) => s.start >= cut || s.end > cut);
      const rule = span !== undefined && span.start <= cut ? span.rule : 'token';
      out.push(Buffer.from(mark(rule, all.toString('latin1', cut), this.#fingerprint)));
      this.#swallow = rule === 'private-key' ? 'pem' : 'token';
      this.#swallowed = 0;
      this.#context = NOTHING;
      return all.subarray(cut);
    }
    this.#context = Buffer.from(all.subarray(Math.max(0, cut - CONTEXT), cut));
    this.#held = Buffer.from(all.subarray(cut));
    return undefined;
  }

  #send(all: Buffer, base: number, cut: number, spans: readonly Span[], out: Buffer[]): void {
    let from = base;
    for (const { rule, start, end } of spans) {
      if (end <= from || start >= cut) continue;
      if (start > from) out.push(all.subarray(from, start));
      out.push(Buffer.from(mark(rule, all.toString('utf8', start, end), this.#fingerprint)));
      from = end;
    }
    if (from < cut) out.push(Buffer.from(all.subarray(from, cut)));
  }

  #overflow(bytes: Buffer, last: boolean, out: Buffer[]): undefined {
    const cut = last ? bytes.length : Math.max(bytes.lastIndexOf(NEWLINE) + 1, bytes.length - TAIL);
    out.push(Buffer.from(`${OVERFLOW}\n`));
    this.#context = NOTHING;
    this.#held = Buffer.from(bytes.subarray(cut));
  }
}
