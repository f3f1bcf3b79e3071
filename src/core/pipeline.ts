/**
 * The loop that every call passes, in every era, behind every door and in the library. Controls answer with
 * verdicts; only this file calls them, calls the handler, and writes the log (house.md, "The loop").
 */

import type { Json } from '../lib/json/types.ts';
import { refit } from './admit.ts';
import { answer } from './answer.ts';
import type { Call, Handler, Message, Notification, Result, RpcError, Taint } from './call.ts';
import type { Code } from './codes/index.ts';
import { Ended } from './ended.ts';
import type { Snapshot, Trail, World } from './ports.ts';
import { requestsOf } from './rounds.ts';
import type { Breathe } from './slices.ts';
import type { Maybe } from './state.ts';
import type { Control, Inputs, Outcome, Verdict } from './verdict.ts';

/** Brings an interim message to the caller. */
export type Deliver = (message: Notification) => Maybe<void>;

export interface Ending {
  readonly message: Result | RpcError;
  readonly outcome: Outcome;
  readonly call: Call;
  readonly trail: Trail;
}

/** A stream of notifications may be looked at for days: what it keeps of that is bounded. */
const MAX_TRAIL = 8192;

/**
 * Runs one call to its end. Never rejects.
 * `cancel` aborts with an `Ended` as reason (cancel, timeout); any other reason counts as a cancel.
 */
