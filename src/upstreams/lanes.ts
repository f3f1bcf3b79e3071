/**
 * Who gets which server process. Lane = (upstream, tenant, subject, agent, legacy session or '-', call id for tools
 * that execute code): one child, or the connections and session of one URL, from the first dispatch on, never shared
 * across lanes (guarantee IS2).
 */
import type { Call, Handler, Io, Pinned, Result, RpcError } from '../core/call.ts';
import { Ended } from '../core/ended.ts';
import type { Listing } from '../inventory/drift.ts';
import { type Resolve, systemResolve } from '../net/connect.ts';
import { Backoff } from './backoff.ts';
import { Eras } from './era.ts';
import { HttpLane, SessionLost } from './http/lane.ts';
import type { HttpSpec } from './http/spec.ts';
import { Lane, type LaneOptions, type UpstreamSpec } from './lane.ts';

export interface Timers {
  set(run: () => void, ms: number): unknown;
  clear(timer: unknown): void;
}

/** An upstream as it is configured: a package that is started, or a URL that is called. */
export type AnySpec = UpstreamSpec | HttpSpec;

/** One server of one lane, whatever is behind it. */
export interface OpenLane {
  readonly upstream: string;
  readonly startedAt: number;
  /** False: calls go to a new one. */
  readonly alive: boolean;
  /** `kind:name` -> digest, of the last listing. */
  readonly digests: ReadonlyMap<string, string>;
  readonly listing: Listing;
  /** Whether the listing can be relied on at `now`. */
  fresh(now: number): boolean;
  relist(): Promise<Listing>;
  call(call: Call, io: Io): Promise<Result | RpcError>;
  /** Turns updates of one resource on or off; false when the server has no such thing. */
  watch?(uri: string, on: boolean): Promise<boolean>;
  /** Set by the owner of the lane: the server said that a resource was updated, or that its lists changed. */
  onUpdated?: (uri: string) => void;
  onStale?: () => void;
  end(): Promise<unknown>;
  readonly ended: Promise<string>;
}

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

/** Connections are cheaper than processes: each legacy session of each client may have one. */
export const HTTP_LIMITS: Pick<LaneLimits, 'perSubject' | 'perUpstream'> = { perSubject: 256, perUpstream: 1024 };

export interface LanesOptions extends Omit<LaneOptions, 'eras'> {
  readonly specs: (upstream: string) => AnySpec | undefined;
  /** The digest of tree or server that was reviewed (`doorward.lock`); undefined = none, and then nothing starts. */
  readonly pin: (upstream: string) => string | undefined;
  /** What the lockfile pins of an upstream: `tool:name` -> digest. */
  readonly expected: (upstream: string) => ReadonlyMap<string, string>;
  /** A listing differs from `expected`. Told once for each listing that differs; lets the gateway hold the thing. */
  readonly onDrift: (upstream: string, listing: Listing) => void;
  /** Names of servers; by default the operating system's resolver. */
  readonly resolve?: Resolve;
  /** A server said that a resource was updated. */
  readonly onUpdated?: (lane: string, uri: string) => void;
  /** A lane was listed again. */
  readonly onListed?: (upstream: string, lane: string, before: Listing, after: Listing) => void;
  /** Whether anyone waits to hear of `onListed`; otherwise a changed list is looked at when it is needed. */
  readonly wants?: (lane: string) => boolean;
  readonly timers: Timers;
  readonly limits?: Partial<LaneLimits>;
}

/** Updates of one resource, until it is closed. */
export interface Watch {
  /** Resolves when the lane has ended. */
  readonly lost: Promise<unknown>;
  close(): void;
}

export interface Lanes {
  readonly handle: Handler;
  /** Asks the server of the call's lane for updates of a resource. Undefined: it has no such thing. Rejects with Ended. */
  watch(call: Call, target: Pinned & { readonly uri?: string }): Promise<Watch | undefined>;
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
  readonly over: 'stdio' | 'http';
  /** What it was started by; a reload may say something else. */
  readonly by: string;
  readonly starting: Promise<OpenLane>;
  /** Gives up on the start. */
  readonly stop: AbortController;
  lane: OpenLane | undefined;
  open: number;
  usedAt: number;
  idle: unknown;
  /** URI -> how many watch it. */
  readonly watched: Map<string, number>;
  relisting: boolean;
}

/** A server that ends this soon after its start counts as a failed start. */
const EARLY_DEATH = 5_000;
/** Milliseconds between two listings that a server asked for. */
const RELIST_PAUSE = 1_000;

