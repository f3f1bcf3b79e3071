/**
 * What comes back for one POST of Streamable HTTP: nothing, one JSON object, or a stream of events that ends with the
 * answer. Everything is a stranger's: parsed strictly, matched against what was asked, counted when it fits nothing.
 */
import type { RpcError } from '../../core/call.ts';
import { REPLY_CAPS } from '../../lib/json/scan.ts';
import type { JsonObject } from '../../lib/json/types.ts';
import type { Abort, Head, Receiver } from '../../net/dialler.ts';
import { NetFault } from '../../net/fault.ts';
import { type Frame, type Fault as FrameFault, frames, type Id } from '../../wire/frame.ts';
import { SseReader } from '../../wire/sse.ts';
import { resultSlice } from '../member.ts';
import type { Fault, Reply } from '../stdio.ts';

/** How an exchange ended. */
export type Answered =
  | { readonly kind: 'reply'; readonly reply: Reply; readonly head: Head }
  /** No reply to what was asked; `error` where the body is a JSON-RPC error that names no other request. */
  | { readonly kind: 'status'; readonly status: number; readonly error?: RpcError; readonly head: Head };

export interface AnswerEvents {
  /** Whether the server's revision has batches. */
  readonly batches?: boolean;
  readonly note: (method: string, params: JsonObject) => void;
  readonly asked: (id: Id, method: string, params: JsonObject) => void;
  readonly fault: (fault: Fault) => void;
}

/** A message, and what may be around it (house.md, "Bytes"). */
const MESSAGE = REPLY_CAPS.maxBytes;
/** Unpacked bytes of a whole stream, and messages on it that fit nothing. */
export const STREAM = 64 << 20;
/** Bytes without a whole event: more than the longest message, so that nothing but comments can be so much. */
const SILENT = MESSAGE + 65_536;
const MAX_FAULTS = 1000;
/** What a server may send after its answer, in bytes and milliseconds, so that the connection can be kept. */
const AFTER_BYTES = 65_536;
const AFTER_MS = 1000;
/** Milliseconds before a stream is taken up again, where the server names no time. */
const RETRY = 1000;

export class AnswerReader implements Receiver {
  readonly #id: number | undefined;
  readonly #events: AnswerEvents;
  readonly #done: (answered: Answered) => void;
  readonly #failed: (fault: NetFault) => void;
  #head: Head | undefined;
  #kind: 'json' | 'stream' | 'other' = 'other';
  #chunks: Uint8Array[] = [];
  #size = 0;
  #reader: SseReader | undefined;
  #faults = 0;
  #over = false;
  #ended = false;
  #after = 0;
  #silent = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Of the events so far, the id to go on from. */
  #last: string | undefined;
  /** Set by who sends: ends the exchange. */
  abort: Abort = () => {};

  /** `id` undefined: a notification or a response was sent, and nothing is owed but a status. */
  constructor(
    id: number | undefined,
    events: AnswerEvents,
    done: (answered: Answered) => void,
    failed: (fault: NetFault) => void,
  ) {
    this.#id = id;
    this.#events = events;
    this.#done = done;
    this.#failed = failed;
  }

