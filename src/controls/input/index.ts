/** input: are the arguments what was promised? Sizes and characters first, then the pinned schema, made strict. */
import type { CallView } from '../../core/call.ts';
import { type Control, type Inputs, PASS, stop, type Verdict } from '../../core/verdict.ts';
import { misfit } from './fit.ts';
import { allowed, examine } from './limits.ts';
import { type Rules, takenBy, unsealed } from './rules.ts';

export const input: Control<Rules> = {
  id: 'input',

  decide(call: CallView, rules: Rules): Verdict<Inputs> {
    if (call.resume) {
      // Answers to a question have no pinned schema: the defaults hold, and no exception.
      const answers = examine(call.resume.answers, allowed(rules.limits, {}));
      if ('code' in answers) return stop(answers.code, `answers ${answers.detail}`);
    }
    // Of the arguments that began a task nothing is sent again.
    if (call.family === 'task') return PASS;
    const taken = takenBy(rules, call);
    const bounds = taken?.allowed ?? allowed(rules.limits, {});
    const seen = taken?.sealed ? unsealed(rules, call) : call;
    if ('code' in seen) return stop(seen.code);
    const found = examine(seen.args, bounds);
    if ('code' in found) return stop(found.code, found.detail);
    const problem = misfit(seen, taken, found.raw);
    return problem ? stop(problem.code, problem.detail) : PASS;
  },
};
