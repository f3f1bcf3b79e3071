/** One running server that is spoken with line by line: the connection to it, and what it says it offers. */
import { type Call, type Io, type Result, type RpcError, STREAM } from '../core/call.ts';
import type { Code } from '../core/codes/index.ts';
import { Ended } from '../core/ended.ts';
import type { Clock } from '../core/state.ts';
import type { descriptorDigest } from '../inventory/digest.ts';
import type { Listing } from '../inventory/drift.ts';
import { isObject, type Json, type JsonObject } from '../lib/json/types.ts';
import { handshake } from '../wire/eras/modern.ts';
import { type Calls, modernCalls, olderCalls, type Terms } from './calls.ts';
import { Catalog } from './catalog.ts';
import { announced, Changes } from './changes.ts';
import type { Era, Eras } from './era.ts';
import { discovered, type Greeting, list } from './handshake.ts';
import { DiedOnProbe, discover, notStarted, openConnection } from './opening.ts';
import type { Parking } from './parking.ts';
import { Connection } from './stdio.ts';
import type { Link, Way } from './way.ts';

export interface LaneOptions {
  readonly clock: Clock;
  /** Doorward's own version, told to servers. */
  readonly version: string;
  /** Of a descriptor, as the lockfile has it. */
  readonly digest?: typeof descriptorDigest;
  readonly onEvent: (code: Code, data: Readonly<Record<string, Json>>) => void;
  /** Which revision each server speaks, as far as it is known. */
  readonly eras: Eras;
  readonly parking: Parking;
  /** Milliseconds from the start of the process to its first listing. */
  readonly startLimit?: number;
  /** Milliseconds between closing stdin, SIGTERM and SIGKILL. */
  readonly grace?: number;
}

const START_LIMIT = 30_000;
const GRACE = 1_000;
/** Milliseconds that a server has to take or leave a subscription. */
const WATCH_LIMIT = 10_000;
/** Resources that one lane watches. */
const MAX_WATCHED = 100;
const MAX_SHARED = 1000;

export class Lane {
  readonly upstream: string;
  readonly startedAt: number;
  readonly connection: Connection;
  readonly #link: Link;
  readonly #options: LaneOptions;
  readonly catalog: Catalog;
  readonly #client: JsonObject;
  readonly #shared: boolean;
  #calls: Calls | undefined;
  #era: Era = 'legacy';
  #greeting: Greeting | undefined;
  #listed = false;
  #changes: Changes | undefined;
  readonly #watched = new Set<string>();
  #alive = true;
  onUpdated?: (uri: string) => void;
  onStale?: () => void;
  #over: Promise<void> | undefined;
  /** Resolves when no process of the lane is left; says why. */
  readonly ended: Promise<string>;

  private constructor({ upstream }: Way, link: Link, options: LaneOptions, terms: Terms) {
    this.upstream = upstream;
    this.startedAt = options.clock();
    this.#link = link;
    this.#options = options;
    this.#shared = terms.shared === true;
    this.#client = { name: 'doorward', version: options.version };
    const { onEvent, clock, digest } = options;
    this.catalog = new Catalog({
      clock,
      take: (signal) => this.#list(signal),
      ...(digest && { digest }),
    });
    this.connection = new Connection({
      input: link.stdout,
      output: link.stdin,
      shared: this.#shared,
      onFault: (fault, count) => onEvent('event.protocol', { upstream, fault, count }),
      onListChanged: () => this.#stale(),
      onUpdated: (uri) => this.onUpdated?.(uri),
      onBroken: () => link.kill(),
    });
    this.ended = link.ended.then((how) => {
      this.#alive = false;
      this.#changes?.stop();
      this.connection.end('upstream.lost', how);
      onEvent('event.lane', { upstream, what: 'end', how, ms: clock() - this.startedAt });
      return how;
    });
  }

