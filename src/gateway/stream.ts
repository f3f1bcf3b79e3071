/**
 * One stream of change notifications, from its acknowledgement to its end. It remembers what its caller saw, and says
 * that a list changed only when that did.
 */
import type { Call, Io, PinKind, Pinned } from '../core/call.ts';
import { Ended } from '../core/ended.ts';
import type { Snapshot } from '../core/ports.ts';
import type { Clock, State } from '../core/state.ts';
import type { Listing } from '../inventory/drift.ts';
import { isObject, type JsonObject } from '../lib/json/types.ts';
import type { Watch } from '../upstreams/lanes.ts';
import type { Timers } from '../upstreams/parking.ts';
import { Followed, type Looks } from './followed.ts';
import { KINDS, visible, visibleResource } from './visible.ts';

export interface StreamsOptions {
  /** The rules in force, which may be newer than those of a stream. */
  readonly snapshot: () => Snapshot;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly state: Pick<State, 'get' | 'swap'>;
  /** Asks the server of the call's lane for updates of one resource; undefined when it has no such thing. */
  readonly watch: (call: Call, target: Pinned & { readonly uri?: string }) => Promise<Watch | undefined>;
  readonly onEnd: (call: Call, why: Why) => void;
  /** Without it no stream tells of tasks. */
  readonly looks?: Looks;
  /** Least milliseconds between two rounds of messages of one stream. */
  readonly pace?: number;
}

/** Why the gateway ended a stream. */
export type Why = 'token' | 'changed' | 'closing' | 'revoked' | 'halted';

type ListKind = 'toolsListChanged' | 'promptsListChanged' | 'resourcesListChanged';
const NOTES: Readonly<Record<ListKind, string>> = {
  toolsListChanged: 'notifications/tools/list_changed',
  promptsListChanged: 'notifications/prompts/list_changed',
  resourcesListChanged: 'notifications/resources/list_changed',
};
const LIST_OF: Readonly<Record<PinKind, ListKind>> = {
  tool: 'toolsListChanged',
  prompt: 'promptsListChanged',
  resource: 'resourcesListChanged',
  template: 'resourcesListChanged',
};

const PACE = 100;
/** How long the last messages of a stream may take. */
const FAREWELL = 1_000;
/** Longest time that a timer of Node takes. */
const MAX_TIMER = 2 ** 31 - 1;

