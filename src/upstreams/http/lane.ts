/**
 * One lane to a server over Streamable HTTP: connections that no other lane uses, a session where the server's
 * revision has sessions, and what the server says it offers.
 */
import type { Call, Caller, Io, Result, RpcError } from '../../core/call.ts';
import type { Code } from '../../core/codes/index.ts';
import { Ended } from '../../core/ended.ts';
import type { Clock } from '../../core/state.ts';
import type { descriptorDigest } from '../../inventory/digest.ts';
import type { Listing } from '../../inventory/drift.ts';
import { serverDigest } from '../../inventory/lock.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';
import type { Resolve } from '../../net/connect.ts';
import type { Credential } from '../../secrets/credential/credential.ts';
import * as legacy from '../../wire/eras/legacy.ts';
import * as modern from '../../wire/eras/modern.ts';
import { BATCHES } from '../../wire/eras/versions.ts';
import type { ParamHeaders } from '../../wire/headers.ts';
import { paramHeaders } from '../../wire/mirror.ts';
import type { Ask } from '../asking.ts';
import { type Calls, modernCalls, olderCalls } from '../calls.ts';
import { Catalog } from '../catalog.ts';
import { announced, Changes } from '../changes.ts';
import { type Era, type Eras, judge, type Verdict } from '../era.ts';
import { discovered, type Greeting, greeting, list } from '../handshake.ts';
import { notStarted } from '../opening.ts';
import type { Parking } from '../parking.ts';
import type { Reply } from '../stdio.ts';
import type { Answered } from './answer.ts';
import { type Asking, Channel } from './channel.ts';
import { type HttpSpec, serverPin } from './spec.ts';

export interface HttpLaneOptions {
  readonly clock: Clock;
  /** Doorward's own version, told to servers. */
  readonly version: string;
  readonly digest?: typeof descriptorDigest;
  readonly onEvent: (code: Code, data: Readonly<Record<string, Json>>) => void;
  readonly resolve: Resolve;
  readonly eras: Eras;
  readonly parking: Parking;
  /** What proves to the server for whom we ask; `caller` undefined = the operator (review). Undefined = nothing does. */
  readonly credential?: (upstream: string, caller: Caller | undefined) => Credential | undefined;
  /** Milliseconds from the first request to the first listing. */
  readonly startLimit?: number;
}

/** The server no longer knows the session, and says so before it did anything: a new one may repeat the request. */
export class SessionLost extends Ended {
  constructor() {
    super('stop', 'upstream.lost', 'the server does not know the session');
  }
}

const START_LIMIT = 30_000;
/** Resources that one lane watches, and milliseconds that a server has to take or leave one. */
const MAX_WATCHED = 100;
const WATCH_LIMIT = 10_000;
/** The first revision whose requests name it in a header. */
const FIRST_NAMED = '2025-06-18';
const SESSION = /^[\x21-\x7e]{1,1024}$/;

export class HttpLane {
  readonly upstream: string;
  readonly startedAt: number;
  readonly #spec: HttpSpec;
  readonly #options: HttpLaneOptions;
  readonly #channel: Channel;
  readonly catalog: Catalog;
  readonly #client: JsonObject;
  /** What the server may ask the client of this lane for, as capabilities. */
  readonly #offered: JsonObject;
  #calls: Calls | undefined;
  #greeting: Greeting | undefined;
  #changes: Changes | undefined;
  readonly #watched = new Set<string>();
  /** Set by the owner of the lane: a watched resource was updated; the lists changed. */
  onUpdated?: (uri: string) => void;
  onStale?: () => void;
  #listed = false;
  #alive = true;
  #over: Promise<void> | undefined;
  #resolveEnded!: (how: string) => void;
  /** Resolves when no connection is left; says why. */
  readonly ended: Promise<string>;

