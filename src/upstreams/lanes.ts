/**
 * Who gets which server process. Lane = (upstream, tenant, subject, agent, legacy session or '-', call id for tools
 * that execute code): one child, started at the first dispatch, never shared across lanes (guarantee IS2).
 */
import type { Call, Handler, Io, Result, RpcError } from '../core/call.ts';
import { Ended } from '../core/ended.ts';
import type { Listing } from '../inventory/drift.ts';
import type { JsonObject } from '../lib/json/types.ts';
import { ask, heard, heardError } from '../wire/eras/legacy.ts';
import { Lane, type LaneOptions, type UpstreamSpec } from './lane.ts';
import type { Reply } from './stdio.ts';

export interface Timers {
  set(run: () => void, ms: number): unknown;
  clear(timer: unknown): void;
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

export interface LaneLimits {
  /** Milliseconds without a call after which a lane ends. */
  readonly idle: number;
  readonly perSubject: number;
  readonly perUpstream: number;
  /** First wait after a failed start, in milliseconds; doubles with each failure up to `backoffMax`. */
  readonly backoff: number;
  readonly backoffMax: number;
}
export const LANE_LIMITS: LaneLimits = {
  idle: 300_000,
  perSubject: 8,
  perUpstream: 64,
  backoff: 500,
  backoffMax: 60_000,
};

export interface LanesOptions extends LaneOptions {
  readonly specs: (upstream: string) => UpstreamSpec | undefined;
  /** The tree digest that was reviewed (`doorward.lock`); undefined = none, and then nothing starts. */
  readonly pin: (upstream: string) => string | undefined;
  /** What the lockfile pins of an upstream: `tool:name` -> digest. */
  readonly expected: (upstream: string) => ReadonlyMap<string, string>;
  /** A listing differs from `expected`. Told once for each listing that differs; lets the gateway hold the thing. */
  readonly onDrift: (upstream: string, listing: Listing) => void;
  readonly codec?: Codec;
  readonly timers: Timers;
  readonly limits?: Partial<LaneLimits>;
}

export interface Lanes {
  readonly handle: Handler;
  /** Starts a lane of its own, lists, ends it. For review: the package pin is not asked. Rejects with Ended. */
  probe(upstream: string): Promise<Listing>;
  /** Ends every lane; resolves when no process is left. */
  close(): Promise<void>;
}

/** A place in the table, from the moment a start is decided. */
interface Seat {
  readonly key: string;
  readonly upstream: string;
  readonly subject: string;
  readonly starting: Promise<Lane>;
  /** Gives up on the start. */
  readonly stop: AbortController;
  lane: Lane | undefined;
  open: number;
  usedAt: number;
  idle: unknown;
}

/** A server that ends this soon after its start counts as a failed start. */
const EARLY_DEATH = 5_000;
/** Remembered failures, in each of two generations. */
const MAX_FAILURES = 1000;

export function lanes(options: LanesOptions): Lanes {
  const limits = { ...LANE_LIMITS, ...options.limits };
  const { clock, timers, codec = LEGACY } = options;
  const seats = new Map<string, Seat>();
  const ending = new Set<Promise<void>>();
  const told = new Map<string, string>();
  let failures = [new Map<string, Failure>(), new Map<string, Failure>()] as const;
  let closed = false;

  function seat(call: Call, spec: UpstreamSpec, pin: string): Seat {
    const subject = JSON.stringify([call.tenant, call.caller.subject]);
    const from = JSON.stringify([spec.name, subject]);
    const wait = (find(from)?.until ?? 0) - clock();
    if (wait > 0) throw new Ended('stop', 'upstream.start', `waits ${wait} ms after failed starts`);
    makeRoom((one) => one.subject === subject, limits.perSubject);
    makeRoom((one) => one.upstream === spec.name, limits.perUpstream);
    const stop = new AbortController();
    const made: Seat = {
      key: call.lane,
      upstream: spec.name,
      subject,
      starting: Lane.start(spec, pin, options, stop.signal),
      stop,
      lane: undefined,
      open: 0,
      usedAt: clock(),
      idle: undefined,
    };
    seats.set(call.lane, made);
    made.starting.then(
      (lane) => {
        made.lane = lane;
        judge(lane);
        void lane.ended.then(() => {
          // A lane that was ended on purpose has left its seat before.
          if (seats.get(made.key) !== made) return;
          if (clock() - lane.startedAt < EARLY_DEATH) failed(from);
          else recovered(from);
          leave(made);
        });
      },
      () => {
        failed(from);
        leave(made);
      },
    );
    return made;
  }

  /** Keeps a group of lanes below its bound: an idle lane gives way, a busy one does not. */
  function makeRoom(inGroup: (seat: Seat) => boolean, bound: number): void {
    let [count, idlest] = [0, undefined as Seat | undefined];
    for (const one of seats.values()) {
      if (!inGroup(one)) continue;
      count++;
      if (one.open === 0 && one.lane && (!idlest || one.usedAt < idlest.usedAt)) idlest = one;
    }
    if (count < bound) return;
    if (!idlest || ending.size >= limits.perUpstream) throw new Ended('stop', 'upstream.busy');
    end(idlest);
  }

  function leave(gone: Seat): void {
    if (seats.get(gone.key) === gone) seats.delete(gone.key);
    timers.clear(gone.idle);
  }

  function end(one: Seat): void {
    leave(one);
    one.stop.abort(new Error('the lane was ended during its start'));
    const over = one.starting.then(
      (lane) => lane.end(),
      () => {},
    );
    ending.add(over);
    void over.finally(() => ending.delete(over));
  }

  function find(from: string): Failure | undefined {
    return failures[0].get(from) ?? failures[1].get(from);
  }

  function failed(from: string): void {
    const count = (find(from)?.count ?? 0) + 1;
    const wait = Math.min(limits.backoffMax, limits.backoff * 2 ** Math.min(count - 1, 20));
    if (failures[0].size >= MAX_FAILURES) failures = [new Map(), failures[0]];
    failures[0].set(from, { count, until: clock() + wait });
  }

  function recovered(from: string): void {
    for (const generation of failures) generation.delete(from);
  }

  /** Compares a listing with the lockfile; tells of each new difference once. */
  function judge(lane: Lane): void {
    const expected = options.expected(lane.upstream);
    const { digests } = lane;
    let same = true;
    for (const [key, digest] of expected)
      if (digests.has(key) ? digests.get(key) !== digest : strict(key)) same = false;
    for (const key of digests.keys()) if (!expected.has(key) && strict(key)) same = false;
    const mark = same ? '' : JSON.stringify([...digests].sort());
    if (!same && told.get(lane.upstream) !== mark) drifted(lane);
    told.set(lane.upstream, mark);
  }

  /** What the gateway does with it must not decide whether the lane lives. */
  function drifted(lane: Lane): void {
    try {
      options.onDrift(lane.upstream, lane.listing);
    } catch (error) {
      options.onEvent('event.drift', { upstream: lane.upstream, failed: String(error) });
    }
  }

  async function ready(mine: Seat): Promise<Lane> {
    const lane = mine.lane ?? (await mine.starting);
    if (!lane.fresh(clock())) {
      await lane.relist();
      judge(lane);
    }
    return lane;
  }

  /** Nothing is sent to a server that describes the thing differently than it was reviewed (guarantee NV1). */
  function check(call: Call, lane: Lane): void {
    const { target } = call;
    if (target.kind === 'route') return;
    const key = `${target.kind}:${target.name}`;
    const digest = lane.digests.get(key);
    if (digest === target.digest || (digest === undefined && !strict(key))) return;
    drifted(lane);
    throw new Ended('stop', 'inventory.changed', digest === undefined ? 'no longer listed' : `now ${digest}`);
  }

  async function handle(call: Call, io: Io): Promise<Result | RpcError> {
    const spec = options.specs(call.upstream);
    const pin = options.pin(call.upstream);
    if (closed || spec === undefined) throw new Ended('stop', 'upstream.start', 'no such upstream, or closing');
    if (pin === undefined) throw new Ended('stop', 'inventory.package', 'the package is not pinned');
    let mine = seats.get(call.lane);
    if (mine?.lane?.alive === false) leave(mine);
    if (mine === undefined || seats.get(call.lane) !== mine) mine = seat(call, spec, pin);
    timers.clear(mine.idle);
    mine.open++;
    try {
      const lane = mine.lane?.alive && mine.lane.fresh(clock()) ? mine.lane : await ready(mine);
      check(call, lane);
      const { method, params } = codec.ask(call);
      return codec.heard(method, await lane.connection.ask(method, params, io));
    } finally {
      release(mine, call);
    }
  }

  function release(mine: Seat, call: Call): void {
    mine.open--;
    mine.usedAt = clock();
    if (mine.open > 0 || seats.get(mine.key) !== mine) return;
    if (call.target.kind === 'tool' && call.target.facts.executes) end(mine);
    else mine.idle = timers.set(() => end(mine), limits.idle);
  }

  return {
    handle,
    async probe(upstream) {
      const spec = options.specs(upstream);
      if (spec === undefined) throw new Ended('stop', 'upstream.start', 'no such upstream');
      const lane = await Lane.start(spec, undefined, options, new AbortController().signal);
      await lane.end();
      return lane.listing;
    },
    async close() {
      closed = true;
      for (const one of seats.values()) end(one);
      while (ending.size > 0) await Promise.all(ending);
    },
  };
}

interface Failure {
  readonly count: number;
  /** No start before, on the clock. */
  readonly until: number;
}

/** Resources may be pinned by prefix, and servers need not list each one: only a listed one is compared. */
const strict = (key: string) => !key.startsWith('resource:');
