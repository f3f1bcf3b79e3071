/** policy: may they do this, to that, now? And a listing keeps only what the same decision lets its reader see. */
import type { CallView, Message, PinKind, Result } from '../../core/call.ts';
import type { State } from '../../core/state.ts';
import { type Control, edit, PASS, type Verdict } from '../../core/verdict.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';
import { judged, resultsOf } from './decide.ts';
import { minimised } from './fields.ts';
import { factsOf, held, isSink, mark } from './flows.ts';
import type { Rules } from './rules.ts';
import { note } from './tasks.ts';

/** Members of listings, and the member of an entry that names it. */
const LISTS: readonly (readonly [list: string, kind: PinKind, name: string])[] = [
  ['tools', 'tool', 'name'],
  ['prompts', 'prompt', 'name'],
  ['resources', 'resource', 'uri'],
  ['resourceTemplates', 'template', 'uriTemplate'],
];

export const policy: Control<Rules> = {
  id: 'policy',

  decide(call, rules, state) {
    // Nothing else depends on what was read.
    if (!rules.readsTaint && !isSink(factsOf(call.target))) return judged(call, rules, state, []);
    const read = held(call, rules.flows, state);
    if (read instanceof Promise) return read.then((taints) => judged(call, rules, state, taints));
    return judged(call, rules, state, read);
  },

  inspect(call, message, rules, state): Verdict<Message> {
    if (message.kind !== 'result') return PASS;
    if (call.family !== 'list') return rules.minimised.size > 0 ? needed(call, message, state) : PASS;
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

  /** What `screen` found in the answer counts from now on, and so does that the tool was called. */
  settle(call, { sent, taint }, rules, state) {
    const noted = sent ? note(call, rules.tasks, rules.flows.window, state) : undefined;
    const marked = taint.includes('injection-suspected')
      ? mark(call, ['injection-suspected'], rules.flows, state)
      : undefined;
    return noted instanceof Promise || marked instanceof Promise
      ? Promise.all([noted, marked]).then(() => undefined)
      : undefined;
  },
};

function visible(entry: Json, call: CallView, kind: PinKind, name: string, rules: Rules): boolean {
  const id = isObject(entry) ? entry[name] : undefined;
  const thing = typeof id === 'string' ? rules.listed(call.upstream, kind, id) : undefined;
  return thing !== undefined && rules.may('list', call.caller, thing, { at: call.at, upstream: call.upstream }).allow;
}

/** Only the fields that the caller needs. */
function needed(call: CallView, message: Result, state: State): Verdict<Message> {
  const rows = resultsOf(call, state);
  if (rows.length === 0) return PASS;
  const value = rows.reduce(minimised, message.value);
  return edit({ kind: 'result', value }, 'policy.fields');
}
