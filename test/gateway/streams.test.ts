/** Streams of change notifications over a socket in both eras, before a real server that changes when it is told to. */
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/lib/json/types.ts';
import { http, INITIALIZE, META } from '../doors/client.ts';
import { GRANTED, type Library, library } from './library.ts';
import { type Listener, listen, listenLegacy } from './listener.ts';

let made: Library;
beforeAll(async () => {
  made = await library();
}, 60_000);
afterAll(() => made?.close());

const opened: Listener[] = [];
const kept = async (listener: Promise<Listener>) => {
  const one = await listener;
  opened.push(one);
  return one;
};
afterEach(async () => {
  for (const one of opened.splice(0)) one.leave();
  if (!existsSync(made.site.config)) return;
  made.grant(GRANTED);
  await expect.poll(() => made.inForce(), { timeout: 5000 }).toBe(true);
});

const ALL = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };
const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId';
const poll = (what: () => unknown) => expect.poll(what, { timeout: 5000, interval: 10 });
const quiet = () => new Promise((resolve) => setTimeout(resolve, 300));
const use = (name: string, args: object = {}) => made.ask('tools/call', { name, arguments: args });
const useLegacy = (session: string, name: string, args: object = {}) =>
  made.legacy(session, 'tools/call', { name, arguments: args });
const seen = async (answer: Promise<JsonObject>) =>
  JSON.parse(((await answer) as any).result.content[0].text) as { subscribed: string[]; cancelled: unknown[] };

