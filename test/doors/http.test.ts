/** What a client that speaks MCP gets over HTTP, in both eras. */
import { randomBytes } from 'node:crypto';
import { Agent } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HttpDoor, type HttpOptions, serveHttp } from '../../src/doors/http.ts';
import { REPLY_TIMES } from '../../src/doors/reply.ts';
import { STRANGER_RULES } from '../../src/doors/strangers.ts';
import { type Answer, type Ask, events, http, INITIALIZE, legacy, META, modern } from './client.ts';
import { ALICE, BOB, type House, house, until } from './house.ts';

let inside: House;
let door: HttpDoor;
const agent = new Agent({ keepAlive: true });

async function start(over: Partial<HttpOptions> = {}): Promise<void> {
  await door?.close(0);
  inside = house();
  const strangers = { ...STRANGER_RULES, burst: 1e9 };
  door = await serveHttp({
    gate: inside.gate,
    host: '127.0.0.1',
    port: 0,
    ring: inside.ring,
    state: inside.state,
    strangers,
    ...over,
  });
}
beforeEach(() => start());
afterEach(() => door.close(0));

const ask = (over: Ask): Promise<Answer> =>
  http(door.url, { agent, ...over, headers: { authorization: ALICE, ...over.headers } });
const call = (name: string, args: object = {}, over: Ask = {}, id: string | number = 1): Promise<Answer> => {
  const base = modern(id, name, args);
  return ask({ ...base, ...over, headers: { ...base.headers, ...over.headers } });
};
/** A legacy session of a caller. */
async function begin(token = ALICE): Promise<string> {
  const answer = await ask({ body: INITIALIZE, headers: { authorization: token } });
  expect(answer.status).toBe(200);
  return answer.headers['mcp-session-id'] as string;
}
const within = (session: string | undefined, body: object, over: Ask = {}): Promise<Answer> =>
  ask({ body, ...over, headers: { 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25', ...over.headers } });

describe('2026-07-28', () => {
  it('answers a call with one JSON text', async () => {
    const answer = await call('echo', { a: 1 }, {}, 'x');
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json']);
    expect(answer.json).toEqual({
      jsonrpc: '2.0',
      id: 'x',
      result: { content: [{ type: 'text', text: 'alice {"a":1}' }], resultType: 'complete' },
    });
    expect(inside.calls[0]).toMatchObject({ era: '2026-07-28', route: 'files', peer: { listener: 'http' } });
  });

  it('mints no session and ignores one', async () => {
    const answer = await call('echo', {}, { headers: { 'mcp-session-id': 'whatever' } });
    expect([answer.status, answer.headers['mcp-session-id']]).toEqual([200, undefined]);
  });

  it.each<[string, number, number, Ask]>([
    ['no version header', 400, -32020, { headers: { 'mcp-protocol-version': undefined } }],
    ['another version header', 400, -32020, { headers: { 'mcp-protocol-version': '2025-11-25' } }],
    ['another method header', 400, -32020, { headers: { 'mcp-method': 'tools/list' } }],
    ['no method header', 400, -32020, { headers: { 'mcp-method': undefined } }],
    ['another name header', 400, -32020, { headers: { 'mcp-name': 'slow' } }],
    ['no name header', 400, -32020, { headers: { 'mcp-name': undefined } }],
    ['bad JSON', 400, -32700, { body: '{"jsonrpc":"2.0",' }],
    ['an empty body', 400, -32700, { body: '' }],
    ['a name twice', 400, -32700, { body: '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}' }],
    ['a batch', 400, -32600, { body: [modern(1, 'echo').body] }],
    ['a posted response', 400, -32600, { body: { jsonrpc: '2.0', id: 1, result: {} } }],
    ['a null id', 400, -32600, { body: { ...modern(1, 'echo').body, id: null } }],
    [
      'an unknown method',
      404,
      -32601,
      {
        headers: { 'mcp-method': 'tools/destroy', 'mcp-name': undefined },
        body: { jsonrpc: '2.0', id: 1, method: 'tools/destroy', params: { _meta: META } },
      },
    ],
    [
      'initialize',
      404,
      -32601,
      {
        headers: { 'mcp-method': 'initialize', 'mcp-name': undefined },
        body: { ...INITIALIZE, params: { ...INITIALIZE.params, _meta: META } },
      },
    ],
    [
      'no envelope under a modern header',
      400,
      -32602,
      { body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo' } } },
    ],
    [
      'a version to come',
      400,
      -32022,
      {
        headers: { 'mcp-protocol-version': '2027-01-01' },
        body: {
          jsonrpc: '2.0',
          id: 1,
          method: 'tools/call',
          params: { name: 'echo', _meta: { ...META, 'io.modelcontextprotocol/protocolVersion': '2027-01-01' } },
        },
      },
    ],
  ])('refuses %s', async (_what, status, code, over) => {
    const answer = await call('echo', {}, over);
    expect([answer.status, (answer.json.error as { code: number }).code]).toEqual([status, code]);
    expect(inside.calls).toHaveLength(0);
    expect(inside.attempts).toHaveLength(1);
    expect(inside.attempts[0]!.caller?.subject).toBe('alice');
  });

  it('names the versions that it serves', async () => {
    const version = '1999-\u202e<script>';
    const meta = { ...META, 'io.modelcontextprotocol/protocolVersion': version };
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } };
    const coded = `=?base64?${Buffer.from(version).toString('base64')}?=`;
    const answer = await ask({ body, headers: { 'mcp-protocol-version': coded, 'mcp-method': 'tools/list' } });
    expect(answer.status).toBe(400);
    expect(answer.text).not.toContain('\u202e');
  });

  it('answers a name that does not exist in band', async () => {
    const answer = await call('nope', {}, {}, 7);
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ id: 7, error: { code: -32602, message: 'unknown name' } });
  });

  it('wants declared arguments mirrored, and shows no schema that may not be seen', async () => {
    const say = (args: object, header?: string) => call('headers', args, { headers: { 'mcp-param-region': header } });
    expect((await say({ region: 'eu' }, 'eu')).status).toBe(200);
    expect((await say({ region: 'é' }, `=?base64?${Buffer.from('é').toString('base64')}?=`)).status).toBe(200);
    expect((await say({})).status).toBe(200);
    for (const [args, header] of [
      [{ region: 'eu' }, 'us'],
      [{ region: 'eu' }, undefined],
      [{}, 'eu'],
    ] as const) {
      expect((await say(args, header)).status).toBe(400);
    }
    const snap = inside.gate.snapshot();
    const blind = { ...snap, may: () => ({ allow: false, ask: false, reasons: [] }) };
    await start({ gate: { ...inside.gate, snapshot: () => blind } });
    // Not the mismatch that would tell of it: whatever a name that nobody has would get.
    expect((await say({ region: 'eu' }, 'us')).status).toBe((await call('nope')).status);
  });

  it('accepts notifications and does nothing for them', async () => {
    for (const method of ['notifications/cancelled', 'notifications/whatever']) {
      const body = { jsonrpc: '2.0', method, params: { requestId: 1, _meta: META } };
      const answer = await ask({ body, headers: { 'mcp-protocol-version': '2026-07-28' } });
      expect([answer.status, answer.text]).toEqual([202, '']);
    }
  });

  it('switches to an event stream at the first interim message, and ends it with the final one', async () => {
    const body = modern(3, 'progress', { n: 3 }).body as { params: { _meta: object } };
    body.params._meta = { ...META, progressToken: 'mine' };
    const answer = await call('progress', {}, { body }, 3);
    expect(answer.headers['content-type']).toBe('text/event-stream');
    expect([answer.headers['x-accel-buffering'], answer.headers['cache-control']]).toEqual(['no', 'no-store']);
    const all = events(answer.text);
    expect(all.map((event) => event.method ?? event.id)).toEqual([...Array(3).fill('notifications/progress'), 3]);
    expect(all[1]!.params).toEqual({ progressToken: 'mine', progress: 1 });
    expect(answer.text).not.toMatch(/^(id|retry):/m);
  });

  it('sends nothing that was not asked for', async () => {
    const answer = await call('progress', { n: 3 });
    expect(answer.headers['content-type']).toBe('application/json');
  });

  it('keeps a quiet stream open with comments', async () => {
    let fire: () => void = () => {};
    const waits: number[] = [];
    const after = (ms: number, run: () => void) => {
      waits.push(ms);
      if (ms !== REPLY_TIMES.keepAlive) {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      }
      fire = run;
      return () => {};
    };
    await start({ after });
    const body = modern(3, 'progress-slow').body as { params: { _meta: object } };
    body.params._meta = { ...META, progressToken: 1 };
    const leave = new AbortController();
    const answer = call('progress-slow', {}, { body, signal: leave.signal }).catch((error) => error.name);
    await until(() => waits.includes(15_000));
    for (let i = 0; i < 3; i++) fire();
    await until(() => waits.filter((ms) => ms === 15_000).length === 4);
    leave.abort();
    expect(await answer).toBe('AbortError');
    await until(() => inside.aborted.length === 1);
  });

  // The upstream's own spelling: escapes, spaces, a line end, a number that a double cannot carry.
  const OWN = '{ "content" : [ ],\r\n"structuredContent":{"n":1.0e2,"id":12345678901234567890,"t":"\\u0041\\/"}}';

  it('passes the bytes of a result on as they are', async () => {
    const now = await call('bytes', { raw: OWN });
    expect(now.text).toBe(`{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete",${OWN.slice(1)}}`);
    const before = await within(await begin(), legacy('a', 'bytes', { raw: OWN }));
    expect(before.text).toBe(`{"jsonrpc":"2.0","id":"a","result":${OWN}}`);
  });

  it('passes them on in an event too, on one line', async () => {
    const body = modern(1, 'bytes', { raw: OWN, first: true }).body as { params: { _meta: object } };
    body.params._meta = { ...META, progressToken: 1 };
    const { text } = await call('bytes', {}, { body });
    const [, last, rest] = text.split('\n\n');
    expect([last!.split(/[\r\n]/), rest]).toEqual([[expect.stringMatching(/^data: /)], '']);
    expect(last).toContain('{"n":1.0e2,"id":12345678901234567890,"t":"\\u0041\\/"}');
  });

  it('gives an error of the far end in band', async () => {
    const answer = await call('fail');
    expect(answer.status).toBe(200);
    expect(answer.json.error).toEqual({ code: -32603, message: 'failed', data: { why: 'test' } });
  });

  it('answers 429 with the time to wait when the caller is over a limit', async () => {
    const answer = await call('limit');
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '7']);
    expect(answer.json.error).toMatchObject({ code: -31040 });
  });

  it('does not fall to a defect inside', async () => {
    const { gate } = house();
    await start({ gate: { ...gate, call: () => Promise.reject(new Error('secret detail')) } });
    const answer = await call('echo');
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain('secret');
    const none = { ...gate, authenticate: () => Promise.reject(new Error('identity is down')) };
    await start({ gate: none });
    expect((await call('echo')).status).toBe(503);
  });
});

