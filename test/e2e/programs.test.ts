/** Published client programs against a running gateway: the Inspector's command line, and mcp-remote as a bridge. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPEN_LIMITS, type Served, Site } from './site.ts';

const MODULES = join(import.meta.dirname, '../../node_modules');
const INSPECTOR = join(MODULES, '@modelcontextprotocol/inspector/clients/launcher/build/index.js');
const REMOTE = join(MODULES, 'mcp-remote/dist/proxy.js');

let site: Site;
let served: Served;
let env: Record<string, string>;
beforeAll(async () => {
  site = new Site({ servers: { tidy: ['tidy.ts'] }, more: OPEN_LIMITS });
  site.reviewAll();
  served = await site.serve();
  // Both keep notes in the home folder.
  const home = join(site.dir, 'home');
  mkdirSync(home);
  env = { PATH: process.env['PATH']!, HOME: home, NO_COLOR: '1' };
});
afterAll(async () => {
  await served?.stop();
  site?.close();
});

const url = () => `${served.url}/tidy`;
const header = () => `Authorization: Bearer ${site.token()}`;

describe.each(['legacy', 'modern', 'auto'])('the Inspector, %s', (era) => {
  const inspect = (...args: string[]) =>
    spawnSync(process.execPath, [INSPECTOR, '--cli', url(), '--transport', 'http', '--protocol-era', era, ...args], {
      encoding: 'utf8',
      timeout: 60_000,
      env,
    });

  it('lists and calls', () => {
    const listed = inspect('--header', header(), '--method', 'tools/list');
    expect(listed.stderr).not.toMatch(/error/i);
    const { tools } = JSON.parse(listed.stdout) as { tools: { name: string }[] };
    expect(tools.map(({ name }) => name)).toContain('echo');
    const called = inspect(
      '--header',
      header(),
      '--method',
      'tools/call',
      '--tool-name',
      'echo',
      '--tool-arg',
      'text=hello',
    );
    expect(JSON.parse(called.stdout)).toMatchObject({ content: [{ type: 'text', text: 'hello' }] });
  });

  it('is asked for a credential', () => {
    const { status, stdout, stderr } = inspect('--method', 'tools/list');
    expect(status).not.toBe(0);
    expect(stdout + stderr).not.toContain('echo');
  });
});

describe.each(['legacy', 'auto'])('mcp-remote, --protocol %s', (protocol) => {
  it('carries a stdio client to the gateway', { timeout: 60_000 }, async () => {
    const client = new Client({ name: 't', version: '1' });
    const args = [REMOTE, url(), '--header', header(), '--transport', 'http-only', '--protocol', protocol];
    await client.connect(new StdioClientTransport({ command: process.execPath, args, env, stderr: 'ignore' }));
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('echo');
    expect(await client.callTool({ name: 'echo', arguments: { text: 'hello' } })).toMatchObject({
      content: [{ type: 'text', text: 'hello' }],
    });
    await client.close();
  });
});
