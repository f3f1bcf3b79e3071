/** screen: hidden text. What a person would not see, a model does not read. */
import type { CallView, Family, Message } from '../../core/call.ts';
import { type Control, edit, type Inputs, PASS, type Verdict } from '../../core/verdict.ts';
import { isObject, type Json } from '../../lib/json/types.ts';
import { mayHide, reveal, type Seen } from './hidden.ts';
import { DECISIONS, type Kind, type Rules } from './rules.ts';

const KINDS: Readonly<Record<Family, Kind>> = {
  call: 'result',
  list: 'descriptor',
  read: 'resource',
  get: 'prompt',
  complete: 'result',
  listen: 'note',
  task: 'result',
};

export const screen: Control<Rules> = {
  id: 'screen',

  /** Arguments: `input` refuses invisible characters by itself; detectors for the rest come later. */
  decide(): Verdict<Inputs> {
    return PASS;
  },

  inspect(call: CallView, message: Message, rules: Rules): Verdict<Message> {
    switch (message.kind) {
      case 'result': {
        if (message.bytes !== undefined && !mayHide(message.bytes)) return PASS;
        const kind = message.value.resultType === 'input_required' ? 'elicitation' : KINDS[call.family];
        const seen = reveal(message.value, rules.hidden);
        return judged(kind, seen, (value) => ({ kind: 'result', value: isObject(value) ? value : {} }));
      }
      case 'notification': {
        const seen = reveal(message.params, rules.hidden);
        return judged('note', seen, (value) => ({ ...message, params: isObject(value) ? value : {} }));
      }
      case 'error': {
        const told: Json = { message: message.message, ...(message.data !== undefined && { data: message.data }) };
        return judged('result', reveal(told, rules.hidden), (value) => ({
          ...message,
          ...(value as typeof told & { message: string }),
        }));
      }
    }
  },
};

function judged(kind: Kind, seen: Seen, made: (value: Json) => Message): Verdict<Message> {
  if (seen.severity === undefined) return PASS;
  switch (DECISIONS[kind][seen.severity]) {
    case 'pass':
      return PASS;
    case 'strip':
      return edit(made(seen.value), 'screen.stripped', seen.what);
    case 'quarantine':
      return { kind: 'stop', code: 'screen.quarantine', detail: `${kind}: ${seen.what}`, keep: true };
  }
}
