/** Published servers, as their users run them: reviewed, listed and called in the sandbox, without network. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPEN_LIMITS, type Served, Site } from './site.ts';

const { devDependencies: versions } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'),
) as { devDependencies: Record<string, string> };

function run(name: string, ...args: string[]): { readonly run: readonly string[] } {
  const full = `@modelcontextprotocol/server-${name}`;
  return { run: ['npx', '-y', `${full}@${versions[full]}`, ...args] };
}

let site: Site;
let served: Served;
beforeAll(async () => {
  site = new Site({
    upstreams: {
      files: { ...run('filesystem', '/data'), mounts: { './notes': '/data' } },
      memory: {
        ...run('memory'),
        mounts: { './graph': '/graph:rw' },
        env: { MEMORY_FILE_PATH: '/graph/memory.jsonl' },
      },
      thinking: run('sequential-thinking'),
      everything: run('everything'),
    },
    more: OPEN_LIMITS,
    fill(dir) {
      mkdirSync(join(dir, 'notes'));
      writeFileSync(join(dir, 'notes/plan.md'), 'ship it\n');
      mkdirSync(join(dir, 'graph'));
      // Who writes in the sandbox is nobody.
      chmodSync(join(dir, 'graph'), 0o777);
      chmodSync(dir, 0o755);
    },
  });
  site.reviewAll();
  served = await site.serve();
}, 120_000);
afterAll(async () => {
  await served?.stop();
  site?.close();
});

interface Case {
  readonly upstream: string;
  readonly tools: readonly string[];
  readonly call: { readonly name: string; readonly arguments: Record<string, unknown> };
  readonly says: RegExp;
}

const CASES: readonly Case[] = [
  {
    upstream: 'files',
    tools: ['read_text_file', 'write_file', 'search_files'],
    call: { name: 'read_text_file', arguments: { path: '/data/plan.md' } },
    says: /ship it/,
  },
  {
    upstream: 'memory',
    tools: ['create_entities', 'read_graph'],
    call: {
      name: 'create_entities',
      arguments: { entities: [{ name: 'Ada', entityType: 'person', observations: ['writes programs'] }] },
    },
    says: /Ada/,
  },
  {
    upstream: 'thinking',
    tools: ['sequentialthinking'],
    call: {
      name: 'sequentialthinking',
      arguments: { thought: 'one', nextThoughtNeeded: false, thoughtNumber: 1, totalThoughts: 1 },
    },
    says: /thoughtNumber/,
  },
  {
    upstream: 'everything',
    tools: ['echo', 'get-sum'],
    call: { name: 'get-sum', arguments: { a: 2, b: 3 } },
    says: /\b5\b/,
  },
];

describe.each(CASES)('$upstream', ({ upstream, tools, call, says }) => {
  it('lists what was reviewed, and answers a call', { timeout: 60_000 }, async () => {
    const client = new Client({ name: 't', version: '1' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
    const headers = { Authorization: `Bearer ${site.token()}` };
    await client.connect(
      new StreamableHTTPClientTransport(new URL(`${served.url}/${upstream}`), { requestInit: { headers } }),
    );
    const listed = (await client.listTools()).tools.map(({ name }) => name);
    expect(listed).toEqual(expect.arrayContaining([...tools]));
    const answer = await client.callTool(call);
    expect(answer.isError ?? false).toBe(false);
    expect(JSON.stringify(answer.content)).toMatch(says);
    await client.close();
  });
});

it('left on the disk what the memory server was told, and nothing else was written', () => {
  expect(readFileSync(join(site.dir, 'graph/memory.jsonl'), 'utf8')).toContain('"name":"Ada"');
  expect(readFileSync(join(site.dir, 'notes/plan.md'), 'utf8')).toBe('ship it\n');
  expect(site.run('audit', 'verify').status).toBe(0);
});