describe('subscriptions/listen', () => {
  it('acknowledges first, and only what is there for the caller', async () => {
    const uris = ['library://catalog', 'library://shelf/two', 'library://book/emma', 'library://secret/diary', 'x:y'];
    const stream = await kept(listen(made, { ...ALL, resourceSubscriptions: uris, other: ['t'] }, { id: 7 }));
    await poll(() => stream.messages.length).toBe(1);
    expect(stream.headers['content-type']).toBe('text/event-stream');
    expect(stream.messages[0]).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications: { ...ALL, resourceSubscriptions: uris.slice(0, 3) }, _meta: { [SUBSCRIPTION]: 7 } },
    });
    expect((await seen(use('seen'))).subscribed).toEqual(uris.slice(0, 3).sort());
    stream.leave();
    await poll(async () => (await seen(use('seen'))).subscribed).toEqual([]);
  });

  it('passes on updates of what was subscribed to, and of nothing else', async () => {
    const stream = await kept(listen(made, { resourceSubscriptions: ['library://catalog'] }));
    await poll(() => stream.heard()).toEqual(['subscriptions/acknowledged']);
    for (const uri of ['library://shelf/one', 'library://secret/diary', 'library://catalog'])
      await use('touch', { uri });
    await poll(() => stream.messages.at(-1)).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/resources/updated',
      params: { uri: 'library://catalog', _meta: { [SUBSCRIPTION]: 'sub' } },
    });
    await quiet();
    expect(stream.heard()).toEqual(['subscriptions/acknowledged', 'resources/updated']);
  });

  it('says once what a server says ten thousand times', async () => {
    const stream = await kept(listen(made, { resourceSubscriptions: ['library://catalog'] }));
    await poll(() => stream.heard()).toHaveLength(1);
    await use('touch', { uri: 'library://catalog', times: 10_000 });
    await poll(() => stream.heard().length).toBeGreaterThan(1);
    await quiet();
    expect(stream.heard().length).toBeLessThan(20);
    expect((await use('steps', { count: 0 })).result).toBeDefined();
  });

  it('says nothing when a server only says that it changed', async () => {
    const stream = await kept(listen(made, ALL));
    await poll(() => stream.heard()).toHaveLength(1);
    await use('move');
    await quiet();
    expect(stream.heard()).toHaveLength(1);
  });

  it('tells of resources that came to be below a reviewed folder', async () => {
    const stream = await kept(listen(made, ALL));
    await poll(() => stream.heard()).toHaveLength(1);
    await use('add', { name: `book-${Date.now()}` });
    await poll(() => stream.heard()).toEqual(['subscriptions/acknowledged', 'resources/list_changed']);
    expect(stream.ended()).toBe(false);
  });

  it('tells of a reload that takes something away from the caller, and ends', async () => {
    const stream = await kept(listen(made, ALL));
    const deaf = await kept(listen(made, { promptsListChanged: true }, { id: 'deaf' }));
    await poll(() => stream.heard().length + deaf.heard().length).toBe(2);
    made.grant(GRANTED.filter((name) => name !== 'library.add'));
    await poll(() => [stream.ended(), deaf.ended()]).toEqual([true, true]);
    expect(stream.heard()).toEqual(['subscriptions/acknowledged', 'tools/list_changed']);
    expect(stream.messages.at(-1)).toEqual({
      jsonrpc: '2.0',
      id: 'sub',
      result: { resultType: 'complete', _meta: { [SUBSCRIPTION]: 'sub' } },
    });
    expect(deaf.heard()).toEqual(['subscriptions/acknowledged']);
    expect(made.events.filter(({ code }) => code === 'event.listen').map(({ data }) => data.why)).toContain('changed');
  });

  it('goes on through a reload that changes nothing for it, and ends by one that judges messages anew', async () => {
    const stream = await kept(listen(made, ALL));
    await poll(() => stream.heard()).toHaveLength(1);
    const reloads = () => made.events.filter(({ code }) => code === 'event.reload').length;
    let before = reloads();
    made.grant(GRANTED, '# a word\n');
    await poll(reloads).toBe(before + 1);
    await quiet();
    expect(stream.ended()).toBe(false);
    before = reloads();
    made.grant(GRANTED, 'output: { cap: 100000 }\n');
    await poll(reloads).toBe(before + 1);
    await poll(() => stream.ended()).toBe(true);
    expect(stream.heard()).toHaveLength(1);
  });

  it('forwards no update that the caller may no longer read', async () => {
    const stream = await kept(listen(made, { resourceSubscriptions: ['library://catalog'] }));
    await poll(() => stream.heard()).toHaveLength(1);
    made.grant(GRANTED.filter((name) => !name.endsWith('catalog')));
    await poll(() => stream.ended()).toBe(true);
    await use('touch', { uri: 'library://catalog' });
    expect(stream.heard()).toEqual(['subscriptions/acknowledged']);
  });

  it('ends at once when nothing that was asked for is there', async () => {
    const stream = await kept(listen(made, { resourceSubscriptions: ['library://secret/diary'] }));
    await poll(() => stream.ended()).toBe(true);
    expect(stream.messages).toHaveLength(2);
    expect(stream.messages[0]).toMatchObject({ params: { notifications: {} } });
  });

  it('is one call in the log, with an intent and an end', async () => {
    const before = made.calls.length;
    const stream = await kept(listen(made, ALL));
    await poll(() => stream.heard()).toHaveLength(1);
    expect(made.calls).toHaveLength(before);
    stream.leave();
    await poll(() => made.calls.at(-1)).toEqual({
      method: 'subscriptions/listen',
      kind: 'cancel',
      code: 'run.cancelled',
    });
  });

  it('is refused over the number that one subject may have open', async () => {
    const streams = await Promise.all(Array.from({ length: 16 }, (_, id) => kept(listen(made, ALL, { id }))));
    await poll(() => streams.every((one) => one.heard().length === 1)).toBe(true);
    const one = await kept(listen(made, ALL, { id: 'more' }));
    expect(one.status).toBe(429);
    streams[0]!.leave();
    await poll(async () => (await kept(listen(made, ALL, { id: 'again' }))).status).toBe(200);
    // Calls have places of their own.
    expect((await use('steps', { count: 0 })).result).toBeDefined();
  });
});

