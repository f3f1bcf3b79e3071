/**
 * output: the last look at what leaves. Shape, listing, error text, promised structure, size: in this order, so that
 * what is cut was looked at whole. A result that nothing changed keeps the upstream's own bytes.
 */
import {
  type CallView,
  type Family,
  type Message,
  type Notification,
  type Result,
  type RpcError,
  STREAM,
} from '../../core/call.ts';
import { CODES, type Code } from '../../core/codes/index.ts';
import type { AppBounds } from '../../core/rules.ts';
import { type Breathe, isLarge, sliced, whole } from '../../core/slices.ts';
import type { State } from '../../core/state.ts';
import { type Control, edit, PASS, stop, type Verdict } from '../../core/verdict.ts';
import { canonical } from '../../lib/json/canonical.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';
import { plain } from '../../lib/schema/index.ts';
import { escapeText } from '../../lib/text.ts';
import { mayBeActive, type Settled, settling } from './active.ts';
import { bounded } from './apps.ts';
import { cutTo, sizeOf } from './cut.ts';
import { findInternals } from './internals.ts';
import { reviewedOnly } from './listing.ts';
import { withProvenance } from './provenance.ts';
import { capOf, type Rules, type Structure } from './rules.ts';
import { charged } from './session.ts';
import { shaped, shapedNote, shapedQuestion } from './shape.ts';

/** Characters of what a server says of a task. */
const MAX_STATUS = 1_024;
/** Bytes of an upstream's error that the log keeps. */
const DETAIL = 1_024;

export const output: Control<Rules> = {
  id: 'output',
  inspect(call, message, rules, state, breathe) {
    switch (message.kind) {
      case 'notification':
        return inspectNote(call, message, rules, state);
      case 'error':
        return failed(call, `rpc ${message.code}: ${message.message}`);
      case 'result':
        return inspectShown(call, message, rules, state, breathe);
    }
  },
};

/** What is active goes first: all that follows judges what is left. */
function inspectShown(
  call: CallView,
  message: Result,
  rules: Rules,
  state: State,
  breathe: Breathe | undefined,
): Verdict<Message> | Promise<Verdict<Message>> {
  const judge = (result: Result, edits: [Code, string][]) =>
    charged(
      call,
      message,
      signed(call, message, inspectResult(call, result, rules, edits), rules, state),
      rules.session,
      state,
    );
  const { active } = rules;
  if (active === 'pass' || !SHOWN.has(call.family) || !mayBeActive(message.value, active)) return judge(message, []);
  const work = settling(message.value, active, appsOf(call, rules) !== undefined);
  const after = ({ value, what }: Settled) =>
    value === message.value ? judge(message, []) : judge({ kind: 'result', value }, [['output.active', what]]);
  return breathe !== undefined && isLarge(message) ? sliced(work, breathe).then(after) : after(whole(work));
}

/** Counted in number and in bytes: a call's interim messages together may hold no more than its result. */
function inspectNote(call: CallView, note: Notification, rules: Rules, state: State): Verdict<Message> {
  const stream = call.method === STREAM;
  const params = shapedNote(note.method, note.params, stream);
  if (params === undefined) return stop('output.shape', escapeText(note.method, 128));
  // A stream of changes has no end by which to count; the gateway makes its messages and sets their pace.
  if (stream) return params === note.params ? PASS : edit({ ...note, params }, 'output.dropped', 'notification');
  const seen = state.scratch(call.id, 'output') as { count?: number; bytes?: number };
  seen.count = (seen.count ?? 0) + 1;
  seen.bytes = (seen.bytes ?? 0) + sizeOf(note.params);
  if (seen.count > rules.interim) return stop('output.flood', `over ${rules.interim} messages`);
  if (seen.bytes > capOf(rules, call)) return stop('output.flood', `over ${capOf(rules, call)} bytes of messages`);
  return params === note.params ? PASS : edit({ ...note, params }, 'output.dropped', 'notification');
}

/** What is asked was looked at by `asks`. */
function inspectQuestion(call: CallView, { value }: Result, rules: Rules): Verdict<Message> {
  const kept = shapedQuestion(value);
  if (kept === undefined) return stop('output.shape', 'input_required');
  const size = sizeOf(kept);
  if (size > capOf(rules, call)) return stop('output.too-large', `${size} bytes`);
  return kept === value ? PASS : edit({ kind: 'result', value: kept }, 'output.dropped', 'input_required');
}

/** A task that is not over. Of a server's own words about it only those stay that show nothing of its inside. */
function inspectTask({ value }: Result): Verdict<Message> {
  const { statusMessage: words, resultType } = value;
  const plain = typeof words === 'string' && words.length <= MAX_STATUS && value.content === undefined;
  const kept: JsonObject =
    plain && findInternals(words, null) === undefined
      ? { resultType: resultType!, statusMessage: words }
      : { resultType: resultType! };
  const same = Object.keys(kept).length === Object.keys(value).length;
  return same ? PASS : edit({ kind: 'result', value: kept }, 'output.dropped', 'statusMessage');
}

