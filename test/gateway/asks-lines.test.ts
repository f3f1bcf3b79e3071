/** Questions to clients on pipes: two clients, each on lines of its own, and what one can do to the other. */
import { type Duplex, duplexPair } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Lines, serveLines } from '../../src/doors/lines.ts';
import { ABLE, type Asked, asking, form, ROOTS, SAMPLE } from './asking.ts';

interface Client {
  readonly heard: any[];
  readonly stream: Duplex;
  readonly lines: Lines;
  say(message: object): void;
  /** The message with this id, or the nth request of ours. */
  answer(id: string | number): Promise<any>;
  asked(at?: number): Promise<any>;
}

let world: Asked;
let client: Client;
const open: Client[] = [];
beforeAll(async () => {
  world = await asking();
});
beforeEach(async () => {
  world.calls.length = world.log.length = world.attempts.length = 0;
  Object.assign(world.plans, {
    name: { rounds: [{ who: form() }] },
    both: { rounds: [{ model: SAMPLE, roots: ROOTS }] },
  });
  client = await connect();
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.lines.close();
});
afterAll(() => world?.close());

async function connect(who = 'alice', version = '2025-11-25'): Promise<Client> {
  const [near, far] = duplexPair();
  const heard: any[] = [];
  let text = '';
  near.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    const parts = text.split('\n');
    text = parts.pop()!;
    for (const part of parts) heard.push(JSON.parse(part));
  });
  const caller = world.callers[who]!;
  const lines = serveLines({ gate: world.gate, input: far, output: far, route: 'files', who: () => caller });
  const found = async (is: (message: any) => boolean, at = 0) => {
    await expect.poll(() => heard.filter(is).length, { timeout: 3000, interval: 5 }).toBeGreaterThan(at);
    return heard.filter(is)[at];
  };
  const one: Client = {
    heard,
    stream: near,
    lines,
    say: (message) => void near.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`),
    answer: (id) => found((message) => message.id === id && message.method === undefined),
    asked: (at) => found(({ id, method }) => id !== undefined && method !== undefined, at),
  };
  open.push(one);
  const params = { protocolVersion: version, capabilities: ABLE, clientInfo: { name: 't', version: '1' } };
  one.say({ id: 'init', method: 'initialize', params });
  await one.answer('init');
  return one;
}
const call = (id: number, plan: string) => ({ id, method: 'tools/call', params: { name: 'ask', arguments: { plan } } });
const NAME = { action: 'accept', content: { name: 'Ann' } };
const said = ({ result }: any) => JSON.parse(result.content[0].text);
const pause = () => new Promise((done) => setTimeout(done, 50));

describe('a client on lines', () => {
  it('is asked between its own messages, and answers', async () => {
    client.say(call(1, 'name'));
    const asked = await client.asked();
    expect(asked.params).toEqual({ mode: 'form', ...(form().params as object) });
    client.say(call(2, 'plain'));
    expect(said(await client.answer(2))).toBe('nothing');
    client.say({ id: asked.id, result: NAME });
    expect(said(await client.answer(1))).toEqual({ who: NAME });
  });

  it('leads no line with an id that could be taken for an answer', async () => {
    client.say(call(1, 'name'));
    const { id } = await client.asked();
    client.say({ id, result: NAME });
    await client.answer(1);
    expect(Object.keys(await client.asked()).at(-1)).toBe('id');
  });

  it('answers for itself only', async () => {
    client.say(call(1, 'name'));
    const { id } = await client.asked();
    for (const who of ['alice', 'bob']) {
      const other = await connect(who);
      other.say({ id, result: NAME });
    }
    client.say({ id: `${id}x`, result: NAME });
    await pause();
    expect(world.calls).toHaveLength(1);
    expect(world.attempts).toEqual(['frame.request', 'frame.request', 'frame.request']);
    client.say({ id, result: NAME });
    await client.answer(1);
  });

  it('answers once', async () => {
    client.say(call(1, 'name'));
    const { id } = await client.asked();
    for (let i = 0; i < 5; i++) client.say({ id, result: NAME });
    await client.answer(1);
    await pause();
    expect(world.calls).toHaveLength(2);
    expect(world.attempts).toEqual(Array(4).fill('frame.request'));
  });

  it('may cancel its call meanwhile, and hears no answer to it', async () => {
    client.say(call(1, 'both'));
    const [model, roots] = [await client.asked(0), await client.asked(1)];
    client.say({ method: 'notifications/cancelled', params: { requestId: 1 } });
    await expect.poll(() => client.heard.filter(({ method }) => method === 'notifications/cancelled').length).toBe(2);
    client.say({ id: model.id, result: {} });
    client.say({ id: roots.id, result: { roots: [] } });
    client.say(call(1, 'plain'));
    expect(said(await client.answer(1))).toBe('nothing');
    expect(world.attempts[0]).toBe('run.cancelled');
    expect(client.heard.filter(({ id, method }) => id === 1 && method === undefined)).toHaveLength(1);
  });

  it('that says its last gets an answer at once: nobody is left to ask', async () => {
    client.say(call(1, 'name'));
    await client.asked();
    client.stream.end();
    expect((await client.answer(1)).error.code).toBe(-31166);
    await client.lines.ended;
  });

  it('of 2025-03-26 may answer in a batch', async () => {
    const older = await connect('alice', '2025-03-26');
    older.say(call(1, 'both'));
    const [model, roots] = [await older.asked(0), await older.asked(1)];
    const spoke = { role: 'assistant', model: 'm', content: { type: 'text', text: 'Hi.' } };
    const answers = [
      { jsonrpc: '2.0', id: model.id, result: spoke },
      { jsonrpc: '2.0', id: roots.id, result: { roots: [] } },
    ];
    older.stream.write(`${JSON.stringify(answers)}\n`);
    expect(said(await older.answer(1))).toEqual({ model: spoke, roots: { roots: [] } });
  });

  it('holds no more than sixteen calls that wait', async () => {
    for (let id = 1; id <= 17; id++) client.say(call(id, 'name'));
    await client.asked(15);
    expect((await client.answer(17)).error.code).toBe(-31165);
  });
});
