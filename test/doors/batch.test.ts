/** Batches (2025-03-26 only): each element a call of its own, the answers together; over HTTP and over lines. */
import { createInterface } from 'node:readline';
import { type Duplex, duplexPair } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HttpDoor, serveHttp } from '../../src/doors/http.ts';
import { type Lines, serveLines } from '../../src/doors/lines.ts';
import { relay } from '../../src/doors/relay.ts';
import type { JsonObject } from '../../src/lib/json/types.ts';
import { MAX_BATCH } from '../../src/wire/frame.ts';
import { CALLER } from '../core/fakes.ts';
import { events, http, INITIALIZE, legacy, modern } from './client.ts';
import { ALICE, BOB, type House, house, until } from './house.ts';

const introduction = (protocolVersion: string) => ({
  ...INITIALIZE,
  params: { ...INITIALIZE.params, protocolVersion },
});
const note = { jsonrpc: '2.0', method: 'notifications/roots/list_changed' };
const ping = { jsonrpc: '2.0', id: 'p', method: 'ping' };
const byId = (answers: readonly JsonObject[]) => new Map(answers.map((answer) => [answer.id, answer]));
const textOf = (answer: JsonObject | undefined) => (answer?.result as any)?.content?.[0]?.text;

let inside: House;
beforeEach(() => {
  inside = house();
});

describe('over HTTP', () => {
  let door: HttpDoor;
  beforeEach(async () => {
    door = await serveHttp({ gate: inside.gate, host: '127.0.0.1', port: 0, ring: inside.ring, state: inside.state });
  });
  afterEach(() => door.close(0));

  async function session(version: string, who = ALICE): Promise<Record<string, string>> {
    const { headers } = await http(door.url, { headers: { authorization: who }, body: introduction(version) });
    return { authorization: who, 'mcp-session-id': String(headers['mcp-session-id']) };
  }
  const post = (headers: Record<string, string>, body: object | string) =>
    http(door.url, { headers, body: typeof body === 'string' ? body : JSON.stringify(body) });

  it('answers each request, in one array, in order, and nothing else', async () => {
    const own = await session('2025-03-26');
    const answer = await post(own, [legacy(1, 'echo', { a: 1 }), note, ping, legacy(2, 'none'), legacy(3, 'fail')]);
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json']);
    const answers = JSON.parse(answer.text) as JsonObject[];
    expect(answers.map(({ id }) => id)).toEqual([1, 'p', 2, 3]);
    expect(textOf(answers[0])).toBe('alice {"a":1}');
    expect(answers[2]).toMatchObject({ error: { code: -32602 } });
    expect(answers[3]).toMatchObject({ error: { code: -32603 } });
    // Two calls, one attempt, each with an id of its own in the log.
    const ids = [...inside.calls.slice(-2).map(({ id }) => id), inside.attempts[0]!.id];
    expect(new Set(ids).size).toBe(3);
    expect(new Set(inside.calls.map(({ era }) => era))).toEqual(new Set(['2025-03-26']));
  });

  it('answers an id that comes twice once, by the first of its requests', async () => {
    const own = await session('2025-03-26');
    const answers = JSON.parse((await post(own, [legacy(1, 'echo', { a: 1 }), legacy(1, 'echo', { a: 2 })])).text);
    expect(answers.filter(({ id }: JsonObject) => id === 1).map(textOf)).toEqual(['alice {"a":1}']);
    expect(answers.filter(({ id }: JsonObject) => id === undefined)).toMatchObject([{ error: { code: -32600 } }]);
  });

  it('takes one that asks for nothing', async () => {
    const own = await session('2025-03-26');
    const answer = await post(own, [note, { jsonrpc: '2.0', id: 9, result: {} }]);
    expect([answer.status, answer.text]).toEqual([202, '']);
    expect(inside.attempts.map(({ code }) => code)).toEqual(['frame.request']);
  });

  it('streams what comes before the answers', async () => {
    const own = await session('2025-03-26');
    const asking = { ...legacy(1, 'progress', { n: 2 }) } as JsonObject;
    (asking.params as JsonObject)._meta = { progressToken: 't' };
    const answer = await post(own, [asking, legacy(2, 'echo')]);
    expect(answer.headers['content-type']).toBe('text/event-stream');
    const said = events(answer.text) as unknown as (JsonObject | JsonObject[])[];
    expect(said.slice(0, 2).map((one) => (one as JsonObject).method)).toEqual(Array(2).fill('notifications/progress'));
    expect((said[2] as JsonObject[]).map(({ id }) => id)).toEqual([1, 2]);
  });

  it('cancels one of its own by another', async () => {
    const own = await session('2025-03-26');
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } };
    const answer = await post(own, [legacy(1, 'slow'), legacy(2, 'echo'), cancel]);
    const answers = byId(JSON.parse(answer.text));
    expect(textOf(answers.get(2))).toBe('alice {}');
    expect(textOf(answers.get(1))).toMatch(/cancelled/);
  });

  it('ends every call when its client leaves', async () => {
    const own = await session('2025-03-26');
    const leave = new AbortController();
    const sent = http(door.url, {
      headers: own,
      body: JSON.stringify([legacy(1, 'slow'), legacy(2, 'slow')]),
      signal: leave.signal,
    });
    await until(() => inside.calls.length === 3);
    leave.abort();
    await expect(sent).rejects.toThrow();
    await until(() => inside.aborted.length === 2);
  });

  it.each<[string, JsonObject | object, number]>([
    ['an introduction', INITIALIZE, -32600],
    ['what claims the newest revision', modern(7, 'echo').body, -32600],
    ['no message', { jsonrpc: '2.0', id: 7 }, -32600],
    ['a method that is not there', { jsonrpc: '2.0', id: 7, method: 'a/b' }, -32601],
    ['the id of another', legacy(1, 'echo'), -32600],
    ['a batch', [legacy(7, 'echo')], -32600],
  ])('refuses %s as an element, and that alone', async (_what, element, code) => {
    const own = await session('2025-03-26');
    const { text } = await post(own, [legacy(1, 'echo'), element, { ...ping, id: 'last' }]);
    const answers = JSON.parse(text) as JsonObject[];
    expect(answers.find(({ error }) => error)).toMatchObject({ error: { code } });
    expect(answers.filter(({ result }) => result).map(({ id }) => id)).toEqual([1, 'last']);
  });

  it.each<[string, string, (own: Record<string, string>) => Record<string, string>, number]>([
    ['a session of 2025-06-18', '2025-06-18', (own) => own, 400],
    ['a session of 2025-11-25', '2025-11-25', (own) => own, 400],
    ['no session', '2025-03-26', ({ authorization }) => ({ authorization: authorization! }), 400],
    ['the session of another', '2025-03-26', (own) => ({ ...own, authorization: BOB }), 404],
    ['a header of another revision', '2025-03-26', (own) => ({ ...own, 'mcp-protocol-version': '2025-06-18' }), 400],
  ])('refuses one with %s', async (_what, version, headers, status) => {
    const answer = await post(headers(await session(version)), [legacy(1, 'echo')]);
    expect(answer.status).toBe(status);
    expect(inside.calls.filter(({ method }) => method === 'tools/call')).toEqual([]);
  });

  it.each([0, MAX_BATCH + 1])('refuses one of %i', async (count) => {
    const own = await session('2025-03-26');
    const answer = await post(
      own,
      Array.from({ length: count }, (_, i) => legacy(i, 'echo')),
    );
    expect([answer.status, answer.json]).toMatchObject([400, { error: { code: -32600 } }]);
    expect(
      (
        await post(
          own,
          Array.from({ length: MAX_BATCH }, (_, i) => legacy(i, 'echo')),
        )
      ).status,
    ).toBe(200);
  });
});

