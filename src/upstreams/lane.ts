/** One running server: a sandboxed child, the connection to it, and what it says it offers. */
import type { Call, Io, Result, RpcError } from '../core/call.ts';
import type { Code } from '../core/codes/index.ts';
import { Ended } from '../core/ended.ts';
import type { Clock } from '../core/state.ts';
import type { descriptorDigest } from '../inventory/digest.ts';
import type { Listing } from '../inventory/drift.ts';
import { isObject, type Json, type JsonObject } from '../lib/json/types.ts';
import { ask, heard, heardError } from '../wire/eras/legacy.ts';
import { Catalog, describe } from './catalog.ts';
import type { Caps } from './cgroups.ts';
import { type Child, startChild } from './child.ts';
import { type Greeting, greet, list } from './handshake.ts';
import type { Machine } from './machine.ts';
import type { Mount } from './mounts.ts';
import { command, PACKAGE, type PreparedPackage } from './packages.ts';
import { type Redactor, watchStderr } from './stderr.ts';
import { Connection, type Reply } from './stdio.ts';
import { TreeRefused } from './tree.ts';

/** One upstream, ready to be started. */
export interface UpstreamSpec {
  readonly name: string;
  readonly package: PreparedPackage;
  readonly mounts: readonly Mount[];
  /** The whole environment inside, values looked up (`environment()`). */
  readonly env: Readonly<Record<string, string>>;
  readonly caps: Caps;
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
  readonly codec?: Codec;
  /** Milliseconds from the start of the process to its first listing. */
  readonly startLimit?: number;
  /** Milliseconds between closing stdin, SIGTERM and SIGKILL. */
  readonly grace?: number;
}

/** The dialect of a server. */
export interface Codec {
  ask(call: Call): { readonly method: string; readonly params: JsonObject };
  heard(method: string, reply: Reply): Result | RpcError;
}

/** Servers over stdio up to 2025-11-25. */
const LEGACY: Codec = {
  ask,
  heard: (method, reply) => (reply.kind === 'error' ? heardError(reply) : heard(method, reply.value, reply.bytes)),
};

const START_LIMIT = 30_000;
const GRACE = 1_000;
/** Milliseconds that a server has to take or leave a subscription. */
const WATCH_LIMIT = 10_000;

export class Lane {
  readonly upstream: string;
  readonly startedAt: number;
  readonly connection: Connection;
  readonly #child: Child;
  readonly #options: LaneOptions;
  readonly #catalog: Catalog;
  #greeting: Greeting | undefined;
  #alive = true;
  onUpdated?: (uri: string) => void;
  onStale?: () => void;
  #over: Promise<void> | undefined;
  /** Resolves when no process of the lane is left; says why. */
  readonly ended: Promise<string>;

  private constructor(spec: UpstreamSpec, child: Child, options: LaneOptions) {
    this.upstream = spec.name;
    this.startedAt = options.clock();
    this.#child = child;
    this.#options = options;
    const { onEvent, clock, redactor, digest } = options;
    this.#catalog = new Catalog({
      clock,
      take: (signal) => list(this.connection, this.#greeting!, signal),
      ...(digest && { digest }),
    });
    this.connection = new Connection({
      input: child.stdout,
      output: child.stdin,
      onFault: (fault, count) => onEvent('event.protocol', { upstream: spec.name, fault, count }),
      onListChanged: () => {
        this.#catalog.expire();
        this.onStale?.();
      },
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
  ): Promise<Lane> {
    await checkPackage(spec, pin);
    const began = options.clock();
    let lane: Lane | undefined;
    try {
      const child = await startChild(options.machine, {
        command: command(spec.package, spec.caps.memory),
        cwd: PACKAGE,
        env: spec.env,
        mounts: [{ source: spec.package.dir, target: PACKAGE, write: false }, ...spec.mounts],
        caps: spec.caps,
      });
      lane = new Lane(spec, child, options);
      const signal = AbortSignal.any([stop, AbortSignal.timeout(options.startLimit ?? START_LIMIT)]);
      lane.#greeting = await greet(lane.connection, options.version, signal);
      await lane.#catalog.list(signal);
      options.onEvent('event.lane', {
        upstream: spec.name,
        what: 'start',
        pid: child.pid,
        ms: options.clock() - began,
        caps: { ...child.inForce },
      });
      return lane;
    } catch (error) {
      if (lane) {
        lane.#child.kill();
        await lane.ended;
      }
      throw new Ended('stop', 'upstream.start', describe(error));
    }
  }

  get alive(): boolean {
    return this.#alive && this.#over === undefined;
  }

  get listing(): Listing {
    return this.#catalog.listing;
  }

  get digests(): ReadonlyMap<string, string> {
    return this.#catalog.digests;
  }

  fresh(now: number): boolean {
    return this.#catalog.fresh(now);
  }

  relist(): Promise<Listing> {
    return this.#catalog.relist();
  }

  /** Rejects with Ended, or the reason of the signal. */
  async call(call: Call, io: Io): Promise<Result | RpcError> {
    const { codec = LEGACY } = this.#options;
    const { method, params } = codec.ask(call);
    return codec.heard(method, await this.connection.ask(method, params, io));
  }

  async watch(uri: string, on: boolean): Promise<boolean> {
    const { resources } = this.#greeting!.capabilities;
    if (!isObject(resources) || resources['subscribe'] !== true) return false;
    const signal = AbortSignal.timeout(WATCH_LIMIT);
    const reply = await this.connection.ask(on ? 'resources/subscribe' : 'resources/unsubscribe', { uri }, { signal });
    return reply.kind === 'result';
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
