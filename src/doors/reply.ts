/**
 * The answer to one HTTP request. It is one JSON text unless something interim had to be sent: the first interim
 * message turns it into an event stream that ends with the final one (2026-07-28, Streamable HTTP).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { comment, encodeEvent } from '../wire/sse.ts';
import { hasBody } from './body.ts';
import { joined, oneLine, type Parts } from './message.ts';
import type { After } from './timers.ts';

export interface ReplyTimes {
  /** Silence on an event stream after which a comment is sent, in milliseconds. */
  readonly keepAlive: number;
  /** How long a client may take to read a reply that the kernel did not take at once, in milliseconds. */
  readonly drain: number;
  /** How long to read on after a refusal of a body, in milliseconds. */
  readonly linger: number;
}
export const REPLY_TIMES: ReplyTimes = { keepAlive: 15_000, drain: 30_000, linger: 500 };

const ALWAYS = ['Cache-Control', 'no-store', 'X-Content-Type-Options', 'nosniff'];
/** Bytes of a refused body: up to the first the connection is kept, up to the second the answer is waited for. */
const SHORT = 64 * 1024;
/** Up to so many bytes, head and body go out as one text: one buffer, one system call. */
const SMALL = 16 * 1024;
const LINGER = 8 * 1024 * 1024;

export class Reply {
  readonly #res: ServerResponse;
  readonly #times: ReplyTimes;
  readonly #after: After;
  /** Headers of this answer beside the usual ones, as name, value, name, value. */
  readonly #own: string[] = [];
  #unread: IncomingMessage | undefined;
  #streaming = false;
  #quiet: () => void = () => {};

  constructor(res: ServerResponse, after: After, times: ReplyTimes = REPLY_TIMES) {
    this.#res = res;
    this.#after = after;
    this.#times = times;
  }

  /** An event stream has begun: status and headers are out. */
  get streaming(): boolean {
    return this.#streaming;
  }

  /** The body of `req` was not read (`broken`: not to its end), so the connection may be at its own. */
  unread(req: IncomingMessage, broken = false): void {
    if (!hasBody(req)) return;
    // A small body with a length is read and dropped by Node, and the connection goes on. Nobody waits for the rest.
    const short =
      !broken && req.headers.expect === undefined && Number(req.headers['content-length'] ?? Infinity) <= SHORT;
    if (short) return;
    this.#unread = req;
    this.header('Connection', 'close');
  }

  header(name: string, value: string): void {
    this.#own.push(name, value);
  }

  /** The whole answer at once. Without parts: status and headers only. */
  send(status: number, parts: Parts = [], type = 'application/json'): void {
    const res = this.#res;
    if (res.destroyed || res.headersSent) return;
    let length = 0;
    for (const part of parts) length += typeof part === 'string' ? Buffer.byteLength(part) : part.length;
    const headers = [...ALWAYS, ...this.#own];
    if (parts.length > 0) headers.push('Content-Type', type);
    if (status !== 204) headers.push('Content-Length', String(length));
    res.writeHead(status, headers);
    if (this.#unread) return this.#linger(this.#unread, parts);
    if (parts.length === 0) res.end();
    else if (length <= SMALL) {
      const text = joined(parts);
      // As many bytes as UTF-16 units: all ASCII, which Node writes faster by this name.
      res.end(text, text.length === length ? 'latin1' : 'utf8');
    } else if (parts.length === 1) res.end(parts[0]);
    else {
      res.cork();
      for (const part of parts) res.write(part);
      res.end();
    }
    this.#bound();
  }

  /** Begins an event stream that may stay quiet for long. */
  open(): void {
    if (this.#res.destroyed || this.#streaming) return;
    this.#begin();
    void this.#write(comment());
  }

  /** Ends an event stream that no answer ends. */
  close(): void {
    this.#quiet();
    this.#res.end();
    this.#bound();
  }

  /** An interim message. A promise is answered when the client reads slower than the call speaks. */
  interim(text: string): void | Promise<void> {
    if (this.#res.destroyed) return;
    this.#begin();
    return this.#write(encodeEvent(text));
  }

  /** The final message of a call, with `status` if nothing has been sent yet. */
  final(status: number, parts: Parts): void {
    if (!this.#streaming) return this.send(status, parts);
    this.#quiet();
    if (this.#res.destroyed) return;
    this.#res.end(encodeEvent(joined(oneLine(parts))));
    this.#bound();
  }

  #begin(): void {
    if (this.#streaming) return;
    this.#streaming = true;
    const type = ['Content-Type', 'text/event-stream', 'X-Accel-Buffering', 'no'];
    this.#res.writeHead(200, [...ALWAYS, ...this.#own, ...type]);
    this.#res.once('close', () => this.#quiet());
  }

  #write(event: string): void | Promise<void> {
    this.#quiet();
    this.#quiet = this.#after(this.#times.keepAlive, () => void this.#write(comment()));
    const res = this.#res;
    if (res.destroyed || res.write(event)) return;
    return new Promise((resolve) => {
      const done = () => {
        stop();
        res.off('drain', done).off('close', done);
        resolve();
      };
      const stop = this.#after(this.#times.drain, () => res.destroy());
      res.on('drain', done).on('close', done);
    });
  }

  /**
   * Reads on for a moment after the answer. To close with bytes unread would reset the connection, and the client
   * would lose the answer that says why (RFC 9112 section 9.6).
   */
  #linger(req: IncomingMessage, parts: Parts): void {
    const res = this.#res;
    res.flushHeaders();
    for (const part of parts) res.write(part);
    let size = 0;
    const end = () => {
      stop();
      res.end();
    };
    const stop = this.#after(this.#times.linger, end);
    req.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > LINGER) end();
    });
    req.on('end', end).on('error', end).on('close', end).resume();
  }

  /** A client that does not read its answer is cut off. */
  #bound(): void {
    const res = this.#res;
    if (!res.socket || res.socket.writableLength === 0) return;
    const stop = this.#after(this.#times.drain, () => res.destroy());
    res.once('close', stop);
  }
}
