/** halt: has a person stopped this? Asked first, so that nothing else is spent on what is stopped. */
import type { CallView } from '../../core/call.ts';
import type { Code } from '../../core/codes/index.ts';
import { type Control, type Inputs, PASS, stop, type Verdict } from '../../core/verdict.ts';
import type { Json } from '../../lib/json/types.ts';
import { type Halted, halted, type Rules, reason } from './rules.ts';

export const halt: Control<Rules> = {
  id: 'halt',

  decide(call, _rules, state): Verdict<Inputs> | Promise<Verdict<Inputs>> {
    const now = halted(state);
    return now instanceof Promise ? now.then((value) => judge(call, value)) : judge(call, now);
  },
};

function judge(call: CallView, value: Json | undefined): Verdict<Inputs> {
  const code = value === undefined ? undefined : stopped(call, value as unknown as Halted);
  return code === undefined ? PASS : stop(code);
}

/** Why this call is stopped by what is halted. */
export function stopped(call: CallView, now: Halted): Code | undefined {
  const { target, route, upstream, caller, family, method } = call;
  // Listings that come from the lockfile reach no server: what is halted stays listed, and refuses.
  if (family === 'list' && method !== 'resources/list') return undefined;
  const tool = target.kind === 'tool' ? { tool: target.name } : {};
  return reason(now, { route, upstream, subject: caller.subject, ...tool });
}
