/** limits: too often, too many at once? Charged before any other control looks at a call. */
import { type Attempt, type CallView, STREAM } from '../../core/call.ts';
import type { Maybe, Rate, State, Taken } from '../../core/state.ts';
import { type Control, PASS, stop, type Verdict } from '../../core/verdict.ts';
import { sha256Hex } from '../../lib/bytes.ts';
import { addressKey } from './address.ts';
import type { Rules } from './rules.ts';

/** Asking for a name that is not there costs as much as five calls: probing empties the prober's own bucket. */
const PROBE = 5;

type Step =
  | { readonly by: string; readonly key: string; readonly rate: Rate }
  | { readonly by: string; readonly key: string; readonly max: number };
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

/** Own budgets first: a caller who is over them takes nothing from what is shared. */
function steps(call: CallView, rules: Rules): Step[] {
  const { caller, upstream, target } = call;
  const subject = subjectKey(caller);
  const all: Step[] = [{ by: 'subject', key: subject, rate: rules.subject.rate }];
  const places: Step[] = [];
  if (call.method === STREAM) {
    places.push({ by: 'streams', key: subject, max: rules.streams });
    return [...all, ...places];
  }
  const add = (by: string, key: string, { rate, atOnce }: { rate?: Rate; atOnce?: number }) => {
    if (rate) all.push({ by, key, rate });
    if (atOnce !== undefined) places.push({ by, key, max: atOnce });
  };
  if (rules.subject.atOnce !== undefined) places.push({ by: 'subject', key: subject, max: rules.subject.atOnce });
  const agent = caller.agent[0];
  if (agent !== undefined) add('agent', JSON.stringify([caller.tenant, agent]), rules.agent);
  if (target.kind === 'tool') {
    const tool = rules.tools.get(`${upstream}.${target.name}`);
    const one = `${subject}${upstream}.${target.name}`;
    if (tool) add('tool', one, tool);
    // An answer goes on with a call that was counted.
    if (call.family === 'call' && !call.resume?.opened) {
      all.push({ by: 'same', key: `${one} ${sha256Hex(JSON.stringify(call.args))}`, rate: rules.same });
    }
  }
  const shared = rules.upstreams.get(upstream) ?? rules.upstream;
  if (shared.atOnce !== undefined) places.push({ by: 'upstream', key: upstream, max: shared.atOnce });
  all.push(...places);
  if (shared.rate) all.push({ by: 'upstream', key: upstream, rate: shared.rate });
  return all;
}

/** Takes the steps in order; the first that is refused ends it. What was entered stays held until settle. */
function follow(all: readonly Step[], from: number, places: Held[], state: State): Maybe<Verdict<never>> {
  for (let i = from; i < all.length; i++) {
    const refused = take(all[i]!, places, state);
    if (refused instanceof Promise) return refused.then((verdict) => verdict ?? follow(all, i + 1, places, state));
    if (refused) return refused;
  }
  return PASS;
}

function take(step: Step, places: Held[], state: State): Maybe<Verdict<never> | undefined> {
  const space = `limits.${step.by}`;
  if ('rate' in step) {
    const judge = ({ ok, retryAfter: ms }: Taken) => (ok ? undefined : stop('limits.rate', wait(ms, step.by)));
    const taken = state.take(space, step.key, step.rate);
    return taken instanceof Promise ? taken.then(judge) : judge(taken);
  }
  const judge = (ok: boolean) => {
    if (!ok) return stop('limits.concurrency', wait(0, step.by));
    places.push([space, step.key]);
    return undefined;
  };
  const entered = state.enter(space, step.key, step.max);
  return entered instanceof Promise ? entered.then(judge) : judge(entered);
}

function wait(ms: number, by: string): string {
  return `retry-after=${Math.max(1, Math.ceil(ms / 1000))} by=${by}`;
}

function held(call: CallView, state: State): Held[] {
  const scratch = state.scratch(call.id, 'limits');
  return (scratch['held'] ??= []) as Held[];
}

function subjectKey({ tenant, subject }: { tenant: string; subject: string }): string {
  return JSON.stringify([tenant, subject]);
}

function chargeAttempt({ caller, peer, stage }: Attempt, rules: Rules, state: State): Maybe<Taken> {
  if (!caller) return state.take('limits.address', addressKey(peer.address), rules.address);
  const { rate } = rules.subject;
  const amount = stage === 'inventory' ? Math.min(PROBE, rate.burst) : 1;
  return state.take('limits.subject', subjectKey(caller), rate, amount);
}