describe('the stream of a legacy session', () => {
  it('opens without a message, and has no event ids', async () => {
    const session = await made.session();
    const stream = await kept(listenLegacy(made, session));
    expect([stream.status, stream.headers['content-type']]).toEqual([200, 'text/event-stream']);
    await poll(() => stream.raw()).toBe(':\n\n');
    expect((await made.legacy(session, 'resources/subscribe', { uri: 'library://shelf/two' })).result).toEqual({});
    await useLegacy(session, 'touch', { uri: 'library://shelf/two' });
    await useLegacy(session, 'touch', { uri: 'library://catalog' });
    await poll(() => stream.messages).toEqual([
      { jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri: 'library://shelf/two' } },
    ]);
    expect((await made.legacy(session, 'resources/unsubscribe', { uri: 'library://shelf/two' })).result).toEqual({});
    await poll(async () => (await seen(useLegacy(session, 'seen'))).subscribed).toEqual([]);
    await useLegacy(session, 'touch', { uri: 'library://shelf/two' });
    await quiet();
    expect(stream.messages).toHaveLength(1);
    expect(stream.raw()).not.toMatch(/^id:/m);
  });

  it('takes up what was subscribed to before it was opened, and again when it is opened anew', async () => {
    const session = await made.session();
    await made.legacy(session, 'resources/subscribe', { uri: 'library://catalog' });
    const first = await kept(listenLegacy(made, session));
    await poll(() => first.raw()).toContain(':');
    const second = await kept(listenLegacy(made, session));
    await poll(() => first.ended()).toBe(true);
    await poll(() => second.raw()).toContain(':');
    await useLegacy(session, 'touch', { uri: 'library://catalog' });
    await poll(() => second.heard()).toEqual(['resources/updated']);
    expect(first.heard()).toEqual([]);
  });

  it.each(['library://secret/diary', 'library://nothing', 'library://shelf/../secret/diary'])(
    'has no subscription to %s',
    async (uri) => {
      const session = await made.session();
      const { error } = await made.legacy(session, 'resources/subscribe', { uri });
      expect(error).toEqual({ code: -32602, message: 'unknown name' });
    },
  );

  it('tells of a reload that gives or takes, and ends; the session lives on', async () => {
    const session = await made.session();
    const stream = await kept(listenLegacy(made, session));
    await poll(() => stream.raw()).toContain(':');
    made.grant(GRANTED.filter((name) => !name.includes('prompt')));
    await poll(() => stream.ended()).toBe(true);
    expect(stream.messages).toEqual([{ jsonrpc: '2.0', method: 'notifications/prompts/list_changed', params: {} }]);
    const next = await kept(listenLegacy(made, session));
    await poll(() => next.raw()).toContain(':');
    made.grant(GRANTED);
    await poll(() => next.heard()).toEqual(['prompts/list_changed']);
  });

  it('ends with its session', async () => {
    const session = await made.session();
    const stream = await kept(listenLegacy(made, session));
    await poll(() => stream.raw()).toContain(':');
    const headers = { authorization: `Bearer ${made.site.token()}`, 'mcp-session-id': session };
    await http(made.url, { method: 'DELETE', path: '/library', headers });
    await poll(() => stream.ended()).toBe(true);
    expect((await listenLegacy(made, session)).status).toBe(404);
  });

  it.each([
    ['made up', () => 'k.AAAA'],
    ['of another path', () => made.session('/library').then((id) => id.slice(0, -1))],
  ])('is not opened by a session that is %s', async (_what, session) => {
    expect((await listenLegacy(made, await session())).status).toBe(404);
  });
});

it('keeps the streams of two sessions apart', async () => {
  const [a, b] = [await made.session(), await made.session()];
  const [one, other] = [await kept(listenLegacy(made, a)), await kept(listenLegacy(made, b))];
  await made.legacy(a, 'resources/subscribe', { uri: 'library://catalog' });
  await useLegacy(b, 'touch', { uri: 'library://catalog' });
  await useLegacy(a, 'touch', { uri: 'library://catalog' });
  await poll(() => one.heard()).toEqual(['resources/updated']);
  await quiet();
  expect([one.heard(), other.heard()]).toEqual([['resources/updated'], []]);
});

