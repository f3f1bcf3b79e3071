/** Two callers at one listener: what belongs to one is of no use to the other. Streams end with what they stand on. */
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { schema } from '../../src/config/schema.ts';
import type { Call, Caller, Pinned } from '../../src/core/call.ts';
import { type HttpDoor, serveHttp } from '../../src/doors/http.ts';
import { farEnd } from '../../src/gateway/far.ts';
import { harden } from '../../src/gateway/harden.ts';
import { compileSnapshot } from '../../src/gateway/snapshot.ts';
import { Streams } from '../../src/gateway/streams.ts';
import { descriptorDigest } from '../../src/inventory/digest.ts';
import { Holds } from '../../src/inventory/holds.ts';
import { shelf } from '../../src/inventory/shelf.ts';
import type { JsonObject } from '../../src/lib/json/types.ts';
import { memoryState } from '../../src/store/memory.ts';
import { SUPPORTED } from '../../src/wire/eras/versions.ts';
import { CALLER, TOOL } from '../core/fakes.ts';
import { http, INITIALIZE, META } from '../doors/client.ts';
import { RING } from '../doors/house.ts';
import { type Listener, open } from './listener.ts';

const pin = (kind: Pinned['kind'], name: string): Pinned => {
  const descriptor: JsonObject = kind === 'tool' ? { name, inputSchema: { type: 'object' } } : { uri: name, name };
  return { ...TOOL, kind, name, descriptor, digest: descriptorDigest(kind, descriptor) };
};
const NAMES = Array.from({ length: 205 }, (_, i) => `tool-${String(i).padStart(3, '0')}`);
const things = [...NAMES.map((name) => pin('tool', name)), pin('resource', 'file:///a')];
const OPEN = { minute: 1_000_000, burst: 1_000_000, 'at-once': 1000 };
const everything = [...NAMES.map((name) => `files.${name}`), 'files.resource:file:///a'];
const config = schema.parse({
  doorward: 1,
  upstreams: {},
  limits: { subject: OPEN, agent: OPEN, upstream: OPEN },
  policy: ['alice', 'bob'].map((subject) => ({ to: { subject }, allow: everything })),
});
const snapshot = compileSnapshot({
  id: 'test',
  config,
  context: { pinned: things, cedar: [], fingerprint: () => '0' },
  shelf: shelf({ upstreams: new Map([['files', { things }]]) }, new Holds()),
  routes: new Map([['files', 'files']]),
});

let callers: Record<string, Caller>;
let streams: Streams;
let watched: { call: Call; closed: boolean; lose: () => void }[];
let door: HttpDoor;
const opened: Listener[] = [];

beforeAll(async () => {
  const state = memoryState(Date.now);
  streams = new Streams({
    snapshot: () => snapshot,
    clock: Date.now,
    timers: { set: (run, ms) => setTimeout(run, ms), clear: (timer) => clearTimeout(timer as NodeJS.Timeout) },
    state,
    async watch(call) {
      const one = { call, closed: false, lose: () => {} };
      const lost = new Promise<void>((resolve) => {
        one.lose = resolve;
      });
      watched.push(one);
      return { lost, close: () => void (one.closed = true) };
    },
    onEnd() {},
  });
  const gate = harden({
    snapshot: () => snapshot,
    world: { state, clock: Date.now, log: { intent() {}, outcome() {}, attempt() {}, event() {} } },
    handlers: farEnd(() => snapshot, {
      lane: () => ({ kind: 'result', value: {} }),
      streams: streams.handler,
      versions: SUPPORTED,
      ring: RING,
      random: randomBytes,
    }),
    authenticate: (evidence) => callers[evidence.header('authorization') ?? ''] ?? 'identity.invalid',
    random: randomBytes,
  });
  door = await serveHttp({ gate, host: '127.0.0.1', port: 0, ring: RING, state });
});
beforeEach(() => {
  watched = [];
  callers = { alice: CALLER, bob: { ...CALLER, subject: 'bob' } };
});
afterEach(async () => {
  for (const one of opened.splice(0)) one.leave();
  await poll(() => streams.size).toBe(0);
});
afterAll(() => door.close(0));

const poll = (what: () => unknown) => expect.poll(what, { timeout: 3000, interval: 5 });
const headers = (who: string, method: string) => ({
  authorization: who,
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': method,
});
async function ask(who: string, method: string, params: object = {}): Promise<any> {
  const body = { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: META } };
  return (await http(door.url, { headers: headers(who, method), body })).json;
}
async function listen(who: string, notifications: object, id = 'x'): Promise<Listener> {
  const method = 'subscriptions/listen';
  const body = { jsonrpc: '2.0', id, method, params: { notifications, _meta: META } };
  const one = await open(door.url, { method: 'POST', path: '/files', headers: headers(who, method), body });
  opened.push(one);
  return one;
}
const session = async (who: string) =>
  String((await http(door.url, { headers: { authorization: who }, body: INITIALIZE })).headers['mcp-session-id']);
