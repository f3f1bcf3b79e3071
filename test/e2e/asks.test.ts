/**
 * Servers of both eras ask clients of both eras, through a running gateway: the official clients, over HTTP and over the
 * stdio bridge, with nothing but their handlers.
 */
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAIN, OPEN_LIMITS, type Served, Site } from './site.ts';

const ASKS = { elicitation: ['form', 'url'], hosts: ['accounts.example.com'], sampling: true, roots: true };
const FILE = join(import.meta.dirname, '../fixtures/servers/rounds.ts');

let site: Site;
let served: Served;
beforeAll(async () => {
  const block = (era: string, asks?: object) => ({ run: ['node', './rounds/rounds.ts', era], ...(asks && { asks }) });
  site = new Site({
    upstreams: { newer: block('modern', ASKS), older: block('legacy', ASKS), bare: block('modern') },
    fill(dir) {
      mkdirSync(join(dir, 'rounds'));
      cpSync(FILE, join(dir, 'rounds/rounds.ts'));
    },
    more: OPEN_LIMITS,
  });
  site.reviewAll();
  served = await site.serve();
}, 60_000);
afterAll(async () => {
  await served?.stop();
  site?.close();
});

const capabilities = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };
const headers = () => ({ Authorization: `Bearer ${site.token()}` });
const INFO = { name: 't', version: '1' };
const NAMES: Record<string, string> = { name: 'Ann', city: 'Bern', password: 'hunter2' };

interface Asked {
  readonly mode?: string;
  readonly url?: string;
  readonly elicitationId?: string;
  readonly requestedSchema?: { readonly properties: object };
}
type Client = { callTool(call: { name: string; arguments: object }): Promise<any>; close(): Promise<void> };
type Connect = (route: string, seen: Asked[]) => Promise<Client>;

/** What its user, its model and its folders say. */
function elicited(params: Asked, seen: Asked[]): any {
  seen.push(params);
  if (params.mode === 'url') return { action: 'accept' };
  const [field] = Object.keys(params.requestedSchema!.properties);
  return { action: 'accept', content: { [field!]: NAMES[field!] } };
}
const spoken = { role: 'assistant', model: 'm', content: { type: 'text', text: 'Paris' } } as const;
const roots = { roots: [{ uri: 'file:///data', name: 'data' }] };

function legacyClient(seen: Asked[]): LegacyClient {
  const client = new LegacyClient(INFO, { capabilities });
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => elicited(params as Asked, seen));
  client.setRequestHandler(CreateMessageRequestSchema, () => spoken);
  client.setRequestHandler(ListRootsRequestSchema, () => roots);
  return client;
}

const CLIENTS: readonly (readonly [string, Connect])[] = [
  [
    'v2, 2026-07-28 over HTTP',
    async (route, seen) => {
      const client = new ModernClient(INFO, { capabilities, versionNegotiation: { mode: { pin: '2026-07-28' } } });
      client.setRequestHandler('elicitation/create', ({ params }) => elicited(params as Asked, seen));
      client.setRequestHandler('sampling/createMessage', () => spoken);
      client.setRequestHandler('roots/list', () => roots);
      const to = new URL(`${served.url}/${route}`);
      await client.connect(new ModernTransport(to, { requestInit: { headers: headers() } }));
      return client as unknown as Client;
    },
  ],
  [
    'v1, 2025-11-25 over HTTP',
    async (route, seen) => {
      const client = legacyClient(seen);
      const to = new URL(`${served.url}/${route}`);
      await client.connect(new LegacyTransport(to, { requestInit: { headers: headers() } }) as never);
      return client as unknown as Client;
    },
  ],
  [
    'v1, 2025-11-25 over stdio, bridged',
    async (route, seen) => {
      const client = legacyClient(seen);
      const args = [MAIN, '--config', site.config, 'run', '--stdio', route];
      await client.connect(new StdioClientTransport({ command: process.execPath, args }));
      return client as unknown as Client;
    },
  ],
];

describe.each(CLIENTS)('%s', (_name, connect) => {
  it.each(['newer', 'older'])('is asked by a server that is %s', { timeout: 30_000 }, async (route) => {
    const seen: Asked[] = [];
    const client = await connect(route, seen);
    const call = async (name: string) => JSON.parse((await client.callTool({ name, arguments: {} })).content[0].text);
    try {
      expect(await call('who')).toEqual([{ action: 'accept', content: { name: 'Ann' } }]);
      expect(await call('both')).toEqual([
        { action: 'accept', content: { name: 'Ann' } },
        { action: 'accept', content: { city: 'Bern' } },
      ]);
      expect(await call('page')).toEqual([{ action: 'accept' }]);
      expect(seen.at(-1)!.url).toBe('https://accounts.example.com/sign-in');
      // The server's own id means nothing here.
      expect(seen.at(-1)!.elicitationId).not.toBe('own-1');
      expect(await call('model')).toEqual([spoken]);
      expect(await call('folders')).toEqual([roots]);
      const before = seen.length;
      for (const name of ['trap', 'secret']) {
        expect(await client.callTool({ name, arguments: {} })).toMatchObject({ isError: true });
      }
      expect(seen).toHaveLength(before);
    } finally {
      await client.close();
    }
  });

  it('is asked nothing without a grant', async () => {
    const seen: Asked[] = [];
    const client = await connect('bare', seen);
    for (const name of ['who', 'page', 'model', 'folders']) {
      expect(await client.callTool({ name, arguments: {} })).toMatchObject({ isError: true });
    }
    expect(seen).toEqual([]);
    await client.close();
  });
});

it('leaves a log by which the rounds can be followed', async () => {
  const seen: Asked[] = [];
  const client = await CLIENTS[0]![1]('newer', seen);
  await client.callTool({ name: 'both', arguments: {} });
  await client.close();
  const { stdout } = site.run('audit', 'tail', '--json');
  const entries = stdout.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
  const intents = entries.filter(({ target, args }) => target?.name === 'both' && args).slice(-3);
  expect(intents).toHaveLength(3);
  expect(intents.map(({ parent }) => parent)).toEqual([undefined, intents[0].call, intents[1].call]);
  expect(site.run('audit', 'verify').status).toBe(0);
});
