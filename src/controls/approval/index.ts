/**
 * approval: does a person agree, where one was asked for? A demand ends the call; nothing is held open. The grant lies
 * in the state under its binding, and the same call made again finds it there and spends it (guarantee AP2).
 */
import type { Brought, CallView } from '../../core/call.ts';
import type { Code } from '../../core/codes/index.ts';
import type { State } from '../../core/state.ts';
import { type Control, type Inputs, PASS, stop, type Verdict } from '../../core/verdict.ts';
import { isObject } from '../../lib/json/types.ts';
import { type Approval, bindingOf, decide, draft, find, giveBack, groundOf, MAX_ARGS, open, spend } from './book.ts';
import type { Rules, Terms } from './rules.ts';

/** Each round lost means that another call of the same binding was decided meanwhile. */
const ROUNDS = 16;

export const approval: Control<Rules> = {
  id: 'approval',

  decide(call, rules, state): Verdict<Inputs> | Promise<Verdict<Inputs>> {
    const { upstream, target } = call;
    const terms = rules.terms(upstream, target.kind, target.name);
    const codes = demands(call, terms);
    return codes.length === 0 ? PASS : ask(call, codes, { ...terms, within: rules.within }, state);
  },

  settle(call, { sent, kind }, _rules, state) {
    if (call.approval?.kind !== 'spent' || sent || kind === 'reply' || kind === 'error') return;
    const { spent } = state.scratch(call.id, 'approval') as { spent?: Approval };
    return spent && giveBack(state, spent);
  },
};

/** What asked for a person on the way in, and the place itself where what changes things is sensitive (guarantee AP1). */
function demands({ asked, target }: CallView, { sensitive }: Terms): readonly Code[] {
  if (!sensitive || target.kind !== 'tool') return asked;
  const { writes, destructive, executes } = target.facts;
  return writes || destructive || executes ? [...asked, 'approval.sensitive'] : asked;
}

async function ask(
  call: CallView,
  codes: readonly Code[],
  terms: Terms & { readonly within: number },
  state: State,
): Promise<Verdict<Inputs>> {
  const key = bindingOf(call);
  const ground = call.resume ? groundOf(call) : key;
  const brought = call.approval?.ground === ground ? call.approval : undefined;
  // The grant was for the whole call: what its server asks back belongs to it.
  if (brought?.kind === 'spent' && call.resume) {
    const { id, via } = brought;
    return { kind: 'pass', granted: { id, ground, via } };
  }
  for (let round = 0; round < ROUNDS; round++) {
    const found = await find(state, key);
    // A retry names the approval that it waited for, and spends no other.
    const other = brought !== undefined && found !== undefined && brought.id !== found.id;
    switch (found?.state) {
      case 'granted':
        if (other) break;
        if (!(await spend(state, found))) continue;
        state.scratch(call.id, 'approval').spent = found;
        return { kind: 'pass', granted: { id: found.id, ground, via: found.via ?? '?' } };
      case 'denied':
        return stop('approval.denied', `${found.id} denied by ${found.by} (${found.via})`);
      case 'waiting':
        if (!other && terms.client && (await asserted(brought, found, state))) continue;
        break;
    }
    if (found) return question(found, codes, terms);
    const made = draft(call, key, codes, terms, state.now());
    if (!made) return stop('approval.unavailable', `arguments over ${MAX_ARGS} bytes cannot be shown to a person`);
    const opened = await open(state, made);
    if (opened === 'full') return stop('approval.full');
    if (opened) return question(opened, codes, terms);
  }
  return stop('approval.full', 'the same call is being decided at this moment');
}

function question({ id }: Approval, codes: readonly Code[], { client }: Terms): Verdict<Inputs> {
  return { kind: 'ask', question: { id, codes, ...(client && { client }) } };
}

/**
 * What the asking client says that its person said about this very call. It is nobody's subject, so it can be one of
 * several voices at most once, and belongs to no group. True when it changed what waits.
 */
async function asserted(brought: Brought | undefined, waits: Approval, state: State): Promise<boolean> {
  const answer = brought?.kind === 'asked' ? brought.answer : undefined;
  if (!isObject(answer)) return false;
  const { action, content } = answer;
  const agrees = action === 'accept' && isObject(content) && content['approve'] === true;
  const refuses = action === 'decline' || (action === 'accept' && isObject(content) && content['approve'] === false);
  if (!agrees && !refuses) return false;
  const who = { subject: '', by: 'the client', groups: [], via: 'client-asserted' } as const;
  const said = await decide(state, waits.id, agrees ? 'granted' : 'denied', who, waits.rulesId, waits.key);
  return typeof said !== 'string' && said.state !== 'waiting';
}
