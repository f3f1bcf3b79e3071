/** HTTP+SSE, the transport of 2024-11-05: the official server in a process of its own, and servers that misbehave. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/lib/json/types.ts';
import { ECHO, pause, type SiteOptions, site, textOf, type World, world } from './world.ts';

const transport = 'sse';

describe('the official server', () => {
  let child: ChildProcess;
  let made: World;
  beforeAll(async () => {
    child = spawn(process.execPath, [join(import.meta.dirname, '../../fixtures/servers/http-sse.ts')]);
    const port = await new Promise<string>((done) => child.stdout!.once('data', (text) => done(String(text).trim())));
    const config = { url: `http://127.0.0.1:${port}/sse` };
    const looking = world(config, { transport });
    const pinned = (await looking.lanes.probe('under-test')).tools as JsonObject[];
    await looking.lanes.close();
    made = world(config, { transport, pinned, asks: { elicitation: [], sampling: false, roots: true } });
  });
  afterAll(async () => {
    await made?.lanes.close();
    child?.kill();
  });

  it('answers many at once, each its own', async () => {
    const texts = Array.from({ length: 50 }, (_, i) => `text ${i}`);
    expect((await Promise.all(texts.map((text) => made.call({ text })))).map(textOf)).toEqual(texts);
    expect(made.drifts).toEqual([]);
  });
  it('asks for roots within a call', async () => {
    const how = { tool: 'roots', capabilities: { roots: {} } };
    const first = await made.call({}, how);
    if (first.kind === 'error') throw new Error(first.message);
    expect(first.value['inputRequests']).toEqual({ 'ask-1': { method: 'roots/list', params: {} } });
    const roots = [{ uri: 'file:///a', name: 'a' }];
    const resume = { state: first.value['requestState'] as string, answers: { 'ask-1': { roots } } };
    expect(JSON.parse(textOf(await made.call({}, { ...how, resume })))).toEqual(roots);
  });
  it('that is killed loses its calls, and the next ones are refused', async () => {
    const call = made.call({}, { tool: 'roots', capabilities: { roots: {} } });
    await call;
    child.kill('SIGKILL');
    await expect.poll(() => made.events.some(({ data }) => data.what === 'end')).toBe(true);
    await expect(made.call({ text: 'x' })).rejects.toMatchObject({ code: 'upstream.start' });
  });
});

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

/** `endpoint` as the server names it; `post` answers a message, true when it did. */
async function scripted(
  endpoint: (port: number) => string,
  post: (say: (event: string) => void, message: any) => number | undefined = () => undefined,
) {
  let stream: { write(text: string): void } | undefined;
  const options: SiteOptions = {
    era: 'legacy',
    answer({ req, res, message }) {
      if (req.method === 'GET') {
        stream = res.writeHead(200, { 'content-type': 'text/event-stream' });
        stream.write(`event: endpoint\ndata: ${endpoint((req.socket.address() as { port: number }).port)}\n\n`);
        return true;
      }
      const say = (text: string) => stream!.write(text);
      const status = post(say, message);
      if (status === undefined && message.id !== undefined) {
        const result =
          message.method === 'initialize'
            ? { protocolVersion: '2024-11-05', capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } }
            : message.method === 'tools/list'
              ? { tools: [ECHO] }
              : { content: [{ type: 'text', text: message.params.arguments.text }] };
        say(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', id: message.id, result })}\n\n`);
      }
      res.writeHead(status ?? 202).end();
      return true;
    },
  };
  const at = await site(options);
  const made = world({ url: at.url }, { transport });
  opened.push(at, made.lanes);
  return { ...made, at };
}

describe('a server', () => {
  it('of 2024-11-05 is greeted and called where it says, in order, without headers of later revisions', async () => {
    const made = await scripted(() => '/messages?session=1');
    expect(textOf(await made.call())).toBe('hello');
    const posts = made.at.heard.filter(({ http }) => http === 'POST');
    expect(posts.map(({ message }) => message.method)).toEqual([
      'initialize',
      'notifications/initialized',
      'tools/list',
      'tools/call',
    ]);
    for (const { headers } of made.at.heard) {
      expect(headers).not.toHaveProperty('mcp-protocol-version');
      expect(headers).not.toHaveProperty('mcp-session-id');
    }
    await made.lanes.close();
    await expect.poll(() => made.at.open()).toBe(0);
  });
  it.each([
    ['another host', () => 'http://169.254.169.254/messages'],
    ['another port', () => 'http://127.0.0.1:9/messages'],
    ['another scheme', (port: number) => `https://127.0.0.1:${port}/messages`],
    ['no URL', () => 'http://[/'],
    ['a file', () => 'file:///etc/passwd'],
    ['too much', () => `/${'a'.repeat(3000)}`],
  ])('that names %s as endpoint is not started, and nothing is sent', async (_, endpoint) => {
    const made = await scripted(endpoint);
    await expect(made.call()).rejects.toMatchObject({ code: 'upstream.start' });
    expect(made.at.heard.filter(({ http }) => http === 'POST')).toEqual([]);
  });
  it('that names another endpoint later is not followed', async () => {
    const made = await scripted(
      () => '/first',
      (say) => void say('event: endpoint\ndata: /second\n\n'),
    );
    expect(textOf(await made.call())).toBe('hello');
    expect(new Set(made.at.heard.filter(({ http }) => http === 'POST').map(({ headers }) => headers.host)).size).toBe(
      1,
    );
  });
  it('that refuses a message ends the lane; what was open is lost and not sent again', async () => {
    const made = await scripted(
      () => '/m',
      (_, { method }) => (method === 'tools/call' ? 500 : undefined),
    );
    await expect(made.call()).rejects.toMatchObject({ code: 'upstream.lost' });
    expect(made.at.of('tools/call')).toHaveLength(1);
  });
  it.each([
    ['an event over the cap', (say: (text: string) => void) => say(`data: ${'x'.repeat(5 << 20)}`)],
    ['comments without end', (say: (text: string) => void) => say(`:${'x'.repeat(1000)}\n`.repeat(5000))],
  ])('that sends %s is left', async (_, flood) => {
    const made = await scripted(
      () => '/m',
      (say, { method }) => (method === 'tools/call' ? (flood(say), 202) : undefined),
    );
    await expect(made.call()).rejects.toMatchObject({ code: 'upstream.lost' });
    await pause(20);
    expect(made.at.open()).toBe(0);
  });
  it('may break a message into lines', async () => {
    const made = await scripted(
      () => '/m',
      (say, { id, method }) => {
        if (method !== 'tools/call') return undefined;
        say(
          `data: {"jsonrpc":"2.0",\ndata: "id":${id},\r\ndata: "result":{"content":[{"type":"text",\ndata: "text":"cut"}]}}\n\n`,
        );
        return 202;
      },
    );
    expect(textOf(await made.call())).toBe('cut');
  });
  it('that is no stream of events is not started', async () => {
    const at = await site({ era: 'legacy' });
    const made = world({ url: at.url }, { transport });
    opened.push(at, made.lanes);
    await expect(made.call()).rejects.toMatchObject({ code: 'upstream.start' });
  });
});
