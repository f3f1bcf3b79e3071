/** The official clients of both generations with everything that is not a tool, through a gateway to a real server. */
import { Client as Client2, StreamableHTTPClientTransport as Http2 } from '@modelcontextprotocol/client';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as Http1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  PromptListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { GRANTED, type Library, library } from '../gateway/library.ts';
import { MAIN } from './site.ts';

let made: Library;
beforeAll(async () => {
  made = await library();
}, 60_000);
afterAll(() => made?.close());
afterEach(async () => {
  made.grant(GRANTED);
  await expect.poll(() => made.inForce(), { timeout: 5000 }).toBe(true);
});

const INFO = { name: 'test', version: '1' };
const url = () => new URL(`${made.url}/library`);
const init = () => ({ requestInit: { headers: { authorization: `Bearer ${made.site.token()}` } } });
const poll = (what: () => unknown) => expect.poll(what, { timeout: 5000, interval: 10 });

/** What both generations of client offer. */
interface Both {
  listResources(): Promise<{ resources: { uri: string }[] }>;
  listResourceTemplates(): Promise<{ resourceTemplates: { name: string }[] }>;
  readResource(params: { uri: string }): Promise<{ contents: { text?: string }[] }>;
  listPrompts(): Promise<{ prompts: { name: string }[] }>;
  getPrompt(params: { name: string; arguments?: Record<string, string> }): Promise<{ messages: unknown[] }>;
  complete(params: object): Promise<{ completion: { values: string[] } }>;
  callTool(params: { name: string; arguments: object }): Promise<unknown>;
  close(): Promise<void>;
}

async function tour(client: Both): Promise<void> {
  expect((await client.listResources()).resources.map(({ uri }) => uri)).toContain('library://shelf/three');
  expect((await client.listResourceTemplates()).resourceTemplates.map(({ name }) => name)).toEqual(['book']);
  expect((await client.listPrompts()).prompts.map(({ name }) => name)).toEqual(['greet', 'summarise']);
  expect((await client.getPrompt({ name: 'summarise', arguments: { book: 'emma' } })).messages).toHaveLength(1);
  const { contents } = await client.readResource({ uri: 'library://book/emma' });
  expect(contents[0]!.text).toBe('text of library://book/emma');
  const ref = { type: 'ref/prompt', name: 'summarise' };
  const { completion } = await client.complete({ ref, argument: { name: 'book', value: 'em' } });
  expect(completion.values).toEqual(['emma']);
  await expect(client.readResource({ uri: 'library://secret/diary' })).rejects.toThrow(/unknown name/);
}

const FIRST: readonly (readonly [string, () => ConstructorParameters<typeof StdioClientTransport>[0] | undefined])[] = [
  ['HTTP', () => undefined],
  [
    'stdio, bridged',
    () => ({ command: process.execPath, args: [MAIN, '--config', made.site.config, 'run', '--stdio', 'library'] }),
  ],
];

describe.each(FIRST)('the first generation over %s', (_how, command) => {
  it('does all of it, and hears of changes', async () => {
    const client = new Client1(INFO);
    const heard: string[] = [];
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void heard.push(params.uri));
    client.setNotificationHandler(PromptListChangedNotificationSchema, ({ method }) => void heard.push(method));
    const stdio = command();
    const transport = stdio ? new StdioClientTransport(stdio) : new Http1(url(), init());
    await client.connect(transport as never);
    try {
      await tour(client as unknown as Both);
      await client.setLoggingLevel('error');
      await client.subscribeResource({ uri: 'library://catalog' });
      await expect(client.subscribeResource({ uri: 'library://secret/diary' })).rejects.toThrow(/unknown name/);
      const touch = (uri: string) => client.callTool({ name: 'touch', arguments: { uri } });
      await touch('library://shelf/one');
      await touch('library://catalog');
      await poll(() => heard).toEqual(['library://catalog']);
      made.grant(GRANTED.filter((name) => !name.endsWith(':greet')));
      await poll(() => heard).toContain('notifications/prompts/list_changed');
      expect((await client.listPrompts()).prompts.map(({ name }) => name)).toEqual(['summarise']);
      // The stream goes on anew, with what the session subscribed to.
      await poll(async () => {
        await touch('library://catalog');
        return heard.filter((one) => one === 'library://catalog').length;
      }).toBeGreaterThan(1);
    } finally {
      await client.close();
    }
  });
});

describe('the second generation over HTTP', () => {
  it('does all of it, and listens', async () => {
    const client = new Client2(INFO, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
    await client.connect(new Http2(url(), init()));
    const heard: string[] = [];
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => void heard.push(params.uri));
    client.setNotificationHandler('notifications/tools/list_changed', ({ method }) => void heard.push(method));
    try {
      await tour(client as unknown as Both);
      const wanted = ['library://catalog', 'library://secret/diary'];
      const stream = await client.listen({ toolsListChanged: true, resourceSubscriptions: wanted });
      expect(stream.honoredFilter).toEqual({ toolsListChanged: true, resourceSubscriptions: wanted.slice(0, 1) });
      await client.callTool({ name: 'touch', arguments: { uri: 'library://catalog' } });
      await poll(() => heard).toEqual(['library://catalog']);
      made.grant(GRANTED.filter((name) => name !== 'library.move'));
      await poll(() => heard).toEqual(['library://catalog', 'notifications/tools/list_changed']);
      expect(await stream.closed).toBe('graceful');
    } finally {
      await client.close();
    }
  });
});
