/**
 * Who gets which server process. Lane = (upstream, tenant, subject, agent, legacy session or '-', call id for tools
 * that execute code): one child, or the connections and session of one URL, from the first dispatch on. A child is
 * shared across lanes only where a person found that it remembers nothing (guarantee IS2).
 */
import { randomBytes } from 'node:crypto';
import type { Call, Handler, Io, Pinned, Result, RpcError } from '../core/call.ts';
import type { Code } from '../core/codes/index.ts';
import { Ended } from '../core/ended.ts';
import type { Random } from '../core/state.ts';
import type { Listing } from '../inventory/drift.ts';
import { type Resolve, systemResolve } from '../net/connect.ts';
import { Eras } from './era.ts';
import { type HttpLaneOptions, SessionLost } from './http/lane.ts';
import type { LaneOptions } from './lane.ts';
import { type OpenLane, opener } from './open-lane.ts';
import { isParked, Parking } from './parking.ts';
import { type Seat, Seats, type SeatsOptions } from './seats.ts';
import type { Talk } from './talk.ts';
import type { ChildOptions } from './way.ts';

export interface LanesOptions extends SeatsOptions, ChildOptions, Omit<LaneOptions, 'eras' | 'parking'> {
  /** What the lockfile pins of an upstream: `tool:name` -> digest. */
  readonly expected: (upstream: string) => ReadonlyMap<string, string>;
  /** A listing differs from `expected`. Told once for each listing that differs; lets the gateway hold the thing. */
  readonly onDrift: (upstream: string, listing: Listing) => void;
  /** Names of servers; by default the operating system's resolver. */
  readonly resolve?: Resolve;
  readonly random?: Random;
  /** What proves to a server reached by URL for whom we ask. */
  readonly credential?: NonNullable<HttpLaneOptions['credential']>;
  /** Milliseconds that a call waits for the answer to a question of its server. */
  readonly parked?: number;
  /** A server said that a resource was updated. */
  readonly onUpdated?: (lane: string, uri: string) => void;
  /** The server of a lane was listed again; no lane = one that all of the upstream share. */
  readonly onListed?: (upstream: string, lane: string | undefined, before: Listing, after: Listing) => void;
  /** Whether anyone waits to hear of `onListed`; otherwise a changed list is looked at when it is needed. */
  readonly wants?: (upstream: string, lane: string | undefined) => boolean;
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
  /** Gives up the calls for which there is a code, among those that wait for an answer while no request of theirs is open. */
  unpark(why: (call: Call) => Code | undefined): void;
  /** Starts a lane of its own, lists, ends it. For review: the package pin is not asked. Rejects with Ended. */
  probe(upstream: string): Promise<Listing>;
  /** Ends every lane; resolves when no process is left. */
  close(): Promise<void>;
}

/** Milliseconds between two listings that a server asked for. */
const RELIST_PAUSE = 1_000;