  /** Where a stream that ended before the answer can be taken up, and after how many milliseconds (2025-11-25). */
  get resumable(): { readonly from: string; readonly after: number } | undefined {
    // Only what a header can carry.
    if (this.#last === undefined || !/^[\x21-\x7e]{1,256}$/.test(this.#last)) return undefined;
    return { from: this.#last, after: this.#reader?.retry ?? RETRY };
  }

  head(head: Head): void {
    this.#head = head;
    const type = mediaType(head.header('content-type'));
    if (type === 'application/json') this.#kind = 'json';
    else if (type === 'text/event-stream') {
      this.#kind = 'stream';
      this.#reader = new SseReader(MESSAGE);
    }
    if (this.#kind === 'other') {
      // Pages of proxies and the like are not read.
      if (this.#id !== undefined && ok(head.status)) throw new NetFault('protocol', 'neither JSON nor events');
      this.#finish({ kind: 'status', status: head.status, head });
    } else if (this.#kind === 'stream' && !ok(head.status)) {
      this.#finish({ kind: 'status', status: head.status, head });
    }
  }

  data(chunk: Uint8Array): void {
    if (this.#over) {
      this.#after += chunk.length;
      if (this.#after > AFTER_BYTES) this.abort();
      return;
    }
    if (this.#kind === 'stream') return this.#stream(chunk);
    this.#size += chunk.length;
    if (this.#size > MESSAGE) throw new NetFault('size', 'an answer over the cap of a message');
    this.#chunks.push(chunk);
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    if (this.#over) return;
    if (this.#kind === 'stream') return this.#fail(new NetFault('lost', 'the stream ended before the answer'));
    const bytes = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    this.#chunks = [];
    const { status } = this.#head!;
    const heard = bytes.length === 0 ? undefined : frames(bytes, REPLY_CAPS);
    if (heard !== undefined && 'kind' in heard && heard.kind === 'batch' && ok(status)) {
      this.#message(bytes);
      if (this.#over) return;
    }
    if (heard !== undefined && !('fault' in heard) && heard.kind === 'response') {
      const { id, error } = heard;
      if (id === this.#id && id !== undefined && (error || ok(status))) return this.#answer(heard, bytes);
      // An error that names no request can only be about this one.
      if (!ok(status) && id === undefined && error)
        return this.#finish({ kind: 'status', status, head: this.#head!, error: { kind: 'error', ...error } });
    }
    if (this.#id !== undefined && ok(status))
      return this.#fail(new NetFault('protocol', 'the body is not the answer to what was asked'));
    this.#finish({ kind: 'status', status, head: this.#head! });
  }

  fail(fault: NetFault): void {
    clearTimeout(this.#timer);
    this.#fail(fault);
  }

  #stream(chunk: Uint8Array): void {
    const reader = this.#reader!;
    this.#silent += chunk.length;
    for (const { data, id } of reader.push(chunk)) {
      if (this.#over) return;
      this.#last = id;
      this.#silent = 0;
      // Events without data prepare a resumption.
      if (data.length > 0) this.#message(data);
    }
    if (this.#silent > SILENT) throw new NetFault('size', 'a stream that goes on without a message');
    if (reader.failed) throw new NetFault('size', 'an event over the cap of a message');
  }

  #message(bytes: Uint8Array): void {
    const heard = frames(bytes, REPLY_CAPS);
    if ('fault' in heard || heard.kind !== 'batch') return this.#one(heard, bytes);
    if (!this.#events.batches) return this.#fault('shape');
    for (const element of heard.elements) if (!this.#over) this.#one(element);
  }

  /** `bytes` are those of a message that came by itself. */
  #one(heard: Frame | FrameFault, bytes?: Uint8Array): void {
    if ('fault' in heard) return this.#fault('json');
    switch (heard.kind) {
      case 'notification':
        return this.#events.note(heard.method, heard.params);
      case 'request':
        return this.#events.asked(heard.id, heard.method, heard.params);
      case 'response':
        if (heard.id === undefined || heard.id !== this.#id) return this.#fault('id');
        return this.#answer(heard, bytes);
    }
  }

  #answer({ result, error, id }: Extract<Frame, { kind: 'response' }>, bytes: Uint8Array | undefined): void {
    const head = this.#head!;
    if (error) return this.#finish({ kind: 'reply', reply: { kind: 'error', ...error }, head });
    const slice = bytes && resultSlice(bytes, id as number);
    const value = result!;
    const reply: Reply = slice ? { kind: 'result', value, bytes: bytes.subarray(...slice) } : { kind: 'result', value };
    this.#finish({ kind: 'reply', reply, head });
  }

  #fault(fault: Fault): void {
    this.#events.fault(fault);
    if (++this.#faults >= MAX_FAULTS) throw new NetFault('protocol', 'too much that fits nothing');
  }

  #finish(answered: Answered): void {
    if (this.#over) return;
    this.#over = true;
    if (!this.#ended) {
      this.#timer = setTimeout(() => this.abort(), AFTER_MS);
      this.#timer.unref();
    }
    this.#done(answered);
  }

  #fail(fault: NetFault): void {
    if (this.#over) return;
    this.#over = true;
    this.#failed(fault);
  }
}

const ok = (status: number): boolean => status >= 200 && status < 300;

/** Type and subtype in lower case; parameters mean nothing here. */
export function mediaType(header: string | undefined): string | undefined {
  return header?.split(';', 1)[0]!.trim().toLowerCase();
}
