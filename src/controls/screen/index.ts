/** screen: what a person would not see, a model does not read; what speaks to the model is marked or held. */
import type { CallView, Family, Message, Result } from '../../core/call.ts';
import { type Breathe, isLarge, type Slices, sliced, whole } from '../../core/slices.ts';
import type { State } from '../../core/state.ts';
import { type Control, edit, type Inputs, PASS, stop, type Verdict } from '../../core/verdict.ts';
import type { Judged } from '../../detect/injection/judge.ts';
import { mayInstruct, mayInstructing } from '../../detect/injection/suspect.ts';
import { isObject, type Json } from '../../lib/json/types.ts';
import { mayHide, reveal, revealing, type Seen } from './hidden.ts';
import { DECISIONS, INSTRUCTIONS, type Kind, type Rules } from './rules.ts';
import { framed, given, said, saying, textsOf } from './said.ts';

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

  /** Arguments: `input` refuses what is invisible. Orders to a model in them come from whom the caller has read (IN4). */
  decide(call: CallView, rules: Rules): Verdict<Inputs> {
    if (call.target.kind !== 'route' && call.target.facts.agent !== undefined) return handed(call, rules);
    if (rules.arguments === 'pass') return PASS;
    const { severity, evidence } = given(call.args);
    if (severity !== 'high') return PASS;
    const detail = evidence.map(({ id }) => id).join(' ');
    return rules.arguments === 'stop' ? stop('screen.argument', detail) : { kind: 'pass', ask: 'screen.argument' };
  },

  inspect(
    call: CallView,
    message: Message,
    rules: Rules,
    _: State,
    breathe?: Breathe,
  ): Verdict<Message> | Promise<Verdict<Message>> {
    const large = breathe !== undefined && isLarge(message);
    const work = looked(call, message, rules, large);
    if (!large) return beside(call, message, rules, whole(work));
    return sliced(work, breathe).then((decided) => beside(call, message, rules, decided));
  },
};

/**
 * What another agent will read is content, not only arguments (guarantee AZ9): answers too, what is hidden too, and what
 * is not sure enough to be held goes along as a suspicion.
 */
function handed({ args, resume }: CallView, rules: Rules): Verdict<Inputs> {
  const all: Json = resume ? { args, answers: { ...resume.answers } } : args;
  const { severity: hidden, what } = whole(revealing(all, rules.hidden));
  const { severity, evidence } = given(all);
  const sure = hidden === 'high' || severity === 'high';
  if (!sure && severity !== 'medium') return PASS;
  const suspected = { kind: 'pass', taint: 'injection-suspected' } as const;
  if (!sure || rules.arguments === 'pass') return suspected;
  const detail = [...evidence.map(({ id }) => id), what].join(' ').trim();
  return rules.arguments === 'stop' ? stop('screen.argument', detail) : { ...suspected, ask: 'screen.argument' };
}

/** A message that is not `large` is looked at without slices: they would cost more than the look. */
function* looked(call: CallView, message: Message, rules: Rules, large: boolean): Slices<Verdict<Message>> {
  switch (message.kind) {
    case 'result': {
      const kind = kindOf(call, message);
      const { value, bytes } = message;
      const hidden = bytes === undefined || mayHide(bytes);
      const seen = !hidden ? undefined : large ? yield* revealing(value, rules.hidden) : reveal(value, rules.hidden);
      const verdict = seen && judged(kind, seen, (value) => ({ kind: 'result', value: isObject(value) ? value : {} }));
      if (verdict && verdict.kind === 'stop') return verdict;
      const before = verdict ?? PASS;
      const clean = bytes !== undefined && !(large ? yield* mayInstructing(bytes) : mayInstruct(bytes));
      if (clean || unjudged(kind, rules)) return before;
      return instructed(kind, message, rules, large ? yield* saying(value) : said(value), before);
    }
    case 'notification': {
      const seen = yield* revealing(message.params, rules.hidden);
      const verdict = judged('note', seen, (value) => ({ ...message, params: isObject(value) ? value : {} }));
      if (verdict.kind === 'stop' || unjudged('note', rules)) return verdict;
      return instructed('note', message, rules, large ? yield* saying(message.params) : said(message.params), verdict);
    }
    case 'error': {
      const told: Json = { message: message.message, ...(message.data !== undefined && { data: message.data }) };
      const verdict = judged('result', yield* revealing(told, rules.hidden), (value) => ({
        ...message,
        ...(value as typeof told & { message: string }),
      }));
      if (verdict.kind === 'stop' || unjudged('note', rules)) return verdict;
      return instructed('note', message, rules, large ? yield* saying(told) : said(told), verdict);
    }
  }
}

function kindOf(call: CallView, { value }: Result): Kind {
  return value.resultType === 'input_required' ? 'elicitation' : KINDS[call.family];
}

/** Whether it changes nothing what a text of this kind says. */
function unjudged(kind: Kind, { instructions }: Rules): boolean {
  return instructions === 'off' || INSTRUCTIONS[kind].high === 'pass';
}

/** What follows from what the text says; `before` is what was decided about hidden text. */
function instructed(
  kind: Kind,
  message: Message,
  rules: Rules,
  { severity, evidence, guess }: Judged,
  before: Verdict<Message>,
): Verdict<Message> {
  if (severity !== 'medium' && severity !== 'high') return before;
  const what = evidence.map(({ id }) => id).join(' ');
  const wanted = INSTRUCTIONS[kind][severity];
  if (wanted === 'quarantine' && rules.instructions === 'hold')
    return { kind: 'stop', code: 'screen.quarantine', detail: `${kind}: ${what}`, keep: true };
  if (wanted === 'pass') return before;
  const now = before.kind === 'edit' ? before.value : message;
  if (now.kind !== 'result') return before;
  const marked: Message = { kind: 'result', value: framed(now.value) };
  const suspected = guess ? {} : ({ taint: 'injection-suspected' } as const);
  return { kind: 'edit', value: marked, code: 'screen.labelled', what, ...suspected };
}

/** The operator's judge beside the rules: it makes stricter what they decided, never milder. */
function beside(
  call: CallView,
  message: Message,
  rules: Rules,
  decided: Verdict<Message>,
): Verdict<Message> | Promise<Verdict<Message>> {
  if (rules.judge === undefined || message.kind !== 'result') return decided;
  const { ask, all, down } = rules.judge;
  const kind = kindOf(call, message);
  const suspected = decided.kind === 'edit' && decided.code === 'screen.labelled';
  if (decided.kind === 'stop' || INSTRUCTIONS[kind].high === 'pass' || !(all || suspected)) return decided;
  const evidence = suspected ? (decided.what ?? '').split(' ') : [];
  return ask({ kind, text: textsOf(message.value), evidence }).then((answer): Verdict<Message> => {
    if (answer === undefined && down === 'hold')
      return { kind: 'stop', code: 'screen.judge', detail: kind, keep: true };
    if (answer === 'hold') return { kind: 'stop', code: 'screen.quarantine', detail: `${kind}: judge`, keep: true };
    if (answer !== 'label' || suspected) return decided;
    const now = decided.kind === 'edit' ? decided.value : message;
    if (now.kind !== 'result') return decided;
    const marked: Message = { kind: 'result', value: framed(now.value) };
    return { kind: 'edit', value: marked, code: 'screen.labelled', what: 'judge', taint: 'injection-suspected' };
  });
}

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