  private constructor(spec: HttpSpec, options: HttpLaneOptions, offered: JsonObject) {
    this.upstream = spec.name;
    this.startedAt = options.clock();
    this.#spec = spec;
    this.#options = options;
    this.#client = { name: 'doorward', version: options.version };
    this.#offered = offered;
    this.#channel = new Channel({
      to: spec.to,
      resolve: options.resolve,
      onFault: (fault, count) => options.onEvent('event.protocol', { upstream: spec.name, fault, count }),
      onListChanged: () => this.#stale(),
      onUpdated: (uri) => this.onUpdated?.(uri),
      // The next call begins anew, behind the wait that failed starts have.
      onUnreachable: (why) => this.#retire(why),
      onIdle: () => {
        if (!this.#alive) void this.end();
      },
    });
    const { clock, digest } = options;
    this.catalog = new Catalog({ clock, take: (signal) => this.#list(signal), ...(digest && { digest }) });
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
  }

  /**
   * Compares the server with its pin, finds its revision, begins a session, lists. `pin` undefined = not reviewed yet
   * (review itself). Rejects with Ended; no connection is left then.
   */
  static async start(
    spec: HttpSpec,
    pin: string | undefined,
    options: HttpLaneOptions,
    stop: AbortSignal,
    offered: JsonObject = {},
    caller?: Caller,
  ): Promise<HttpLane> {
    if (pin !== undefined && pin !== serverDigest(serverPin(spec)))
      throw new Ended('stop', 'inventory.package', 'the URL or the pinned keys differ from those reviewed');
    const lane = new HttpLane(spec, options, offered);
    lane.#channel.credential = options.credential?.(spec.name, caller);
    try {
      await lane.#begin(AbortSignal.any([stop, AbortSignal.timeout(options.startLimit ?? START_LIMIT)]));
      const ms = options.clock() - lane.startedAt;
      options.onEvent('event.lane', { upstream: spec.name, what: 'start', ms, era: lane.#era });
      return lane;
    } catch (error) {
      await lane.#close('not started');
      throw notStarted(error);
    }
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Rejects with Ended, SessionLost, or the reason of the signal. */
  call(call: Call, io: Io): Promise<Result | RpcError> {
    return this.#calls!.make(call, io);
  }

  /** Says goodbye to a session, closes every connection. Open calls end with `upstream.lost`. */
  end(): Promise<void> {
    this.#alive = false;
    this.#over ??= (async () => {
      await this.#channel.farewell();
      await this.#close('ended');
    })();
    return this.#over;
  }

  /**
   * With the headers that a tool of the newer revision wants some of its arguments to have, and the caller's credential,
   * which may change from call to call; what is asked between calls goes by the last.
   */
  #asking(how: Ask, call: Call | undefined): Asking {
    const target = call?.target;
    const declared = this.#era === 'modern' && target?.kind === 'tool' ? declaredBy(target.descriptor) : undefined;
    const credential = call && this.#options.credential?.(this.upstream, call.caller);
    if (credential) this.#channel.credential = credential;
    if (!credential && !declared?.size) return how;
    return { ...how, ...(declared && { declared }), ...(credential && { credential }) };
  }

  get #era(): Era {
    return this.#channel.speech.era;
  }