export function lanes(options: LanesOptions): Lanes {
  const { clock, timers, resolve = systemResolve, random = randomBytes } = options;
  const parking = new Parking({
    timers,
    random,
    ttl: options.parked,
    onEnd: ({ id, upstream }, why) => options.onEvent('event.parked', { upstream, call: id, why }),
  });
  const open = opener({ ...options, resolve, parking, eras: new Eras(clock) });
  const told = new Map<string, string>();
  const seats = new Seats(options, open, (seat, server) => {
    server.onUpdated = (uri) => {
      for (const lane of new Set(seat.watched.get(uri))) options.onUpdated?.(lane, uri);
    };
    server.onStale = () => stale(seat, server);
    judge(server);
  });

  /** Compares a listing with the lockfile; tells of each new difference once. */
  function judge(server: OpenLane): void {
    const expected = options.expected(server.upstream);
    const { digests } = server.catalog;
    let same = true;
    for (const [key, digest] of expected)
      if (digests.has(key) ? digests.get(key) !== digest : strict(key)) same = false;
    for (const key of digests.keys()) if (!expected.has(key) && strict(key)) same = false;
    const mark = same ? '' : JSON.stringify([...digests].sort());
    if (!same && told.get(server.upstream) !== mark) drifted(server);
    told.set(server.upstream, mark);
  }

  /** What the gateway does with it must not decide whether the lane lives. */
  function drifted({ upstream, catalog }: OpenLane): void {
    try {
      options.onDrift(upstream, catalog.listing);
    } catch (error) {
      options.onEvent('event.drift', { upstream, failed: String(error) });
    }
  }

  /** The server, with a listing that can be relied on. */
  function ready(mine: Seat): OpenLane | Promise<OpenLane> {
    const { server } = mine;
    return server?.alive && server.catalog.fresh(clock()) ? server : started(mine);
  }

  async function started(mine: Seat): Promise<OpenLane> {
    const server = mine.server ?? (await mine.starting);
    if (!server.catalog.fresh(clock())) await again(mine, server);
    return server;
  }

  async function again(mine: Seat, server: OpenLane): Promise<Listing> {
    const before = server.catalog.listing;
    const after = await server.catalog.relist();
    judge(server);
    if (after !== before) options.onListed?.(server.upstream, mine.lane, before, after);
    return after;
  }

  /** At most one look a second, however often a server says that its lists changed. */
  function stale(mine: Seat, server: OpenLane): void {
    if (mine.relisting || !options.wants?.(mine.upstream, mine.lane)) return;
    mine.relisting = true;
    const next = () => {
      mine.relisting = false;
      if (server.alive && !server.catalog.fresh(clock())) stale(mine, server);
    };
    again(mine, server)
      .catch(() => {})
      .finally(() => timers.set(next, RELIST_PAUSE));
  }

  /** Nothing is sent to a server that describes the thing differently than it was reviewed (guarantee NV1). */
  function check({ target }: Call, server: OpenLane): void {
    if (target.kind === 'route') return;
    const key = `${target.kind}:${target.name}`;
    const digest = server.catalog.digests.get(key);
    if (digest === target.digest || (digest === undefined && !strict(key))) return;
    drifted(server);
    throw new Ended('stop', 'inventory.changed', digest === undefined ? 'no longer listed' : `now ${digest}`);
  }

  async function handle(call: Call, io: Io): Promise<Result | RpcError> {
    if (isParked(call.resume?.state)) return parking.take(call).round(io, call.resume!.answers);
    try {
      return await dispatch(call, io);
    } catch (error) {
      if (!(error instanceof SessionLost)) throw error;
      // The server refused before it did anything, so this is the first time that the request is taken.
      seats.recovered(call);
      return dispatch(call, io);
    }
  }

  async function dispatch(call: Call, io: Io): Promise<Result | RpcError> {
    const mine = seats.take(call);
    let parked: Talk | undefined;
    try {
      const made = ready(mine);
      const server = made instanceof Promise ? await made : made;
      check(call, server);
      const answer = call.method === 'resources/list' ? await listed(mine, server) : await server.call(call, io);
      parked = parking.named(answer);
      return answer;
    } finally {
      if (parked) stay(mine, call, parked);
      else seats.release(mine, call);
    }
  }

  /** A parked call needs its server until it is over. */
  function stay(mine: Seat, call: Call, talk: Talk): void {
    mine.talks.add(talk);
    void talk.over.then(() => {
      mine.talks.delete(talk);
      seats.release(mine, call);
    });
  }

  /** Page by page and whole: cursors of a server go no further. */
  async function listed(mine: Seat, server: OpenLane): Promise<Result> {
    const { resources } = await again(mine, server);
    return { kind: 'result', value: { resultType: 'complete', resources: [...resources] } };
  }

  async function watch(call: Call, target: Pinned & { readonly uri?: string }): Promise<Watch | undefined> {
    const mine = seats.take(call);
    const uri = target.uri ?? target.name;
    let done = false;
    const close = () => {
      if (done) return;
      done = true;
      const left = mine.watched.get(uri)!;
      left.splice(left.indexOf(call.lane), 1);
      if (left.length === 0 && mine.watched.delete(uri) && mine.server?.alive)
        mine.server.watch?.(uri, false).catch(() => {});
      seats.release(mine, call);
    };
    mine.watched.set(uri, [...(mine.watched.get(uri) ?? []), call.lane]);
    try {
      const server = await ready(mine);
      check({ ...call, target }, server);
      if (server.watch && (await server.watch(uri, true))) return { lost: server.ended, close };
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
    unpark: (why) => parking.end(why),
    async probe(upstream) {
      const spec = options.specs(upstream);
      if (spec === undefined) throw new Ended('stop', 'upstream.start', 'no such upstream');
      const server = await open(spec, undefined, new AbortController().signal, { offered: {} });
      await server.end();
      return server.catalog.listing;
    },
    close: () => seats.close(),
  };
}

/** Resources may be pinned by prefix, and servers need not list each one: only a listed one is compared. */
const strict = (key: string) => !key.startsWith('resource:');
