/**
 * Tasks whose state a stream tells (`notifications/tasks` of SEP-2663). Each look is a `tasks/get` of the stream's own
 * caller: a call like any other, under the rules in force. What a server would push is not relied on.
 */
import type { Call } from '../core/call.ts';
import { Ended } from '../core/ended.ts';
import { type Gate, isRefused } from '../core/gate.ts';
import { sha256Hex } from '../lib/bytes.ts';
import type { Json, JsonObject } from '../lib/json/types.ts';
import type { Timers } from '../upstreams/parking.ts';
import { type FlowParts, handleOf } from './flow.ts';

export interface Looks {
  /** Whether the handle says anything to the caller of this stream. */
  readonly known: (call: Call, taskId: string) => boolean;
  /** What `tasks/get` answers now; 'gone' = no such task for the caller; undefined, or a rejection = there may be later. */
  readonly get: (call: Call, taskId: string, signal: AbortSignal) => Promise<JsonObject | 'gone' | undefined>;
}

export interface FollowedOptions {
  readonly looks: Looks;
  readonly timers: Timers;
  /** A state that was not told before. Must not reject. */
  readonly tell: (task: JsonObject) => Promise<void>;
  /** Nothing is left to follow. */
  readonly done: () => void;
}

/** Milliseconds between two looks: unless the server names another, at least, and at most. */
const PACE = 5_000;
const LEAST = 1_000;
const MOST = 60_000;
const OVER: ReadonlySet<Json | undefined> = new Set(['completed', 'failed', 'cancelled']);

export class Followed {
  /** Those that are told of. */
  readonly ids: readonly string[];
  readonly #call: Call;
  readonly #options: FollowedOptions;
  readonly #stop = new AbortController();
  #left: number;

  constructor(call: Call, asked: readonly string[], options: FollowedOptions) {
    this.#call = call;
    this.#options = options;
    this.ids = asked.filter((id) => options.looks.known(call, id));
    this.#left = this.ids.length;
  }

  start(): void {
    for (const id of this.ids) void this.#follow(id);
  }

  stop(): void {
    this.#stop.abort(new Ended('cancel', 'run.cancelled'));
  }

  async #follow(id: string): Promise<void> {
    const { looks, tell, done } = this.#options;
    const { signal } = this.#stop;
    let wait = PACE;
    let told = '';
    for (;;) {
      // A look that fails is none: there may be an answer later.
      const task = await looks.get(this.#call, id, signal).catch(() => undefined);
      if (signal.aborted) return;
      if (task === 'gone') break;
      if (task === undefined) wait = Math.min(wait * 2, MOST);
      else {
        const now = sha256Hex(JSON.stringify(task));
        if (now !== told) await tell(task);
        told = now;
        if (OVER.has(task['status'])) break;
        const { pollIntervalMs: pace = PACE } = task;
        wait = Math.min(Math.max(Number(pace), LEAST), MOST);
      }
      await this.#pause(wait);
      if (signal.aborted) return;
    }
    if (--this.#left === 0) done();
  }

  #pause(ms: number): Promise<void> {
    const { timers } = this.#options;
    const { signal } = this.#stop;
    return new Promise((resolve) => {
      const over = () => {
        timers.clear(timer);
        signal.removeEventListener('abort', over);
        resolve();
      };
      const timer = timers.set(over, ms);
      signal.addEventListener('abort', over);
    });
  }
}

/** Too much at once or in an hour, a server that cannot be reached, a log that cannot be written: another look may find it. */
const PASSING = /^(?:limits|upstream|run|audit)\.|^output\.session$/;

/** What a look reads counts where what its stream's client reads does: `parts` make it a handle for its flow. */
export function looks(gate: () => Gate, known: Looks['known'], parts: FlowParts): Looks {
  return {
    known,
    async get({ peer, caller, route, era, claimed, flow }, name, signal) {
      const { id, clock, call } = gate();
      const cancel = new AbortController();
      const abort = () => cancel.abort(signal.reason);
      if (signal.aborted) abort();
      signal.addEventListener('abort', abort);
      try {
        const at = clock();
        const about = { method: 'tasks/get', family: 'task', args: {}, trace: {}, session: '-' } as const;
        const own = flow === undefined ? {} : { flow: handleOf({ caller, at, flow }, parts) };
        const entry = { id: id(), at, peer, caller, route, said: { ...about, era, claimed, name, ...own } };
        const end = await call(entry, () => {}, cancel);
        if (end.message.kind === 'result') {
          const { resultType: _, _meta: __, ...task } = end.message.value;
          return task;
        }
        const code = isRefused(end) ? end.code : end.outcome.code;
        return code !== undefined && PASSING.test(code) ? undefined : 'gone';
      } finally {
        signal.removeEventListener('abort', abort);
      }
    },
  };
}
