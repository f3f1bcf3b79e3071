/** One running server: a sandboxed child, the connection to it, and what it says it offers. */
import type { Code } from '../core/codes/index.ts';
import { Ended } from '../core/ended.ts';
import type { Clock } from '../core/state.ts';
import { descriptorDigest, nameOf } from '../inventory/digest.ts';
import type { Listing } from '../inventory/drift.ts';
import type { Json } from '../lib/json/types.ts';
import type { Caps } from './cgroups.ts';
import { type Child, startChild } from './child.ts';
import { type Greeting, greet, list } from './handshake.ts';
import type { Machine } from './machine.ts';
import type { Mount } from './mounts.ts';
import { command, PACKAGE, type PreparedPackage } from './packages.ts';
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
  /** Milliseconds from the start of the process to its first listing. */
  readonly startLimit?: number;
  /** Milliseconds between closing stdin, SIGTERM and SIGKILL. */
  readonly grace?: number;
}

const START_LIMIT = 30_000;
const LIST_LIMIT = 10_000;
const GRACE = 1_000;
/** A listing older than this is taken anew before the next dispatch (house.md, "Inventory"). */
export const LISTING_AGE = 60_000;

const KINDS = [
  ['tool', 'tools'],
  ['prompt', 'prompts'],
  ['resource', 'resources'],
  ['template', 'templates'],
] as const;
/** Stands for two things of one name: which of them a call would reach is the server's choice. No pin equals it. */
const TWICE = 'listed twice';

export class Lane {
  readonly upstream: string;
  readonly startedAt: number;
  readonly connection: Connection;
  readonly #child: Child;
  readonly #options: LaneOptions;
  #greeting: Greeting | undefined;
  #listing: Listing | undefined;
  #listedAt = Number.NEGATIVE_INFINITY;
  #relisting: Promise<Listing> | undefined;
  /** `kind:name` -> digest, of the last listing. */
  digests: ReadonlyMap<string, string> = new Map();
  #alive = true;
  #over: Promise<void> | undefined;
  /** Resolves when no process of the lane is left; says why. */
  readonly ended: Promise<string>;

  private constructor(spec: UpstreamSpec, child: Child, options: LaneOptions) {
    this.upstream = spec.name;
    this.startedAt = options.clock();
    this.#child = child;
    this.#options = options;
    const { onEvent, clock, redactor } = options;
    this.connection = new Connection({
      input: child.stdout,
      output: child.stdin,
      onFault: (fault, count) => onEvent('event.protocol', { upstream: spec.name, fault, count }),
      onListChanged: () => (this.#listedAt = Number.NEGATIVE_INFINITY),
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
      await lane.#list(signal);
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
    return this.#listing!;
  }

  /** Whether the listing can be relied on at `now`. */
  fresh(now: number): boolean {
    return now - this.#listedAt <= LISTING_AGE;
  }

  /** Takes the listing again; callers at the same time share one. Rejects with Ended. */
  relist(): Promise<Listing> {
    this.#relisting ??= this.#list(AbortSignal.timeout(LIST_LIMIT))
      .catch((error) => {
        throw error instanceof Ended ? error : new Ended('stop', 'upstream.protocol', describe(error));
      })
      .finally(() => (this.#relisting = undefined));
    return this.#relisting;
  }

  async #list(signal: AbortSignal): Promise<Listing> {
    const { clock, digest: digestOf = descriptorDigest } = this.#options;
    // A change that is announced while the pages come in makes this listing old again.
    const at = (this.#listedAt = clock());
    const listing = await list(this.connection, this.#greeting!, signal);
    const digests = new Map<string, string>();
    for (const [kind, member] of KINDS) {
      for (const descriptor of listing[member]) {
        const name = nameOf(kind, descriptor);
        if (name === undefined) continue; // it cannot be pinned, called or shown
        const [key, digest] = [`${kind}:${name}`, digestOf(kind, descriptor)];
        const before = digests.get(key);
        digests.set(key, before === undefined || before === digest ? digest : TWICE);
      }
    }
    if (this.#listedAt !== at) return this.#list(signal);
    this.#listing = listing;
    this.digests = digests;
    return listing;
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

/** For the log only. */
function describe(error: unknown): string {
  if (error instanceof Ended) return error.detail ?? error.code;
  return error instanceof Error ? error.message : String(error);
}
