/** One call judged: the grant, what it says of arguments, the task, and what the session has read. */
import type { CallView, Pinned, Taint } from '../../core/call.ts';
import type { Code } from '../../core/codes/index.ts';
import type { State } from '../../core/state.ts';
import { edit, type Inputs, stop, type Verdict } from '../../core/verdict.ts';
import type { Json } from '../../lib/json/types.ts';
import { type Bounds, completedIn, given, withSet, withSetBefore } from './bounds.ts';
import { factsOf, judge, leaves, mark } from './flows.ts';
import type { Rules } from './rules.ts';
import { called, needs, outside } from './tasks.ts';

type Judged = Verdict<Inputs> | Promise<Verdict<Inputs>>;

/** Scratch of one call: what its grants say about its result. */
interface Kept {
  results?: Bounds['results'];
}

export function judged(call: CallView, rules: Rules, state: State, taint: readonly Taint[]): Judged {
  const { at, upstream, caller, target } = call;
  // The arguments of a completion are not those of the prompt: conditions on arguments cannot hold.
  const own = call.family === 'complete' ? {} : { args: call.args };
  const { allow, ask, reasons, error, short, links } = rules.may('call', caller, target, {
    at,
    upstream,
    taint,
    ...own,
  });
  if (error !== undefined) return stop('policy.failed', error);
  if (short) return stop(short.code, short.detail);
  if (!allow) return stop('policy.denied', reasons.length > 0 ? reasons.join(' ') : 'no grant');
  const scopes = rules.lacking(caller, target);
  if (scopes) return stop('policy.scope', scopes.join(' '));
  if (target.kind === 'route') return ask ? { kind: 'pass', ask: 'policy.ask' } : { kind: 'pass' };

  const bounds = rules.bounds(reasons, links);
  const completes = call.family === 'complete';
  const wrong = completes ? completedIn(call.args, bounds) : given(call.args, bounds);
  if (wrong !== undefined) return stop('policy.never', wrong);
  const args = completes ? withSetBefore(call.args, bounds, caller) : withSet(call.args, bounds, caller);

  const flow = judge(target.facts, taint, rules.flows, bounds.despite);
  if (flow.answer === 'deny') return stop('policy.flow', flow.why);
  const asked: Code | undefined = flow.answer === 'ask' ? 'policy.flow' : ask ? 'policy.ask' : undefined;
  const task = rules.tasks.of(caller);
  const needed = task === undefined || task === 'unknown' ? undefined : needs(task, target);
  const results = needed ? [...bounds.results, needed] : bounds.results;
  if (results.length > 0) (state.scratch(call.id, 'policy') as Kept).results = results;
  if (task === undefined) return done(call, rules, state, args, asked);
  if (task === 'unknown') return stop('policy.task', 'the token names a task that is not configured');
  const before = called(task, target, call, state);
  const inTask = (those: ReadonlySet<string>): Judged => {
    const why = outside(task, target as Pinned, args, those);
    if (why !== undefined && task.otherwise === 'deny') return stop('policy.task', why);
    return done(call, rules, state, args, why === undefined ? asked : 'policy.task');
  };
  return before instanceof Promise ? before.then(inTask) : inTask(before);
}

/**
 * Passed. What this call is about to read counts from now on, before any of it can be seen; a call that is stopped
 * later leaves the mark, which is the safe side.
 */
function done(call: CallView, rules: Rules, state: State, args: Json, ask: Code | undefined): Judged {
  const taints = leaves(factsOf(call.target));
  const marked = taints.length > 0 ? mark(call, taints, rules.flows, state) : undefined;
  const asked = ask === undefined ? {} : { ask };
  const tainted = taints[0] === undefined ? {} : { taint: taints[0] };
  const verdict: Verdict<Inputs> =
    args === call.args
      ? { kind: 'pass', ...asked, ...tainted }
      : { ...edit({ args, ...answersOf(call) }, 'policy.set'), ...asked, ...tainted };
  return marked instanceof Promise ? marked.then(() => verdict) : verdict;
}

function answersOf({ resume }: CallView): Pick<Inputs, 'answers'> {
  return resume ? { answers: resume.answers } : {};
}

/** What the grants of this call left of its result. */
export function resultsOf(call: CallView, state: State): Bounds['results'] {
  return (state.scratch(call.id, 'policy') as Kept).results ?? [];
}
