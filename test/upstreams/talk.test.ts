/** One call at a server that asks, as hostile and as unlucky as it gets: no process, no clock. */
import { describe, expect, it } from 'vitest';
import type { Notification, Result, RpcError } from '../../src/core/call.ts';
import { Ended } from '../../src/core/ended.ts';
import type { JsonObject } from '../../src/lib/json/types.ts';
import type { Answer, Ask } from '../../src/upstreams/asking.ts';
import { Talk, type TalkOptions } from '../../src/upstreams/talk.ts';

const FORM = { message: 'm', requestedSchema: { type: 'object' } };
const DONE: Result = { kind: 'result', value: { resultType: 'complete', content: [] } };
const turn = () => new Promise((done) => setImmediate(done));
const never = new AbortController().signal;
const io = (signal: AbortSignal = never, notes: Notification[] = []) => ({
  signal,
  send: async (note: Notification) => void notes.push(note),
});

const soon: TalkOptions['pause'] = (run) => {
  const timer = setImmediate(run);
  return () => clearImmediate(timer);
};

function talking({ room = true, pause = soon } = {}) {
  let how: Ask = {};
  const server = Promise.withResolvers<Result | RpcError>();
  const answers: [string, Answer][] = [];
  let parks = 0;
  const talk = new Talk({
    version: '2025-11-25',
    offered: { elicitation: { form: {} } },
    park: () => (room ? `state-${++parks}` : undefined),
    pause,
    ask(given) {
      how = given;
      given.signal!.addEventListener('abort', () => server.reject(given.signal!.reason));
      return server.promise;
    },
  });
  return {
    talk,
    answers,
    how: () => how,
    end: (answer: Result | RpcError = DONE) => server.resolve(answer),
    fail: (error: unknown) => server.reject(error),
    ask: (id: string, params: JsonObject = FORM) =>
      talk.asked({ id, method: 'elicitation/create', params, answer: (members) => void answers.push([id, members]) }),
  };
}
const requests = (answer: Result | RpcError) => Object.keys((answer as Result).value['inputRequests'] as JsonObject);

describe('a server', () => {
  it('that floods is answered eight questions at a time', async () => {
    const { talk, ask } = talking();
    const round = talk.round(io());
    const refused = Array.from({ length: 100 }, (_, i) => ask(`q${i}`)).filter((one) => one !== undefined);
    expect(refused).toHaveLength(92);
    expect(refused[0]).toEqual({ code: -32603, message: 'too many questions' });
    expect(requests(await round)).toHaveLength(8);
  });
  it('that asks for ever is refused after sixteen rounds', async () => {
    const { talk, ask, end } = talking();
    let round = talk.round(io());
    for (let i = 1; i < 16; i++) {
      expect(ask(`q${i}`)).toBeUndefined();
      const [id] = requests(await round);
      round = talk.round(io(), { [id!]: { action: 'decline' } });
    }
    expect(ask('q16')).toMatchObject({ code: -32603 });
    end();
    expect(await round).toBe(DONE);
  });
  it('that asks in several reads, turns apart, is one question', async () => {
    const waiting = new Set<() => void>();
    const { talk, ask } = talking({
      pause(run) {
        waiting.add(run);
        return () => waiting.delete(run);
      },
    });
    const round = talk.round(io());
    for (const id of ['q1', 'q2', 'q3']) {
      ask(id);
      await turn();
      expect(waiting.size).toBe(1);
    }
    for (const run of waiting) run();
    expect(requests(await round)).toHaveLength(3);
  });
  it('that uses one id twice gets each answer once', async () => {
    const { talk, ask, answers } = talking();
    const first = talk.round(io());
    ask('q');
    ask('q');
    const ids = requests(await first);
    void talk.round(io(), Object.fromEntries(ids.map((id, i) => [id, { action: 'accept', content: { i } }])));
    expect(answers.map(([, one]) => one)).toEqual(
      [0, 1].map((i) => ({ result: { action: 'accept', content: { i } } })),
    );
  });
  it('that asks and answers in one breath has answered', async () => {
    const { talk, ask, end } = talking();
    const round = talk.round(io());
    ask('q');
    end();
    expect(await round).toBe(DONE);
  });
  it('that answers while nobody listens is heard with the retry, once and for all', async () => {
    const { talk, ask, end, answers, how } = talking();
    const first = talk.round(io());
    ask('q');
    await first;
    const notes: Notification[] = [];
    await how().send!({ kind: 'notification', method: 'notifications/progress', params: {} });
    end();
    await talk.over;
    for (let i = 0; i < 2; i++)
      expect(await talk.round(io(never, notes), { 'ask-1': { action: 'accept' } })).toBe(DONE);
    expect([answers, notes]).toEqual([[], []]);
  });
  it('that is lost while nobody listens is told so with the retry', async () => {
    const { talk, ask, fail } = talking();
    const first = talk.round(io());
    ask('q');
    await first;
    fail(new Ended('stop', 'upstream.lost'));
    await talk.over;
    await expect(talk.round(io())).rejects.toMatchObject({ code: 'upstream.lost' });
  });
  it('gets nothing that is no answer', async () => {
    const { talk, ask, answers } = talking();
    const first = talk.round(io());
    ask('q');
    await first;
    const second = talk.round(io(), { 'ask-2': { action: 'accept' }, __proto__: { 'ask-1': { action: 'accept' } } });
    expect(requests(await second)).toEqual(['ask-1']);
    void talk.round(io(), { 'ask-1': 'yes' });
    expect(answers).toEqual([['q', { error: { code: -32603, message: 'no answer' } }]]);
  });
});

describe('a client', () => {
  it('hears what was said before a question before the question', async () => {
    const { talk, ask, how } = talking();
    const heard: string[] = [];
    const slow = { signal: never, send: () => turn().then(() => void heard.push('note')) };
    const round = talk.round(slow).then(() => heard.push('question'));
    void how().send!({ kind: 'notification', method: 'notifications/progress', params: {} });
    ask('q');
    await round;
    expect(heard).toEqual(['note', 'question']);
  });
  it('that goes away ends the call, also while it takes no messages', async () => {
    const { talk, ask, how, answers } = talking();
    const gone = new AbortController();
    const round = talk.round({ signal: gone.signal, send: () => new Promise(() => {}) });
    void how().send!({ kind: 'notification', method: 'notifications/progress', params: {} });
    ask('q');
    await turn();
    gone.abort(new Ended('cancel', 'run.cancelled'));
    await expect(round).rejects.toMatchObject({ code: 'run.cancelled' });
    expect(answers).toEqual([['q', { error: { code: -32603, message: 'no answer' } }]]);
    expect(how().signal!.aborted).toBe(true);
  });
  it('that was gone before ends it at once', async () => {
    const { talk } = talking();
    const round = talk.round(io(AbortSignal.abort(new Ended('cancel', 'run.cancelled'))));
    await expect(round).rejects.toMatchObject({ code: 'run.cancelled' });
  });
});

it('without room to wait the questions are refused, and the call goes on', async () => {
  const { talk, ask, answers, end } = talking({ room: false });
  const round = talk.round(io());
  ask('a');
  ask('b');
  await turn();
  await turn();
  expect(answers.map(([id, one]) => [id, 'error' in one])).toEqual([
    ['a', true],
    ['b', true],
  ]);
  end();
  expect(await round).toBe(DONE);
});
