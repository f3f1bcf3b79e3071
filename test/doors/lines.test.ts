import { type Duplex, duplexPair, PassThrough, Writable } from 'node:stream';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Code } from '../../src/core/codes/index.ts';
import { type Lines, type LinesOptions, serveLines } from '../../src/doors/lines.ts';
import type { JsonObject } from '../../src/lib/json/types.ts';
import { CALLER } from '../core/fakes.ts';
import { INITIALIZE, legacy, META, modern } from './client.ts';
import { type House, house, until } from './house.ts';

let inside: House;
let client: Duplex;
let lines: Lines;
let heard: JsonObject[];

function start(over: Partial<LinesOptions> = {}): void {
  inside = house();
  const [near, far] = duplexPair();
  client = near;
  heard = [];
  let text = '';
  client.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    const parts = text.split('\n');
    text = parts.pop()!;
    for (const part of parts) heard.push(JSON.parse(part));
  });
  lines = serveLines({ gate: inside.gate, input: far, output: far, route: 'files', who: () => CALLER, ...over });
}
beforeEach(() => start());
afterEach(() => lines.close());

const say = (message: object | string) =>
  void client.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`);
async function answer(id: string | number): Promise<JsonObject> {
  await until(() => heard.some((message) => message.id === id));
  return heard.find((message) => message.id === id)!;
}
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const INITIALIZED = { jsonrpc: '2.0', method: 'notifications/initialized' };

describe('lines', () => {
  it('serves the modern era without a handshake', async () => {
    say(modern(1, 'echo', { a: 1 }).body);
    expect(await answer(1)).toEqual({
      jsonrpc: '2.0',
      id: 1,
      result: { content: [{ type: 'text', text: 'alice {"a":1}' }], resultType: 'complete' },
    });
    expect(inside.calls[0]!.peer).toEqual({ listener: 'stdio', address: '-' });
  });

  it('serves the legacy era after initialize', async () => {
    say(legacy(0, 'echo'));
    expect(await answer(0)).toMatchObject({ error: { code: -32000 } });
    say({ jsonrpc: '2.0', id: 'p', method: 'ping' });
    expect((await answer('p')).result).toEqual({});
    say(INITIALIZE);
    expect((await answer('init')).result).toMatchObject({ protocolVersion: '2025-11-25' });
    say({ jsonrpc: '2.0', method: 'notifications/initialized' });
    say(legacy(1, 'echo'));
    expect((await answer(1)).result).toEqual({ content: [{ type: 'text', text: 'alice {}' }] });
    expect(inside.calls.at(-1)!.claimed.client).toEqual({ name: 'test', version: '1' });
  });

  it('hears what comes right behind initialize after it', async () => {
    say(INITIALIZE);
    say(legacy(1, 'echo'));
    say(INITIALIZE);
    say(legacy(2, 'echo'));
    client.end();
    await lines.ended;
    await until(() => heard.length === 4);
    expect(heard.map(({ id, result }) => [id, result !== undefined]).sort()).toEqual([
      [1, true],
      [2, true],
      ['init', true],
      ['init', true],
    ]);
  });

  it('hears what comes right behind initialize though its end came in the same breath', async () => {
    await lines.close();
    const input = new PassThrough();
    let text = '';
    const output = new Writable({
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString();
        done();
      },
    });
    input.end(
      [INITIALIZE, INITIALIZED, legacy(1, 'echo')]
        .map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`)
        .join(''),
    );
    lines = serveLines({ gate: inside.gate, input, output, route: 'files', who: () => CALLER });
    await lines.ended;
    const said = text.trim().split('\n');
    expect(said.map((line) => (JSON.parse(line) as JsonObject).id)).toEqual(['init', 1]);
  });

  it('knows which log messages the client wants, in both eras', async () => {
    const logLevel = { 'io.modelcontextprotocol/logLevel': 'warning' };
    const { body } = modern(1, 'echo');
    const { params } = JSON.parse(JSON.stringify(body));
    say({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { ...params, _meta: { ...params._meta, ...logLevel } },
    });
    await answer(1);
    say(INITIALIZE);
    await answer('init');
    say(legacy(2, 'echo'));
    say({ jsonrpc: '2.0', id: 3, method: 'logging/setLevel', params: { level: 'error' } });
    await answer(3);
    say(legacy(4, 'echo'));
    await answer(4);
    const echoed = inside.calls.filter(({ method }) => method === 'tools/call');
    expect(echoed.map(({ logLevel }) => logLevel)).toEqual(['warning', undefined, 'error']);
  });

  it('gives two legacy sessions of one caller lanes of their own', async () => {
    const lanes = new Set<string>();
    for (let i = 0; i < 2; i++) {
      start();
      say(INITIALIZE);
      await answer('init');
      say(legacy(1, 'echo'));
      await answer(1);
      lanes.add(inside.calls.at(-1)!.lane);
    }
    expect(lanes.size).toBe(2);
  });

  it.each<[string, string, object]>([
    ['garbage', 'hello', { error: { code: -32700 } }],
    ['half a message', '{"jsonrpc":"2.0"', { error: { code: -32700 } }],
    ['a batch', '[]', { error: { code: -32600 } }],
    ['two names', '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', { error: { code: -32700 } }],
    ['bytes that are no UTF-8', '\xff\xfe', { error: { code: -32700 } }],
    ['a carriage return alone', '\r', { error: { code: -32700 } }],
    ['an unknown method', '{"jsonrpc":"2.0","id":"m","method":"a/b"}', { id: 'm', error: { code: -32601 } }],
    [
      'depth',
      `{"jsonrpc":"2.0","id":1,"method":"ping","params":${'{"a":'.repeat(99_999)}`,
      { error: { code: -32700 } },
    ],
  ])('answers %s and goes on', async (_what, line, expected) => {
    client.write(Buffer.from(`${line}\n`, 'latin1'));
    say({ jsonrpc: '2.0', id: 'after', method: 'ping' });
    await answer('after');
    expect(heard[0]).toMatchObject(expected);
    expect(heard).toHaveLength(2);
    expect(heard[0]).not.toHaveProperty('id', null);
  });

  it('answers nothing to notifications, responses and empty lines', async () => {
    say('');
    say({ jsonrpc: '2.0', method: 'notifications/whatever' });
    say({ jsonrpc: '2.0', id: 5, result: {} });
    say({ jsonrpc: '2.0', id: 6, error: { code: 1, message: 'x' } });
    say({ jsonrpc: '2.0', id: 'after', method: 'ping' });
    await answer('after');
    expect(heard).toHaveLength(1);
    expect(inside.attempts.map((made) => made.code)).toEqual(['frame.request', 'frame.request']);
  });

  it('drops a line over the cap once, and reads the next', async () => {
    start({ maxLine: 1000 });
    say(modern(1, 'echo', { pad: 'x'.repeat(100_000) }).body);
    say(modern(2, 'echo').body);
    await answer(2);
    expect(heard).toHaveLength(2);
    expect(heard[0]).toMatchObject({ error: { code: -32700 } });
  });

  it('survives whatever is on a line', async () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 50 }),
      fc.json(),
      fc.record({ jsonrpc: fc.constant('2.0'), id: fc.jsonValue(), method: fc.string() }).map((v) => JSON.stringify(v)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 5 }), async (all) => {
        start();
        for (const one of all) say(one);
        say({ jsonrpc: '2.0', id: 'the end', method: 'ping' });
        expect((await answer('the end')).result).toEqual({});
        client.end();
        await lines.ended;
      }),
      { numRuns: 60 },
    );
  });

  it('cancels the call that the client names, and does not answer it', async () => {
    say(modern(1, 'slow').body);
    await until(() => inside.calls.length === 1);
    const began = performance.now();
    say({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1, _meta: META } });
    await until(() => inside.outcomes.length === 1);
    expect(inside.aborted[0]! - began).toBeLessThan(100);
    expect(inside.outcomes[0]).toMatchObject({ kind: 'cancel' });
    say({ jsonrpc: '2.0', id: 'after', method: 'ping' });
    await answer('after');
    expect(heard).toHaveLength(1);
  });

  it('tells apart ids that look alike, and refuses one that is open', async () => {
    say(modern(1, 'gate').body);
    say(modern('1', 'echo').body);
    expect(await answer('1')).toHaveProperty('result');
    say(modern(1, 'echo').body);
    await until(() => heard.length === 2);
    // Without the id: the first request must not take this for its answer.
    expect(heard[1]).toEqual({ jsonrpc: '2.0', error: expect.objectContaining({ code: -32600 }) });
    inside.open();
    expect((await answer(1)).result).toMatchObject({ content: [{ text: 'passed' }] });
  });

  it('refuses more open calls than it can hold', async () => {
    start({ maxOpen: 3 });
    for (let i = 0; i < 5; i++) say(modern(i, 'gate').body);
    await until(() => heard.length === 2);
    expect(heard.map((message) => message.id)).toEqual([3, 4]);
    inside.open();
    await until(() => heard.length === 5);
  });

  it('asks who speaks each time, and fails closed', async () => {
    const codes: (Code | Error)[] = ['identity.invalid', new Error('down')];
    start({
      who: () => {
        const code = codes.shift();
        if (code instanceof Error) throw code;
        return code ?? CALLER;
      },
    });
    say(modern(1, 'echo').body);
    say(modern(2, 'echo').body);
    say(modern(3, 'echo').body);
    expect((await answer(1)).error).toMatchObject({ code: -31010 });
    expect((await answer(2)).error).toMatchObject({ code: -31011 });
    expect(await answer(3)).toHaveProperty('result');
    expect(inside.calls).toHaveLength(1);
  });

  it('sends progress with the client’s own token, in order', async () => {
    const { body } = modern('p', 'progress', { n: 5 }) as { body: { params: { _meta: object } } };
    body.params._meta = { ...META, progressToken: 'mine' };
    say(body);
    await answer('p');
    expect(heard.map((message) => (message.params as JsonObject)?.progress ?? message.id)).toEqual([
      0,
      1,
      2,
      3,
      4,
      'p',
    ]);
  });

  it('writes one line for a result that has line ends between its tokens', async () => {
    say(modern(1, 'bytes', { raw: '{\r\n"content":\n[]}' }).body);
    expect(await answer(1)).toMatchObject({ result: { content: [] } });
  });

  it('stops listening to a client that does not read', async () => {
    client.pause();
    for (let i = 0; i < 2000; i++) client.write(`${JSON.stringify(modern(i, 'big', { n: 10_000 }).body)}\n`);
    await pause(300);
    expect(inside.calls.length + inside.attempts.length).toBeLessThan(1500);
    client.resume();
    await until(() => inside.calls.length + inside.attempts.length === 2000);
  });

  it('answers what was read before the input ended', async () => {
    say(modern(1, 'gate').body);
    client.end();
    await until(() => inside.calls.length === 1);
    await pause(20);
    inside.open();
    await lines.ended;
    await until(() => heard.length === 1);
    expect(heard[0]).toMatchObject({ id: 1, result: {} });
  });

  it('cancels what has no answer a moment after the input ended, and then is over', async () => {
    const waits: [ms: number, fire: () => void][] = [];
    start({ after: (ms, fire) => (waits.push([ms, fire]), () => {}) });
    say(modern(1, 'slow').body);
    await until(() => inside.calls.length === 1);
    client.end();
    await until(() => waits.length === 1);
    expect(waits[0]![0]).toBe(5_000);
    expect(inside.outcomes).toEqual([]);
    waits[0]![1]();
    await lines.ended;
    expect(inside.outcomes).toMatchObject([{ kind: 'cancel' }]);
  });

  it('lets open calls end when it is closed, within bounds', async () => {
    say(modern(1, 'gate').body);
    await until(() => inside.calls.length === 1);
    const closed = lines.close(1000);
    say(modern(2, 'echo').body);
    await pause(20);
    inside.open();
    await closed;
    await pause(5);
    expect(heard.map((message) => message.id)).toEqual([1]);
    start();
    say(modern(1, 'slow').body);
    await until(() => inside.calls.length === 1);
    await lines.close(10);
    expect(inside.outcomes).toMatchObject([{ kind: 'cancel' }]);
  });
});