export class Stream {
  readonly call: Call;
  readonly wanted: ReadonlySet<ListKind>;
  /** URIs that the request itself named. */
  readonly asked: readonly string[];
  readonly #io: Io;
  readonly #options: StreamsOptions;
  readonly #watches = new Map<string, Watch>();
  readonly #tasks: Followed | undefined;
  /** What the caller saw when it was last told: kind -> a text that differs when anything of it does. */
  #seen: ReadonlyMap<PinKind, string> | undefined;
  /** Lists and URIs to tell of. A flood of the same is one entry. */
  readonly #due = new Set<string>();
  #acknowledged = false;
  #sending = false;
  #pause: unknown;
  #expiry: unknown;
  #why: Why | undefined;
  #over = false;
  #resolve: () => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(call: Call, io: Io, options: StreamsOptions) {
    this.call = call;
    this.#io = io;
    this.#options = options;
    const { notifications } = call.args as { notifications: JsonObject };
    this.wanted = new Set((Object.keys(NOTES) as ListKind[]).filter((kind) => notifications[kind] === true));
    this.asked = (notifications['resourceSubscriptions'] as string[] | undefined) ?? [];
    const { taskIds } = notifications as { taskIds?: string[] };
    const { looks, timers } = options;
    if (looks && taskIds)
      this.#tasks = new Followed(call, taskIds, {
        looks,
        timers,
        tell: (task) => this.#say('notifications/tasks', task).catch((error) => this.#fail(error)),
        done: () => this.#idle() && this.#resolve(),
      });
    this.#seen = this.#see();
    this.#expire();
  }

  /** False when the resource is not there for the caller, or its server tells of no updates. Rejects with Ended. */
  async watch(uri: string): Promise<boolean> {
    if (this.#watches.has(uri)) return true;
    const target = this.#readable(uri);
    if (!target || this.#over) return false;
    const watch = await this.#options.watch(this.call, target);
    if (!watch) return false;
    if (this.#over || this.#watches.has(uri)) watch.close();
    else {
      this.#watches.set(uri, watch);
      void watch.lost.then(() => {
        if (this.#watches.get(uri) === watch) this.#fail(new Ended('stop', 'upstream.lost', 'while it was watched'));
      });
    }
    return true;
  }

  unwatch(uri: string): void {
    this.#watches.get(uri)?.close();
    this.#watches.delete(uri);
  }

  /** Acknowledges what is served, then speaks until its end. Rejects with Ended when the client or a server is gone. */
  async run(): Promise<void> {
    const ended = new Promise<void>((resolve, reject) => {
      [this.#resolve, this.#reject] = [resolve, reject];
    });
    const gone = () => this.#fail(this.#io.signal.reason);
    if (this.#io.signal.aborted) gone();
    this.#io.signal.addEventListener('abort', gone, { once: true });
    ended.catch(() => {});
    const watched = [...this.#watches.keys()];
    const notifications: JsonObject = {
      ...Object.fromEntries([...this.wanted].map((kind) => [kind, true])),
      ...(watched.length > 0 && { resourceSubscriptions: watched }),
      ...(this.#tasks && this.#tasks.ids.length > 0 && { taskIds: [...this.#tasks.ids] }),
    };
    await this.#io.send({
      kind: 'notification',
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications },
    });
    this.#acknowledged = true;
    // Nothing to wait for: nothing was asked, or nothing of it is there.
    if (this.#idle() && !this.#tasks?.ids.length) this.#resolve();
    this.#tasks?.start();
    void this.#flush();
    return ended;
  }

  /** Whether it waits for nothing but tasks. */
  #idle(): boolean {
    return this.#watches.size === 0 && this.wanted.size === 0;
  }

  /** Compares what the caller may see now with what it saw. A difference is told, and is the end. */
  look(all: boolean): void {
    const now = this.#see();
    const moved = now === undefined ? [] : KINDS.filter((kind) => now.get(kind) !== this.#seen?.get(kind));
    const unread = [...this.#watches.keys()].some((uri) => this.#readable(uri) === undefined);
    if (!all && now !== undefined && moved.length === 0 && !unread) return;
    this.#seen = now;
    for (const kind of moved) this.#mark(LIST_OF[kind]);
    this.finish('changed');
  }

  updated(uri: string): void {
    if (this.#watches.has(uri)) this.#mark(uri);
  }

  listed(before: Listing, after: Listing): void {
    if (this.#urisOf(before) !== this.#urisOf(after)) this.#mark('resourcesListChanged');
  }

  /** Says what is due, then ends in order. */
  finish(why: Why): void {
    if (this.#why !== undefined || this.#over) return;
    this.#why = why;
    this.#tasks?.stop();
    this.#options.onEnd(this.call, why);
    this.#options.timers.set(() => this.#resolve(), FAREWELL);
    void this.#flush();
  }

  close(): void {
    this.#over = true;
    this.#tasks?.stop();
    this.#options.timers.clear(this.#pause);
    this.#options.timers.clear(this.#expiry);
    for (const uri of this.#watches.keys()) this.unwatch(uri);
  }

  #fail(error: unknown): void {
    this.#over = true;
    this.#reject(error);
  }

  #mark(what: string): void {
    if (what in NOTES && !this.wanted.has(what as ListKind)) return;
    this.#due.add(what);
    void this.#flush();
  }

  /** One round of messages at a time, and a pause after each: a server sets neither our pace nor our memory. */
  async #flush(): Promise<void> {
    if (!this.#acknowledged || this.#sending || this.#over || (this.#pause !== undefined && !this.#why)) return;
    this.#sending = true;
    try {
      for (const what of this.#due) {
        this.#due.delete(what);
        if (this.#over) return;
        if (what in NOTES) await this.#say(NOTES[what as ListKind], {});
        else if (this.#readable(what)) await this.#say('notifications/resources/updated', { uri: what });
      }
    } catch (error) {
      return this.#fail(error);
    } finally {
      this.#sending = false;
    }
    if (this.#why) return this.#resolve();
    const { timers, pace = PACE } = this.#options;
    this.#pause = timers.set(() => {
      this.#pause = undefined;
      if (this.#due.size > 0) void this.#flush();
    }, pace);
  }

  #say(method: string, params: JsonObject): Promise<void> {
    return this.#io.send({ kind: 'notification', method, params });
  }

  #expire(): void {
    const { expires } = this.call.caller;
    if (expires === undefined) return;
    const { clock, timers } = this.#options;
    const left = expires - clock();
    if (left <= 0) return this.finish('token');
    this.#expiry = timers.set(() => this.#expire(), Math.min(left, MAX_TIMER));
  }

  get #reader() {
    const { caller, upstream } = this.call;
    return { caller, upstream, at: this.#options.clock() };
  }

  /** The reviewed resource, when the caller may read it under the rules in force. */
  #readable(uri: string): (Pinned & { readonly uri?: string }) | undefined {
    const { shelf, may } = this.#options.snapshot();
    const { caller, upstream, at } = this.#reader;
    const found = shelf.find(upstream, 'listen', 'resources/subscribe', uri);
    if (found.kind !== 'pinned') return undefined;
    const said = may('call', caller, found.target, { args: {}, at, upstream });
    return said.allow && !said.ask ? found.target : undefined;
  }

  /** Undefined when the route leads elsewhere, or nowhere. */
  #see(): ReadonlyMap<PinKind, string> | undefined {
    const snapshot = this.#options.snapshot();
    if (snapshot.routes.get(this.call.route) !== this.call.upstream) return undefined;
    const things = (kind: PinKind) =>
      visible(snapshot, this.#reader, kind).map(({ upstream, name, descriptor, digest, facts, exceptions, cap }) => [
        [upstream, name, descriptor['name'], digest, facts, exceptions, cap],
      ]);
    return new Map(KINDS.map((kind) => [kind, JSON.stringify(things(kind))]));
  }

  #urisOf({ resources }: Listing): string {
    const snapshot = this.#options.snapshot();
    const uris = resources.flatMap((entry) => {
      const uri = isObject(entry) ? entry['uri'] : undefined;
      return typeof uri === 'string' && visibleResource(snapshot, this.#reader, uri) ? [uri] : [];
    });
    return JSON.stringify([...new Set(uris)].sort());
  }
}
