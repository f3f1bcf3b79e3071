/** The kill switch through the running program: at once, over every path, and after a restart. */
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { http, META, modern } from '../doors/client.ts';
import { desktop } from './desktop.ts';
import { OPEN_LIMITS, type Served, Site } from './site.ts';

const HALTED = /^!This was halted by a person\. Do not retry\. Reference [0-9A-Z]{26}\.$/;
let site: Site;
let served: Served;
let file: string;
beforeAll(async () => {
  site = new Site({ servers: { tidy: ['tidy.ts'] }, more: OPEN_LIMITS });
  site.reviewAll();
  file = join(site.dir, '.doorward/halts.json');
  served = await site.serve();
});
afterAll(async () => {
  await served?.stop();
  site?.close();
});

async function call(name: string, args: object = {}): Promise<string> {
  const { headers, body } = modern(1, name, args);
  const { json } = await http(served.url, {
    path: '/tidy',
    headers: { ...headers, authorization: `Bearer ${site.token()}` },
    body,
  });
  const result = json['result'] as { content: { text: string }[]; isError?: boolean };
  return `${result.isError ? '!' : ''}${result.content[0]!.text}`;
}
function halt(...args: string[]): string {
  const { status, stdout, stderr } = site.run('halt', ...args);
  return `${status} ${stdout}${stderr}`.trim();
}

describe('a halt', () => {
  it.each([['tidy'], ['tidy.echo'], ['caller:local'], ['all']])(
    'of %s holds from the next call on, until it is resumed',
    async (what) => {
      expect(await call('echo', { text: 'before' })).toBe('before');
      expect(halt(what)).toBe(`0 ${what} is halted`);
      expect(await call('echo', { text: 'x' })).toMatch(HALTED);
      if (what === 'tidy.echo') expect(await call('count')).toMatch(/^\d/);
      else expect(await call('count')).toMatch(HALTED);
      expect(halt(what, '--resume')).toBe(`0 ${what} goes on`);
      expect(await call('echo', { text: 'after' })).toBe('after');
    },
  );

  it('is no hiding: what is halted stays listed', async () => {
    halt('all');
    const { json } = await http(served.url, {
      path: '/tidy',
      headers: {
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/list',
        authorization: `Bearer ${site.token()}`,
      },
      body: { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: META } },
    });
    expect(JSON.stringify(json)).toContain('"name":"echo"');
    halt('all', '--resume');
  });

  it('survives a restart, and works while nothing runs', async () => {
    halt('tidy.echo', '--reason', 'odd \u001b[2J deletes');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await served.stop();
    expect(halt()).toMatch(/^0 KIND\tNAME\tSINCE\tBY\tREASON\ntool\ttidy\.echo\t\S+\t\S+\todd <U\+001B>\[2J deletes$/);
    expect(halt('tidy.count')).toBe('0 tidy.count is halted');
    expect(halt('tidy.echo', '--resume')).toBe('0 tidy.echo goes on');
    expect(site.run('explain', 'tidy.count').stdout).toMatch(/halt +STOP +halt\.tool/);
    expect(site.run('explain', 'tidy.echo').status).toBe(0);
    served = await site.serve();
    expect(await call('echo', { text: 'goes on' })).toBe('goes on');
    expect(await call('count')).toMatch(HALTED);
    const { call: over, child } = await desktop(site, 'tidy');
    expect((await over('count')).result).toMatchObject({ isError: true });
    child.stdin!.end();
    expect(halt('tidy.count', '--resume')).toBe('0 tidy.count goes on');
    expect(site.run('audit', 'verify').status).toBe(0);
    const told = site.run('audit', 'tail', '--json', '-n', '500').stdout.match(/"code":"event\.halt"/g);
    expect(told).toHaveLength(14);
  });

  it('of what does not exist is refused, and so is a second one to resume', () => {
    expect(halt('tidi')).toMatch(/^2 doorward: error: there is no upstream `tidi`\n.*did you mean `tidy`\?$/);
    expect(halt('tidy.eco')).toMatch(/^2 .*no tool `tidy\.eco`\n.*did you mean `tidy\.echo`\?$/);
    expect(halt('tidy', '--resume')).toBe('1 tidy was not halted');
    expect(halt('--resume')).toMatch(/^2 .*name what goes on\n.*`doorward halt` shows what is halted$/);
  });

  it('that cannot be read lets nothing start', async () => {
    await served.stop();
    const text = readFileSync(file, 'utf8');
    for (const broken of ['{', '{"doorward-halts":1,"halts":[{"kind":"most"}]}']) {
      writeFileSync(file, broken);
      expect(site.run('run')).toMatchObject({ status: 2, stderr: expect.stringContaining('not a list of halts') });
    }
    writeFileSync(file, text);
    chmodSync(file, 0o644);
    expect(site.run('run')).toMatchObject({ status: 2, stderr: expect.stringContaining('open to other users') });
    chmodSync(file, 0o600);
    served = await site.serve();
  });
});
