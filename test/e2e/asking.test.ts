/** Questions of servers of every revision to official clients of both, through a gateway as users start it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema, ListRootsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { printLock, withUpstream } from '../../src/inventory/lock.ts';
import { parseLock } from '../../src/inventory/parse.ts';
import { OPEN_LIMITS, type Served, Site } from './site.ts';

const REVISIONS = ['2026-07-28', '2025-11-25', '2025-06-18'];
const asks = { elicitation: ['form'], roots: true };
const block = (revision: string) => ({ run: ['node', './server/asking.ts', revision], asks });

const OLDEST = ['2025-03-26', '2024-11-05'];

let site: Site;
let served: Served;
let far: ChildProcess;
beforeAll(async () => {
  far = spawn(process.execPath, [join(import.meta.dirname, '../fixtures/servers/http-sse.ts')]);
  const port = await new Promise<string>((done) => far.stdout!.once('data', (text) => done(String(text).trim())));
  const servers = [...REVISIONS, ...OLDEST].map((revision) => [`r${revision}`, block(revision)] as const);
  const sse = { url: `http://127.0.0.1:${port}/sse`, transport: 'sse', private: ['127.0.0.0/8'], asks };
  site = new Site({
    upstreams: Object.fromEntries([...servers, ['sse', sse], ['silent', { run: ['node', './server/asking.ts'] }]]),
    fill: (dir) => cpSync(join(import.meta.dirname, '../fixtures/servers/asking.ts'), join(dir, 'server/asking.ts')),
    more: OPEN_LIMITS,
  });
  site.review();
  served = await site.serve();
}, 60_000);
afterAll(async () => {
  await served?.stop();
  far?.kill();
  site?.close();
});

const place = (upstream: string) => ({
  url: new URL(`${served.url}/${upstream}`),
  requestInit: { headers: { Authorization: `Bearer ${site.token()}` } },
});
const capabilities = { elicitation: { form: {} }, roots: {} };
const properties = { nickname: { type: 'string' } };
const FORM = {
  method: 'elicitation/create',
  params: { message: 'What are you called?', requestedSchema: { type: 'object', properties } },
};
const ROOTS = { method: 'roots/list', params: {} };
const rounds = [[FORM], [FORM, ROOTS]];
const YES = { action: 'accept' as const, content: { nickname: 'Ann' } };
const HOME = { roots: [{ uri: 'file:///home/ann' }] };

async function modern(upstream: string): Promise<ModernClient> {
  const client = new ModernClient(
    { name: 't', version: '1' },
    { capabilities, versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  client.setRequestHandler('elicitation/create', async () => YES);
  client.setRequestHandler('roots/list', async () => HOME);
  const { url, requestInit } = place(upstream);
  await client.connect(new ModernTransport(url, { requestInit }));
  return client;
}
async function legacy(upstream: string, elicited: () => typeof YES = () => YES): Promise<LegacyClient> {
  const client = new LegacyClient({ name: 't', version: '1' }, { capabilities });
  client.setRequestHandler(ElicitRequestSchema, async () => elicited());
  client.setRequestHandler(ListRootsRequestSchema, async () => HOME);
  const { url, requestInit } = place(upstream);
  await client.connect(new LegacyTransport(url, { requestInit }) as never);
  return client;
}

describe.each(REVISIONS)('a server of %s', (revision) => {
  it.each([
    ['2026-07-28', modern],
    ['2025-11-25', legacy],
  ] as const)('asks a client of %s', async (_, open) => {
    const client = await open(`r${revision}`);
    const answer = (await client.callTool({ name: 'ask', arguments: { rounds: JSON.stringify(rounds) } })) as any;
    expect(JSON.parse(answer.content[0].text)).toEqual([YES, YES, HOME]);
    await client.close();
  });
});

describe.each(OLDEST)('a server of %s', (revision) => {
  it.each([
    ['2026-07-28', modern],
    ['2025-11-25', legacy],
  ] as const)('asks a client of %s for what its revision has', async (_, open) => {
    const client = await open(`r${revision}`);
    const asked = JSON.stringify([[ROOTS], [FORM]]);
    const answer = (await client.callTool({ name: 'ask', arguments: { rounds: asked } })) as any;
    expect(JSON.parse(answer.content[0].text)).toEqual([HOME, { refused: -32601 }]);
    await client.close();
  });
});

describe('a server over HTTP+SSE', () => {
  it.each([
    ['2026-07-28', modern],
    ['2025-11-25', legacy],
  ] as const)('serves and asks a client of %s', async (_, open) => {
    const client = await open('sse');
    const answer = (await client.callTool({ name: 'echo', arguments: { text: 'hello' } })) as any;
    expect(answer.content).toEqual([{ type: 'text', text: 'hello' }]);
    const roots = (await client.callTool({ name: 'roots', arguments: {} })) as any;
    expect(JSON.parse(roots.content[0].text)).toEqual(HOME.roots);
    await client.close();
  });
});

it('sessions share a process where the lockfile says that it remembers nothing', async () => {
  const file = join(site.dir, 'doorward.lock');
  /** How much the servers of two sessions have heard: one that serves both has heard more when it is asked again. */
  const counts = async () => {
    const clients = [await legacy('silent'), await legacy('silent')];
    const told = await Promise.all(clients.map((client) => client.callTool({ name: 'heard', arguments: {} })));
    for (const client of clients) await client.close();
    return told.map((one: any) => JSON.parse(one.content[0].text).heard.length as number);
  };
  const alone = await counts();
  expect(alone[0]).toBe(alone[1]);
  const lock = parseLock(readFileSync(file, 'utf8'));
  writeFileSync(file, printLock(withUpstream(lock, 'silent', { ...lock.upstreams.get('silent')!, stateless: true })));
  await expect.poll(async () => new Set(await counts()).size, { timeout: 10_000, interval: 200 }).toBe(2);
});

it('a server that is granted nothing is refused, and its call goes on', async () => {
  const client = await modern('silent');
  const answer = (await client.callTool({ name: 'ask', arguments: { rounds: JSON.stringify(rounds) } })) as any;
  expect(JSON.parse(answer.content[0].text)).toEqual([{ refused: -32601 }, { refused: -32601 }, { refused: -32601 }]);
  await client.close();
});

it('an answer that a control stops ends the call at the server', async () => {
  const client = await legacy('r2025-11-25', () => ({ action: 'accept', content: { nickname: 5 as never } }));
  const rounds = JSON.stringify([[FORM]]);
  await expect(client.callTool({ name: 'ask', arguments: { rounds } })).rejects.toThrow('invalid input responses');
  const heard = async () =>
    JSON.stringify(await client.callTool({ name: 'heard', arguments: {} })).includes('notifications/cancelled');
  await expect.poll(heard).toBe(true);
  await client.close();
});

it('a question that a control stops ends the call at the server', async () => {
  const client = await legacy('r2025-11-25');
  const params = {
    message: 'Please enter your password',
    requestedSchema: { type: 'object', properties: { password: { type: 'string' } } },
  };
  const answer = (await client.callTool({
    name: 'ask',
    arguments: { rounds: JSON.stringify([[{ ...FORM, params }]]) },
  })) as any;
  expect(answer.isError).toBe(true);
  const heard = async () =>
    JSON.stringify(await client.callTool({ name: 'heard', arguments: {} })).includes('notifications/cancelled');
  await expect.poll(heard).toBe(true);
  await client.close();
});