  /** Shakes hands and lists. Rejects with Ended; nothing of the server is left then. */
  static async start(way: Way, options: LaneOptions, stop: AbortSignal, terms: Terms): Promise<Lane> {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(options.startLimit ?? START_LIMIT)]);
    try {
      return await Lane.#begin(way, options, signal, terms);
    } catch (error) {
      if (!(error instanceof DiedOnProbe)) throw error;
      options.eras.set(way.config, 'legacy');
      return Lane.#begin(way, options, signal, terms);
    }
  }

  static async #begin(way: Way, options: LaneOptions, signal: AbortSignal, terms: Terms): Promise<Lane> {
    const { clock, eras, onEvent } = options;
    const began = clock();
    let lane: Lane | undefined;
    try {
      const { link, facts } = await way.open(signal);
      lane = new Lane(way, link, options, terms);
      const known = way.era ?? eras.get(way.config);
      const { connection } = lane;
      const ours = { client: lane.#client, ...terms };
      const { era, greeting } = await openConnection(connection, ours, known, signal);
      lane.#greeting = greeting;
      lane.#era = era;
      lane.#calls = (era === 'modern' ? modernCalls : olderCalls)({
        ...ours,
        greeting,
        parking: options.parking,
        ask: (method, params, how) => connection.ask(method, params, how),
      });
      await lane.catalog.list(signal);
      // A verdict grows old from the day it was found.
      if (era !== known) eras.set(way.config, era);
      onEvent('event.lane', { upstream: way.upstream, what: 'start', ms: clock() - began, era, ...facts });
      if (era === 'modern') lane.#hear();
      return lane;
    } catch (error) {
      if (lane) {
        lane.#link.kill();
        await lane.ended;
      }
      throw error instanceof DiedOnProbe ? error : notStarted(error);
    }
  }

  get alive(): boolean {
    return this.#alive && this.#over === undefined;
  }

  /** Rejects with Ended, or the reason of the signal. */
  call(call: Call, io: Io): Promise<Result | RpcError> {
    return this.#calls!.make(call, io);
  }

  /** False when the server has no such thing, or too many are watched. */
  async watch(uri: string, on: boolean): Promise<boolean> {
    const { resources } = this.#greeting!.capabilities;
    if (!isObject(resources) || resources['subscribe'] !== true) return false;
    if (this.#era === 'modern') {
      if (on && this.#watched.size >= (this.#shared ? MAX_SHARED : MAX_WATCHED)) return false;
      if (on) this.#watched.add(uri);
      else this.#watched.delete(uri);
      this.#hear();
      return true;
    }
    const signal = AbortSignal.timeout(WATCH_LIMIT);
    const reply = await this.connection.ask(on ? 'resources/subscribe' : 'resources/unsubscribe', { uri }, { signal });
    return reply.kind === 'result';
  }

  async #list(signal: AbortSignal): Promise<Listing> {
    if (this.#era === 'legacy') return list(this.connection, this.#greeting!, signal);
    // Instructions, and what is offered at all, may change while the process lives. The first were just heard.
    if (this.#listed) {
      const verdict = await discover(this.connection, this.#client, signal);
      if (verdict.era !== 'modern') throw new Error('the server no longer speaks the revision that it spoke');
      this.#greeting = discovered(verdict.discovered);
    }
    this.#listed = true;
    const { params: envelope } = handshake(this.#client);
    const ask = (method: string, params: JsonObject) =>
      this.connection.ask(method, { ...params, ...envelope }, { signal });
    return list({ ask }, this.#greeting!, signal);
  }

  /** A server of the newer revision tells of changes only on a stream that it was asked for. */
  #hear(): void {
    this.#changes?.stop();
    this.#changes = undefined;
    const filter = announced(this.#greeting!.capabilities);
    if ((filter === undefined && this.#watched.size === 0) || !this.alive) return;
    const watched = this.#watched.size > 0 ? { resourceSubscriptions: [...this.#watched] } : {};
    const params = { notifications: { ...filter, ...watched }, ...handshake(this.#client).params };
    this.#changes = new Changes({
      open: (ended) => {
        const stop = new AbortController();
        const { signal } = stop;
        this.connection.ask(STREAM, params, { signal }).then(
          ({ kind }) => ended(kind === 'result'),
          () => ended(false),
        );
        return () => stop.abort(new Ended('cancel', 'run.cancelled'));
      },
      onGap: () => this.#stale(),
    });
  }

  #stale(): void {
    this.catalog.expire();
    this.onStale?.();
  }

  /** Ends open calls with `upstream.lost`; resolves when every process is gone. */
  end(): Promise<void> {
    this.#over ??= (async () => {
      this.connection.end('upstream.lost', 'the lane was ended');
      await this.#link.end(this.#options.grace ?? GRACE);
      await this.ended;
    })();
    return this.#over;
  }
}