describe('over lines', () => {
  /** A client of the gateway's own end of a bridge. */
  async function line() {
    const stream = await made.running.bridge.local('library');
    const heard: JsonObject[] = [];
    createInterface({ input: stream }).on('line', (text) => heard.push(JSON.parse(text)));
    const say = (message: object) => void stream.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    return { heard, say, end: () => stream.end() };
  }
  const methods = (heard: JsonObject[]) => heard.flatMap(({ method }) => (method ? [method] : []));
  const calling = (id: number, name: string, args: object, _meta?: object) => ({
    id,
    method: 'tools/call',
    params: { name, arguments: args, ...(_meta && { _meta }) },
  });

  it('a modern client listens, and cancels by a message', async () => {
    const { heard, say, end } = await line();
    const notifications = { resourceSubscriptions: ['library://catalog'] };
    say({ id: 1, method: 'subscriptions/listen', params: { notifications, _meta: META } });
    await poll(() => methods(heard)).toEqual(['notifications/subscriptions/acknowledged']);
    say(calling(2, 'touch', { uri: 'library://catalog' }, META));
    await poll(() => methods(heard)).toContain('notifications/resources/updated');
    expect(heard.filter(({ method }) => method).map(({ params }) => (params as any)._meta[SUBSCRIPTION])).toEqual([
      1, 1,
    ]);
    say({ method: 'notifications/cancelled', params: { requestId: 1, _meta: META } });
    say(calling(3, 'touch', { uri: 'library://catalog' }, META));
    await poll(() => heard.some(({ id }) => id === 3)).toBe(true);
    await quiet();
    expect(methods(heard)).toHaveLength(2);
    expect(heard.some(({ id }) => id === 1)).toBe(false);
    end();
  });

  it('a legacy client hears without asking, from when it is ready, also after what it saw has changed', async () => {
    const { heard, say, end } = await line();
    say(INITIALIZE);
    await poll(() => heard).toHaveLength(1);
    made.grant(GRANTED.filter((name) => name !== 'library.move'));
    await poll(() => made.inForce()).toBe(true);
    await quiet();
    expect(methods(heard)).toEqual([]);
    say({ method: 'notifications/initialized' });
    say({ method: 'notifications/initialized' });
    await quiet();
    made.grant(GRANTED);
    await poll(() => methods(heard)).toEqual(['notifications/tools/list_changed']);
    made.grant(GRANTED.filter((name) => !name.endsWith(':greet')));
    await poll(() => methods(heard)).toEqual([
      'notifications/tools/list_changed',
      'notifications/prompts/list_changed',
    ]);
    end();
  });
});

it('tells of a tool that was held because its server describes it anew, in both eras, and ends', async () => {
  const session = await made.session();
  const modern = await kept(listen(made, ALL));
  const legacy = await kept(listenLegacy(made, session));
  await poll(() => modern.heard().length + legacy.raw().length).toBeGreaterThan(3);
  await use('rewrite');
  await use('steps', { count: 0 });
  await poll(() => [modern.ended(), legacy.ended()]).toEqual([true, true]);
  expect(modern.heard()).toContain('tools/list_changed');
  expect(legacy.heard()).toContain('tools/list_changed');
});

it('ends every stream in order, and at once, when the gateway stops', async () => {
  const session = await made.session();
  const [modern, legacy] = [await kept(listen(made, ALL)), await kept(listenLegacy(made, session))];
  await poll(() => modern.heard().length + legacy.raw().length).toBeGreaterThan(3);
  const began = performance.now();
  await made.close();
  expect(performance.now() - began).toBeLessThan(4000);
  await poll(() => [modern.ended(), legacy.ended()]).toEqual([true, true]);
  expect(modern.messages.at(-1)).toMatchObject({ id: 'sub', result: { resultType: 'complete' } });
});
