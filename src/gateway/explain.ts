/**
 * Why would this pass? The same admission and the same loop as a real call, on a view of the state, with no log and
 * with a handler that is never dispatched (house rule 5).
 */
import { admit, type Entry, isCall } from '../core/admit.ts';
import type { Handler } from '../core/call.ts';
import { CODES, type Code } from '../core/codes/index.ts';
import { Ended } from '../core/ended.ts';
import { run } from '../core/pipeline.ts';
import type { Log, Snapshot, Trail } from '../core/ports.ts';
import type { Clock, State } from '../core/state.ts';

export interface Explained {
  /** `pass` = it would be dispatched. */
  readonly verdict: 'pass' | 'ask' | 'stop';
  readonly code?: Code;
  readonly hint?: string;
  /** For the operator only. */
  readonly detail?: string;
  readonly trail: Trail;
  /** Which policies decided; empty when it never came to that. */
  readonly reasons: readonly string[];
  readonly rulesId: string;
}

const NO_LOG: Log = { intent() {}, outcome() {}, attempt() {}, event() {} };

export async function explain(entry: Entry, snap: Snapshot, state: State, clock: Clock): Promise<Explained> {
  const call = admit(entry, snap);
  if (!isCall(call)) {
    return { verdict: 'stop', code: call.code, hint: CODES[call.code].hint, trail: [], reasons: [], rulesId: snap.id };
  }
  let reached = false;
  const undispatched: Handler = () => {
    reached = true;
    throw new Ended('stop', 'upstream.failed');
  };
  const world = { state: state.overlay(), log: NO_LOG, clock };
  const end = await run(call, snap, world, undispatched, () => {}, new AbortController());
  const decided = snap.may('call', call.caller, call.target, { args: call.args, at: call.at, upstream: call.upstream });
  const shared = { trail: end.trail, reasons: decided.reasons, rulesId: snap.id };
  if (reached) return { verdict: 'pass', ...shared };
  const { code, detail } = end.outcome;
  return {
    verdict: end.outcome.kind === 'ask' || code === 'approval.unavailable' ? 'ask' : 'stop',
    ...(code && { code, hint: CODES[code].hint }),
    ...(detail !== undefined && { detail }),
    ...shared,
  };
}