describe('2025-11-25', () => {
  it('begins a session and serves it', async () => {
    const answer = await ask({ body: INITIALIZE });
    expect(answer.json.result).toMatchObject({ protocolVersion: '2025-11-25', capabilities: { tools: {} } });
    const session = answer.headers['mcp-session-id'] as string;
    expect((await within(session, { jsonrpc: '2.0', method: 'notifications/initialized' })).status).toBe(202);
    const said = await within(session, legacy(2, 'echo', { a: 1 }));
    expect(said.json).toEqual({
      jsonrpc: '2.0',
      id: 2,
      result: { content: [{ type: 'text', text: 'alice {"a":1}' }] },
    });
    expect(inside.calls.at(-1)).toMatchObject({
      era: '2025-11-25',
      claimed: { client: { name: 'test', version: '1' } },
    });
    expect(inside.calls.at(-1)!.lane).not.toContain(session);
  });

  it('answers ping and setLevel itself', async () => {
    const session = await begin();
    const before = inside.calls.length;
    expect((await within(session, { jsonrpc: '2.0', id: 1, method: 'ping' })).json).toMatchObject({
      id: 1,
      result: {},
    });
    const level = { jsonrpc: '2.0', id: 1, method: 'logging/setLevel', params: { level: 'info' } };
    expect((await within(session, level)).json.result).toEqual({});
    expect((await within(session, { ...level, params: { level: 'loud' } })).status).toBe(400);
    expect(inside.calls).toHaveLength(before);
  });

  it('needs the session for everything but initialize', async () => {
    for (const body of [
      legacy(1, 'echo'),
      { jsonrpc: '2.0', id: 1, method: 'ping' },
      { jsonrpc: '2.0', method: 'notifications/initialized' },
    ]) {
      expect((await within(undefined, body)).status).toBe(400);
    }
    expect((await ask({ method: 'DELETE' })).status).toBe(400);
    expect(inside.calls).toHaveLength(0);
  });

  it('answers unknown, foreign, forged, expired and ended sessions alike', async () => {
    let now = Date.now();
    const { gate } = house();
    await start({ gate: { ...gate, clock: () => now }, sessionLife: 60_000 });
    const old = await begin();
    now += 60_000;
    const mine = await begin();
    const foreign = await begin(BOB);
    const ended = await begin();
    expect((await within(ended, {}, { method: 'DELETE', body: '' })).status).toBe(204);
    const flipped = mine.slice(0, -1) + (mine.endsWith('A') ? 'B' : 'A');
    const bad = [
      'x',
      randomBytes(80).toString('base64url'),
      flipped,
      `${mine}A`,
      foreign,
      old,
      ended,
      'a'.repeat(5000),
    ];
    const seen = new Set<string>();
    for (const session of bad) {
      for (const how of [{}, { method: 'DELETE', body: '' }]) {
        const { status, headers, text } = await within(session, legacy(1, 'echo'), how);
        const { date: _, 'content-length': __, ...rest } = headers;
        seen.add(JSON.stringify([status, rest, text.replace('"id":1,', '')]));
      }
    }
    expect(seen.size).toBe(1);
    expect([...seen][0]).toMatch(/^\[404,/);
    expect((await within(mine, legacy(1, 'echo'))).status).toBe(200);
  });

  it('ends a session for its owner alone', async () => {
    const session = await begin();
    const other = await within(session, {}, { method: 'DELETE', body: '', headers: { authorization: BOB } });
    expect(other.status).toBe(404);
    expect((await within(session, legacy(1, 'echo'))).status).toBe(200);
    expect([...inside.ended.keys()]).toEqual([]);
    expect((await within(session, {}, { method: 'DELETE', body: '' })).status).toBe(204);
    expect([...inside.ended.keys()].join()).not.toContain(session);
  });

  it('fails closed when it cannot know whether a session was ended', async () => {
    const down = { ...inside.state, get: () => Promise.reject(new Error('store is down')) };
    await start({ state: down });
    const session = await begin();
    const answer = await within(session, legacy(1, 'echo'));
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain('store');
    expect(inside.calls.filter((made) => made.method === 'tools/call')).toHaveLength(0);
  });

  it('takes no two session ids', async () => {
    const session = await begin();
    const socket = connect(Number(new URL(door.url).port), '127.0.0.1');
    const body = JSON.stringify(legacy(1, 'echo'));
    socket.write(
      `POST /files HTTP/1.1\r\nHost: localhost:${new URL(door.url).port}\r\nAuthorization: ${ALICE}\r\nConnection: close\r\n` +
        `Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: ${body.length}\r\n` +
        `Mcp-Session-Id: ${session}\r\nMcp-Session-Id: ${session}\r\n\r\n${body}`,
    );
    const [chunk] = await new Promise<Buffer[]>((resolve) => socket.once('data', (data) => resolve([data])));
    expect(chunk!.toString()).toMatch(/^HTTP\/1\.1 400/);
  });

  it('cancels the open call that its client names, in its own session only', async () => {
    const [session, other, bobs] = [await begin(), await begin(), await begin(BOB)];
    const open = within(session, legacy('c', 'slow'));
    await until(() => inside.calls.some((made) => made.target.kind === 'tool'));
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'c' } };
    expect((await within(other, cancel)).status).toBe(202);
    expect((await within(bobs, cancel, { headers: { authorization: BOB } })).status).toBe(202);
    expect((await within(bobs, cancel)).status).toBe(404);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(inside.aborted).toHaveLength(0);
    expect((await within(session, cancel)).status).toBe(202);
    expect((await open).json).toMatchObject({ id: 'c', result: { isError: true } });
    expect(inside.aborted).toHaveLength(1);
  });

  it('refuses an id that is open in the same session, and frees it afterwards', async () => {
    const [session, other] = [await begin(), await begin()];
    const first = within(session, legacy(1, 'gate'));
    await until(() => inside.calls.some((made) => made.target.kind === 'tool'));
    expect((await within(session, legacy(1, 'echo'))).status).toBe(400);
    expect((await within(session, legacy('1', 'echo'))).status).toBe(200);
    expect((await within(other, legacy(1, 'echo'))).status).toBe(200);
    inside.open();
    expect((await first).status).toBe(200);
    expect((await within(session, legacy(1, 'echo'))).status).toBe(200);
  });
});

