/** How much one session may read: a server, or a loop of calls, must not fill a model's context (guarantee OU3). */
import { sessionOf } from '../../core/admit.ts';
import type { CallView, Message, Result } from '../../core/call.ts';
import { principalOf } from '../../core/principal.ts';
import type { State } from '../../core/state.ts';
import { stop, type Verdict } from '../../core/verdict.ts';
import { sizeOf } from './cut.ts';

const HOUR = 3_600;

/** Takes what leaves from the session's bytes of an hour. A caller without a session has one budget for all its calls. */
export function charged(
  call: CallView,
  result: Result,
  verdict: Verdict<Message>,
  bytes: number,
  state: State,
): Verdict<Message> | Promise<Verdict<Message>> {
  if (verdict.kind === 'stop') return verdict;
  const last = verdict.kind === 'edit' ? verdict.value : result;
  if (last.kind !== 'result') return verdict;
  // Bytes that go out as they came are their own measure.
  const size = last.bytes?.length ?? sizeOf(last.value);
  const key = `${principalOf(call.caller)} ${sessionOf(call)}`;
  const taken = state.take('output.session', key, { perSecond: bytes / HOUR, burst: bytes }, size);
  const judge = (ok: boolean) => (ok ? verdict : stop('output.session', `${size} bytes, over ${bytes} in an hour`));
  return taken instanceof Promise ? taken.then(({ ok }) => judge(ok)) : judge(taken.ok);
}