export function lanes(options: LanesOptions): Lanes {
  const limits = { ...LANE_LIMITS, ...options.limits };
  const { clock, timers } = options;
  const open = opener(options);
  const seats = new Map<string, Seat>();
  const ending = new Set<Promise<unknown>>();
  const retired = new Set<OpenLane>();
  const told = new Map<string, string>();
  const backoff = new Backoff(limits.backoff, limits.backoffMax, clock);
  let closed = false;

  function seat(call: Call, spec: AnySpec, pin: string): Seat {
    const subject = subjectOf(call);
    const from = originOf(call);
    const wait = backoff.wait(from);
    if (wait > 0) throw new Ended('stop', 'upstream.start', `waits ${wait} ms after failed starts`);
    const over = kindOf(spec);
    const { perSubject, perUpstream } = over === 'http' ? { ...HTTP_LIMITS, ...options.limits } : limits;
    makeRoom((one) => one.subject === subject && one.over === over, perSubject);
    makeRoom((one) => one.upstream === spec.name, perUpstream);
    const stop = new AbortController();
    const made: Seat = {
      key: call.lane,
      upstream: spec.name,
      subject,
      over,
      by: madeOf(spec, pin),
      starting: open(spec, pin, stop.signal),
      stop,
      lane: undefined,
      open: 0,
      usedAt: clock(),
      idle: undefined,
      watched: new Map(),
      relisting: false,
    };
    seats.set(call.lane, made);
    made.starting.then(
      (lane) => {
        made.lane = lane;
        lane.onUpdated = (uri) => {
          if (made.watched.has(uri)) options.onUpdated?.(made.key, uri);
        };
        lane.onStale = () => stale(made, lane);
        judge(lane);
        void lane.ended.then(() => {
          // A lane that was ended on purpose has left its seat before.
          if (seats.get(made.key) !== made) return;
          if (clock() - lane.startedAt < EARLY_DEATH) backoff.failed(from);
          else backoff.recovered(from);
          leave(made);
        });
      },
      () => {
        backoff.failed(from);
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

  /** A lane that takes no more calls but still has some. */
  function retire(one: Seat, lane: OpenLane): void {
    leave(one);
    retired.add(lane);
    void lane.ended.finally(() => retired.delete(lane));
  }

  /** Compares a listing with the lockfile; tells of each new difference once. */
  function judge(lane: OpenLane): void {
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
  function drifted(lane: OpenLane): void {
    try {
      options.onDrift(lane.upstream, lane.listing);
    } catch (error) {
      options.onEvent('event.drift', { upstream: lane.upstream, failed: String(error) });
    }
  }

  async function ready(mine: Seat): Promise<OpenLane> {
    const lane = mine.lane ?? (await mine.starting);
    if (!lane.fresh(clock())) await again(mine, lane);
    return lane;
  }

  async function again(mine: Seat, lane: OpenLane): Promise<Listing> {
    const before = lane.listing;
    const after = await lane.relist();
    judge(lane);
    if (after !== before) options.onListed?.(lane.upstream, mine.key, before, after);
    return after;
  }

  /** At most one look a second, however often a server says that its lists changed. */
  function stale(mine: Seat, lane: OpenLane): void {
    if (mine.relisting || !options.wants?.(mine.key)) return;
    mine.relisting = true;
    const next = () => {
      mine.relisting = false;
      if (lane.alive && !lane.fresh(clock())) stale(mine, lane);
    };
    again(mine, lane)
      .catch(() => {})
      .finally(() => timers.set(next, RELIST_PAUSE));
  }

  /** Nothing is sent to a server that describes the thing differently than it was reviewed (guarantee NV1). */
  function check(call: Call, lane: OpenLane): void {
    const { target } = call;
    if (target.kind === 'route') return;
    const key = `${target.kind}:${target.name}`;
    const digest = lane.digests.get(key);
    if (digest === target.digest || (digest === undefined && !strict(key))) return;
    drifted(lane);
    throw new Ended('stop', 'inventory.changed', digest === undefined ? 'no longer listed' : `now ${digest}`);
  }

  async function handle(call: Call, io: Io): Promise<Result | RpcError> {
    try {
      return await dispatch(call, io);
    } catch (error) {
      if (!(error instanceof SessionLost)) throw error;
      // The server refused before it did anything, so this is the first time that the request is taken.
      backoff.recovered(originOf(call));
      return dispatch(call, io);
    }
  }

  /** The seat of the call's lane, with one more that needs it. */
  function take(call: Call): Seat {
    const spec = options.specs(call.upstream);
    const pin = options.pin(call.upstream);
    if (closed || spec === undefined) throw new Ended('stop', 'upstream.start', 'no such upstream, or closing');
    if (pin === undefined) throw new Ended('stop', 'inventory.package', 'package or server is not pinned');
    let mine = seats.get(call.lane);
    if (mine?.lane?.alive === false) retire(mine, mine.lane);
    else if (mine !== undefined && mine.by !== madeOf(spec, pin)) end(mine);
    if (mine === undefined || seats.get(call.lane) !== mine) mine = seat(call, spec, pin);
    timers.clear(mine.idle);
    mine.open++;
    return mine;
  }

  async function dispatch(call: Call, io: Io): Promise<Result | RpcError> {
    const mine = take(call);
    try {
      const lane = mine.lane?.alive && mine.lane.fresh(clock()) ? mine.lane : await ready(mine);
      check(call, lane);
      return call.method === 'resources/list' ? await listed(mine, lane) : await lane.call(call, io);
    } finally {
      release(mine, call);
    }
  }

  /** Page by page and whole: cursors of a server go no further. */
  async function listed(mine: Seat, lane: OpenLane): Promise<Result> {
    const { resources } = await again(mine, lane);
    return { kind: 'result', value: { resultType: 'complete', resources: [...resources] } };
  }

  function release(mine: Seat, call: Call): void {
    mine.open--;
    mine.usedAt = clock();
    if (mine.open > 0 || seats.get(mine.key) !== mine) return;
    if (call.target.kind === 'tool' && call.target.facts.executes) end(mine);
    else mine.idle = timers.set(() => end(mine), limits.idle);
  }

  async function watch(call: Call, target: Pinned & { readonly uri?: string }): Promise<Watch | undefined> {
    const mine = take(call);
    const uri = target.uri ?? target.name;
    let done = false;
    const close = () => {
      if (done) return;
      done = true;
      const left = (mine.watched.get(uri) ?? 1) - 1;
      if (left > 0) mine.watched.set(uri, left);
      else if (mine.watched.delete(uri) && mine.lane?.alive) mine.lane.watch?.(uri, false).catch(() => {});
      release(mine, call);
    };
    mine.watched.set(uri, (mine.watched.get(uri) ?? 0) + 1);
    try {
      const lane = mine.lane?.alive && mine.lane.fresh(clock()) ? mine.lane : await ready(mine);
      check({ ...call, target }, lane);
      if (lane.watch && (await lane.watch(uri, true))) return { lost: lane.ended, close };
    } catch (error) {
      close();
      throw error;
    }
    close();
    return undefined;
  }

  return {
    handle,
    watch,
    async probe(upstream) {
      const spec = options.specs(upstream);
      if (spec === undefined) throw new Ended('stop', 'upstream.start', 'no such upstream');
      const lane = await open(spec, undefined, new AbortController().signal);
      await lane.end();
      return lane.listing;
    },
    async close() {
      closed = true;
      for (const one of seats.values()) end(one);
      for (const lane of retired) {
        const over = lane.end();
        ending.add(over);
        void over.finally(() => ending.delete(over));
      }
      while (ending.size > 0) await Promise.all(ending);
    },
  };
}

/** Starts a lane by what is configured: the only place that tells the kinds apart. */
function opener(
  options: LanesOptions,
): (spec: AnySpec, pin: string | undefined, stop: AbortSignal) => Promise<OpenLane> {
  const how = { ...options, resolve: options.resolve ?? systemResolve, eras: new Eras(options.clock) };
  return (spec, pin, stop) => ('to' in spec ? HttpLane.start(spec, pin, how, stop) : Lane.start(spec, pin, how, stop));
}

const kindOf = (spec: AnySpec) => ('to' in spec ? 'http' : 'stdio');
const madeOf = (spec: AnySpec, pin: string) => ('to' in spec ? `${pin} ${spec.config}` : pin);
const subjectOf = ({ tenant, caller }: Call) => JSON.stringify([tenant, caller.subject]);
const originOf = (call: Call) => JSON.stringify([call.upstream, subjectOf(call)]);

/** Resources may be pinned by prefix, and servers need not list each one: only a listed one is compared. */
const strict = (key: string) => !key.startsWith('resource:');