describe('a client that leaves', () => {
  it.each(['slow', 'progress-slow'])('cancels %s within 100 ms', async (name) => {
    const body = modern(1, name).body as { params: { _meta: object } };
    body.params._meta = { ...META, progressToken: 1 };
    const leave = new AbortController();
    const answer = call(name, {}, { body, signal: leave.signal }).catch(() => 'left');
    await until(() => inside.calls.length === 1);
    const left = performance.now();
    leave.abort();
    await until(() => inside.aborted.length === 1);
    expect(inside.aborted[0]! - left).toBeLessThan(100);
    expect(await answer).toBe('left');
    await until(() => inside.outcomes.length === 1);
    expect(inside.outcomes[0]).toMatchObject({ kind: 'cancel', code: 'run.cancelled' });
  });

  it('is noticed when it only closes its half', async () => {
    const port = Number(new URL(door.url).port);
    const { headers, body } = modern(1, 'slow');
    const text = JSON.stringify(body);
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const all = { Host: `localhost:${port}`, Authorization: ALICE, 'Content-Type': 'application/json', ...headers };
    const lines = Object.entries({
      ...all,
      Accept: 'application/json, text/event-stream',
      'Content-Length': text.length,
    });
    socket.end(`POST /files HTTP/1.1\r\n${lines.map(([n, v]) => `${n}: ${v}\r\n`).join('')}\r\n${text}`);
    await until(() => inside.aborted.length === 1);
    socket.destroy();
  });

  it('does not run what it never finished saying', async () => {
    const socket = connect(Number(new URL(door.url).port), '127.0.0.1');
    socket.write(
      `POST /files HTTP/1.1\r\nHost: localhost:${new URL(door.url).port}\r\nAuthorization: ${ALICE}\r\n` +
        'Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: 1000\r\n\r\n{',
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(inside.calls).toHaveLength(0);
    expect((await call('echo')).status).toBe(200);
  });

  it('is cut off when it does not read', async () => {
    const times = { ...REPLY_TIMES, drain: 50 };
    await start({ times });
    const port = Number(new URL(door.url).port);
    const { headers, body } = modern(1, 'big', { n: 40_000_000 });
    const text = JSON.stringify(body);
    const socket = connect(port, '127.0.0.1');
    let closed = false;
    socket
      .on('error', () => {})
      .on('close', () => {
        closed = true;
      });
    const all = { Host: `localhost:${port}`, Authorization: ALICE, 'Content-Type': 'application/json', ...headers };
    const lines = Object.entries({
      ...all,
      Accept: 'application/json, text/event-stream',
      'Content-Length': text.length,
    });
    socket.pause();
    socket.write(`POST /files HTTP/1.1\r\n${lines.map(([n, v]) => `${n}: ${v}\r\n`).join('')}\r\n${text}`);
    await until(() => inside.outcomes.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    socket.resume();
    await until(() => closed);
  });
});

describe('many clients at once', () => {
  it('keeps fifty clients with equal request ids apart, in both eras', async () => {
    const sessions = await Promise.all(Array.from({ length: 25 }, (_, i) => begin(i % 2 ? ALICE : BOB)));
    const one = async (client: number): Promise<void> => {
      for (let round = 0; round < 10; round++) {
        const args = { client, round, pad: 'x'.repeat((client * 37) % 500) };
        const who = client % 2 ? ALICE : BOB;
        const answer =
          client < 25
            ? await within(sessions[client], legacy(round, 'echo', args), { headers: { authorization: who } })
            : await call('echo', args, { headers: { authorization: who } }, round);
        const name = client % 2 ? 'alice' : 'bob';
        expect(answer.json).toMatchObject({
          id: round,
          result: { content: [{ text: `${name} ${JSON.stringify(args)}` }] },
        });
      }
    };
    await Promise.all(Array.from({ length: 50 }, (_, client) => one(client)));
    expect(inside.calls.filter((made) => made.target.kind === 'tool')).toHaveLength(500);
  });
});

describe('closing', () => {
  it('lets open calls end, and turns newcomers away meanwhile', async () => {
    const open = call('gate');
    await until(() => inside.calls.length === 1);
    const closed = door.close(5000);
    expect((await call('echo', {}, { agent: new Agent() })).status).toBe(503);
    const health = await ask({ path: '/healthz', method: 'GET' });
    expect([health.status, health.text]).toEqual([503, 'down\n']);
    inside.open();
    expect((await open).status).toBe(200);
    await closed;
    await expect(call('echo')).rejects.toThrow();
  });

  it('cuts off what does not end in time, and has it cancelled when it returns', async () => {
    const open = call('slow').catch(() => 'cut');
    await until(() => inside.calls.length === 1);
    const began = performance.now();
    await door.close(50);
    expect(performance.now() - began).toBeLessThan(500);
    expect(await open).toBe('cut');
    expect(inside.outcomes.map((outcome) => outcome.kind)).toEqual(['cancel']);
  });
});
