/**
 * approval: does a person agree, where one was asked for? A demand ends the call; nothing is held open. The grant lies
 * in the state under its binding, and the same call made again finds it there and spends it (guarantee AP2).
 */
import type { CallView } from '../../core/call.ts';
import type { State } from '../../core/state.ts';
import { type Control, type Inputs, PASS, stop, type Verdict } from '../../core/verdict.ts';
import { type Approval, bindingOf, draft, find, giveBack, MAX_ARGS, open, spend } from './book.ts';
import type { Rules } from './rules.ts';

/** Each round lost means that another call of the same binding was decided meanwhile. */
const ROUNDS = 16;

export const approval: Control<Rules> = {
  id: 'approval',

  decide(call, rules, state): Verdict<Inputs> | Promise<Verdict<Inputs>> {
    return call.asked.length === 0 ? PASS : ask(call, rules, state);
  },

  settle(call, { sent, kind }, _rules, state) {
    if (call.asked.length === 0 || sent || kind === 'reply' || kind === 'error') return;
    const { spent } = state.scratch(call.id, 'approval') as { spent?: Approval };
    return spent && giveBack(state, spent);
  },
};

async function ask(call: CallView, rules: Rules, state: State): Promise<Verdict<Inputs>> {
  const key = bindingOf(call);
  for (let round = 0; round < ROUNDS; round++) {
    const found = await find(state, key);
    switch (found?.state) {
      case 'granted':
        if (!(await spend(state, found))) continue;
        state.scratch(call.id, 'approval').spent = found;
        return { kind: 'pass', granted: found.id };
      case 'denied':
        return stop('approval.denied', `${found.id} denied by ${found.by}`);
      case 'waiting':
        return { kind: 'ask', question: { id: found.id, codes: call.asked } };
    }
    const made = draft(call, key, rules, state.now());
    if (!made) return stop('approval.unavailable', `arguments over ${MAX_ARGS} bytes cannot be shown to a person`);
    const opened = await open(state, made);
    if (opened === 'full') return stop('approval.full');
    if (opened) return { kind: 'ask', question: { id: opened.id, codes: call.asked } };
  }
  return stop('approval.full', 'the same call is being decided at this moment');
}