const ACK = 'subscriptions/acknowledged';
const TOOLS = { toolsListChanged: true };
const FILE = { resourceSubscriptions: ['file:///a'] };

it("a cursor is its caller's alone", async () => {
  const { nextCursor, tools } = (await ask('alice', 'tools/list')).result;
  expect(tools).toHaveLength(200);
  expect((await ask('bob', 'tools/list', { cursor: nextCursor })).error).toEqual({
    code: -32602,
    message: 'invalid cursor',
  });
  const rest = (await ask('alice', 'tools/list', { cursor: nextCursor })).result;
  expect(rest.tools.map(({ name }: { name: string }) => name)).toEqual(NAMES.slice(200));
  expect(rest).not.toHaveProperty('nextCursor');
});

it("a session is its caller's alone: no stream, no call, no end", async () => {
  const mine = await session('alice');
  const legacy = (who: string, method: 'GET' | 'POST' | 'DELETE', body?: object) =>
    http(door.url, { method, headers: { authorization: who, 'mcp-session-id': mine }, ...(body && { body }) });
  for (const method of ['GET', 'DELETE'] as const) expect((await legacy('bob', method)).status).toBe(404);
  for (const method of ['tools/list', 'resources/subscribe', 'logging/setLevel']) {
    const params = { uri: 'file:///a', level: 'debug' };
    expect((await legacy('bob', 'POST', { jsonrpc: '2.0', id: 1, method, params })).status).toBe(404);
  }
  const own = await legacy('alice', 'POST', { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} });
  expect(own.status).toBe(200);
});

it('equal subscription ids of two callers have nothing to do with each other', async () => {
  const [alice, bob] = [await listen('alice', FILE), await listen('bob', { ...FILE, ...TOOLS })];
  await poll(() => [alice.heard(), bob.heard()]).toEqual([[ACK], [ACK]]);
  streams.updated(watched.find(({ call }) => call.caller.subject === 'bob')!.call.lane, 'file:///a');
  await poll(() => bob.heard()).toEqual([ACK, 'resources/updated']);
  const note = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'x', _meta: META } };
  const sent = await http(door.url, { headers: headers('bob', 'notifications/cancelled'), body: note });
  expect(sent.status).toBe(202);
  bob.leave();
  await poll(() => streams.size).toBe(1);
  expect(watched.map(({ call, closed }) => [call.caller.subject, closed])).toEqual([
    ['alice', false],
    ['bob', true],
  ]);
  expect([alice.heard(), alice.ended()]).toEqual([[ACK], false]);
});

describe('a stream ends', () => {
  it('with the token that opened it', async () => {
    callers['alice'] = { ...CALLER, expires: Date.now() + 300 };
    const stream = await listen('alice', TOOLS);
    await poll(() => stream.ended()).toBe(true);
    expect(stream.messages.at(-1)).toMatchObject({ id: 'x', result: { resultType: 'complete' } });
  });

  it('with a credential that is revoked, and no other does', async () => {
    const [alice, bob] = [await listen('alice', TOOLS), await listen('bob', TOOLS)];
    await poll(() => alice.heard().length + bob.heard().length).toBe(2);
    streams.end(({ caller }) => caller.subject === 'bob', 'revoked');
    await poll(() => bob.ended()).toBe(true);
    expect(alice.ended()).toBe(false);
  });

  it('with the server that it watched, and says so', async () => {
    const stream = await listen('alice', FILE);
    await poll(() => stream.heard()).toEqual([ACK]);
    watched[0]!.lose();
    await poll(() => stream.ended()).toBe(true);
    expect(stream.messages.at(-1)).toMatchObject({ id: 'x', error: { code: -31121 } });
  });
});

describe('GET', () => {
  it.each([
    ['without a session', { 'mcp-session-id': undefined }, 405],
    ['that takes no events', { accept: 'application/json' }, 406],
    ['with a session that nobody made', { 'mcp-session-id': 'k.x' }, 404],
    ['without a token', { authorization: undefined }, 401],
  ])('%s is refused', async (_what, change, status) => {
    const own = { authorization: 'alice', 'mcp-session-id': await session('alice'), ...change };
    expect((await http(door.url, { method: 'GET', headers: own })).status).toBe(status);
  });
});
