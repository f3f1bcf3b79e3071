/**
 * Streams of change notifications: `subscriptions/listen`, and the stream that a session of an older revision has
 * beside its requests. What a stream says is made here. Of a server it passes on that something changed, and only
 * where that is so for the caller; it ends when its token does, or when its ground changes (house rule "Held streams").
 */
import { sessionOf } from '../core/admit.ts';
import { type Call, type Handler, type Io, type Result, STREAM } from '../core/call.ts';
import { Ended } from '../core/ended.ts';
import type { Listing } from '../inventory/drift.ts';
import type { Json } from '../lib/json/types.ts';
import { MAX_WATCHED } from '../wire/eras/methods.ts';
import { Stream, type StreamsOptions, type Why } from './stream.ts';

/** Which resources a session of an older revision subscribed to. */
const SPACE = 'session.subscriptions';
const LIFE = 24 * 3_600_000;
const DONE: Result = { kind: 'result', value: { resultType: 'complete' } };

export class Streams {
  readonly #options: StreamsOptions;
  readonly #open = new Set<Stream>();
  #closed = false;

  constructor(options: StreamsOptions) {
    this.#options = options;
  }

  /** Streams open now. */
  get size(): number {
    return this.#open.size;
  }

  /** Who answers a call of family `listen`. */
  readonly handler: Handler = (call, io) => {
    if (call.method === STREAM) return this.#listen(call, io);
    return call.method === 'resources/subscribe' ? this.#subscribe(call) : this.#unsubscribe(call);
  };

  /** Something was held or released, or other rules are in force: `all` = also such that judge messages. */
  changed(all = false): void {
    for (const stream of this.#open) stream.look(all);
  }

  /** A server said that a resource was updated. */
  updated(lane: string, uri: string): void {
    for (const stream of this.#open) if (stream.call.lane === lane) stream.updated(uri);
  }

  /** A server of a lane was listed again, or one that all lanes of the upstream share. */
  listed(upstream: string, lane: string | undefined, before: Listing, after: Listing): void {
    for (const stream of this.#open) if (isOf(stream.call, upstream, lane)) stream.listed(before, after);
  }

  /** Whether a change of what the server of this lane lists would be told to anyone. */
  wants(upstream: string, lane: string | undefined): boolean {
    // A tool or prompt that changed is held, and that is what its stream tells of.
    for (const { call, wanted } of this.#open) if (isOf(call, upstream, lane) && wanted.size > 0) return true;
    return false;
  }

  /** Ends the streams of calls that `which` picks, a revoked credential's for example. */
  end(which: (call: Call) => boolean, why: Why): void {
    for (const stream of this.#open) if (which(stream.call)) stream.finish(why);
  }

  close(): void {
    this.#closed = true;
    this.end(() => true, 'closing');
  }

  async #listen(call: Call, io: Io): Promise<Result> {
    const stream = new Stream(call, io, this.#options);
    this.#open.add(stream);
    try {
      if (this.#closed) return DONE;
      const session = sessionOf(call);
      const subscribed = session === '-' ? stream.asked : await this.#subscriptions(session);
      for (const uri of subscribed) await stream.watch(uri as string);
      await stream.run();
      return DONE;
    } finally {
      this.#open.delete(stream);
      stream.close();
    }
  }

  async #subscribe(call: Call): Promise<Result> {
    const [session, uri] = [sessionOf(call), uriOf(call)];
    for (const stream of this.#of(session))
      if (!(await stream.watch(uri))) throw new Ended('stop', 'upstream.protocol', 'the server has no subscriptions');
    await this.#remember(session, (known) => (known.includes(uri) ? known : [...known, uri]));
    return DONE;
  }

  async #unsubscribe(call: Call): Promise<Result> {
    const [session, uri] = [sessionOf(call), uriOf(call)];
    for (const stream of this.#of(session)) stream.unwatch(uri);
    await this.#remember(session, (known) => known.filter((one) => one !== uri));
    return DONE;
  }

  async #subscriptions(session: string): Promise<Json[]> {
    return ((await this.#options.state.get(SPACE, session)) as Json[] | undefined) ?? [];
  }

  /** Two requests of one session may come at once. */
  async #remember(session: string, change: (known: Json[]) => Json[]): Promise<void> {
    const { state } = this.#options;
    for (;;) {
      const before = await state.get(SPACE, session);
      const after = change((before as Json[] | undefined) ?? []);
      if (after.length > MAX_WATCHED) throw new Ended('stop', 'limits.concurrency', `${MAX_WATCHED} subscriptions`);
      if (await state.swap(SPACE, session, before, after, LIFE)) return;
    }
  }

  #of(session: string): Stream[] {
    return [...this.#open].filter(({ call }) => sessionOf(call) === session);
  }
}

function uriOf({ target }: Call): string {
  return ('uri' in target ? target.uri : undefined) ?? target.name;
}

function isOf(call: Call, upstream: string, lane: string | undefined): boolean {
  return call.upstream === upstream && (lane === undefined || call.lane === lane);
}
