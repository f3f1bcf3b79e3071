/** What comes while a call runs, and what ends it early, over a socket in both eras, before a real server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/lib/json/types.ts';
import { events, http, META } from '../doors/client.ts';
import { type Library, library } from './library.ts';
import { open } from './listener.ts';

let made: Library;
beforeAll(async () => {
  made = await library();
}, 60_000);
afterAll(() => made?.close());

const MODERN = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call' };
const poll = (what: () => unknown) => expect.poll(what, { timeout: 5000, interval: 10 });

/** A call of a tool; what was said until its answer, and the answer. `meta` beside the envelope. */
async function run(session: string | undefined, name: string, args: object, meta: object = {}): Promise<JsonObject[]> {
  const era = session === undefined ? { ...MODERN, 'mcp-name': name } : { 'mcp-session-id': session };
  const _meta = session === undefined ? { ...META, ...meta } : meta;
  const { text, json } = await http(made.url, {
    path: '/library',
    headers: { authorization: `Bearer ${made.site.token()}`, ...era },
    body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args, _meta } },
  });
  return text.startsWith('{') ? [json] : events(text);
}
const levels = (heard: JsonObject[]) =>
  heard.flatMap(({ method, params }) => (method === 'notifications/message' ? [(params as JsonObject).level] : []));
const seen = async (session: string | undefined) => {
  const [answer] = (await run(session, 'seen', {})) as any[];
  return JSON.parse(answer.result.content[0].text) as { cancelled: number[]; waiting: number; pid: number };
};

describe.each(['2026-07-28', '2025-11-25'])('%s', (era) => {
  let session: string | undefined;
  beforeAll(async () => {
    session = era === '2025-11-25' ? await made.session() : undefined;
  });

  it('reports progress to who asked for it, under the token of the client', async () => {
    const heard = await run(session, 'steps', { count: 3 }, { progressToken: 'mine' });
    expect(heard.slice(0, 3).map(({ params }) => params)).toEqual(
      [1, 2, 3].map((progress) => ({ progressToken: 'mine', progress, total: 3 })),
    );
    expect(heard).toHaveLength(4);
    expect(await run(session, 'steps', { count: 3 })).toHaveLength(1);
  });

  it('ends a call at the server when the client goes away', async () => {
    const { cancelled, waiting } = await seen(session);
    const before = cancelled.length;
    const gone = new AbortController();
    const era_ = session === undefined ? { ...MODERN, 'mcp-name': 'wait' } : { 'mcp-session-id': session };
    const left = http(made.url, {
      path: '/library',
      signal: gone.signal,
      headers: { authorization: `Bearer ${made.site.token()}`, ...era_ },
      body: {
        jsonrpc: '2.0',
        id: 9,
        method: 'tools/call',
        params: { name: 'wait', arguments: {}, ...(session === undefined && { _meta: META }) },
      },
    }).catch(() => 'gone');
    await poll(async () => (await seen(session)).waiting).toBe(waiting + 1);
    gone.abort();
    expect(await left).toBe('gone');
    await poll(async () => (await seen(session)).cancelled.length).toBe(before + 1);
    expect(made.calls).toContainEqual({ method: 'tools/call', kind: 'cancel', code: 'run.cancelled' });
  });
});

describe('log messages', () => {
  it('come from the level that a modern request names, and not without one', async () => {
    const at = (level: string) => run(undefined, 'log', {}, { 'io.modelcontextprotocol/logLevel': level });
    expect(levels(await at('warning'))).toEqual(['warning', 'error']);
    expect(levels(await at('debug'))).toEqual(['debug', 'info', 'warning', 'error']);
    expect(levels(await run(undefined, 'log', {}))).toEqual([]);
  });

  it('come from the level that a legacy session set, to that session alone', async () => {
    const [a, b] = [await made.session(), await made.session()];
    expect(levels(await run(a, 'log', {}))).toEqual([]);
    expect((await made.legacy(a, 'logging/setLevel', { level: 'info' })).result).toEqual({});
    expect(levels(await run(a, 'log', {}))).toEqual(['info', 'warning', 'error']);
    expect(levels(await run(b, 'log', {}))).toEqual([]);
    await made.legacy(a, 'logging/setLevel', { level: 'error' });
    expect(levels(await run(a, 'log', {}))).toEqual(['error']);
    expect(await made.legacy(a, 'logging/setLevel', { level: 'loud' })).toMatchObject({ error: { code: -32602 } });
    expect(levels(await run(a, 'log', {}))).toEqual(['error']);
  });
});

it('a legacy client cancels by a message, in its own session only', async () => {
  const [mine, other] = [await made.session(), await made.session()];
  const waiting = open(made.url, {
    method: 'POST',
    path: '/library',
    headers: { authorization: `Bearer ${made.site.token()}`, 'mcp-session-id': mine },
    body: { jsonrpc: '2.0', id: 'w', method: 'tools/call', params: { name: 'wait', arguments: {} } },
  });
  const before = made.calls.length;
  await poll(async () => (await seen(mine)).waiting).toBe(1);
  const cancel = async (session: string) => {
    await http(made.url, {
      path: '/library',
      headers: { authorization: `Bearer ${made.site.token()}`, 'mcp-session-id': session },
      body: { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'w' } },
    });
  };
  await cancel(other);
  expect((await seen(mine)).cancelled).toEqual([]);
  expect(made.calls.slice(before).map(({ kind }) => kind)).not.toContain('cancel');
  await cancel(mine);
  await waiting;
  await poll(() => made.calls.slice(before).map(({ kind }) => kind)).toContain('cancel');
  expect((await seen(mine)).cancelled).toHaveLength(1);
});
