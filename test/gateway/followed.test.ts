import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/core/admit.ts';
import type { Call, Io } from '../../src/core/call.ts';
import type { Gate } from '../../src/core/gate.ts';
import type { Snapshot } from '../../src/core/ports.ts';
import { flowing } from '../../src/gateway/flow.ts';
import { Followed, type Looks, looks } from '../../src/gateway/followed.ts';
import { Stream } from '../../src/gateway/stream.ts';
import type { JsonObject } from '../../src/lib/json/types.ts';

/** Answers of the looks at one task, one after another; the pauses between them are over at once. */
function follow(answers: readonly (JsonObject | 'gone' | 'fails' | undefined)[], ids = ['t']) {
  const left = [...answers];
  const pauses: number[] = [];
  const told: JsonObject[] = [];
  let done = 0;
  const never = new Promise<never>(() => {});
  const looks: Looks = {
    known: (_, id) => id !== 'unknown',
    get: async () => {
      const answer = left.length > 0 ? left.shift() : never;
      if (answer === 'fails') throw new Error('no room');
      return answer;
    },
  };
  const followed = new Followed({} as Call, ids, {
    looks,
    timers: {
      set: (run, ms) => (pauses.push(ms), setImmediate(run)),
      clear: (timer) => clearImmediate(timer as NodeJS.Immediate),
    },
    tell: async (task) => void told.push(task),
    done: () => void done++,
  });
  followed.start();
  return { followed, told, pauses, left, done: () => done };
}
const working = (more: JsonObject = {}): JsonObject => ({ status: 'working', ...more });
const rest = () => new Promise((resolve) => setTimeout(resolve, 20));

describe('a task that is followed', () => {
  it('is told when it differs, and no more once it is over', async () => {
    const { told, left, done } = follow([working(), working(), working({ n: 1 }), { status: 'failed' }, working()]);
    await rest();
    expect(told).toEqual([working(), working({ n: 1 }), { status: 'failed' }]);
    expect([left.length, done()]).toEqual([1, 1]);
  });

  it.each<[string, readonly (JsonObject | 'fails' | undefined)[], number[]]>([
    ['without a wish', [working()], [5000]],
    ['as wished', [working({ pollIntervalMs: 7000 })], [7000]],
    ['at most each second', [working({ pollIntervalMs: 1 })], [1000]],
    ['each minute at least', [working({ pollIntervalMs: 1e9 })], [60_000]],
    ['less and less when there is no answer', [...Array(6)], [10_000, 20_000, 40_000, 60_000, 60_000, 60_000]],
    ['later when a look fails', ['fails', working()], [10_000, 5000]],
    ['as before when there is one again', [undefined, working()], [10_000, 5000]],
  ])('is looked at %s', async (_, answers, pauses) => {
    const made = follow(answers);
    await rest();
    expect(made.pauses).toEqual(pauses);
  });

  it('is left alone when it is gone, and with the stream', async () => {
    const gone = follow(['gone', working()]);
    await rest();
    expect([gone.told, gone.left.length, gone.done()]).toEqual([[], 1, 1]);
    const stopped = follow([working(), working({ n: 1 })]);
    stopped.followed.stop();
    await rest();
    expect([stopped.told, stopped.done()]).toEqual([[], 0]);
  });

  it('is one of those that say anything to the caller', () => {
    expect(follow([], ['a', 'unknown', 'b']).followed.ids).toEqual(['a', 'b']);
  });
});

it.each([['f'], [undefined]])('a look belongs to the flow of its stream: %j', async (flow) => {
  const key = new Uint8Array(randomBytes(32));
  const ring = { current: () => ({ kid: 'k', key }), find: () => key };
  const day = 24 * 3_600_000;
  let seen: Entry | undefined;
  const gate = {
    id: () => '1',
    clock: () => 2 * day,
    call: async (entry: Entry) => (
      (seen = flowing(entry, ring, () => 2 * day)), { message: { kind: 'error' }, code: 'x' }
    ),
  } as unknown as Gate;
  const caller = { tenant: 't', issuer: 'i', subject: 'ana', agent: [] };
  const { get } = looks(
    () => gate,
    () => true,
    { ring, random: (n) => new Uint8Array(randomBytes(n)) },
  );
  await get({ caller, at: 0, ...(flow && { flow }) } as unknown as Call, 'task', new AbortController().signal);
  expect([seen?.said.name, seen?.said.flow]).toEqual(['task', flow]);
});

it('a stream that ends asks nothing more for its caller, though the client does not read the last messages', async () => {
  const args = { notifications: { taskIds: ['t'], resourceSubscriptions: ['file:///a'] } };
  const call = { args, caller: {}, route: 'r', upstream: 'u' } as unknown as Call;
  const io: Io = {
    signal: new AbortController().signal,
    send: async ({ method }) => (method === 'notifications/resources/updated' ? new Promise(() => {}) : undefined),
  };
  const shelf = { find: () => ({ kind: 'pinned', target: {} }) };
  const may = () => ({ allow: true, ask: false });
  let count = 0;
  const stream = new Stream(call, io, {
    snapshot: () => ({ routes: new Map(), shelf, may }) as unknown as Snapshot,
    clock: () => 0,
    // Pauses are over at once, and the time for the last messages never.
    timers: { set: (run, ms) => (ms === 1000 ? undefined : setImmediate(run)), clear: () => {} },
    state: { get: () => undefined, swap: () => true },
    watch: async () => ({ lost: new Promise(() => {}), close() {} }),
    onEnd: () => {},
    looks: { known: () => true, get: async () => (count++, working({ pollIntervalMs: 2000 })) },
  });
  await stream.watch('file:///a');
  void stream.run();
  await rest();
  expect(count).toBeGreaterThan(0);
  stream.updated('file:///a');
  stream.finish('revoked');
  await rest();
  const then = count;
  await rest();
  expect(count).toBe(then);
  stream.close();
});

it.each([
  ['limits.rate', undefined],
  ['audit.unavailable', undefined],
  ['output.session', undefined],
  ['inventory.unknown', 'gone'],
  ['output.shape', 'gone'],
])('a look that ends with %s: %j', async (code, said) => {
  const refused = { message: { kind: 'error' }, code };
  const gate = { id: () => '1', clock: () => 0, call: async () => refused } as unknown as Gate;
  const parts = { ring: {}, random: () => new Uint8Array() } as unknown as Parameters<typeof looks>[2];
  const { get } = looks(
    () => gate,
    () => true,
    parts,
  );
  expect(await get({} as Call, 'task', new AbortController().signal)).toBe(said);
});
