/** policy: may they do this, to that, now? And a listing keeps only what the same decision lets its reader see. */
import type { CallView, Message, PinKind } from '../../core/call.ts';
import { type Control, edit, PASS, stop, type Verdict } from '../../core/verdict.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';
import type { Rules } from './rules.ts';

const ASK: Verdict<never> = Object.freeze({ kind: 'pass', ask: 'policy.ask' });

/** Members of listings, and the member of an entry that names it. */
const LISTS: readonly (readonly [list: string, kind: PinKind, name: string])[] = [
  ['tools', 'tool', 'name'],
  ['prompts', 'prompt', 'name'],
  ['resources', 'resource', 'uri'],
  ['resourceTemplates', 'template', 'uriTemplate'],
];

export const policy: Control<Rules> = {
  id: 'policy',

  decide(call, rules) {
    const { at, upstream } = call;
    // The arguments of a completion are not those of the prompt: conditions on arguments cannot hold.
    const facts = call.family === 'complete' ? { at, upstream } : { at, upstream, args: call.args };
    const { allow, ask, reasons, error } = rules.may('call', call.caller, call.target, facts);
    if (error !== undefined) return stop('policy.failed', error);
    if (!allow) return stop('policy.denied', reasons.length > 0 ? reasons.join(' ') : 'no grant');
    return ask ? ASK : PASS;
  },

  inspect(call, message, rules): Verdict<Message> {
    if (message.kind !== 'result') return PASS;
    let value = message.value;
    let gone = 0;
    for (const [list, kind, name] of LISTS) {
      const entries = value[list];
      if (!Array.isArray(entries)) continue;
      const kept = entries.filter((entry) => visible(entry, call, kind, name, rules));
      if (kept.length === entries.length) continue;
      gone += entries.length - kept.length;
      value = { ...value, [list]: kept } satisfies JsonObject;
    }
    return gone === 0 ? PASS : edit({ kind: 'result', value }, 'policy.filtered', String(gone));
  },
};

function visible(entry: Json, call: CallView, kind: PinKind, name: string, rules: Rules): boolean {
  const id = isObject(entry) ? entry[name] : undefined;
  const thing = typeof id === 'string' ? rules.listed(call.upstream, kind, id) : undefined;
  return thing !== undefined && rules.may('list', call.caller, thing, { at: call.at, upstream: call.upstream }).allow;
}
