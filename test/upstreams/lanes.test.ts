import { afterEach, describe, expect, it } from 'vitest';
import type { Notification } from '../../src/core/call.ts';
import { type Setup, setup, textOf } from './world.ts';

const TIDY = ['node', './servers/tidy.ts'];
const open: Setup[] = [];
const tidy = async (...change: Parameters<typeof setup> extends [any, ...infer R] ? R : never) => {
  const made = await setup(TIDY, ...change);
  open.push(made);
  return made;
};
afterEach(async () => {
  for (const made of open.splice(0)) await made.lanes.close();
});

describe('lanes', () => {
  it('answers a call through a sandboxed server', async () => {
    const { call, events } = await tidy();
    const answer = await call('echo', { text: 'hello' });
    expect(textOf(answer)).toBe('hello');
    if (answer.kind !== 'result') throw new Error('no result');
    expect(JSON.parse(Buffer.from(answer.bytes!).toString())).toEqual(answer.value);
    expect(events.filter(({ data }) => data.what === 'start')).toHaveLength(2);
  });
  it('brings progress and log messages of a call to it, in order, before its answer', async () => {
    const { call } = await tidy();
    const notes: Notification[] = [];
    expect(textOf(await call('steps', { count: 3 }, { notes }))).toBe('done');
    expect(notes.map(({ method, params }) => [method, params['progress'] ?? params['data']])).toEqual([
      ['notifications/progress', 1],
      ['notifications/progress', 2],
      ['notifications/progress', 3],
      ['notifications/message', 'done soon'],
    ]);
    expect(notes[0]!.params).not.toHaveProperty('progressToken');
  });
});