export async function run(
  start: Call,
  snap: Snapshot,
  world: World,
  handler: Handler,
  deliver: Deliver,
  cancel: AbortController,
): Promise<Ending> {
  const { signal } = cancel;
  const trail: Trail = [];
  const entered: Control<unknown>[] = [];
  const taint: Taint[] = [];
  let call = start;
  let first: Ended | undefined;
  let sent = false;
  let open = true;
  let over = false;
  let handlerMs = 0;
  let asks = false;

  const finish = (ended: Ended): Ended => (first ??= ended);

  async function each<T>(
    list: readonly Control<unknown>[],
    way: 'in' | 'out',
    value: T,
    judge: (control: Control<unknown>, value: T) => Maybe<Verdict<T>> | undefined,
    edited: (value: T) => void,
  ): Promise<T> {
    for (const control of list) {
      let verdict: Verdict<T> | undefined;
      try {
        const said = judge(control, value);
        verdict = said instanceof Promise ? await said : said;
      } catch (error) {
        // An aborted call stops at the next slice.
        if (signal.aborted && error === signal.reason) throw finish(endedBy(error, signal));
        verdict = { kind: 'stop', code: `internal.${control.id}`, detail: describe(error) };
      }
      if (verdict === undefined) continue;
      if (trail.length < MAX_TRAIL || verdict.kind === 'stop') trail.push({ id: control.id, way, verdict });
      if (first) throw first;
      if (verdict.kind === 'stop') {
        const released = verdict.keep && world.quarantine && (await keep(world.quarantine, value, verdict.code));
        if (released) {
          trail[trail.length - 1] = { id: control.id, way, verdict: { kind: 'pass', released } };
          if (!taint.includes('injection-suspected')) taint.push('injection-suspected');
          continue;
        }
        throw finish(new Ended('stop', verdict.code, verdict.detail, undefined, verdict.data));
      }
      if (verdict.kind === 'ask') throw finish(new Ended('ask', 'approval.needed', undefined, verdict.question));
      if (verdict.taint && !taint.includes(verdict.taint)) taint.push(verdict.taint);
      if (verdict.kind === 'edit') edited((value = verdict.value));
      if (verdict.ask && way === 'in') call = Object.freeze({ ...call, asked: [...call.asked, verdict.ask] });
      if (verdict.kind === 'pass' && verdict.granted)
        call = Object.freeze({ ...call, approval: { kind: 'spent' as const, ...verdict.granted } });
    }
    return value;
  }

  /** The id under which a person let this very message pass; undefined when it is kept for one to look at. */
  async function keep(
    quarantine: NonNullable<World['quarantine']>,
    value: unknown,
    code: Code,
  ): Promise<string | undefined> {
    try {
      const message = JSON.parse(JSON.stringify(value)) as Json;
      const released = await quarantine.released(call, message);
      if (released === undefined) await quarantine.keep(call, message, code);
      return released;
    } catch (error) {
      trail.push({
        id: 'screen',
        way: 'out',
        verdict: { kind: 'stop', code: 'internal.run', detail: describe(error) },
      });
    }
  }

  async function inward(): Promise<void> {
    if (call.resume && world.rounds) call = world.rounds.open(call);
    const inputs: Inputs = call.resume ? { args: call.args, answers: call.resume.answers } : { args: call.args };
    await each(
      snap.in(call.family, call.resume !== undefined),
      'in',
      inputs,
      (control) => {
        entered.push(control);
        return control.decide?.(call, snap.of(control.id), world.state);
      },
      (value) => {
        call = refit(call, value.args, value.answers);
        const misfit = snap.refit(call);
        if (misfit) throw finish(new Ended('stop', misfit, 'after an edit'));
      },
    );
    // A demand for a person that no `approval` row could answer is a refusal, never a pass.
    const { target } = call;
    const agreed = target.kind !== 'route' && target.task?.approved === call.rulesId;
    if (call.asked.length > 0 && entered.at(-1)?.id !== 'approval' && !agreed)
      throw finish(new Ended('stop', 'approval.unavailable', call.asked.join(' ')));
  }

  const breathe: Breathe | undefined = world.breathe && (() => world.breathe!(signal));
  const outward = <M extends Message>(message: M): Promise<M> =>
    each<Message>(
      snap.out(call.family, message),
      'out',
      message,
      (control, m) =>
        control.inspect?.(call, m, snap.of(control.id), world.state, m.kind === 'notification' ? undefined : breathe),
      () => {},
    ) as Promise<M>;

  async function send(message: Notification): Promise<void> {
    if (over || !open || first) return;
    try {
      const out = await outward(message);
      if (open && !first) await deliver(out);
    } catch (error) {
      // A stop on an interim message ends the whole call.
      cancel.abort(finish(endedBy(error, signal)));
      throw first;
    }
  }

  /** A server's state is not text for anyone: no control looks at it, and none can spoil it. */
  async function question({ value: { requestState: state, ...value } }: Result): Promise<Result | RpcError> {
    asks = true;
    if (state !== undefined && typeof state !== 'string') throw finish(new Ended('stop', 'asks.shape', 'requestState'));
    const out = await outward<Result | RpcError>({ kind: 'result', value });
    if (!requestsOf(out)) return out;
    // What comes back is compared with what came, not with what controls made of it.
    const carried = world.rounds?.seal({ ...call, args: start.args }, (out as Result).value, state);
    if (!carried) throw finish(new Ended('stop', 'asks.shape', 'too much to carry'));
    return { kind: 'result', value: carried };
  }

  let last: Result | RpcError;
  let outcome: Outcome;
  try {
    await inward();
    if (signal.aborted) throw signal.reason;
    if (!handler.local) {
      try {
        await world.log.intent(call, trail);
      } catch (error) {
        throw finish(new Ended('stop', 'audit.unavailable', describe(error)));
      }
      if (signal.aborted) throw signal.reason;
      if (call.resume?.opened && !(await world.rounds?.spend(call.resume.opened))) {
        throw finish(new Ended('stop', 'asks.state', 'spent'));
      }
      sent = true;
    }
    const began = world.clock();
    try {
      const far = snap.around?.(call, handler, taint, world.state) ?? handler;
      last = await answered(far, dispatched(call), { send, signal });
    } finally {
      // A message after the answer would overtake it.
      over = true;
      handlerMs = world.clock() - began;
    }
    if (first) throw first;
    const failed = last.kind === 'error';
    last = requestsOf(last) ? await question(last as Result) : await outward(last);
    outcome = done(failed ? 'error' : 'reply', failed);
  } catch (error) {
    const ended = finish(endedBy(error, signal));
    last = answer(call, ended, world.asking);
    // The server waits for an answer that nobody will bring.
    if (asks) cancel.abort(ended);
    outcome = done(ended.kind, true, ended);
  }
  open = false;

  for (const control of entered.reverse()) {
    if (!control.settle) continue;
    try {
      const settled = control.settle(call, outcome, snap.of(control.id), world.state);
      if (settled instanceof Promise) await settled;
    } catch (error) {
      trail.push({
        id: control.id,
        way: 'out',
        verdict: { kind: 'stop', code: `internal.${control.id}`, detail: describe(error) },
      });
    }
  }
  world.state.forget(call.id);

  try {
    const written = world.log.outcome(call, trail, outcome);
    if (written instanceof Promise) await written;
  } catch (error) {
    // Without an intent this was the call's only entry: no audit, no reply but the refusal.
    const ended = new Ended('stop', 'audit.unavailable', describe(error));
    last = answer(call, ended);
    outcome = done('stop', true, ended);
  }
  return { message: last, outcome, call, trail };

  function done(kind: Outcome['kind'], failed: boolean, ended?: Ended): Outcome {
    return {
      kind,
      sent,
      bytes: last.kind === 'result' && last.bytes ? last.bytes.length : 0,
      ms: world.clock() - call.at,
      taint,
      ...(ended && { code: ended.code }),
      ...(ended?.detail !== undefined && { detail: ended.detail }),
      ...(sent && { upstream: { ms: handlerMs, failed } }),
    };
  }
}

/** The call as the server gets it: its own state, and the answers. */
function dispatched(call: Call): Call {
  if (!call.resume?.opened) return call;
  const { opened: _, ...resume } = call.resume;
  return Object.freeze({ ...call, resume });
}

/** The handler's answer, or the abort, whichever comes first: a handler that ignores the signal cannot hold a call. */
function answered(handler: Handler, call: Call, io: Parameters<Handler>[1]): Maybe<Result | RpcError> {
  const said = handler(call, io);
  if (!(said instanceof Promise)) return said;
  return new Promise((resolve, reject) => {
    const abort = () => reject(io.signal.reason);
    io.signal.addEventListener('abort', abort, { once: true });
    const over = () => io.signal.removeEventListener('abort', abort);
    said.then(
      (answer) => {
        over();
        resolve(answer);
      },
      (error) => {
        over();
        reject(error);
      },
    );
  });
}

function endedBy(error: unknown, signal: AbortSignal): Ended {
  if (error instanceof Ended) return error;
  if (signal.aborted) return signal.reason instanceof Ended ? signal.reason : new Ended('cancel', 'run.cancelled');
  return new Ended('stop', 'upstream.failed', describe(error));
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