function inspectResult(call: CallView, result: Result, rules: Rules, edits: [Code, string][]): Verdict<Message> {
  const { resultType } = result.value;
  if (resultType === 'input_required') return edited(inspectQuestion(call, result, rules), result, edits);
  if (resultType === 'task' && call.extensions?.includes('tasks')) return edited(inspectTask(result), result, edits);
  if (resultType !== undefined && resultType !== 'complete') return stop('output.shape', 'resultType');
  let value = shaped(call.method, result.value);
  if (value === undefined) return stop('output.shape', call.method);
  if (value !== result.value) edits.push(['output.dropped', 'members']);

  const apps = bounded(value, appsOf(call, rules));
  if (apps !== value) edits.push(['output.dropped', 'app']);
  value = apps;

  if (call.family === 'list') {
    const listed = reviewedOnly(call, rules, value);
    if (listed !== value) edits.push(['output.dropped', 'listing']);
    value = listed;
  } else if (call.family === 'call' || call.method === 'tasks/get') {
    if (value.isError === true) {
      const found = internalsOf(value, call.args);
      if (found !== undefined) return failed(call, found, true);
      if (value.structuredContent !== undefined) {
        const { structuredContent: _, ...rest } = value;
        value = rest;
        edits.push(['output.dropped', 'structuredContent']);
      }
    } else {
      const kept = structured(value, rules.structures.get(call.upstream)?.get(call.target.name));
      if (typeof kept === 'string') return stop('output.schema', kept);
      if (kept !== value) edits.push(['output.dropped', 'structuredContent']);
      value = kept;
    }
    if (value.content === undefined) {
      if (value.structuredContent === undefined) return stop('output.shape', 'no content');
      value = { ...value, content: [] };
      edits.push(['output.dropped', 'no content']);
    }
  }

  const cap = capOf(rules, call);
  // Bytes that go out as they came are their own measure.
  const size = result.bytes && edits.length === 0 && result.bytes.length <= cap ? 0 : sizeOf(value);
  if (size > cap) {
    const cut = cutTo(cap, value, size, call.id);
    if (cut === undefined) return stop('output.too-large', `${size} bytes`);
    value = cut;
    edits.unshift(['output.cut', `${size} bytes`]);
  }
  const [first] = edits;
  return first ? edit({ kind: 'result', value }, first[0], edits.map(([, what]) => what).join(', ')) : PASS;
}

/** Undefined: no page of an app is let through. */
function appsOf(call: CallView, rules: Rules): AppBounds | undefined {
  return call.extensions?.includes('apps') ? rules.apps.get(call.upstream) : undefined;
}

/** What passes was edited already when there are `edits`. */
function edited(verdict: Verdict<Message>, result: Result, [first]: readonly [Code, string][]): Verdict<Message> {
  return verdict.kind === 'pass' && first ? edit(result, ...first) : verdict;
}

/** The value, pruned if need be; text = why it does not have the promised structure. */
function structured(value: JsonObject, promised: Structure | undefined): JsonObject | string {
  if (!promised) return value;
  const { structuredContent } = value;
  if (structuredContent === undefined) return 'no structuredContent';
  if (!promised.partial && promised.check(structuredContent) === undefined) return value;
  const pruned = promised.prune(structuredContent);
  if (pruned === undefined) return 'over the work budget';
  const fault = promised.partial ? undefined : promised.check(plain(pruned));
  if (fault) return fault.detail;
  return pruned === structuredContent ? value : withStructure(value, pruned);
}

/** Servers repeat their structure as JSON text for older clients: the copy must not say more than the original. */
function withStructure(value: JsonObject, pruned: Json): JsonObject {
  const whole = canonical(value.structuredContent!);
  const content = (Array.isArray(value.content) ? value.content : []).map((block) => {
    if (!isObject(block) || typeof block.text !== 'string' || !/^\s*[[{]/.test(block.text)) return block;
    try {
      return canonical(JSON.parse(block.text) as Json) === whole ? { ...block, text: JSON.stringify(pruned) } : block;
    } catch {
      return block;
    }
  });
  return { ...value, content, structuredContent: pruned };
}

/** What the log is to keep of an error that shows internals; undefined = an ordinary error. */
function internalsOf(value: JsonObject, args: Json): string | undefined {
  for (const block of Array.isArray(value.content) ? value.content : []) {
    if (!isObject(block)) continue;
    const text = isObject(block.resource) ? block.resource.text : block.text;
    const found = typeof text === 'string' ? findInternals(text, args) : undefined;
    if (found !== undefined) return `${found}: ${text as string}`;
  }
  return undefined;
}

/** One fixed text with the reference; the upstream's words go to the log only, escaped and cut. */
function failed(call: CallView, words: string, asTool = call.family === 'call'): Verdict<Message> {
  const row = CODES['output.error'];
  const text = row.text.replace('{ref}', call.id);
  const told: Result | RpcError = asTool
    ? { kind: 'result', value: { content: [{ type: 'text', text }], isError: true, resultType: 'complete' } }
    : { kind: 'error', code: row.rpc, message: text };
  return edit<Message>(told, 'output.error', escapeText(words, DETAIL));
}

/** Families whose results a host may show. */
const SHOWN: ReadonlySet<Family> = new Set(['call', 'read', 'get', 'task']);

/** The last word about a result: where it comes from. A question, a task that is not over and a refusal come from nowhere. */
function signed(
  call: CallView,
  result: Result,
  verdict: Verdict<Message>,
  { sign }: Rules,
  state: State,
): Verdict<Message> {
  if (!sign || verdict.kind === 'stop' || !SHOWN.has(call.family)) return verdict;
  const last = verdict.kind === 'edit' ? verdict.value : result;
  if (last.kind !== 'result' || (last.value.resultType ?? 'complete') !== 'complete') return verdict;
  // What another control edited has lost the bytes of its server.
  const edited = verdict.kind === 'edit' || result.bytes === undefined;
  const value = withProvenance(call, last.value, edited, state.now(), sign);
  const code = verdict.kind === 'edit' ? verdict.code : 'output.provenance';
  return edit({ kind: 'result', value }, code, verdict.kind === 'edit' ? verdict.what : undefined);
}
