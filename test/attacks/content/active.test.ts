/**
 * What runs where it is shown (guarantee OU6), through a running gateway: script in tool results, resources and prompts of
 * a server that passes on what others wrote, under the defaults and where it is to be made plain words.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/lib/json/types.ts';
import { http, META } from '../../doors/client.ts';
import { OPEN_LIMITS, type Served, Site } from '../../e2e/site.ts';

const PAGE = '<h1>Report</h1><img src=x onerror=fetch(1)><a href="java&#x73;cript:x()">more</a>';
const PLAIN = '<h1>Report</h1>&lt;img src=x onerror=fetch(1)>&lt;a href="java&#x73;cript:x()">more</a>';
const SOURCE = '# How to\n\n```html\n<script src="app.js"></script>\n```\n';
const LISTING = {
  tools: ['page', 'source', 'card'].map((name) => ({
    name,
    description: `A ${name}`,
    inputSchema: { type: 'object' },
    annotations: { readOnlyHint: true, openWorldHint: false },
  })),
  resources: [{ uri: 'web://page', name: 'page', mimeType: 'text/html' }],
  prompts: [{ name: 'ask', description: 'Asks' }],
  answers: {
    page: { content: [{ type: 'text', text: PAGE }] },
    source: { content: [{ type: 'text', text: SOURCE }] },
    'web://page': { contents: [{ uri: 'web://page', mimeType: 'text/html', text: PAGE }] },
    card: {
      content: [
        { type: 'resource', resource: { uri: 'ui://card', mimeType: 'text/uri-list', text: 'https://evil.example/' } },
      ],
    },
    ask: { messages: [{ role: 'user', content: { type: 'text', text: PAGE } }] },
  },
};

let site: Site;
let served: Served;
beforeAll(async () => {
  site = new Site({
    upstreams: { web: { run: ['node', './web/scripted.ts', '/data/listing.json'], mounts: { './data': '/data' } } },
    fill(dir) {
      for (const folder of ['web', 'data']) mkdirSync(join(dir, folder));
      cpSync(join(import.meta.dirname, '../../fixtures/servers/scripted.ts'), join(dir, 'web/scripted.ts'));
      writeFileSync(join(dir, 'data/listing.json'), JSON.stringify(LISTING));
    },
    more: OPEN_LIMITS,
  });
  site.reviewAll();
}, 60_000);
afterAll(async () => {
  await served?.stop();
  site?.close();
});

async function ask(method: string, name: string): Promise<JsonObject> {
  const params = method === 'resources/read' ? { uri: name } : { name, arguments: {} };
  const { json } = await http(served.url, {
    path: '/web',
    headers: {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      'mcp-name': name,
      authorization: `Bearer ${site.token()}`,
    },
    body: { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: META } },
  });
  return json['result'] as JsonObject;
}

describe('active content', () => {
  const MARKED = { 'dev.doorward/active': ['handler', 'script'] };

  it('stays word for word for the model, is marked for the host, and is no page any more', async () => {
    served = await site.serve();
    expect((await ask('tools/call', 'page'))['content']).toEqual([{ type: 'text', text: PAGE, _meta: MARKED }]);
    expect((await ask('tools/call', 'source'))['content']).toEqual([{ type: 'text', text: SOURCE }]);
    expect((await ask('resources/read', 'web://page'))['contents']).toEqual([
      { uri: 'web://page', mimeType: 'text/plain', text: PAGE, _meta: MARKED },
    ]);
    expect((await ask('tools/call', 'card'))['content']).toMatchObject([{ resource: { mimeType: 'text/plain' } }]);
    expect((await ask('prompts/get', 'ask'))['messages']).toMatchObject([{ content: { text: PAGE, _meta: MARKED } }]);
    await served.stop();
  });

  it('is made plain words where so configured, and code stays code', async () => {
    writeFileSync(site.config, `${readFileSync(site.config, 'utf8')}output: { active: strip }\n`);
    served = await site.serve();
    expect((await ask('tools/call', 'page'))['content']).toEqual([{ type: 'text', text: PLAIN }]);
    expect((await ask('tools/call', 'source'))['content']).toEqual([{ type: 'text', text: SOURCE }]);
    expect((await ask('resources/read', 'web://page'))['contents']).toEqual([
      { uri: 'web://page', mimeType: 'text/html', text: PLAIN },
    ]);
    expect((await ask('tools/call', 'card'))['content']).toMatchObject([{ resource: { mimeType: 'text/plain' } }]);
    expect((await ask('prompts/get', 'ask'))['messages']).toMatchObject([{ content: { text: PLAIN } }]);
  });
});
