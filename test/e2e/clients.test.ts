/** The official SDKs' clients, of both major versions and both eras, through a running gateway to a real server. */
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAIN, OPEN_LIMITS, type Served, Site } from './site.ts';

let site: Site;
let served: Served;
beforeAll(async () => {
  site = new Site({ servers: { tidy: ['tidy.ts'] }, more: OPEN_LIMITS });
  site.review();
  served = await site.serve();
});
afterAll(async () => {
  await served?.stop();
  site?.close();
});

const url = () => new URL(`${served.url}/tidy`);
const headers = () => ({ Authorization: `Bearer ${site.token()}` });

type Asking = {
  listTools(): Promise<{ tools: { name: string }[] }>;
  callTool(call: { name: string; arguments?: Record<string, unknown> }): Promise<object>;
  close(): Promise<void>;
};

const CLIENTS: readonly (readonly [string, () => Promise<Asking>])[] = [
  [
    'v2, 2026-07-28 over HTTP',
    async () => {
      const client = new ModernClient(
        { name: 't', version: '1' },
        { versionNegotiation: { mode: { pin: '2026-07-28' } } },
      );
      await client.connect(new ModernTransport(url(), { requestInit: { headers: headers() } }));
      return client as unknown as Asking;
    },
  ],
  [
    'v2, negotiating over HTTP',
    async () => {
      const client = new ModernClient({ name: 't', version: '1' }, { versionNegotiation: { mode: 'auto' } });
      await client.connect(new ModernTransport(url(), { requestInit: { headers: headers() } }));
      return client as unknown as Asking;
    },
  ],
  [
    'v1, 2025-11-25 over HTTP',
    async () => {
      const client = new LegacyClient({ name: 't', version: '1' });
      await client.connect(new LegacyTransport(url(), { requestInit: { headers: headers() } }) as never);
      return client as unknown as Asking;
    },
  ],
  [
    'v1, 2025-11-25 over stdio, bridged to the running gateway',
    async () => {
      const client = new LegacyClient({ name: 't', version: '1' });
      await client.connect(
        new StdioClientTransport({
          command: process.execPath,
          args: [MAIN, '--config', site.config, 'run', '--stdio', 'tidy'],
        }),
      );
      return client as unknown as Asking;
    },
  ],
];

describe.each(CLIENTS)('%s', (_name, connect) => {
  it('lists, calls, and is refused', async () => {
    const client = await connect();
    try {
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name).sort()).toEqual(['count', 'echo', 'fail', 'slow', 'steps', 'where']);
      expect(await client.callTool({ name: 'echo', arguments: { text: 'hello' } })).toMatchObject({
        content: [{ type: 'text', text: 'hello' }],
      });
      const refused = await client.callTool({ name: 'echo', arguments: { text: 'a\u202eb' } });
      expect(refused).toMatchObject({ isError: true });
      await expect(client.callTool({ name: 'nothing_like_it', arguments: {} })).rejects.toThrow(/unknown name/);
      const failed = await client
        .callTool({ name: 'fail', arguments: {} })
        .catch((error: Error) => ({ message: error.message }));
      expect(JSON.stringify(failed)).not.toContain('/srv/secret');
    } finally {
      await client.close();
    }
  });
});

it('shows the server nothing of this machine', async () => {
  const client = await CLIENTS[0]![1]();
  const { content } = (await client.callTool({ name: 'where', arguments: {} })) as { content: { text: string }[] };
  await client.close();
  const seen = JSON.parse(content[0]!.text) as { env: Record<string, string>; uid: number };
  expect(Object.keys(seen.env).sort()).toEqual(['HOME', 'LANG', 'PATH', 'PWD', 'TMPDIR']);
  expect(seen.uid).toBe(65534);
});

it('leaves one entry before and one after each call, and verifies', () => {
  const entries = site
    .run('audit', 'tail', '-n', '500', '--json')
    .stdout.trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string; call?: string; outcome?: { kind: string; sent: boolean } });
  const intents = entries.filter(({ kind }) => kind === 'intent').map(({ call }) => call);
  const outcomes = entries.filter(({ kind, outcome }) => kind === 'outcome' && outcome?.sent).map(({ call }) => call);
  expect(intents.length).toBeGreaterThanOrEqual(9);
  expect(outcomes).toEqual(expect.arrayContaining(intents));
  expect(site.run('audit', 'verify').status).toBe(0);
});
