import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Notification } from '../../src/core/call.ts';
import { Ended } from '../../src/core/ended.ts';
import { Connection, type Reply } from '../../src/upstreams/stdio.ts';

let input: PassThrough;
let output: PassThrough;
let faults: string[];
let broken: string[];
let connection: Connection;
const lines = () =>
  (output.read() as Buffer | null)
    ?.toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line)) ?? [];
const say = (message: object | string) =>
  input.write(typeof message === 'string' ? message : `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const turn = () => new Promise((done) => setImmediate(done));
const code = (call: Promise<Reply>) =>
  call.then(
    () => 'answered',
    (error: Ended) => error.code,
  );

beforeEach(() => {
  [input, output, faults, broken] = [new PassThrough(), new PassThrough(), [], []];
  connection = new Connection({
    input,
    output,
    cap: 4096,
    maxFaults: 50,
    onFault: (fault, count) => faults.push(`${fault} ${count}`),
    onListChanged: () => faults.push('list changed'),
    onBroken: (reason) => broken.push(reason),
  });
});

describe('a connection', () => {
  it('numbers its requests and finds their answers in any order', async () => {
    const [a, b] = [connection.ask('a', {}), connection.ask('b', {})];
    await turn();
    expect(lines().map(({ id, method }) => [id, method])).toEqual([
      [1, 'a'],
      [2, 'b'],
    ]);
    say({ id: 2, result: { b: 1 } });
    say({ id: 1, result: { a: 1 } });
    expect(await a).toMatchObject({ value: { a: 1 } });
    expect(await b).toMatchObject({ value: { b: 1 } });
  });
  it('keeps numbers that a double cannot carry', async () => {
    const call = connection.ask('a', {});
    say('{"jsonrpc":"2.0","id":1,"result":{"n":12345678901234567890}}\n');
    const reply = await call;
    expect(JSON.stringify((reply as { value: object }).value)).toBe('{"n":12345678901234567890}');
    expect(Buffer.from((reply as { bytes: Uint8Array }).bytes).toString()).toBe('{"n":12345678901234567890}');
  });
  it('brings errors', async () => {
    const call = connection.ask('a', {});
    say({ id: 1, error: { code: -32603, message: 'boom', data: { at: '/srv' } } });
    expect(await call).toEqual({ kind: 'error', code: -32603, message: 'boom', data: { at: '/srv' } });
  });
  it.each([
    [{ id: 1, result: [] }],
    [{ id: 1, result: null }],
    [{ id: 1 }],
    [{ id: 1, error: { code: 'x', message: 'y' } }],
    [{ id: 1, error: 7 }],
  ])('ends the call that %j answers', async (message) => {
    const call = code(connection.ask('a', {}));
    say(message);
    expect(await call).toBe('upstream.protocol');
  });
  it.each([
    ['text\n', 'json 1'],
    ['{"jsonrpc":"2.0","id":1,"id":1,"result":{}}\n', 'json 1'],
    ['[{"jsonrpc":"2.0","id":1,"result":{}}]\n', 'shape 1'],
    ['{"jsonrpc":"2.0","id":1,"result":{},"more":1}\n', 'shape 1'],
    ['{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}\n', 'shape 1'],
    ['{"jsonrpc":"2.0","id":"1","result":{}}\n', 'shape 1'],
    ['{"jsonrpc":"2.0","id":99,"result":{}}\n', 'id 1'],
    ['{"jsonrpc":"2.0","method":"notifications/other"}\n', 'unasked 1'],
    ['{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":99,"progress":1}}\n', 'token 1'],
    ['{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":"x"}}\n', 'shape 1'],
    ['{"jsonrpc":"2.0","method":7}\n', 'shape 1'],
    ['{"jsonrpc":"2.0","method":"x","params":[]}\n', 'shape 1'],
    ['{"jsonrpc":"2.0","id":{},"method":"x"}\n', 'shape 1'],
  ])('drops %j and counts it', async (line, fault) => {
    const call = connection.ask('a', {}, { send: async () => {} });
    say(line);
    say({ id: 1, result: {} });
    await call;
    expect(faults).toEqual([fault]);
  });
  it('ends after too many broken lines, with every open call', async () => {
    const call = code(connection.ask('a', {}));
    say('x\n'.repeat(60));
    expect(await call).toBe('upstream.protocol');
    expect(broken).toHaveLength(1);
    expect(faults).toEqual(['json 1', 'json 10']);
    expect(await code(connection.ask('b', {}))).toBe('upstream.protocol');
  });
  it('ends open calls at an oversized line, and takes the next answer', async () => {
    const call = code(connection.ask('a', {}));
    say('x'.repeat(5000));
    expect(await call).toBe('upstream.too-large');
    say('xxx\n');
    const next = connection.ask('b', {});
    say({ id: 2, result: {} });
    expect(await next).toMatchObject({ value: {} });
  });
  it('sends a cancellation at once and expects a late answer', async () => {
    const cancel = new AbortController();
    const call = code(connection.ask('a', {}, { signal: cancel.signal, send: async () => {} }));
    cancel.abort(new Ended('timeout', 'run.timeout-hard'));
    expect(await call).toBe('run.timeout-hard');
    await turn();
    expect(lines()[1]).toEqual({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } });
    say({ method: 'notifications/progress', params: { progressToken: 1, progress: 1 } });
    say({ id: 1, result: {} });
    say({ id: 1, result: {} });
    await turn();
    expect(faults).toEqual(['id 1']); // only the second one is strange
  });
  it('uses progress tokens of its own, and takes no others', async () => {
    const notes: Notification[] = [];
    const call = connection.ask(
      'a',
      { _meta: { progressToken: 'theirs', x: 1 } },
      { send: async (note) => void notes.push(note) },
    );
    await turn();
    expect(lines()[0].params).toEqual({ _meta: { progressToken: 1, x: 1 } });
    say({
      method: 'notifications/progress',
      params: { progressToken: 1, progress: 0.5, total: 1, message: 'half', evil: 1 },
    });
    say({ method: 'notifications/progress', params: { progressToken: 'theirs', progress: 1 } });
    say({ id: 1, result: {} });
    await call;
    expect(notes).toEqual([
      { kind: 'notification', method: 'notifications/progress', params: { progress: 0.5, total: 1, message: 'half' } },
    ]);
  });
  it('gives a log message to no call when several are open', async () => {
    const notes: Notification[] = [];
    const send = async (note: Notification) => void notes.push(note);
    const calls = [connection.ask('a', {}, { send }), connection.ask('b', {}, { send })];
    say({ method: 'notifications/message', params: { level: 'info', data: 1 } });
    say({ id: 1, result: {} });
    say({ method: 'notifications/message', params: { level: 'info', data: 2 } });
    say({ id: 2, result: {} });
    await Promise.all(calls);
    expect(notes.map(({ params }) => params['data'])).toEqual([2]);
  });
  it('survives a caller that refuses interim messages', async () => {
    const call = connection.ask('a', {}, { send: () => Promise.reject(new Error('gone')) });
    say({ method: 'notifications/progress', params: { progressToken: 1, progress: 1 } });
    say({ id: 1, result: { ok: true } });
    expect(await call).toMatchObject({ value: { ok: true } });
  });
  it('writes nothing more to a server that does not read', async () => {
    const stuck = new PassThrough({ highWaterMark: 1 });
    const lone = new Connection({
      input: new PassThrough(),
      output: stuck,
      onFault: () => {},
      onListChanged: () => {},
      onBroken: () => {},
    });
    const first = lone.ask('a', { text: 'x'.repeat(9 << 20) });
    first.catch(() => {});
    await turn();
    expect(await code(lone.ask('b', {}))).toBe('upstream.busy');
    lone.end('upstream.lost');
    expect(await code(first)).toBe('upstream.lost');
  });
  it('takes batches of a server whose revision has them, and of no other', async () => {
    const batch = (...messages: object[]) =>
      say(`${JSON.stringify(messages.map((one) => ({ jsonrpc: '2.0', ...one })))}\n`);
    const [a, b] = [connection.ask('a', {}), connection.ask('b', {})];
    batch({ id: 1, result: {} });
    await turn();
    expect(faults).toEqual(['shape 1']);
    connection.batches = true;
    batch({ method: 'notifications/tools/list_changed' }, { id: 2, result: { b: 1 } }, { id: 9, result: {} });
    batch({ id: 1, result: { a: 1 } });
    expect(await a).toEqual({ kind: 'result', value: { a: 1 } });
    expect(await b).toEqual({ kind: 'result', value: { b: 1 } });
    batch();
    batch(...Array.from({ length: 33 }, () => ({ method: 'x' })));
    await turn();
    expect(faults).toEqual(['shape 1', 'list changed', 'id 1']);
    expect(broken).toEqual([]);
  });
  it('tells of changed listings', async () => {
    say({ method: 'notifications/tools/list_changed' });
    await turn();
    expect(faults).toEqual(['list changed']);
  });
});
