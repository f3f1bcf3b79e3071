/**
 * The table of lanes: who has which server, from the moment a start is decided until nothing of it is left. Bounded by
 * subject and by upstream.
 */
import type { Call, Caller } from '../core/call.ts';
import { Ended } from '../core/ended.ts';
import type { Clock } from '../core/state.ts';
import { offer } from '../wire/eras/asks.ts';
import { Backoff } from './backoff.ts';
import type { Terms } from './calls.ts';
import { type AnySpec, kindOf, madeOf, type Opener, type OpenLane } from './open-lane.ts';
import type { Timers } from './parking.ts';

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
const HTTP_LIMITS: Pick<LaneLimits, 'perSubject' | 'perUpstream'> = { perSubject: 256, perUpstream: 1024 };

/** A server that ends this soon after its start counts as a failed start. */
const EARLY_DEATH = 5_000;

export interface SeatsOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly specs: (upstream: string) => AnySpec | undefined;
  /** The digest of tree or server that was reviewed (`doorward.lock`); undefined = none, and then nothing starts. */
  readonly pin: (upstream: string) => string | undefined;
  /** Tells apart callers of one principal who bring credentials of their own, which no lane may mix. */
  readonly own?: (upstream: string, caller: Caller) => string | undefined;
  /** Whether a person found that callers may share a process of the upstream (`stateless` in `doorward.lock`). */
  readonly shared?: (upstream: string) => boolean;
  readonly limits?: Partial<LaneLimits>;
}

export interface Seat {
  readonly key: string;
  /** As calls name it; undefined = all lanes of the upstream share it. */
  readonly lane: string | undefined;
  readonly upstream: string;
  readonly subject: string;
  readonly over: 'stdio' | 'http';
  /** What it was started by; a reload may say something else. */
  readonly by: string;
  readonly starting: Promise<OpenLane>;
  /** Gives up on the start. */
  readonly stop: AbortController;
  server: OpenLane | undefined;
  open: number;
  /** Of those, the ones that may be parked. */
  readonly talks: Set<{ readonly parked: boolean }>;
  usedAt: number;
  idle: unknown;
  /** URI -> who watches it: lanes, each as often as it does. */
  readonly watched: Map<string, string[]>;
  relisting: boolean;
}

export class Seats {
  readonly #options: SeatsOptions;
  readonly #limits: LaneLimits;
  readonly #open: Opener;
  readonly #onOpen: (seat: Seat, server: OpenLane) => void;
  readonly #seats = new Map<string, Seat>();
  readonly #ending = new Set<Promise<unknown>>();
  /** Take no more calls but still have some. */
  readonly #retired = new Set<OpenLane>();
  readonly #backoff: Backoff;
  #closed = false;

  /** `onOpen` is told of each server that started. */
  constructor(options: SeatsOptions, open: Opener, onOpen: (seat: Seat, server: OpenLane) => void) {
    this.#options = options;
    this.#limits = { ...LANE_LIMITS, ...options.limits };
    this.#open = open;
    this.#onOpen = onOpen;
    this.#backoff = new Backoff(this.#limits.backoff, this.#limits.backoffMax, options.clock);
  }

