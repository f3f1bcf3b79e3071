/** One running server: a sandboxed child, the connection to it, and what it says it offers. */
import { type Call, type Io, type Result, type RpcError, STREAM } from '../core/call.ts';
import type { Code } from '../core/codes/index.ts';
import { Ended } from '../core/ended.ts';
import type { Clock } from '../core/state.ts';
import type { descriptorDigest } from '../inventory/digest.ts';
import type { Listing } from '../inventory/drift.ts';
import { isObject, type Json, type JsonObject } from '../lib/json/types.ts';
import type { Asks } from '../wire/eras/asks.ts';
import { handshake } from '../wire/eras/modern.ts';
import { type Calls, modernCalls, olderCalls, type Terms } from './calls.ts';
import { Catalog, describe } from './catalog.ts';
import type { Caps } from './cgroups.ts';
import { announced, Changes } from './changes.ts';
import { type Child, startChild } from './child.ts';
import type { Era, Eras } from './era.ts';
import { discovered, type Greeting, list } from './handshake.ts';
import type { Machine } from './machine.ts';
import type { Mount } from './mounts.ts';
import { DiedOnProbe, discover, openConnection } from './opening.ts';
import { command, PACKAGE, type PreparedPackage } from './packages.ts';
import type { Parking } from './parking.ts';
import { type Redactor, watchStderr } from './stderr.ts';
import { Connection } from './stdio.ts';
import { TreeRefused } from './tree.ts';

/** One upstream, ready to be started. */
export interface UpstreamSpec {
  readonly name: string;
  readonly package: PreparedPackage;
  readonly mounts: readonly Mount[];
  /** The whole environment inside, values looked up (`environment()`). */
  readonly env: Readonly<Record<string, string>>;
  readonly caps: Caps;
  /** What the server may ask a client for; absent = nothing. */
  readonly asks?: Asks;
}

export interface LaneOptions {
  readonly machine: Machine;
  readonly clock: Clock;
  /** Doorward's own version, told to servers. */
  readonly version: string;
  /** Of a descriptor, as the lockfile has it. */
  readonly digest?: typeof descriptorDigest;
  readonly onEvent: (code: Code, data: Readonly<Record<string, Json>>) => void;
  readonly redactor: () => Redactor;
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
  readonly #child: Child;
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

  private constructor(spec: UpstreamSpec, child: Child, options: LaneOptions, terms: Terms) {
    this.upstream = spec.name;
    this.startedAt = options.clock();
    this.#child = child;
    this.#options = options;
    this.#shared = terms.shared === true;
    this.#client = { name: 'doorward', version: options.version };
    const { onEvent, clock, redactor, digest } = options;
    this.catalog = new Catalog({
      clock,
      take: (signal) => this.#list(signal),
      ...(digest && { digest }),
    });
    this.connection = new Connection({
      input: child.stdout,
      output: child.stdin,
      shared: this.#shared,
      onFault: (fault, count) => onEvent('event.protocol', { upstream: spec.name, fault, count }),
      onListChanged: () => this.#stale(),
      onUpdated: (uri) => this.onUpdated?.(uri),
      onBroken: () => child.kill(),
    });
    watchStderr(child.stderr, {
      redactor,
      clock,
      log: (text, dropped) => onEvent('event.stderr', { upstream: spec.name, text, ...(dropped > 0 && { dropped }) }),
    });
    this.ended = child.ended.then((how) => {
      this.#alive = false;
      this.#changes?.stop();
      this.connection.end('upstream.lost', how);
      onEvent('event.lane', { upstream: spec.name, what: 'end', how, ms: clock() - this.startedAt });
      return how;
    });
  }

  /**
   * Checks the package against its pin, starts the sandbox, shakes hands, lists. `pin` undefined = not reviewed yet
   * (review itself). Rejects with Ended: `inventory.package` or `upstream.start`; no process is left then.
   */
  static async start(
    spec: UpstreamSpec,
    pin: string | undefined,
    options: LaneOptions,
    stop: AbortSignal,
    terms: Terms,
  ): Promise<Lane> {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(options.startLimit ?? START_LIMIT)]);
    try {
      return await Lane.#begin(spec, pin, options, signal, terms);
    } catch (error) {
      if (!(error instanceof DiedOnProbe)) throw error;
      options.eras.set(configOf(spec), 'legacy');
      return Lane.#begin(spec, pin, options, signal, terms);
    }
  }

  static async #begin(
    spec: UpstreamSpec,
    pin: string | undefined,
    options: LaneOptions,
    signal: AbortSignal,
    terms: Terms,
  ): Promise<Lane> {
    await checkPackage(spec, pin);
    const { clock, eras, onEvent } = options;
    const began = clock();
    let lane: Lane | undefined;
    try {
      const child = await startChild(options.machine, {
        command: command(spec.package, spec.caps.memory),
        cwd: PACKAGE,
        env: spec.env,
        mounts: [{ source: spec.package.dir, target: PACKAGE, write: false }, ...spec.mounts],
        caps: spec.caps,
      });
      lane = new Lane(spec, child, options, terms);
      const known = eras.get(configOf(spec));
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
      if (era !== known) eras.set(configOf(spec), era);
      const ms = clock() - began;
      onEvent('event.lane', {
        upstream: spec.name,
        what: 'start',
        pid: child.pid,
        ms,
        era,
        caps: { ...child.inForce },
      });
      if (era === 'modern') lane.#hear();
      return lane;
    } catch (error) {
      if (lane) {
        lane.#child.kill();
        await lane.ended;
      }
      throw error instanceof DiedOnProbe ? error : new Ended('stop', 'upstream.start', describe(error));
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
      await this.#child.end(this.#options.grace ?? GRACE);
      await this.ended;
    })();
    return this.#over;
  }
}

/** What decides which program runs. */
function configOf({ package: { digest, entry, args } }: UpstreamSpec): string {
  return JSON.stringify(['stdio', digest, entry, args]);
}

async function checkPackage(spec: UpstreamSpec, pin: string | undefined): Promise<void> {
  let digest: string;
  try {
    ({ digest } = await spec.package.check());
  } catch (error) {
    const code = error instanceof TreeRefused ? 'inventory.package' : 'upstream.start';
    throw new Ended('stop', code, describe(error));
  }
  if (pin !== undefined && digest !== pin) throw new Ended('stop', 'inventory.package', `the tree is ${digest}`);
}
