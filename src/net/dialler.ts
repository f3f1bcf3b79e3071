/**
 * HTTP/1.1 to one destination, over connections that `connect.ts` opened and checked. Redirects are never followed here:
 * an answer is an answer. Everything that comes back is bounded in size and time.
 */
import { type Dispatcher, Pool } from 'undici';
import { type BodyCaps, CODINGS_OFFERED, type Inflow, inflow } from './body.ts';
import { connect, type Resolve } from './connect.ts';
import type { Destination } from './destination.ts';
import { NetFault } from './fault.ts';
import { Trust } from './trust.ts';

/** Times in milliseconds. */
export interface Caps extends BodyCaps {
  /** From the request to the last header of the answer. */
  readonly head: number;
  /** Between two pieces of the body. */
  readonly idle: number;
  /** The whole exchange. */
  readonly total: number;
}
export const CAPS: Caps = { body: 4 << 20, ratio: 200, head: 60_000, idle: 60_000, total: 300_000 };

export interface DiallerOptions {
  readonly resolve: Resolve;
  /** Connections at a time. */
  readonly connections?: number;
  /** Milliseconds for name, connection and handshake together. */
  readonly connectLimit?: number;
}

/** `headers`: name, value, name, value. */
export interface Outgoing {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Path and query. */
  readonly path: string;
  readonly headers: readonly string[];
  readonly body?: string;
  readonly caps?: Partial<Caps>;
}

export interface Head {
  readonly status: number;
  /** The one value of a header; undefined when it is absent. Throws NetFault when it came twice. */
  header(name: string): string | undefined;
}

/** `head`, then any number of `data`, then `end`; or `fail` at any point, last. What `head` or `data` throws fails. */
export interface Receiver {
  head(head: Head): void;
  data(chunk: Uint8Array): void;
  end(): void;
  fail(fault: NetFault): void;
}

/** Ends the exchange and its connection at once; `fail` is called unless the exchange was over. */
export type Abort = (fault?: NetFault) => void;

const CONNECT_LIMIT = 10_000;
const MAX_HEAD = 16_384;
/** Informational answers before the real one. */
const MAX_INTERIM = 8;

export class Dialler {
  readonly #pool: Pool;
  readonly #closing = new AbortController();

  constructor(to: Destination, { resolve, connections = 32, connectLimit = CONNECT_LIMIT }: DiallerOptions) {
    const trust = new Trust(to.trust);
    this.#pool = new Pool(to.url.origin, {
      connections,
      pipelining: 1,
      allowH2: false,
      maxHeaderSize: MAX_HEAD,
      // A connection that waits is given up before the usual five seconds of the other side.
      keepAliveTimeout: 4_000,
      keepAliveMaxTimeout: 60_000,
      connect: (_options, done) => {
        const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(connectLimit)]);
        connect(to, trust, resolve, signal).then(
          (socket) => done(null, socket),
          (error) => done(error, null),
        );
      },
    });
  }

  send(request: Outgoing, receiver: Receiver): Abort {
    const caps = { ...CAPS, ...request.caps };
    const exchange = new Exchange(receiver, caps);
    try {
      this.#pool.dispatch(
        {
          method: request.method,
          path: request.path,
          headers: ['accept-encoding', CODINGS_OFFERED, ...request.headers],
          body: request.body ?? null,
          headersTimeout: caps.head,
          bodyTimeout: caps.idle,
        },
        exchange,
      );
    } catch (error) {
      exchange.abort(asFault(error, true));
    }
    return (fault = new NetFault('closed', 'given up')) => exchange.abort(fault);
  }

  /** Ends what is open; nothing is sent afterwards. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#pool.destroy(new NetFault('closed', 'closing'));
  }
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly #receiver: Receiver;
  readonly #caps: Caps;
  readonly #timer: NodeJS.Timeout;
  #controller: Dispatcher.DispatchController | undefined;
  #inflow: Inflow | undefined;
  #interim = 0;
  #over = false;
  #fault: NetFault | undefined;

  constructor(receiver: Receiver, caps: Caps) {
    this.#receiver = receiver;
    this.#caps = caps;
    this.#timer = setTimeout(() => this.abort(new NetFault('time', 'the exchange took too long')), caps.total);
    this.#timer.unref();
  }

  abort(fault: NetFault): void {
    if (this.#over) return;
    const unsent = this.#controller === undefined;
    this.#finish(unsent && !fault.unsent ? new NetFault(fault.reason, fault.message, true) : fault);
    this.#controller?.abort(fault);
  }

  #finish(fault?: NetFault): void {
    if (this.#over) return;
    this.#over = true;
    this.#fault = fault;
    clearTimeout(this.#timer);
    this.#inflow?.stop();
    if (fault) this.#receiver.fail(fault);
    else this.#receiver.end();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#over) controller.abort(this.#fault ?? new NetFault('closed', 'given up'));
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Headers): void {
    if (this.#over) return;
    if (status < 200) {
      if (++this.#interim > MAX_INTERIM) this.abort(new NetFault('protocol', 'too many informational answers'));
      return;
    }
    this.#guard(() => {
      const header = (name: string) => one(headers, name);
      const length = Number(header('content-length') ?? 0);
      if (length > this.#caps.body) throw new NetFault('size', `a body over ${this.#caps.body} bytes`);
      const made = inflow(
        header('content-encoding'),
        this.#caps,
        {
          data: (chunk) => this.#guard(() => this.#receiver.data(chunk)),
          end: () => this.#finish(),
          fail: (fault) => this.abort(fault),
        },
        () => this.#controller?.resume(),
      );
      if (made === undefined) throw new NetFault('encoding', 'an encoding that was not offered');
      this.#inflow = made;
      this.#receiver.head({ status, header });
    });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#over && this.#inflow?.push(chunk) === false) controller.pause();
  }

  onResponseEnd(): void {
    this.#inflow?.end();
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#finish(asFault(error, this.#controller === undefined));
  }

  /** What a receiver throws ends the exchange, and nothing else. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.abort(asFault(error, false));
    }
  }
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

function one(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  if (typeof value !== 'object') return value;
  throw new NetFault('protocol', `the header ${name} came twice`);
}

const TIMEOUTS: ReadonlySet<string> = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);
const LOST: ReadonlySet<string> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT']);

/** Codes are those of undici and Node; no text of the other side is in them. */
function asFault(error: unknown, unsent: boolean): NetFault {
  if (error instanceof NetFault) return error;
  const code = (error as { code?: unknown }).code;
  if (typeof code !== 'string') return new NetFault('protocol', 'failed', unsent);
  if (TIMEOUTS.has(code)) return new NetFault('time', code, unsent);
  if (LOST.has(code)) return new NetFault('lost', code, unsent);
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return new NetFault('size', 'headers over their cap');
  if (code.startsWith('UND_ERR_DESTROYED') || code === 'UND_ERR_CLOSED') return new NetFault('closed', code, unsent);
  return new NetFault('protocol', code.startsWith('HPE_') ? code : code.slice(0, 40), unsent);
}
