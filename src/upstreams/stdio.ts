/**
 * JSON-RPC with one server over its pipes (MCP stdio transport, as client). Everything that comes is a stranger's:
 * parsed strictly, matched against what was asked, counted when it fits nothing (guarantees TR8, AU6).
 */
import type { Readable, Writable } from 'node:stream';
import type { RpcError } from '../core/call.ts';
import type { Code } from '../core/codes/index.ts';
import { Ended } from '../core/ended.ts';
import { parseJson, REPLY_CAPS } from '../lib/json/scan.ts';
import { isObject, type Json, type JsonObject } from '../lib/json/types.ts';
import { isId, MAX_BATCH } from '../wire/frame.ts';
import { type Answer, type Ask, asker, NOT_FOUND } from './asking.ts';
import { LineReader } from './lines.ts';
import { resultSlice } from './member.ts';

/** How a line broke the protocol, or asked for what it may not; counted, never quoted. */
export type Fault = 'json' | 'shape' | 'id' | 'token' | 'flood' | 'too-large' | 'unasked' | 'ambiguous';

/** What a server answered. `bytes` are its own bytes of `value`. */
export type Reply = { readonly kind: 'result'; readonly value: JsonObject; readonly bytes?: Uint8Array } | RpcError;

export interface ConnectionOptions {
  readonly input: Readable;
  readonly output: Writable;
  /** Longest line in bytes. */
  readonly cap?: number;
  /** So many broken lines end the connection. */
  readonly maxFaults?: number;
  /** Several callers use it: a log message, which names no call, reaches none of them. */
  readonly shared?: boolean;
  /** The first of each kind, and then powers of ten: a flood of garbage is not a flood of events. */
  readonly onFault: (fault: Fault, count: number) => void;
  readonly onListChanged: () => void;
  readonly onUpdated?: (uri: string) => void;
  /** The server is past bearing: `reason` for the log. The owner ends the process. */
  readonly onBroken: (reason: string) => void;
}

interface Open {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
  readonly send: Ask['send'];
  readonly questions: Ask['questions'];
  readonly signal: AbortSignal | undefined;
  readonly abort: () => void;
  /** Interim messages on their way, and the end of their queue. */
  pending: number;
  tail: Promise<void> | undefined;
}

