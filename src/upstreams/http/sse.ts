/**
 * HTTP+SSE, the transport of 2024-11-05: a stream of events brings what the server says, and names the endpoint that
 * takes what we say, each message a POST of its own. Made into lines, so that the lane is the one of servers on pipes.
 */
import { PassThrough, Writable } from 'node:stream';
import { Ended } from '../../core/ended.ts';
import { serverDigest } from '../../inventory/lock.ts';
import { REPLY_CAPS } from '../../lib/json/scan.ts';
import type { Resolve } from '../../net/connect.ts';
import { type Abort, type Caps, Dialler, type Head, type Receiver } from '../../net/dialler.ts';
import { NetFault } from '../../net/fault.ts';
import { type SseEvent, SseReader } from '../../wire/sse.ts';
import type { Link, Way } from '../way.ts';
import { mediaType } from './answer.ts';
import { endedBy } from './channel.ts';
import { type HttpSpec, serverPin } from './spec.ts';

/** All that a server says while the stream is open: each message has the cap of a message. */
const STREAM: Partial<Caps> = { body: 2 ** 40, ratio: 200, head: 10_000, idle: 0, total: 86_400_000 };
const POST: Partial<Caps> = { body: 65_536, head: 30_000, idle: 10_000, total: 30_000 };
/** Bytes without a whole event. */
const SILENT = REPLY_CAPS.maxBytes + 65_536;
const MAX_ENDPOINT = 2048;
const [LF, CR, SPACE] = [0x0a, 0x0d, 0x20];

/** Compares the server with its pin. `pin` undefined = not reviewed yet (review itself). */
export function bySse(spec: HttpSpec, pin: string | undefined, resolve: Resolve): Way {
  return {
    upstream: spec.name,
    config: spec.config,
    era: 'legacy',
    async open(signal) {
      if (pin !== undefined && pin !== serverDigest(serverPin(spec)))
        throw new Ended('stop', 'inventory.package', 'the URL or the pinned keys differ from those reviewed');
      const link = new SseLink(spec, resolve);
      const abort = () => link.kill();
      if (signal.aborted) abort();
      signal.addEventListener('abort', abort, { once: true });
      try {
        await link.ready;
      } finally {
        signal.removeEventListener('abort', abort);
      }
      return { link, facts: { transport: 'sse' } };
    },
  };
}

class SseLink implements Link {
  readonly stdout = new PassThrough();
  readonly stdin: Writable;
  /** Rejects with Ended when the server names no endpoint. */
  readonly ready: Promise<void>;
  readonly ended: Promise<string>;
  readonly #base: URL;
  readonly #dialler: Dialler;
  readonly #reader = new SseReader(REPLY_CAPS.maxBytes);
  readonly #abort: Abort;
  #endpoint: string | undefined;
  #silent = 0;
  #over = false;
  #isReady!: () => void;
  #failed!: (error: Ended) => void;
  #end!: (how: string) => void;

  constructor({ to }: HttpSpec, resolve: Resolve) {
    this.#base = to.url;
    this.#dialler = new Dialler(to, { resolve });
    this.ready = new Promise((done, failed) => ([this.#isReady, this.#failed] = [done, failed]));
    this.ended = new Promise((done) => (this.#end = done));
    this.stdin = new Writable({
      decodeStrings: false,
      write: (text: string, _encoding, done) => void this.#send(text.split('\n')).then(() => done()),
    });
    const path = to.url.pathname + to.url.search;
    const headers = ['accept', 'text/event-stream', 'cache-control', 'no-store'];
    const stream: Receiver = {
      head: (head) => expectEvents(head),
      data: (chunk) => this.#read(chunk),
      end: () => this.#finish(new NetFault('lost', 'the server ended the stream')),
      fail: (fault) => this.#finish(fault),
    };
    this.#abort = this.#dialler.send({ method: 'GET', path, headers, caps: STREAM }, stream);
  }

  kill(): void {
    this.#abort();
    this.#finish(new NetFault('closed', 'ended'));
  }

  async end(): Promise<string> {
    this.kill();
    return this.ended;
  }

  #read(chunk: Uint8Array): void {
    this.#silent += chunk.length;
    for (const event of this.#reader.push(chunk)) this.#event(event);
    if (this.#silent > SILENT || this.#reader.failed) throw new NetFault('size', 'an event over the cap of a message');
  }

  #event({ event, data }: SseEvent): void {
    this.#silent = 0;
    if (event === 'endpoint') return this.#named(data);
    if (event !== 'message' || this.#over) return;
    // White space to JSON, and the end of a line to who reads it.
    const line = Buffer.alloc(data.length + 1, data);
    for (let i = 0; i < data.length; i++) if (line[i] === LF || line[i] === CR) line[i] = SPACE;
    line[data.length] = LF;
    this.stdout.write(line);
  }

  /** Messages go nowhere but to the origin that was configured, and a second name changes nothing. */
  #named(data: Uint8Array): void {
    if (this.#endpoint !== undefined) return;
    const url = data.length > MAX_ENDPOINT ? null : URL.parse(Buffer.from(data).toString(), this.#base.href);
    if (url?.origin !== this.#base.origin) throw new NetFault('protocol', 'an endpoint at another origin, or none');
    this.#endpoint = url.pathname + url.search;
    this.#isReady();
  }

  /** One after the other, in order. */
  async #send(lines: readonly string[]): Promise<void> {
    for (const body of lines) if (body !== '' && !this.#over) await this.#post(body);
  }

  /** A message that did not arrive ends the link: its answer would never come. */
  #post(body: string): Promise<void> {
    return new Promise((done) => {
      const fail = (fault: NetFault) => {
        this.#finish(fault);
        done();
      };
      const receiver: Receiver = {
        head({ status }) {
          if (status < 200 || status >= 300) throw new NetFault('protocol', `HTTP ${status} to a message`);
        },
        data() {},
        end: done,
        fail,
      };
      const headers = ['content-type', 'application/json'];
      this.#dialler.send({ method: 'POST', path: this.#endpoint!, headers, body, caps: POST }, receiver);
    });
  }

  #finish(fault: NetFault): void {
    if (this.#over) return;
    this.#over = true;
    this.#failed(endedBy(fault));
    this.stdout.end();
    void this.#dialler.close().then(() => this.#end(`${fault.reason}: ${fault.message}`));
  }
}

function expectEvents({ status, header }: Head): void {
  if (status !== 200 || mediaType(header('content-type')) !== 'text/event-stream')
    throw new NetFault('protocol', `HTTP ${status}, or no stream of events`);
}
