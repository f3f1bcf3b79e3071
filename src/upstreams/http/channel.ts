/**
 * Messages to one endpoint of Streamable HTTP, and what comes back for each. Nothing that a client sent besides its Call
 * gets here: every header is made from the body that leaves.
 */
import type { Code } from '../../core/codes/index.ts';
import { Ended } from '../../core/ended.ts';
import { isObject, type JsonObject } from '../../lib/json/types.ts';
import type { Resolve } from '../../net/connect.ts';
import { type Destination, isRedirect, nextHop } from '../../net/destination.ts';
import { type Abort, type Caps, Dialler, type Outgoing } from '../../net/dialler.ts';
import type { NetFault } from '../../net/fault.ts';
import { type Credential, isRefusal, type Proof } from '../../secrets/credential/credential.ts';
import { type Id, isId } from '../../wire/frame.ts';
import type { ParamHeaders } from '../../wire/headers.ts';
import { mirror } from '../../wire/mirror.ts';
import { type Answer, type Ask, asker, NOT_FOUND, type Questions } from '../asking.ts';
import type { Era } from '../era.ts';
import type { Fault } from '../stdio.ts';
import { type AnswerEvents, type Answered, AnswerReader, STREAM } from './answer.ts';
import { Notes } from './notes.ts';

export interface ChannelOptions {
  readonly to: Destination;
  readonly resolve: Resolve;
  /** The first of each kind, and then powers of ten: a flood of garbage is not a flood of events. */
  readonly onFault: (fault: Fault, count: number) => void;
  readonly onListChanged: () => void;
  /** A resource that was asked about is another one now. */
  readonly onUpdated: (uri: string) => void;
  /** No connection could be made. `why` for the log. */
  readonly onUnreachable: (why: string) => void;
  /** Nothing is under way any more. */
  readonly onIdle: () => void;
}

/** What a channel is told once it is known. */
export interface Speech {
  readonly era: Era;
  /** Negotiated, for the header of the older revisions. */
  readonly version?: string;
  readonly session?: string;
  /** Whether the revision has batches. */
  readonly batches?: boolean;
}

export interface Asking extends Ask {
  readonly declared?: ParamHeaders;
  /** Whose request this is; that of the channel otherwise. */
  readonly credential?: Credential;
}

/** Redirects in a row; all at the server's own origin. */
const MAX_HOPS = 3;
/** Requests of the server that are answered one by one during one exchange, and where it may ask. */
const MAX_ASKED = 16;
const MAX_QUESTIONS = 256;
/** Exchanges that carry no call. */
const SIDE: Partial<Caps> = { body: 65_536, head: 10_000, idle: 10_000, total: 10_000 };
/** Streams without an end: a day, and then another one. */
const LONG: Partial<Caps> = { body: STREAM, head: 10_000, idle: 0, total: 86_400_000 };
/** A call that waits for a person: whoever waits for its answer has limits of their own. */
const PATIENT: Partial<Caps> = { ...LONG, head: 0 };
/** How often one stream is taken up again, and the longest wait before, in milliseconds. */
const MAX_RESUMED = 8;
const MAX_RETRY = 30_000;
const FAREWELL: Partial<Caps> = { ...SIDE, total: 1_000 };

