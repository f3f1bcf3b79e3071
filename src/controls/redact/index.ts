/** redact: no secret and no card number leaves, in results, errors and notifications; in arguments where configured. */
import type { CallView, Message, Notification, Result, RpcError } from '../../core/call.ts';
import { type Breathe, isLarge, type Slices, sliced, whole } from '../../core/slices.ts';
import type { State } from '../../core/state.ts';
import { type Control, type Inputs, PASS, stop, type Verdict } from '../../core/verdict.ts';
import { mayHolding, redacting, redactingJson, redactJson, seeksMore } from '../../detect/secrets.ts';
import type { JsonObject } from '../../lib/json/types.ts';
import { blobs, hasBlob } from './blobs.ts';
import { joints, memory, needsJoints } from './joints.ts';
import type { Rules } from './rules.ts';

export const redact: Control<Rules> = {
  id: 'redact',

  decide(call: CallView, rules: Rules): Verdict<Inputs> {
    if (rules.arguments.size === 0 || !asked(call, rules)) return PASS;
    const sought = { ...rules.sought, prose: true };
    const args = redactJson(call.args, rules.fingerprint, sought);
    const answers = call.resume && redactJson(call.resume.answers, rules.fingerprint, sought);
    if (args.overflow || answers?.overflow) return stop('redact.overflow', 'arguments');
    const found = [...args.found, ...(answers?.found ?? [])];
    if (found.length === 0) return PASS;
    const value: Inputs = { args: args.value, ...(answers && { answers: answers.value as JsonObject }) };
    return edited(value, found);
  },

  inspect(
    call: CallView,
    message: Message,
    rules: Rules,
    state: State,
    breathe?: Breathe,
  ): Verdict<Message> | Promise<Verdict<Message>> {
    const work = looked(call, message, rules, state);
    return breathe !== undefined && isLarge(message) ? sliced(work, breathe) : whole(work);
  },
};

function looked(call: CallView, message: Message, rules: Rules, state: State): Slices<Verdict<Message>> {
  switch (message.kind) {
    case 'error':
      return ofError(message, rules);
    case 'notification':
      return ofNotification(call, message, rules, state);
    case 'result':
      return ofResult(call, message, rules, state);
  }
}

function asked(call: CallView, { arguments: on }: Rules): boolean {
  return on.has(call.upstream) || on.has(`${call.upstream}.${call.target.name}`);
}

function* ofError(message: RpcError, { fingerprint, sought }: Rules): Slices<Verdict<Message>> {
  const text = yield* redacting(message.message, fingerprint, undefined, sought);
  const data = message.data === undefined ? undefined : yield* redactingJson(message.data, fingerprint, sought);
  if (text.overflow || data?.overflow) return stop('redact.overflow', 'error');
  const found = [...text.found.map(({ rule }) => rule), ...(data?.found ?? [])];
  if (found.length === 0) return PASS;
  return edited<Message>({ ...message, message: text.text, ...(data && { data: data.value }) }, found);
}

function* ofNotification(call: CallView, message: Notification, rules: Rules, state: State): Slices<Verdict<Message>> {
  const { fingerprint, sought } = rules;
  const joined = yield* joints(message.params, memory(state, call.id), fingerprint, sought);
  const done = yield* redactingJson(joined.value, fingerprint, sought);
  if (done.overflow) return stop('redact.overflow', message.method);
  const found = [...joined.found, ...done.found];
  if (found.length === 0) return PASS;
  return edited<Message>({ ...message, params: done.value as JsonObject }, found, joined.found.length > 0);
}

function* ofResult(
  call: CallView,
  message: Result,
  { fingerprint, sought }: Rules,
  state: State,
): Slices<Verdict<Message>> {
  const { value, bytes } = message;
  const before = memory(state, call.id);
  const seams = needsJoints(value, before);
  const blob = bytes === undefined || hasBlob(bytes);
  const clean = bytes !== undefined && !blob && !seeksMore(sought) && !(yield* mayHolding(bytes));
  const joined = seams ? yield* joints(value, before, fingerprint, sought) : { value, found: [] };
  if (clean && joined.found.length === 0) return PASS;
  const opened = blob
    ? yield* blobs(joined.value, fingerprint, sought)
    : { value: joined.value, found: [], overflow: false };
  const done = yield* redactingJson(opened.value, fingerprint, sought);
  if (done.overflow || opened.overflow) return stop('redact.overflow', call.method);
  const found = [...joined.found, ...opened.found, ...done.found];
  if (found.length === 0) return PASS;
  return edited<Message>({ kind: 'result', value: done.value as JsonObject }, found, joined.found.length > 0);
}

/** Kinds that a verdict names, at most. */
const NAMED = 8;

/** `across`: the first part of a secret left with an earlier message, so the call is marked. */
function edited<T>(value: T, found: readonly string[], across = false): Verdict<T> {
  const kinds = [...new Set(found)];
  const code = kinds.every((kind) => kind === 'card-number') ? 'redact.card' : 'redact.secret';
  const what = kinds.slice(0, NAMED).join(' ');
  return across ? { kind: 'edit', value, code, what, taint: 'private-data' } : { kind: 'edit', value, code, what };
}
