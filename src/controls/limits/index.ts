/** limits: too often, too many at once? Charged before any other control looks at a call. */
import { argsDigest } from '../../core/args-digest.ts';
import { type Attempt, type Caller, type CallView, STREAM } from '../../core/call.ts';
import type { Maybe, Rate, State, Taken } from '../../core/state.ts';
import { type Control, PASS, stop, type Verdict } from '../../core/verdict.ts';
import { addressKey } from './address.ts';
import type { Rules } from './rules.ts';

/** Asking for a name that is not there costs as much as five calls: probing empties the prober's own bucket. */
const PROBE = 5;

const BY = ['subject', 'streams', 'agent', 'tool', 'same', 'upstream'] as const;
type By = (typeof BY)[number];
const SPACE = Object.fromEntries(BY.map((by) => [by, `limits.${by}`])) as Readonly<Record<By, string>>;

/** With `rate` tokens are taken from a bucket, else a place of `max`. */
interface Step {
  readonly by: By;
  readonly key: string;
  readonly rate: Rate | undefined;
  readonly max: number;
}
/** A place taken in a gauge; in scratch until settle gives it back. */
type Held = [space: string, key: string];

export const limits: Control<Rules> = {
  id: 'limits',

  attempt(attempt, rules, state) {
    const said = chargeAttempt(attempt, rules, state);
    // A shared state answers later: the charge counts, this one answer stays what it was.
    return said instanceof Promise || said.ok ? undefined : 'limits.rate';
  },

  decide(call, rules, state) {
    return follow(steps(call, rules), 0, held(call, state), state);
  },

  settle(call, _outcome, _rules, state) {
    const left: Promise<void>[] = [];
    let fault: unknown;
    const all = held(call, state);
    for (let place = all.pop(); place; place = all.pop()) {
      try {
        const gone = state.leave(...place);
        if (gone instanceof Promise) left.push(gone);
      } catch (error) {
        fault = error;
      }
    }
    if (left.length > 0) return Promise.all(left).then(() => {});
    if (fault) throw fault;
  },
};

/** Seconds to wait, from the detail of a verdict of this control. */
export function retryAfter(detail: string | undefined): number | undefined {
  const seconds = /^retry-after=([0-9]{1,9})\b/.exec(detail ?? '')?.[1];
  return seconds === undefined ? undefined : Number(seconds);
}

const charge = (by: By, key: string, rate: Rate): Step => ({ by, key, rate, max: 0 });
const place = (by: By, key: string, max: number): Step => ({ by, key, rate: undefined, max });

/** Own budgets first: a caller who is over them takes nothing from what is shared. */
function steps(call: CallView, rules: Rules): Step[] {
  const { caller, upstream, target } = call;
  const subject = subjectKey(caller);
  const all: Step[] = [charge('subject', subject, rules.subject.rate)];
  if (call.method === STREAM) return [...all, place('streams', subject, rules.streams)];
  const places: Step[] = [];
  const add = (by: By, key: string, { rate, atOnce }: { rate?: Rate; atOnce?: number }) => {
    if (rate) all.push(charge(by, key, rate));
    if (atOnce !== undefined) places.push(place(by, key, atOnce));
  };
  if (rules.subject.atOnce !== undefined) places.push(place('subject', subject, rules.subject.atOnce));
  const agent = caller.agent[0];
  if (agent !== undefined) add('agent', JSON.stringify([caller.tenant, agent]), rules.agent);
  if (target.kind === 'tool') {
    const tool = rules.tools.get(`${upstream}.${target.name}`);
    const one = `${subject}${upstream}.${target.name}`;
    if (tool) add('tool', one, tool);
    // An answer goes on with a call that was counted.
    if (call.family === 'call' && !call.resume?.opened)
      all.push(charge('same', `${one} ${argsDigest(call)}`, rules.same));
  }
  const shared = rules.upstreams.get(upstream) ?? rules.upstream;
  if (shared.atOnce !== undefined) places.push(place('upstream', upstream, shared.atOnce));
  all.push(...places);
  if (shared.rate) all.push(charge('upstream', upstream, shared.rate));
  return all;
}

/** Takes the steps in order; the first that is refused ends it. What was entered stays held until settle. */
function follow(all: readonly Step[], from: number, places: Held[], state: State): Maybe<Verdict<never>> {
  for (let i = from; i < all.length; i++) {
    const step = all[i]!;
    const taken = take(step, state);
    if (taken instanceof Promise)
      return taken.then((said) => took(step, said, places) ?? follow(all, i + 1, places, state));
    const refused = took(step, taken, places);
    if (refused) return refused;
  }
  return PASS;
}

function take({ by, key, rate, max }: Step, state: State): Maybe<Taken | boolean> {
  return rate === undefined ? state.enter(SPACE[by], key, max) : state.take(SPACE[by], key, rate);
}

/** The refusal, if it is one; a place that was entered is remembered. */
function took({ by, key }: Step, said: Taken | boolean, places: Held[]): Verdict<never> | undefined {
  if (said === true) places.push([SPACE[by], key]);
  else if (said === false) return stop('limits.concurrency', wait(0, by));
  else if (!said.ok) return stop('limits.rate', wait(said.retryAfter, by));
  return undefined;
}

function wait(ms: number, by: By): string {
  return `retry-after=${Math.max(1, Math.ceil(ms / 1000))} by=${by}`;
}

function held(call: CallView, state: State): Held[] {
  const scratch = state.scratch(call.id, 'limits');
  return (scratch['held'] ??= []) as Held[];
}

/** Callers are frozen, and live as long as their credential is known. */
const subjects = new WeakMap<Caller, string>();

function subjectKey(caller: Caller): string {
  let found = subjects.get(caller);
  if (found === undefined) subjects.set(caller, (found = JSON.stringify([caller.tenant, caller.subject])));
  return found;
}

function chargeAttempt({ caller, peer, stage }: Attempt, rules: Rules, state: State): Maybe<Taken> {
  if (!caller) return state.take('limits.address', addressKey(peer.address), rules.address);
  const { rate } = rules.subject;
  const amount = stage === 'inventory' ? Math.min(PROBE, rate.burst) : 1;
  return state.take('limits.subject', subjectKey(caller), rate, amount);
}