/** Reader cap of one message (house.md, "Bytes"). */
export const LINE_CAP = 4 << 20;
/** An oversized line that still has no end after so many bytes ends the connection. */
const ENDLESS = 16 * LINE_CAP;
const MAX_FAULTS = 1000;
/** Interim messages of one call that may wait for a slow client; progress is lossy by nature. */
const MAX_PENDING = 64;
/** Bytes that a server may leave unread in its pipe before nothing more is written to it. */
const MAX_UNREAD = 8 << 20;
/** Ids of cancelled calls whose answers are expected to come late. */
const MAX_LATE = 1024;

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #open = new Map<number, Open>();
  readonly #late = new Set<number>();
  readonly #faults = new Map<Fault, number>();
  #next = 1;
  #faultCount = 0;
  #outbox = '';
  #ended: Ended | undefined;
  /** Whether the server's revision has batches. */
  batches = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const cap = options.cap ?? LINE_CAP;
    const reader = new LineReader(cap, {
      line: (bytes) => this.#line(bytes),
      over: () => this.#tooLarge(),
      still: (bytes) => {
        if (bytes >= ENDLESS) this.#broken('a line without end');
      },
    });
    options.input.on('data', (chunk: Buffer) => {
      if (!this.#ended) reader.push(chunk);
    });
    options.input.on('error', () => {});
  }

  /** Calls that wait for an answer. */
  get size(): number {
    return this.#open.size;
  }

  /** Rejects with an Ended, or with the reason of `signal`. */
  ask(method: string, params: JsonObject, { signal, send, questions }: Ask = {}): Promise<Reply> {
    if (this.#ended) return Promise.reject(this.#ended);
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#unread > MAX_UNREAD)
      return Promise.reject(new Ended('stop', 'upstream.busy', 'the server does not read its input'));
    const id = this.#next++;
    // The id of the request is its progress token: unique while it is open, and the caller's own never leaves us.
    const meta = isObject(params['_meta']) ? params['_meta'] : {};
    const sent = send ? { ...params, _meta: { ...meta, progressToken: id } } : params;
    return new Promise((resolve, reject) => {
      const abort = () => this.#cancel(id);
      this.#open.set(id, { resolve, reject, send, questions, signal, abort, pending: 0, tail: undefined });
      signal?.addEventListener('abort', abort, { once: true });
      this.#write({ jsonrpc: '2.0', id, method, params: sent });
    });
  }

  notify(method: string, params?: JsonObject): void {
    this.#write({ jsonrpc: '2.0', method, ...(params && { params }) });
  }

  /** Ends every open call with `code`; nothing is read or written afterwards. */
  end(code: Code, detail?: string): void {
    if (this.#ended) return;
    this.#ended = new Ended('stop', code, detail);
    this.#endAll(this.#ended);
  }

  #endAll(ended: Ended): void {
    for (const id of this.#open.keys()) {
      this.#expectLate(id);
      this.#take(id)?.reject(ended);
    }
  }

  #cancel(id: number): void {
    const open = this.#take(id);
    if (!open) return;
    this.#expectLate(id);
    this.notify('notifications/cancelled', { requestId: id });
    open.reject(open.signal!.reason);
  }

  #take(id: number): Open | undefined {
    const open = this.#open.get(id);
    if (!open) return undefined;
    this.#open.delete(id);
    open.signal?.removeEventListener('abort', open.abort);
    return open;
  }

  #expectLate(id: number): void {
    if (this.#late.size >= MAX_LATE) this.#late.clear();
    this.#late.add(id);
  }

  /** What is written in one turn leaves in one system call. */
  #write(message: JsonObject): void {
    if (this.#ended) return;
    if (this.#outbox === '') process.nextTick(() => this.#flush());
    this.#outbox += `${JSON.stringify(message)}\n`;
  }

  #flush(): void {
    const text = this.#outbox;
    this.#outbox = '';
    if (!this.#ended) this.#options.output.write(text);
  }

  /** Bytes (about) that wait for the server to read them. */
  get #unread(): number {
    return this.#options.output.writableLength + this.#outbox.length;
  }

  #line(bytes: Uint8Array): void {
    if (this.#ended) return;
    const parsed = parseJson(bytes, REPLY_CAPS);
    if (!parsed.ok) return this.#fault('json');
    const { value } = parsed;
    if (!this.batches || !Array.isArray(value)) return this.#message(value, bytes);
    if (value.length === 0 || value.length > MAX_BATCH) return this.#fault('shape');
    for (const one of value) this.#message(one);
  }

  /** `bytes` are those of a message that came by itself. */
  #message(message: Json, bytes?: Uint8Array): void {
    if (!isObject(message) || message['jsonrpc'] !== '2.0') return this.#fault('shape');
    const { id, method, params } = message;
    if (method === undefined) return this.#answer(message, bytes);
    if (typeof method !== 'string' || (params !== undefined && !isObject(params))) return this.#fault('shape');
    if (!only(message, REQUEST)) return this.#fault('shape');
    if (id === undefined) return this.#notified(method, params ?? {});
    this.#asked(id, method, params ?? {});
  }

  #answer(message: JsonObject, bytes: Uint8Array | undefined): void {
    const { id, result, error } = message;
    if (typeof id !== 'number' || !only(message, error === undefined ? RESULT : ERROR)) return this.#fault('shape');
    if (!this.#open.has(id)) return this.#late.delete(id) ? undefined : this.#fault('id');
    const open = this.#take(id)!;
    const reply = error === undefined ? this.#result(result, id, bytes) : failure(error);
    if (reply === undefined) {
      this.#fault('shape');
      return open.reject(new Ended('stop', 'upstream.protocol', 'the answer is neither a result nor an error'));
    }
    // What the server said before its answer reaches the caller before its answer.
    if (open.tail === undefined || open.pending === 0) open.resolve(reply);
    else void open.tail.then(() => open.resolve(reply));
  }

  #result(value: Json | undefined, id: number, line: Uint8Array | undefined): Reply | undefined {
    if (!isObject(value)) return undefined;
    const slice = line && resultSlice(line, id);
    return slice ? { kind: 'result', value, bytes: line.subarray(...slice) } : { kind: 'result', value };
  }

  #notified(method: string, params: JsonObject): void {
    if (method === 'notifications/progress') {
      const { progressToken: token, progress, total, message } = params;
      const open = typeof token === 'number' ? this.#open.get(token) : undefined;
      if (!open) return typeof token === 'number' && this.#late.has(token) ? undefined : this.#fault('token');
      if (typeof progress !== 'number') return this.#fault('shape');
      return this.#interim(open, method, {
        progress,
        ...(typeof total === 'number' && { total }),
        ...(typeof message === 'string' && { message }),
      });
    }
    if (method === 'notifications/message') {
      // The message names no call: with several open it could reach the wrong one.
      const open = this.#options.shared ? undefined : this.#onlyHearer();
      if (open) this.#interim(open, method, params);
      return;
    }
    if (method === 'notifications/resources/updated') {
      const { uri } = params;
      if (typeof uri === 'string') this.#options.onUpdated?.(uri);
      else this.#fault('shape');
    } else if (method === 'notifications/cancelled') {
      const { requestId } = params;
      if (isId(requestId)) for (const { questions } of this.#open.values()) questions?.withdrawn(requestId);
    } else if (LIST_CHANGED.has(method)) this.#options.onListChanged();
    else if (!IGNORED.has(method)) this.#fault('unasked');
  }

  /** The one open call that takes interim messages; undefined when there are none or several. */
  #onlyHearer(): Open | undefined {
    let found: Open | undefined;
    for (const open of this.#open.values()) {
      if (!open.send) continue;
      if (found) return undefined;
      found = open;
    }
    return found;
  }

  #interim(open: Open, method: string, params: JsonObject): void {
    if (!open.send) return;
    if (open.pending >= MAX_PENDING) return this.#report('flood');
    const { send } = open;
    open.pending++;
    const go = () => send({ kind: 'notification', method, params });
    open.tail = (open.tail?.then(go) ?? go()).then(
      () => void open.pending--,
      () => void open.pending--,
    );
  }

  /** A request names no call: it is let through only where it can be of one alone, which takes it or refuses it. */
  #asked(id: Json, method: string, params: JsonObject): void {
    if (!isId(id) || this.#unread > MAX_UNREAD) return this.#fault('shape');
    const answer = (members: Answer) => this.#write({ jsonrpc: '2.0', id, ...members } as JsonObject);
    if (method === 'ping') return answer({ result: {} });
    const talks = [...this.#open.values()].flatMap(({ questions }) => questions ?? []);
    const talk = asker(talks);
    const refusal = talk ? talk.asked({ id, method, params, answer }) : NOT_FOUND;
    if (refusal === undefined) return;
    this.#report(talk === undefined && talks.length > 0 ? 'ambiguous' : 'unasked');
    answer({ error: refusal });
  }

  /** The line is lost, and nobody can know whose it was: each open call may have waited for it. */
  #tooLarge(): void {
    this.#endAll(new Ended('stop', 'upstream.too-large'));
    this.#fault('too-large');
  }

  #fault(fault: Fault): void {
    this.#report(fault);
    if (++this.#faultCount >= (this.#options.maxFaults ?? MAX_FAULTS)) this.#broken('too many broken lines');
  }

  #report(fault: Fault): void {
    const count = (this.#faults.get(fault) ?? 0) + 1;
    this.#faults.set(fault, count);
    if (Number.isInteger(Math.log10(count))) this.#options.onFault(fault, count);
  }

  #broken(reason: string): void {
    if (this.#ended) return;
    this.end('upstream.protocol', reason);
    this.#options.onBroken(reason);
  }
}

const REQUEST = new Set(['jsonrpc', 'id', 'method', 'params']);
const RESULT = new Set(['jsonrpc', 'id', 'result']);
const ERROR = new Set(['jsonrpc', 'id', 'error']);
const LIST_CHANGED = new Set(['tools', 'prompts', 'resources'].map((things) => `notifications/${things}/list_changed`));
/** Known, and of no use without the capability that they belong to. */
const IGNORED = new Set([
  'notifications/initialized',
  'notifications/elicitation/complete',
  'notifications/subscriptions/acknowledged',
]);

function only(message: JsonObject, names: ReadonlySet<string>): boolean {
  for (const name in message) if (!names.has(name)) return false;
  return true;
}

function failure(error: Json): RpcError | undefined {
  if (!isObject(error)) return undefined;
  const { code, message, data } = error;
  if (!Number.isSafeInteger(code) || typeof message !== 'string') return undefined;
  return { kind: 'error', code: code as number, message, ...(data !== undefined && { data }) };
}
