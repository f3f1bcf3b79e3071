/** One process for many callers, where a review found that it remembers nothing of a call: what keeps them apart. */
import { afterEach, expect, it } from 'vitest';
import type { Call, Notification } from '../../src/core/call.ts';
import { Ended } from '../../src/core/ended.ts';
import type { JsonObject } from '../../src/lib/json/types.ts';
import { type Setup, setup, textOf } from './world.ts';

const opened: Setup[] = [];
async function shared(change: Parameters<typeof setup>[1] = {}): Promise<Setup> {
  const made = await setup(['node', './servers/asking.ts'], { shared: () => true, ...change });
  opened.push(made);
  return made;
}
afterEach(async () => {
  for (const made of opened.splice(0)) await made.lanes.close();
});
const CALLERS = Array.from({ length: 50 }, (_, i) => `subject-${i}`);
const starts = ({ events }: Setup) => events.filter(({ data }) => data.what === 'start').length;
const heard = async (world: Setup) => JSON.parse(textOf(await world.call('heard'))).heard as any[];

it('fifty callers at once get their own answers and their own progress, from one process', async () => {
  const world = await shared();
  const told = await Promise.all(
    CALLERS.map(async (subject) => {
      const notes: Notification[] = [];
      const text = textOf(await world.call('steps', { text: subject, ms: 5 }, { subject, notes, logLevel: 'debug' }));
      return { text, notes };
    }),
  );
  for (const [i, { text, notes }] of told.entries()) {
    expect(text).toBe(CALLERS[i]);
    expect(notes.map(({ method, params }) => [method, params['message'], params['progress']])).toEqual(
      [1, 2, 3].map((step) => ['notifications/progress', CALLERS[i], step]),
    );
  }
  expect(starts(world)).toBe(2); // one for the probe
  const tokens = (await heard(world)).flatMap(({ params }) => params?._meta?.progressToken ?? []);
  expect(new Set(tokens).size).toBe(tokens.length);
});

it('a log message, which names no call, reaches nobody, and no caller sets the level', async () => {
  const world = await shared();
  const notes: Notification[] = [];
  await world.call('log', { text: 'whose?' }, { notes, logLevel: 'debug' });
  expect(notes).toEqual([]);
  expect((await heard(world)).map(({ method }) => method)).not.toContain('logging/setLevel');
});

it('a call that is cancelled ends alone', async () => {
  const world = await shared();
  const cancel = new AbortController();
  const calls = CALLERS.slice(0, 5).map((subject, i) =>
    world.call('steps', { text: subject, ms: 30 }, { subject, ...(i === 2 && { signal: cancel.signal }) }),
  );
  await expect.poll(async () => (await heard(world)).filter(({ params }) => params?.name === 'steps')).toHaveLength(5);
  cancel.abort(new Ended('cancel', 'run.cancelled'));
  const ends = await Promise.allSettled(calls);
  expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
  const said = await heard(world);
  const mine = said.find(({ params }) => params?.arguments?.text === CALLERS[2]);
  expect(said.filter(({ method }) => method === 'notifications/cancelled').map(({ params }) => params)).toEqual([
    { requestId: mine.id },
  ]);
});

it('asks nobody, whatever is granted', async () => {
  const asks = { elicitation: ['form' as const], sampling: true, roots: true };
  const world = await shared({ asks });
  const how = { capabilities: { elicitation: {}, sampling: {}, roots: {} } };
  const answer = await world.call('ask', { rounds: [[{ method: 'roots/list', params: {} }]] }, how);
  expect(JSON.parse(textOf(answer))).toEqual([{ refused: -32601 }]);
  expect((await heard(world)).find(({ method }) => method === 'initialize').params.capabilities).toEqual({});
});

it('tells of a resource those who watch it', async () => {
  const updated: string[] = [];
  const world = await shared({ onUpdated: (lane, uri) => updated.push(`${JSON.parse(lane)[2]} ${uri}`) });
  const watch = (subject: string, name: string) => {
    const call = {
      caller: { subject },
      tenant: 't',
      upstream: 'under-test',
      target: { kind: 'route', name: 'under-test' },
      lane: JSON.stringify(['under-test', 't', subject, [], '-', '-']),
    } as unknown as Call;
    const pin = { kind: 'resource', name, digest: '', descriptor: {} as JsonObject } as never;
    return world.lanes.watch(call, pin);
  };
  const [a] = await Promise.all([watch('a', 'x://1'), watch('b', 'x://2'), watch('c', 'x://1')]);
  for (const uri of ['x://1', 'x://2', 'x://3']) await world.call('touch', { uri });
  expect(updated.sort()).toEqual(['a x://1', 'b x://2', 'c x://1']);
  a!.close();
  await world.call('touch', { uri: 'x://1' });
  expect(updated.slice(3)).toEqual(['c x://1']);
  expect((await heard(world)).map(({ method }) => method)).not.toContain('resources/unsubscribe');
});

it('is no process for a tool that executes code, nor for a server that was not reviewed so', async () => {
  const world = await shared();
  const pid = async (how: object) => JSON.parse(textOf(await world.call('heard', {}, how))).heard.length as number;
  const before = await pid({ subject: 'a' });
  expect(await pid({ subject: 'b' })).toBe(before + 1);
  expect(await pid({ subject: 'b', executes: true })).toBeLessThanOrEqual(before);
  const apart = await setup(['node', './servers/asking.ts']);
  opened.push(apart);
  await Promise.all(['a', 'b'].map((subject) => apart.call('echo', { text: 'x' }, { subject })));
  expect(starts(apart)).toBe(3);
});