  /** The seat of the call's lane, with one more that needs it. Throws Ended. */
  take(call: Call): Seat {
    const spec = this.#options.specs(call.upstream);
    const pin = this.#options.pin(call.upstream);
    if (this.#closed || spec === undefined) throw new Ended('stop', 'upstream.start', 'no such upstream, or closing');
    if (pin === undefined) throw new Ended('stop', 'inventory.package', 'package or server is not pinned');
    const executes = call.target.kind === 'tool' && call.target.facts.executes;
    const shared = !executes && !('to' in spec) && this.#options.shared?.(spec.name) === true;
    // Who shares a process cannot be told from another by a server that asks.
    const terms: Terms = shared ? SHARED : spec.asks ? { offered: offer(call.claimed.capabilities, spec.asks) } : ALONE;
    const lane = shared ? undefined : call.lane;
    const own = this.#options.own?.(spec.name, call.caller);
    const plain = terms === ALONE && own === undefined;
    const key = plain ? call.lane : JSON.stringify([spec.name, lane ?? '', terms.offered, own ?? '']);
    let mine = this.#seats.get(key);
    if (mine?.server?.alive === false) this.#retire(mine, mine.server);
    else if (mine !== undefined && mine.by !== madeOf(spec, pin)) this.#end(mine);
    if (mine === undefined || this.#seats.get(key) !== mine) mine = this.#start(call, lane, key, spec, pin, terms);
    this.#options.timers.clear(mine.idle);
    mine.open++;
    return mine;
  }

  /** One less needs it. */
  release(seat: Seat, call: Call): void {
    const { clock, timers } = this.#options;
    seat.open--;
    seat.usedAt = clock();
    if (seat.open > 0 || this.#seats.get(seat.key) !== seat) return;
    if (call.target.kind === 'tool' && call.target.facts.executes) this.#end(seat);
    else seat.idle = timers.set(() => this.#end(seat), this.#limits.idle);
  }

  /** The next start of the call's subject need not wait. */
  recovered(call: Call): void {
    this.#backoff.recovered(originOf(call));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const one of this.#seats.values()) this.#end(one);
    for (const server of this.#retired) this.#endsWith(server.end());
    while (this.#ending.size > 0) await Promise.all(this.#ending);
  }

  #start(call: Call, lane: string | undefined, key: string, spec: AnySpec, pin: string, terms: Terms): Seat {
    const { clock } = this.#options;
    const subject = lane === undefined ? '' : subjectOf(call);
    const from = originOf(call);
    const wait = this.#backoff.wait(from);
    if (wait > 0) throw new Ended('stop', 'upstream.start', `waits ${wait} ms after failed starts`);
    const over = kindOf(spec);
    const { perSubject, perUpstream } = over === 'http' ? { ...HTTP_LIMITS, ...this.#options.limits } : this.#limits;
    if (lane !== undefined) this.#makeRoom((one) => one.subject === subject && one.over === over, perSubject);
    this.#makeRoom((one) => one.upstream === spec.name, perUpstream);
    const stop = new AbortController();
    const made: Seat = {
      key,
      lane,
      upstream: spec.name,
      subject,
      over,
      by: madeOf(spec, pin),
      starting: this.#open(spec, pin, stop.signal, terms, call.caller),
      stop,
      server: undefined,
      open: 0,
      talks: new Set(),
      usedAt: clock(),
      idle: undefined,
      watched: new Map(),
      relisting: false,
    };
    this.#seats.set(key, made);
    made.starting.then(
      (server) => {
        made.server = server;
        this.#onOpen(made, server);
        void server.ended.then(() => {
          // A lane that was ended on purpose has left its seat before.
          if (this.#seats.get(key) !== made) return;
          if (clock() - server.startedAt < EARLY_DEATH) this.#backoff.failed(from);
          else this.#backoff.recovered(from);
          this.#leave(made);
        });
      },
      (error) => {
        // Who has no credential yet need not wait once there is one.
        if (!isCredential(error)) this.#backoff.failed(from);
        this.#leave(made);
      },
    );
    return made;
  }

  /** Keeps a group of lanes below its bound: an idle lane gives way, then one of parked calls only; a busy one does not. */
  #makeRoom(inGroup: (seat: Seat) => boolean, bound: number): void {
    let [count, idlest] = [0, undefined as Seat | undefined];
    for (const one of this.#seats.values()) {
      if (!inGroup(one)) continue;
      count++;
      if (!one.server || isBusy(one)) continue;
      if (!idlest || before(one, idlest)) idlest = one;
    }
    if (count < bound) return;
    if (!idlest || this.#ending.size >= this.#limits.perUpstream) throw new Ended('stop', 'upstream.busy');
    this.#end(idlest);
  }

  #leave(gone: Seat): void {
    if (this.#seats.get(gone.key) === gone) this.#seats.delete(gone.key);
    this.#options.timers.clear(gone.idle);
  }

  #end(one: Seat): void {
    this.#leave(one);
    one.stop.abort(new Error('the lane was ended during its start'));
    this.#endsWith(
      one.starting.then(
        (server) => server.end(),
        () => {},
      ),
    );
  }

  #endsWith(over: Promise<unknown>): void {
    this.#ending.add(over);
    void over.finally(() => this.#ending.delete(over));
  }

  #retire(one: Seat, server: OpenLane): void {
    this.#leave(one);
    this.#retired.add(server);
    void server.ended.finally(() => this.#retired.delete(server));
  }
}

/** Whether anything is under way besides calls that wait for an answer of their client. */
function isBusy({ open, talks }: Seat): boolean {
  let parked = 0;
  for (const talk of talks) if (talk.parked) parked++;
  return open > parked;
}

/** Which of two gives way first. */
function before(one: Seat, other: Seat): boolean {
  return (one.open === 0) === (other.open === 0) ? one.usedAt < other.usedAt : one.open === 0;
}

const ALONE: Terms = { offered: {} };
const SHARED: Terms = { offered: {}, shared: true };
const subjectOf = ({ tenant, caller }: Call) => JSON.stringify([tenant, caller.subject]);
const originOf = (call: Call) => JSON.stringify([call.upstream, subjectOf(call)]);
const isCredential = (error: unknown) =>
  error instanceof Ended && (error.code === 'upstream.credential' || error.code === 'upstream.connect');
