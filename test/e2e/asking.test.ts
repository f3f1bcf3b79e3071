/** Questions of servers of every revision to official clients of both, through a gateway as users start it. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema, ListRootsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPEN_LIMITS, type Served, Site } from './site.ts';

const REVISIONS = ['2026-07-28', '2025-11-25', '2025-06-18'];
const asks = { elicitation: ['form'], roots: true };
const block = (revision: string) => ({ run: ['node', './server/asking.ts', revision], asks });

let site: Site;
let served: Served;
beforeAll(async () => {
  const servers = REVISIONS.map((revision) => [`r${revision}`, block(revision)] as const);
  site = new Site({
    upstreams: Object.fromEntries([...servers, ['silent', { run: ['node', './server/asking.ts'] }]]),
    fill: (dir) => cpSync(join(import.meta.dirname, '../fixtures/servers/asking.ts'), join(dir, 'server/asking.ts')),
    more: OPEN_LIMITS,
  });
  site.review();
  served = await site.serve();
}, 60_000);
afterAll(async () => {
  await served?.stop();
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
async function legacy(upstream: string): Promise<LegacyClient> {
  const client = new LegacyClient({ name: 't', version: '1' }, { capabilities });
  client.setRequestHandler(ElicitRequestSchema, async () => YES);
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

it('a server that is granted nothing is refused, and its call goes on', async () => {
  const client = await modern('silent');
  const answer = (await client.callTool({ name: 'ask', arguments: { rounds: JSON.stringify(rounds) } })) as any;
  expect(JSON.parse(answer.content[0].text)).toEqual([{ refused: -32601 }, { refused: -32601 }, { refused: -32601 }]);
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
