/** Clients of both eras through a running gateway to servers over HTTP of both eras. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPEN_LIMITS, type Served, Site } from './site.ts';

const SERVER = join(import.meta.dirname, '../fixtures/servers/http.ts');
const children: ChildProcess[] = [];
let site: Site;
let served: Served;

async function listen(era: string): Promise<string> {
  const child = spawn(process.execPath, [SERVER, era]);
  children.push(child);
  return new Promise((resolve) => child.stdout!.once('data', (text) => resolve(String(text).trim())));
}

beforeAll(async () => {
  const [newer, older] = await Promise.all([listen('modern'), listen('legacy')]);
  site = new Site({ servers: {}, more: OPEN_LIMITS });
  const block = (name: string, port: string) =>
    `  ${name}:\n    url: http://127.0.0.1:${port}/mcp\n    private: [127.0.0.0/8]\n`;
  const text = readFileSync(site.config, 'utf8');
  writeFileSync(
    site.config,
    text.replace('upstreams:\n', `upstreams:\n${block('newer', newer)}${block('older', older)}`),
  );
  site.review();
  served = await site.serve();
});
afterAll(async () => {
  await served?.stop();
  for (const child of children) child.kill();
  site?.close();
});

const CLIENTS = {
  '2026-07-28': async (url: URL, headers: Record<string, string>) => {
    const client = new ModernClient(
      { name: 't', version: '1' },
      { versionNegotiation: { mode: { pin: '2026-07-28' } } },
    );
    await client.connect(new ModernTransport(url, { requestInit: { headers } }));
    return client;
  },
  '2025-11-25': async (url: URL, headers: Record<string, string>) => {
    const client = new LegacyClient({ name: 't', version: '1' });
    await client.connect(new LegacyTransport(url, { requestInit: { headers } }) as never);
    return client as unknown as ModernClient;
  },
};

it('the gateway says at the start how each server is reached', () => {
  expect(served.said()).toMatch(/^ {2}newer {4}http:\/\/\S+\/newer {4}HTTP, http:\/\/127\.0\.0\.1:\d+$/m);
  expect(served.said()).not.toContain('no network');
});

describe.each(Object.entries(CLIENTS))('a client of %s', (_, connect) => {
  it.each(['newer', 'older'])('lists and calls the %s server', async (upstream) => {
    const client = await connect(new URL(`${served.url}/${upstream}`), { Authorization: `Bearer ${site.token()}` });
    expect((await client.listTools()).tools.map(({ name }) => name).sort()).toEqual(['echo', 'fail']);
    const { content } = (await client.callTool({ name: 'echo', arguments: { text: 'hello' } })) as {
      content: { text: string }[];
    };
    expect(content[0]!.text).toBe('hello');
    const failed = JSON.stringify(await client.callTool({ name: 'fail', arguments: {} }));
    expect(failed).not.toContain('/srv/app');
    await client.close();
  });
});

describe('the lockfile', () => {
  it('names the reviewed server; another URL needs another review', async () => {
    const lock = readFileSync(join(site.dir, 'doorward.lock'), 'utf8');
    expect(lock).toMatch(/server:\n +url: "http:\/\/127\.0\.0\.1:\d+\/mcp"/);
    expect(site.run('check').status).toBe(0);
    const moved = readFileSync(site.config, 'utf8').replace(/\/mcp/g, '/other');
    writeFileSync(site.config, moved);
    expect(site.run('review', '--frozen').status).toBe(1);
  });
});