  async #begin(signal: AbortSignal): Promise<void> {
    const { eras } = this.#options;
    const { config } = this.#spec;
    if (eras.get(config) !== 'legacy') {
      const verdict = await this.#discover(signal);
      if (verdict.era === undefined) throw new Error(verdict.why);
      if (verdict.era === 'modern') this.#greeting = discovered(verdict.discovered);
    }
    if (this.#greeting === undefined) await this.#initialize(signal);
    this.#calls = (this.#era === 'modern' ? modernCalls : olderCalls)({
      greeting: this.#greeting!,
      client: this.#client,
      offered: this.#offered,
      parking: this.#options.parking,
      ask: (method, params, how, call) => this.#ask(method, params, this.#asking(how, call)),
    });
    await this.catalog.list(signal);
    eras.set(config, this.#era);
    this.#hear();
  }

  /** Turns updates of one resource on or off; false when the server has no such thing, or too many are watched. */
  async watch(uri: string, on: boolean): Promise<boolean> {
    const { resources } = this.#greeting!.capabilities;
    if (!isObject(resources) || resources['subscribe'] !== true) return false;
    if (on && this.#watched.size >= MAX_WATCHED) return false;
    if (this.#era === 'legacy') {
      const method = on ? 'resources/subscribe' : 'resources/unsubscribe';
      const reply = await this.#ask(method, { uri }, { signal: AbortSignal.timeout(WATCH_LIMIT) });
      if (reply.kind === 'error') return false;
    }
    if (on) this.#watched.add(uri);
    else this.#watched.delete(uri);
    if (this.#era === 'modern' || this.#changes === undefined) this.#hear();
    return true;
  }

  /** Changes between calls, where the server tells of them. */
  #hear(): void {
    this.#changes?.stop();
    this.#changes = undefined;
    const filter = announced(this.#greeting!.capabilities);
    const mayAsk = this.#era === 'legacy' && Object.keys(this.#offered).length > 0;
    if ((filter === undefined && this.#watched.size === 0 && !mayAsk) || !this.#alive) return;
    const watched = this.#watched.size > 0 ? { resourceSubscriptions: [...this.#watched] } : {};
    const params = { notifications: { ...filter, ...watched }, ...modern.handshake(this.#client).params };
    this.#changes = new Changes({
      open: (ended) => this.#channel.stream('subscriptions/listen', params, ended),
      onGap: () => this.#stale(),
    });
  }

  #stale(): void {
    this.catalog.expire();
    this.onStale?.();
  }

  async #discover(signal: AbortSignal): Promise<Verdict> {
    const { method, params } = modern.handshake(this.#client);
    const once = async () => judge(await this.#channel.request(method, params, { signal }));
    const first = await once();
    return first.era === undefined && first.again ? once() : first;
  }

  async #initialize(signal: AbortSignal): Promise<void> {
    this.#channel.speech = { era: 'legacy' };
    const { method, params } = legacy.handshake(this.#client, this.#offered);
    const answered = await this.#channel.request(method, params, { signal });
    if (answered.kind === 'status' || answered.reply.kind === 'error')
      throw new Error(`initialize was answered with ${outcomeOf(answered)}`);
    this.#greeting = greeting(answered.reply.value);
    const { version } = this.#greeting;
    const session = answered.head.header('mcp-session-id');
    if (session !== undefined && !SESSION.test(session)) throw new Error('a session id that no header can carry');
    this.#channel.speech = {
      era: 'legacy',
      ...(version >= FIRST_NAMED && { version }),
      ...(session !== undefined && { session }),
      batches: version === BATCHES,
    };
    const noted = await this.#channel.notify('notifications/initialized', signal);
    if (noted.kind === 'status' && noted.status >= 300)
      throw new Error(`initialized was answered with ${outcomeOf(noted)}`);
  }

  async #list(signal: AbortSignal): Promise<Listing> {
    if (this.#era === 'legacy') {
      return list({ ask: (method, params) => this.#ask(method, params, { signal }) }, this.#greeting!, signal);
    }
    // Instructions, and what is offered at all, may change without a session that would end. The first was just heard.
    if (this.#listed) {
      const verdict = await this.#discover(signal);
      if (verdict.era === 'legacy') throw this.#changedEra();
      if (verdict.era === undefined) throw new Ended('stop', 'upstream.refused', verdict.why);
      this.#greeting = discovered(verdict.discovered);
    }
    this.#listed = true;
    const { params: envelope } = modern.handshake(this.#client);
    const ask = (method: string, params: JsonObject) => this.#ask(method, { ...params, ...envelope }, { signal });
    return list({ ask }, this.#greeting!, signal);
  }

  async #ask(method: string, params: JsonObject, asking: Asking): Promise<Reply> {
    const answered = await this.#channel.request(method, params, asking);
    const { status } = answered.kind === 'reply' ? answered.head : answered;
    const reply = answered.kind === 'reply' ? answered.reply : answered.error;
    const { era, session, ...speech } = this.#channel.speech;
    if (era === 'legacy' && status === 404 && (session !== undefined || !this.#alive) && !isUnknownMethod(reply)) {
      this.#channel.speech = { era, ...speech };
      this.#retire('session lost');
      throw new SessionLost();
    }
    if (reply) return reply;
    if (era === 'modern' && (status === 404 || status === 405)) throw this.#changedEra();
    throw new Ended('stop', 'upstream.refused', `HTTP ${status}`);
  }

  #changedEra(): Ended {
    this.#options.eras.forget(this.#spec.config);
    this.#retire('another revision');
    return new Ended('stop', 'upstream.protocol', 'the server no longer speaks the revision that it spoke');
  }

  /** No new calls; connections close when the open ones are over. */
  #retire(how: string): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#options.onEvent('event.lane', { upstream: this.upstream, what: 'end', how });
    if (this.#channel.size === 0) void this.end();
  }

  async #close(how: string): Promise<void> {
    this.#alive = false;
    this.#changes?.stop();
    await this.#channel.close();
    this.#resolveEnded(how);
  }
}

const declared = new WeakMap<object, ParamHeaders>();
function declaredBy(descriptor: Readonly<JsonObject>): ParamHeaders {
  let found = declared.get(descriptor);
  if (!found) declared.set(descriptor, (found = paramHeaders(descriptor['inputSchema'])));
  return found;
}

/** Some servers answer 404 for this too, as the newer revision does. */
function isUnknownMethod(reply: Reply | undefined): boolean {
  return reply?.kind === 'error' && reply.code === -32601;
}

function outcomeOf(answered: Answered): string {
  if (answered.kind === 'status') return `HTTP ${answered.status}`;
  return answered.reply.kind === 'error' ? `error ${answered.reply.code}` : 'a result';
}
