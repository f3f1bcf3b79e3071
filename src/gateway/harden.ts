/**
 * One pipeline, two endings. The gateway hardens a proxy; a server author hardens a handler of their own. What a
 * door or the kit hands in is judged here and nowhere else (house rule 4).
 */
import { admit, attempt, type Entry, isCall } from '../core/admit.ts';
import { refusal } from '../core/answer.ts';
import { type Attempt, type Handler, STREAM } from '../core/call.ts';
import { CODES } from '../core/codes/index.ts';
import type { Evidence, Gate, Identified, Refused } from '../core/gate.ts';
import { run } from '../core/pipeline.ts';
import type { Handlers, Snapshot, World } from '../core/ports.ts';
import type { Maybe, Random } from '../core/state.ts';
import { deadline, type Limits } from './deadline.ts';
import { idMaker } from './ids.ts';
import type { Tasks } from './tasks.ts';
import { Underway } from './underway.ts';

export interface HardenOptions {
  /** The rules in force; asked once a call, so that a running call keeps its own. */
  readonly snapshot: () => Snapshot;
  readonly world: World;
  /** Who answers a call that was let through. */
  readonly handlers: Handlers;
  readonly authenticate: (evidence: Evidence) => Maybe<Identified>;
  readonly random: Random;
  readonly limits?: Limits;
  /** Opens what of a request we sealed ourselves. */
  readonly unsealed?: (entry: Entry) => Entry;
  /** Calls that may begin tasks or are about them. */
  readonly tasks?: Tasks;
  /** Where calls can be ended in the middle. */
  readonly underway?: Underway;
}

export function harden(options: HardenOptions): Gate {
  const { world, random, tasks, unsealed = (entry: Entry) => entry } = options;
  const { underway = new Underway(world.clock) } = options;
  const id = idMaker(world.clock, random);

  /** Records an Attempt. The controls that charge for attempts may turn its answer into another (429). */
  function refused(made: Attempt, snap: Snapshot): Refused {
    let code = made.code;
    for (const control of snap.in('call')) {
      if (!control.attempt) continue;
      try {
        code = control.attempt(made, snap.of(control.id), world.state) ?? code;
      } catch {
        code = `internal.${control.id}`;
      }
    }
    try {
      world.log.attempt(code === made.code ? made : Object.freeze({ ...made, code }));
    } catch {
      // A refusal stays one when it cannot be written; nothing is let through by it.
    }
    return { code, message: refusal(code, made.id), ...(CODES[code].http === 429 && { retryAfter: 1 }) };
  }

  return {
    clock: world.clock,
    random,
    id,
    snapshot: options.snapshot,
    authenticate: options.authenticate,
    waits: (call, cancel) => underway.enter(call, cancel),
    refuse: (entry, stage, code, name) => refused(attempt(entry, stage, code, name), options.snapshot()),
    async call(entry: Entry, deliver, cancel) {
      const known = entry.said.family === 'task' && tasks ? await tasks.unsealed(entry) : entry;
      const snap = options.snapshot();
      const made = admit(known.said.resume || known.said.flow !== undefined ? unsealed(known) : known, snap);
      if (!isCall(made)) return refused(made, snap);
      underway.late(made, cancel);
      const handler = options.handlers(made);
      const leave = underway.enter(made, cancel);
      if (made.method === STREAM) {
        // From its handler on it is among the open streams, which end in order.
        const opened: Handler = (call, io) => {
          leave();
          return handler(call, io);
        };
        return run(made, snap, world, opened, deliver, cancel).finally(leave);
      }
      const timer = deadline(cancel, options.limits);
      const around = tasks?.around(made, handler);
      try {
        const ending = await run(made, snap, world, around?.handler ?? handler, timer.watch(deliver), cancel);
        return around ? await around.told(ending) : ending;
      } finally {
        timer.clear();
        leave();
      }
    },
  };
}

/** What a server author names when they write a handler or a mapping to a Caller. */
export type { Call, Caller, Handler, Io, Notification, Result, RpcError } from '../core/call.ts';
export type { Evidence, Gate } from '../core/gate.ts';
export type { Handlers, Log, Snapshot, World } from '../core/ports.ts';
