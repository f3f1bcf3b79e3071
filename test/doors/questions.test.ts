/** Who may answer what: without doors, so that nothing before this class can be what refuses. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Resume } from '../../src/core/call.ts';
import type { Ending } from '../../src/core/pipeline.ts';
import { type Asking, Questions } from '../../src/doors/questions.ts';
import { after } from '../../src/doors/timers.ts';
import type { LegacySession } from '../../src/wire/eras/legacy.ts';
import { CALLER } from '../core/fakes.ts';

const session: LegacySession = { digest: 's', era: '2025-11-25', claimed: { capabilities: {} } };
const BOB = { ...CALLER, subject: 'bob' };
const ending = (value: object, kind = 'reply', sent = kind === 'reply') =>
  ({ message: { kind: 'result', value }, outcome: { kind, sent } }) as unknown as Ending;
const question = (...ids: string[]) =>
  ending({
    resultType: 'input_required',
    inputRequests: Object.fromEntries(ids.map((id) => [id, { method: 'roots/list' }])),
    requestState: 'sealed',
  });
const done = ending({ resultType: 'complete' });

function ask(more: Partial<Asking> = {}, first = question('q')) {
  const questions = new Questions({ clock: Date.now, random: randomBytes, after });
  const sent: any[] = [];
  const again: [Resume, string][] = [];
  let stops = 0;
  const end = questions.settle(first, {
    caller: CALLER,
    session,
    signal: new AbortController().signal,
    send: (text) => void sent.push(JSON.parse(text)),
    again: async (resume, { caller }) => (again.push([resume, caller.credential]), done),
    waits: () => () => {},
    stop: () => void stops++,
    ...more,
  });
  return { questions, sent, again, end, stops: () => stops };
}
const answer = (id: string, result: object | undefined = { roots: [] }) =>
  ({ kind: 'response', id, ...(result && { result }), facts: {} }) as never;

describe('questions', () => {
  it('are answered by the caller and in the session that were asked, and by nobody else', async () => {
    const { questions, sent, again, end } = ask();
    const { id } = sent[0];
    expect(questions.take(answer(id), 's', BOB)).toBe(false);
    expect(questions.take(answer(id), 's', { ...CALLER, tenant: 'other' })).toBe(false);
    expect(questions.take(answer(id), 's', { ...CALLER, agent: ['x'] })).toBe(false);
    expect(questions.take(answer(id), 'other', CALLER)).toBe(false);
    expect(questions.take(answer('dw-'), 's', CALLER)).toBe(false);
    expect(again).toEqual([]);
    expect(questions.take(answer(id), 's', { ...CALLER, credential: 'renewed' })).toBe(true);
    expect(await end).toBe(done);
    // In the name of the credential that answered, which may be able to do less by now.
    expect(again).toEqual([[{ state: 'sealed', answers: { q: { roots: [] } } }, 'renewed']]);
    expect(questions.take(answer(id), 's', CALLER)).toBe(false);
  });

  it('wait for all answers of a round, in any order', async () => {
    const { questions, sent, again, end } = ask({}, question('a', 'b', 'c'));
    await new Promise(setImmediate);
    for (const { id } of sent.toReversed()) expect(questions.take(answer(id), 's', CALLER)).toBe(true);
    expect(await end).toBe(done);
    expect(Object.keys(again[0]![0].answers).sort()).toEqual(['a', 'b', 'c']);
  });

  it('may be answered while the next of the round are still on their way to a slow client', async () => {
    const told: any[] = [];
    let questions: Questions;
    const made = ask(
      {
        async send(text) {
          told.push(JSON.parse(text));
          await new Promise(setImmediate);
          if (told.length === 1) expect(questions.take(answer(told[0].id), 's', CALLER)).toBe(true);
        },
      },
      question('a', 'b'),
    );
    questions = made.questions;
    await expect.poll(() => told.length).toBe(2);
    await new Promise(setImmediate);
    expect(made.again).toEqual([]);
    questions.take(answer(told[1].id), 's', CALLER);
    expect(await made.end).toBe(done);
    expect(Object.keys(made.again[0]![0].answers)).toEqual(['a', 'b']);
  });

  it('are not put for what is no question', async () => {
    for (const first of [done, ending({ resultType: 'input_required', requestState: 'x' }, 'stop')]) {
      const { sent, end } = ask({}, first);
      expect(await end).toBe(first);
      expect(sent).toEqual([]);
    }
  });

  it('are over at once for a call that is, and for a caller whose time is', async () => {
    const gone = new AbortController();
    gone.abort();
    expect(await ask({ signal: gone.signal }).end).toBe('run.cancelled');
    expect(await ask({ caller: { ...CALLER, expires: Date.now() - 1 } }).end).toBe('asks.unanswered');
  });

  it.each([
    ['reached it', done, 0],
    ['were refused here', ending({}, 'stop'), 1],
    ['made no call', { refused: true, message: {}, code: 'door.rate' } as never, 1],
  ])('leave the server with its call only when the answers %s', async (_, last: Ending, stopped) => {
    const { questions, sent, end, stops } = ask({ again: async () => last });
    expect(questions.take(answer(sent[0].id), 's', CALLER)).toBe(true);
    expect(await end).toBe(last);
    expect(stops()).toBe(stopped);
  });

  it('give up the call at the server with the session', async () => {
    const { questions, end, stops } = ask();
    questions.end('s');
    expect(await end).toBe('asks.unanswered');
    expect(stops()).toBe(1);
  });

  it('have ids that do not repeat', () => {
    const ids = Array.from({ length: 100 }, () => ask().sent[0].id);
    expect(new Set(ids).size).toBe(100);
  });
});