describe('over lines', () => {
  let lines: Lines;
  let client: Duplex;
  let heard: (JsonObject | JsonObject[])[];
  beforeEach(() => {
    const [near, far] = duplexPair();
    client = near;
    heard = [];
    let text = '';
    client.setEncoding('utf8').on('data', (chunk: string) => {
      const parts = (text + chunk).split('\n');
      text = parts.pop()!;
      for (const part of parts) heard.push(JSON.parse(part));
    });
    lines = serveLines({ gate: inside.gate, input: far, output: far, route: 'files', who: () => CALLER });
  });
  afterEach(() => lines.close());
  const say = (message: object) => void client.write(`${JSON.stringify(message)}\n`);

  it('answers each request, in one line', async () => {
    say(introduction('2025-03-26'));
    say([legacy(1, 'echo', { a: 1 }), note, legacy(2, 'none'), INITIALIZE]);
    await until(() => heard.length === 2);
    const answers = byId(heard[1] as JsonObject[]);
    expect([...answers.keys()].sort()).toEqual([1, 2, 'init']);
    expect(textOf(answers.get(1))).toBe('alice {"a":1}');
    expect(answers.get('init')).toMatchObject({ error: { code: -32600 } });
  });

  it('is answered before the end, when the input has ended', async () => {
    say(introduction('2025-03-26'));
    say([legacy(1, 'echo'), legacy(2, 'gate')]);
    client.end();
    await until(() => inside.calls.length === 3);
    inside.open();
    await lines.ended;
    await until(() => heard.length === 2);
    expect(byId(heard[1] as JsonObject[]).size).toBe(2);
  });

  it('answers what is large in several lines', async () => {
    say(introduction('2025-03-26'));
    say([1, 2, 3].map((id) => legacy(id, 'big', { n: 2_000_000 })));
    await until(() => heard.length >= 3);
    expect((heard.slice(1) as JsonObject[][]).map(({ length }) => length)).toEqual([2, 1]);
  });

  it.each(['2025-06-18', '2024-11-05'])('refuses one of %s', async (version) => {
    say(introduction(version));
    say([legacy(1, 'echo')]);
    await until(() => heard.length === 2);
    expect(heard[1]).toMatchObject({ error: { code: -32600 } });
  });

  it('is not forgotten by a relay whose owner goes', async () => {
    const [outer, inner] = duplexPair();
    const owners: Duplex[] = [];
    void relay({
      input: inner,
      output: inner,
      join: async () => {
        const [near, far] = duplexPair();
        owners.push(far);
        far.on('error', () => {}).resume();
        return near;
      },
    }).catch(() => {});
    const told: JsonObject[] = [];
    createInterface({ input: outer }).on('line', (line) => told.push(...[JSON.parse(line)].flat()));
    outer.write(`${JSON.stringify([legacy(1, 'echo'), note, legacy('b', 'echo'), legacy(3, 'echo')])}\n`);
    await until(() => owners.length === 1);
    await new Promise((go) => setTimeout(go, 20));
    owners[0]!.write('[{"jsonrpc":"2.0","id":"b","result":{}}]\n');
    await until(() => told.length === 1);
    owners[0]!.destroy();
    await until(() => told.length === 3);
    expect(told.map(({ id, error }) => [id, error !== undefined])).toEqual([
      ['b', false],
      [1, true],
      [3, true],
    ]);
    outer.destroy();
  });
});
