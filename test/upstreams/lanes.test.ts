import { afterEach, describe, expect, it } from 'vitest';
import type { Notification } from '../../src/core/call.ts';
import { Ended } from '../../src/core/ended.ts';
import { over, processesWith, type Setup, setup, textOf } from './world.ts';

const opened: Setup[] = [];
const kept = (made: Setup) => {
  opened.push(made);
  return made;
};
type Change = Parameters<typeof setup>[1];
const tidy = async (change?: Change) => kept(await setup(['node', './servers/tidy.ts'], change));
const hostile = async (args: string[], change?: Change) =>
  kept(await setup(['node', './servers/hostile.ts', ...args], change));
const starts = ({ events }: Setup) => events.filter(({ code, data }) => code === 'event.lane' && data.what === 'start');
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

afterEach(async () => {
  for (const made of opened.splice(0)) await made.lanes.close();
});

describe('a call', () => {
  it('is answered by a sandboxed server, with the bytes of its result', async () => {
    const { call } = await tidy();
    const answer = await call('echo', { text: 'hello' });
    expect(textOf(answer)).toBe('hello');
    if (answer.kind !== 'result') throw new Error('no result');
    const own = JSON.parse(Buffer.from(answer.bytes!).toString());
    expect({ resultType: 'complete', ...own }).toEqual(answer.value);
  });
  it('gets its progress and log messages, in order, before its answer', async () => {
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
  it('keeps its progress from other calls of its lane', async () => {
    const { call } = await tidy();
    const [one, two]: Notification[][] = [[], []];
    await Promise.all([call('steps', { count: 2 }, { notes: one! }), call('steps', { count: 5 }, { notes: two! })]);
    expect(one!.filter(({ method }) => method === 'notifications/progress').map((n) => n.params['total'])).toEqual([
      2, 2,
    ]);
    expect(two!.filter(({ method }) => method === 'notifications/progress')).toHaveLength(5);
  });
  it('carries the error of the server', async () => {
    const { call } = await tidy();
    expect(await call('fail')).toMatchObject({ kind: 'error', code: -32603 });
  });
  it('that is cancelled ends at once, and the server hears of it within 100 ms', async () => {
    const world = await tidy();
    await world.call('echo', { text: 'warm' });
    const cancel = new AbortController();
    const call = world.call('slow', { ms: 120 }, { signal: cancel.signal });
    await pause(20);
    const at = performance.now();
    cancel.abort(new Ended('cancel', 'run.cancelled'));
    await expect(call).rejects.toMatchObject({ code: 'run.cancelled' });
    expect(performance.now() - at).toBeLessThan(100);
    await pause(250);
    expect(world.events.filter(({ code }) => code === 'event.stderr').map(({ data }) => data.text)).toEqual([
      expect.stringMatching(/^cancelled \d+$/),
    ]);
    expect(textOf(await world.call('echo', { text: 'still there' }))).toBe('still there');
  });
  it('that was cancelled before is never sent', async () => {
    const { call } = await tidy();
    const signal = AbortSignal.abort(new Ended('cancel', 'run.cancelled'));
    await expect(call('count', {}, { signal })).rejects.toMatchObject({ code: 'run.cancelled' });
    expect(textOf(await call('count'))).toMatch(/:1:/);
  });
});

describe('lanes', () => {
  it('start once for calls that come together', async () => {
    const world = await tidy();
    await Promise.all(Array.from({ length: 10 }, () => world.call('echo', { text: 'x' })));
    expect(starts(world)).toHaveLength(2); // one for the probe
  });
  it('are never shared between subjects or sessions', async () => {
    const { call } = await tidy();
    const counts = await Promise.all(
      [{ subject: 'a' }, { subject: 'b' }, { subject: 'a', session: 's1' }, { subject: 'a', session: 's2' }].map(
        async (how) => textOf(await call('count', {}, how)).split(':')[1],
      ),
    );
    expect(counts).toEqual(['1', '1', '1', '1']);
    expect(textOf(await call('count', {}, { subject: 'a' }))).toMatch(/:2:/);
  });
  it('of tools that execute code live for one call', async () => {
    const world = await tidy();
    for (const _ of [1, 2]) expect(textOf(await world.call('count', {}, { executes: true }))).toMatch(/:1:/);
    await pause(100);
    await world.lanes.close();
    expect(world.events.filter(({ data }) => data.what === 'end')).toHaveLength(3);
  });
  it('end when they were idle', async () => {
    const world = await tidy({ limits: { idle: 50 } });
    await world.call('count');
    await pause(600);
    expect(world.events.filter(({ data }) => data.what === 'end')).toHaveLength(2);
    expect(textOf(await world.call('count'))).toMatch(/:1:/);
  });
  it('of one subject are bounded: an idle one gives way, a busy one does not', async () => {
    const { call } = await tidy({ limits: { perSubject: 2 } });
    const busy = ['s1', 's2'].map((session) => call('slow', { ms: 300 }, { session }));
    await expect(call('echo', {}, { session: 's3' })).rejects.toMatchObject({ code: 'upstream.busy' });
    expect(textOf(await call('echo', { text: 'other' }, { subject: 'b' }))).toBe('other');
    await Promise.all(busy);
    expect(textOf(await call('echo', { text: 'now' }, { session: 's3' }))).toBe('now');
  });
  it('of one upstream are bounded', async () => {
    const { call } = await tidy({ limits: { perUpstream: 1 } });
    const busy = call('slow', { ms: 200 });
    await expect(call('echo', {}, { subject: 'b' })).rejects.toMatchObject({ code: 'upstream.busy' });
    await busy;
  });
  it('wait longer after each failed start', async () => {
    let now = 1_000_000;
    const world = await tidy({ clock: () => now });
    const broken = { ...world.spec, package: { ...world.spec.package, args: ['--eval'], entry: '/package/none.ts' } };
    const failing = await over(world.spec, {
      clock: () => now,
      specs: (() => {
        let asked = 0;
        return () => (asked++ === 0 ? world.spec : broken);
      })(),
      limits: { backoff: 1000, backoffMax: 3000 },
    });
    kept(failing);
    const waits: string[] = [];
    for (const step of [0, 0, 1000, 1999, 1, 2999, 1, 2999, 1]) {
      now += step;
      waits.push(
        await failing
          .call('echo')
          .then(String, (error: Ended) => `${error.code} ${/waits \d+/.exec(error.detail!)?.[0] ?? 'tried'}`),
      );
    }
    expect(waits.map((text) => text.replace('upstream.start ', ''))).toEqual([
      'tried',
      'waits 1000',
      'tried',
      'waits 1',
      'tried',
      'waits 1',
      'tried',
      'waits 1',
      'tried',
    ]);
  });
  it('do not start what differs from the pinned package', async () => {
    const world = await tidy({ pin: () => 'sha256:other' });
    await expect(world.call('echo')).rejects.toMatchObject({ code: 'inventory.package' });
    expect(starts(world)).toHaveLength(1);
  });
  it('do not start what is not pinned', async () => {
    const { call } = await tidy({ pin: () => undefined });
    await expect(call('echo')).rejects.toMatchObject({ code: 'inventory.package' });
  });
  it('send nothing for a thing that is described differently than pinned, or is gone', async () => {
    const world = await tidy();
    const pin = world.pins.get('count')!;
    for (const change of [{ digest: 'sha256:other' }, { name: 'gone' }]) {
      world.pins.set('count', { ...pin, ...change });
      await expect(world.call('count')).rejects.toMatchObject({ code: 'inventory.changed' });
    }
    world.pins.set('count', pin);
    expect(textOf(await world.call('count'))).toMatch(/:1:/);
    expect(world.drifts).toHaveLength(2);
  });
  it('list page by page', async () => {
    const { lanes } = await tidy();
    const listing = await lanes.probe('under-test');
    expect(listing.tools.map((tool) => tool['name'])).toEqual(['echo', 'steps', 'slow', 'fail', 'where', 'count']);
    expect(listing).toMatchObject({ instructions: 'Be tidy.', serverInfo: { name: 'tidy' }, templates: [] });
  });
  it('die as a whole, also those that hold on, and take no new calls afterwards', async () => {
    const mark = `--mark-${process.pid}`;
    const world = await hostile(['--ignore-end', mark], { grace: 100 });
    await world.call('attack', { mode: 'spawn' });
    expect(processesWith(mark).length).toBeGreaterThan(3);
    await world.lanes.close();
    expect(processesWith(mark)).toEqual([]);
    await expect(world.call('attack', { mode: 'ok' })).rejects.toMatchObject({ code: 'upstream.start' });
  });
});