export class Channel {
  readonly #options: ChannelOptions;
  readonly #dialler: Dialler;
  readonly #faults = new Map<Fault, number>();
  /** Of the requests that are open and take questions. */
  readonly #talks = new Set<Questions>();
  /** Where requests go: the path of the URL, or where it redirected to. */
  #url: URL;
  #next = 1;
  #open = 0;
  speech: Speech = { era: 'modern' };
  /** For requests that no call is behind. */
  credential: Credential | undefined;
  /** What the last request proved itself by: for messages that nothing is owed for. */
  #proof: Proof | undefined;

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.#url = options.to.url;
    this.#dialler = new Dialler(options.to, { resolve: options.resolve });
  }

  /** Exchanges under way. */
  get size(): number {
    return this.#open;
  }

  /** A request. Rejects with Ended or the signal's reason. */
  request(method: string, params: JsonObject, asking: Asking = {}): Promise<Answered> {
    return this.#exchange(method, params, this.#next++, asking);
  }

  /** A notification; what it is answered with is a status. Rejects as a request does. */
  notify(method: string, signal?: AbortSignal): Promise<Answered> {
    return this.#exchange(method, undefined, undefined, signal ? { signal } : {});
  }

  /** One message and what comes back, through redirects at the same origin. */
  async #exchange(
    method: string,
    params: JsonObject | undefined,
    id: number | undefined,
    { signal, send, questions, declared, credential = this.credential }: Asking,
  ): Promise<Answered> {
    const notes = send && new Notes(send);
    // The id of the request is its progress token; the caller's own never leaves us.
    const meta = isObject(params?.['_meta']) ? params['_meta'] : {};
    const sent = notes ? { ...params, _meta: { ...meta, progressToken: id! } } : params;
    const body = JSON.stringify({
      jsonrpc: '2.0',
      ...(id !== undefined && { id }),
      method,
      ...(sent && { params: sent }),
    });
    const headers = [...this.#headers(), ...(this.speech.era === 'modern' ? mirror(method, sent ?? {}, declared) : [])];
    this.#open++;
    if (questions) this.#talks.add(questions);
    try {
      let refused = false;
      for (let hop = 0; ; hop++) {
        let proof = credential?.proof(signal);
        if (proof instanceof Promise) proof = await proof;
        this.#proof = proof;
        const proven = proof ? [...headers, ...proof] : headers;
        const answered = await this.#post(body, proven, id, signal, notes, questions);
        if (proof && credential) {
          const { status, header } = answered.head;
          const challenge = challengeOf(header);
          if (isRefusal(status, challenge)) {
            // Who refuses a credential has done nothing: once more is no second time.
            if (refused) throw new Ended('stop', 'upstream.credential', `HTTP ${status}, and again`);
            refused = true;
            await credential.refused({ status, challenge, proof });
            hop--;
            continue;
          }
        }
        if (answered.kind === 'reply' || !isRedirect(answered.status)) {
          if (notes?.waiting) await notes.waiting;
          return answered;
        }
        const to = nextHop(this.#url, answered.status, answered.head.header('location'));
        if (to === undefined || hop >= MAX_HOPS)
          throw new Ended('stop', 'upstream.refused', `HTTP ${answered.status}: a redirect that is not followed`);
        this.#url = to;
      }
    } finally {
      if (questions) this.#talks.delete(questions);
      this.#open--;
      if (this.#open === 0) this.#options.onIdle();
    }
  }

  #headers(): string[] {
    const headers = ['content-type', 'application/json', 'accept', 'application/json, text/event-stream'];
    if (this.speech.era === 'modern') return headers;
    const { version, session } = this.speech;
    if (version !== undefined) headers.push('mcp-protocol-version', version);
    if (session !== undefined) headers.push('mcp-session-id', session);
    return headers;
  }

  #proven(headers: string[]): string[] {
    return this.#proof ? [...headers, ...this.#proof] : headers;
  }

  #post(
    body: string,
    headers: readonly string[],
    id: number | undefined,
    signal: AbortSignal | undefined,
    notes: Notes | undefined,
    questions: Questions | undefined,
  ): Promise<Answered> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const caps = id === undefined ? SIDE : questions ? PATIENT : { body: STREAM };
      const events = this.#events(id, notes, () => questions);
      let reader: AnswerReader;
      let waiting: NodeJS.Timeout | undefined;
      let resumed = 0;
      let broke: NetFault | undefined;
      const lost = (fault: NetFault) => {
        signal?.removeEventListener('abort', cancel);
        reject(signal?.aborted ? signal.reason : this.#lost(broke ?? fault));
      };
      const send = (request: Outgoing) => {
        const own = new AnswerReader(
          id,
          events,
          (answered) => {
            // A server that knows nothing of the stream says nothing about the call, which may have run.
            if (broke && answered.kind === 'status') return lost(broke);
            signal?.removeEventListener('abort', cancel);
            resolve(answered);
          },
          (fault) => {
            const from = this.speech.era === 'legacy' && fault.reason === 'lost' ? own.resumable : undefined;
            if (from && !signal?.aborted && resumed++ < MAX_RESUMED) {
              broke ??= fault;
              // The call is not made again: only the rest of its stream is asked for.
              const path = this.#path;
              const own = ['accept', 'text/event-stream', ...this.#headers().slice(4), 'last-event-id', from.from];
              const headers = this.#proven(own);
              waiting = setTimeout(send, Math.min(from.after, MAX_RETRY), { method: 'GET', path, headers, caps });
              return;
            }
            lost(fault);
          },
        );
        reader = own;
        own.abort = this.#dialler.send(request, own);
      };
      const cancel = () => {
        // Closing the stream is the cancel of the newer revision; the older one needs to be told.
        if (this.speech.era === 'legacy' && id !== undefined)
          this.#tell({ method: 'notifications/cancelled', params: { requestId: id } });
        clearTimeout(waiting);
        reader.abort();
        reject(signal!.reason);
      };
      signal?.addEventListener('abort', cancel, { once: true });
      send({ method: 'POST', path: this.#path, headers, body, caps });
    });
  }

  /** `whose`: who takes what the server asks in this exchange. */
  #events(id: number | undefined, notes: Notes | undefined, whose: () => Questions | undefined): AnswerEvents {
    let asked = 0;
    return {
      batches: this.speech.batches === true,
      note: (method, params) => this.#noted(method, params, id, notes),
      asked: (asker, method, params) => {
        if (++asked <= (this.#talks.size > 0 ? MAX_QUESTIONS : MAX_ASKED)) this.#asked(asker, method, params, whose());
        else this.#report('unasked');
      },
      fault: (fault) => this.#report(fault),
    };
  }

  get #path(): string {
    return this.#url.pathname + this.#url.search;
  }

  #noted(method: string, params: JsonObject, id: number | undefined, notes: Notes | undefined): void {
    if (method === 'notifications/progress') {
      const { progressToken: token, progress, total, message } = params;
      if (token !== id || notes === undefined) return this.#report('token');
      if (typeof progress !== 'number') return this.#report('shape');
      const kept: JsonObject = {
        progress,
        ...(typeof total === 'number' && { total }),
        ...(typeof message === 'string' && { message }),
      };
      if (!notes.push({ kind: 'notification', method, params: kept })) this.#report('flood');
    } else if (method === 'notifications/message') {
      if (notes && !notes.push({ kind: 'notification', method, params })) this.#report('flood');
    } else if (method === 'notifications/resources/updated') {
      const { uri } = params;
      if (typeof uri === 'string') this.#options.onUpdated(uri);
      else this.#report('shape');
    } else if (method === 'notifications/cancelled') {
      const { requestId } = params;
      if (isId(requestId)) for (const talk of this.#talks) talk.withdrawn(requestId);
    } else if (LIST_CHANGED.has(method)) this.#options.onListChanged();
    else if (!IGNORED.has(method)) this.#report('unasked');
  }

  /** What is not taken by the call that it belongs to is refused. */
  #asked(id: Id, method: string, params: JsonObject, talk: Questions | undefined): void {
    if (this.speech.era === 'modern') return this.#report('unasked');
    if (method === 'ping') return this.#tell({ id, result: {} });
    const lost = () => talk?.stop(new Ended('stop', 'upstream.lost', 'the server did not take an answer'));
    const answer = (members: Answer) => this.#tell({ id, ...members } as JsonObject, lost);
    const refusal = talk ? talk.asked({ id, method, params, answer }) : NOT_FOUND;
    if (refusal === undefined) return;
    this.#report(talk === undefined && this.#talks.size > 1 ? 'ambiguous' : 'unasked');
    answer({ error: refusal });
  }

  /** A message that nothing is owed for. */
  #tell(message: JsonObject, lost: () => void = () => {}): void {
    const done = (answered: Answered) => {
      if (answered.kind === 'status' && answered.status >= 300) lost();
    };
    const reader = new AnswerReader(undefined, NO_EVENTS, done, lost);
    const body = JSON.stringify({ jsonrpc: '2.0', ...message });
    const request = {
      method: 'POST',
      path: this.#path,
      headers: this.#proven(this.#headers()),
      body,
      caps: SIDE,
    } as const;
    reader.abort = this.#dialler.send(request, reader);
  }

  /**
   * A stream on which the server tells of changes. `ended` is called once: `again` = it broke, or was closed in order,
   * and another one may be opened.
   */
  stream(method: string, params: JsonObject, ended: (again: boolean) => void): Abort {
    const modern = this.speech.era === 'modern';
    const id = modern ? this.#next++ : undefined;
    const body = modern ? { body: JSON.stringify({ jsonrpc: '2.0', id, method, params }) } : {};
    const headers = this.#proven(
      modern
        ? [...this.#headers(), ...mirror(method, params)]
        : ['accept', 'text/event-stream', ...this.#headers().slice(4)],
    );
    let answered = false;
    const once = (again: boolean) => {
      if (!answered) ended(again);
      answered = true;
    };
    const reader = new AnswerReader(
      id,
      this.#events(id, undefined, () => asker(this.#talks)),
      (got) => once(got.kind === 'reply' && got.reply.kind === 'result'),
      () => once(true),
    );
    const request = { method: modern ? 'POST' : 'GET', path: this.#path, headers, ...body, caps: LONG } as const;
    reader.abort = this.#dialler.send(request, reader);
    return (fault) => reader.abort(fault);
  }

  /** Tells the server that the session is over; whether it listens changes nothing. */
  farewell(): Promise<void> {
    if (this.speech.session === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => resolve();
      const receiver = { head: done, data() {}, end: done, fail: done };
      const headers = this.#proven(this.#headers().slice(2));
      this.#dialler.send({ method: 'DELETE', path: this.#path, headers, caps: FAREWELL }, receiver);
    });
  }

  /** Ends what is open. */
  close(): Promise<void> {
    return this.#dialler.close();
  }

  #lost(fault: NetFault): Ended {
    if (fault.unsent && fault.reason !== 'closed') this.#options.onUnreachable(`${fault.reason}: ${fault.message}`);
    return endedBy(fault);
  }

  #report(fault: Fault): void {
    const count = (this.#faults.get(fault) ?? 0) + 1;
    this.#faults.set(fault, count);
    if (Number.isInteger(Math.log10(count))) this.#options.onFault(fault, count);
  }
}

/** Several challenges in several headers say nothing that could be followed. */
function challengeOf(header: (name: string) => string | undefined): string | undefined {
  try {
    return header('www-authenticate');
  } catch {
    return undefined;
  }
}

const NO_EVENTS = { note() {}, asked() {}, fault() {} };
const LIST_CHANGED = new Set(['tools', 'prompts', 'resources'].map((things) => `notifications/${things}/list_changed`));
const IGNORED = new Set(['notifications/elicitation/complete', 'notifications/subscriptions/acknowledged']);

/** Whether a request that failed in the middle ran is unknown: nothing here is ever repeated. */
export function endedBy({ reason, message, unsent }: NetFault): Ended {
  const code = CODES[reason] ?? (unsent ? 'upstream.unreachable' : 'upstream.lost');
  return new Ended('stop', code, `${reason}: ${message}`);
}
const CODES: Readonly<Partial<Record<NetFault['reason'], Code>>> = {
  address: 'upstream.address',
  tls: 'upstream.tls',
  size: 'upstream.too-large',
  encoding: 'upstream.protocol',
  protocol: 'upstream.protocol',
};
