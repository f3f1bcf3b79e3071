/** One client and a row of owners, without processes: what is said, to whom, and how often. */
import { type Duplex, duplexPair } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { relay } from '../../src/doors/relay.ts';
import type { JsonObject } from '../../src/lib/json/types.ts';
import { INITIALIZE, legacy, META } from './client.ts';
import { until } from './house.ts';

interface End {
  readonly stream: Duplex;
  readonly heard: JsonObject[];
  say(message: object | string): void;
}

function end(stream: Duplex): End {
  const heard: JsonObject[] = [];
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (text + chunk).split('\n');
    text = lines.pop()!;
    for (const line of lines) heard.push(line.startsWith('{') ? JSON.parse(line) : { line });
  });
  stream.on('error', () => {});
  const say = (message: object | string) =>
    void stream.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`);
  return { stream, heard, say };
}

let client: End;
let owners: End[];
let yields: boolean[];
let over: Promise<void>;
let hold: Promise<void> | undefined;

beforeEach(() => {
  owners = [];
  yields = [];
  hold = undefined;
  const [outer, inner] = duplexPair();
  client = end(outer);
  over = relay({
    input: inner,
    output: inner,
    maxLine: 10_000,
    join: async (yielding) => {
      yields.push(yielding);
      await hold;
      const [near, far] = duplexPair();
      owners.push(end(far));
      return near;
    },
  });
  over.catch(() => {});
});
afterEach(() => client.stream.destroy());

const reply = (owner: End, id: unknown, rest: object = { result: {} }) => owner.say({ jsonrpc: '2.0', id, ...rest });
const ids = ({ heard }: End) => heard.map((message) => message.id ?? message.method ?? message.line);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('relay', () => {
  it('passes lines both ways as they are', async () => {
    await until(() => owners.length === 1);
    client.say(legacy(1, 'echo'));
    client.say('this is no JSON');
    await until(() => owners[0]!.heard.length === 2);
    expect(owners[0]!.heard).toEqual([legacy(1, 'echo'), { line: 'this is no JSON' }]);
    reply(owners[0]!, 1);
    await until(() => client.heard.length === 1);
    expect(client.heard).toEqual([{ jsonrpc: '2.0', id: 1, result: {} }]);
  });

  it('answers what was open when an owner goes, once, and sends it to nobody else', async () => {
    await until(() => owners.length === 1);
    for (const id of [1, '1', 'quo"te', 'é\u2028', ',"result":']) client.say(legacy(id, 'slow'));
    client.say(legacy(2, 'echo'));
    await until(() => owners[0]!.heard.length === 6);
    reply(owners[0]!, 2);
    reply(owners[0]!, ',"result":');
    await until(() => client.heard.length === 2);
    owners[0]!.stream.destroy();
    await until(() => owners.length === 2 && client.heard.length === 6);
    expect(ids(client)).toEqual([2, ',"result":', 1, '1', 'quo"te', 'é\u2028']);
    expect(client.heard.slice(2)).toMatchObject(Array(4).fill({ error: { code: -31121 } }));
    expect(client.heard[2]!.error).not.toMatchObject({ message: expect.stringContaining('{') });
    await pause(20);
    expect(owners[1]!.heard).toEqual([]);
  });

  it('introduces its client to each owner, and keeps the answer to itself', async () => {
    await until(() => owners.length === 1);
    client.say(INITIALIZE);
    await until(() => owners[0]!.heard.length === 1);
    reply(owners[0]!, 'init');
    await until(() => client.heard.length === 1);
    client.say({ jsonrpc: '2.0', method: 'notifications/initialized' });
    await until(() => owners[0]!.heard.length === 2);
    for (let next = 1; next <= 3; next++) {
      owners[next - 1]!.stream.destroy();
      await until(() => owners.length === next + 1);
      client.say(legacy(next, 'echo'));
      await until(() => owners[next]!.heard.length === 1);
      // Nothing is asked before the introduction is answered.
      await pause(10);
      expect(ids(owners[next]!)).toEqual(['init']);
      reply(owners[next]!, 'init');
      await until(() => owners[next]!.heard.length === 3);
      expect(ids(owners[next]!)).toEqual(['init', 'notifications/initialized', next]);
      reply(owners[next]!, next);
      await until(() => client.heard.length === next + 1);
    }
    expect(ids(client)).toEqual(['init', 1, 2, 3]);
  });

  it('keeps what was not sent yet for the next owner', async () => {
    await until(() => owners.length === 1);
    let release = () => {};
    hold = new Promise((resolve) => {
      release = resolve;
    });
    owners[0]!.stream.destroy();
    await until(() => yields.length === 2);
    client.say(legacy('late', 'echo'));
    await pause(20);
    expect(client.heard).toEqual([]);
    release();
    await until(() => owners[1]?.heard.length === 1);
    expect(ids(owners[1]!)).toEqual(['late']);
  });

  it.each([
    ['!handover', true],
    ['!closing', false],
  ])('stops asking an owner that says %s, and lets it answer', async (word, yielding) => {
    await until(() => owners.length === 1);
    client.say(legacy(1, 'slow'));
    await until(() => owners[0]!.heard.length === 1);
    owners[0]!.say(word);
    await pause(10);
    client.say(legacy(2, 'echo'));
    reply(owners[0]!, 1);
    await until(() => client.heard.length === 1);
    owners[0]!.stream.end();
    await until(() => owners.length === 2 && owners[1]!.heard.length === 1);
    expect(ids(owners[0]!)).toEqual([1]);
    expect(ids(owners[1]!)).toEqual([2]);
    expect(ids(client)).toEqual([1]);
    expect(yields).toEqual([false, yielding]);
  });

  it('forgets a request that its client cancelled', async () => {
    await until(() => owners.length === 1);
    client.say(legacy(1, 'slow'));
    client.say({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1, _meta: META } });
    await until(() => owners[0]!.heard.length === 2);
    owners[0]!.stream.destroy();
    await until(() => owners.length === 2);
    await pause(10);
    expect(client.heard).toEqual([]);
  });

  it('takes no notification for an answer', async () => {
    await until(() => owners.length === 1);
    client.say(legacy(1, 'slow'));
    await until(() => owners[0]!.heard.length === 1);
    owners[0]!.say({ jsonrpc: '2.0', method: 'notifications/message', params: { id: 1, result: {} } });
    owners[0]!.say({ jsonrpc: '2.0', error: { code: -32700, message: 'parse error' } });
    await until(() => client.heard.length === 2);
    owners[0]!.stream.destroy();
    await until(() => client.heard.length === 3);
    expect(client.heard[2]).toMatchObject({ id: 1, error: { code: -31121 } });
  });

  it('answers a line over the cap itself', async () => {
    await until(() => owners.length === 1);
    client.say('x'.repeat(20_000));
    client.say(legacy(1, 'echo'));
    await until(() => client.heard.length === 1 && owners[0]!.heard.length === 1);
    expect(client.heard[0]).toMatchObject({ error: { code: -32700 } });
  });

  it('ends with its client', async () => {
    await until(() => owners.length === 1);
    let closed = false;
    owners[0]!.stream.on('end', () => {
      closed = true;
    });
    client.stream.end();
    await over;
    await until(() => closed);
    expect(yields).toHaveLength(1);
  });

  it('waits for the answer to what its client asked last', async () => {
    client.say(legacy(1, 'echo'));
    client.stream.end();
    await until(() => owners[0]?.heard.length === 1);
    await pause(20);
    expect(await Promise.race([over, pause(1)])).toBe(undefined);
    reply(owners[0]!, 1);
    owners[0]!.stream.end();
    await over;
    await until(() => client.heard.length === 1);
    expect(ids(client)).toEqual([1]);
    expect(yields).toHaveLength(1);
  });

  it('ends with an error when no owner can be found', async () => {
    await until(() => owners.length === 1);
    hold = Promise.reject(new Error('no owner'));
    hold.catch(() => {});
    owners[0]!.stream.destroy();
    await expect(over).rejects.toThrow('no owner');
  });

  it('carries a great deal in both directions without losing a line', async () => {
    await until(() => owners.length === 1);
    const owner = owners[0]!;
    let seen = 0;
    const serve = setInterval(() => {
      for (; seen < owner.heard.length; seen++) {
        reply(owner, owner.heard[seen]!.id, { result: { pad: 'y'.repeat(5000) } });
      }
    }, 1);
    for (let id = 0; id < 2000; id++) client.say(legacy(id, 'echo', { pad: 'x'.repeat(id % 3000) }));
    await until(() => client.heard.length === 2000);
    clearInterval(serve);
    expect(new Set(ids(client)).size).toBe(2000);
  });

  it('takes back what a lost owner asked, and keeps the late answer to itself', async () => {
    await until(() => owners.length === 1);
    client.say(legacy(1, 'ask'));
    const [first, second] = ['A', 'B'].map((c) => `dw-${c.repeat(24)}`) as [string, string];
    const asks = (id: string) => {
      return {
        jsonrpc: '2.0',
        method: 'elicitation/create',
        params: { message: `{"id":"${second}"}`, id: second },
        id,
      };
    };
    await until(() => owners[0]!.heard.length === 1);
    for (const id of [first, second]) owners[0]!.say(asks(id));
    const note = { jsonrpc: '2.0', method: 'notifications/message', params: { data: { id: 'dw-' } } };
    owners[0]!.say(note);
    await until(() => client.heard.length === 3);
    expect(client.heard).toEqual([asks(first), asks(second), note]);
    client.say({ jsonrpc: '2.0', id: first, result: { action: 'accept' } });
    await until(() => owners[0]!.heard.length === 2);
    owners[0]!.stream.destroy();
    await until(() => owners.length === 2 && client.heard.length === 5);
    expect(client.heard.slice(3)).toEqual([
      { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: second, reason: 'the gateway ended' } },
      { jsonrpc: '2.0', id: 1, error: expect.objectContaining({ code: -31121 }) },
    ]);
    client.say({ jsonrpc: '2.0', id: second, result: { action: 'accept' } });
    client.say(legacy(2, 'echo'));
    await until(() => owners[1]!.heard.length === 1);
    expect(owners[1]!.heard).toEqual([legacy(2, 'echo')]);
  });

  it('forgets a question that its owner took back', async () => {
    await until(() => owners.length === 1);
    const id = `dw-${'A'.repeat(24)}`;
    owners[0]!.say({ jsonrpc: '2.0', method: 'roots/list', id });
    owners[0]!.say({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } });
    await until(() => client.heard.length === 2);
    owners[0]!.stream.destroy();
    await until(() => owners.length === 2);
    await pause(20);
    expect(client.heard).toHaveLength(2);
  });
});
