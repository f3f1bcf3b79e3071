/** A running gateway, its files changed under it. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { http, modern } from '../doors/client.ts';
import { OPEN_LIMITS, type Served, Site } from './site.ts';

let site: Site;
let served: Served;
let text: string;
beforeAll(async () => {
  site = new Site({ servers: { tidy: ['tidy.ts'] }, more: OPEN_LIMITS });
  site.review();
  text = readFileSync(site.config, 'utf8');
  served = await site.serve();
});
afterAll(async () => {
  await served?.stop();
  site?.close();
});

async function echo(): Promise<string> {
  const { headers, body } = modern(1, 'echo', { text: 'x' });
  const { json } = await http(served.url, {
    path: '/tidy',
    headers: { ...headers, authorization: `Bearer ${site.token()}` },
    body,
  });
  return JSON.stringify(json['result'] ?? json['error']);
}

describe('a change of configuration', () => {
  it('takes force without a restart', async () => {
    expect(await echo()).toContain('"text":"x"');
    writeFileSync(site.config, text.replace(/ +- tidy\.echo\n/, ''));
    await expect.poll(echo, { timeout: 5000 }).toContain('unknown name');
    writeFileSync(site.config, text);
    await expect.poll(echo, { timeout: 5000 }).toContain('"text":"x"');
  });

  it('that is bad changes nothing and is told', async () => {
    writeFileSync(site.config, `${text}\npolcy: []\n`);
    await expect.poll(() => served.said(), { timeout: 5000 }).toContain('event.reload-refused');
    expect(await echo()).toContain('"text":"x"');
    writeFileSync(site.config, text);
  });

  it('that breaks the lockfile changes nothing and is told', async () => {
    const lock = readFileSync(join(site.dir, 'doorward.lock'), 'utf8');
    writeFileSync(join(site.dir, 'doorward.lock'), lock.replace('Says the same again', 'Says something else'));
    await expect
      .poll(() => served.said(), { timeout: 5000 })
      .toMatch(/reload-refused.*doorward\.lock:\d+:\d+: does not belong to this descriptor/);
    expect(await echo()).toContain('"text":"x"');
    writeFileSync(join(site.dir, 'doorward.lock'), lock);
  });
});

describe("the operator's own policies", () => {
  it('forbid what a grant allows, from the moment they are there', async () => {
    mkdirSync(join(site.dir, 'policies'));
    writeFileSync(
      join(site.dir, 'policies/mine.cedar'),
      'forbid (principal, action, resource == Tool::"tidy.echo");\n',
    );
    await expect.poll(echo, { timeout: 5000 }).toContain('unknown name');
    rmSync(join(site.dir, 'policies/mine.cedar'));
    await expect.poll(echo, { timeout: 5000 }).toContain('"text":"x"');
  });
});

describe('a start', () => {
  it.each([
    [
      'configuration',
      (s: Site) => writeFileSync(s.config, `${readFileSync(s.config, 'utf8')}polcy: []\n`),
      /doorward\.yaml:\d+:1: unknown key `polcy`\n.*did you mean `policy`/,
    ],
    [
      'lockfile',
      (s: Site) => writeFileSync(join(s.dir, 'doorward.lock'), 'doorward-lock: 2\nupstreams: {}\n'),
      /doorward\.lock:1:\d+: /,
    ],
    [
      'policy',
      (s: Site) =>
        writeFileSync(
          s.config,
          readFileSync(s.config, 'utf8').replace('policy: []', 'policy: [{ to: local, allow: ["tidy.*"] }]'),
        ),
      /doorward\.yaml:\d+:\d+: .*\*/,
    ],
  ] as const)('is stopped by a broken %s, with file, line and fix', (_what, breakIt, wanted) => {
    const own = new Site({ servers: { tidy: ['tidy.ts'] } });
    try {
      breakIt(own);
      const { status, stderr } = own.run('run');
      expect(status).toBe(2);
      expect(stderr).toMatch(wanted);
      expect(stderr).toMatch(/^doorward: hint: ./m);
    } finally {
      own.close();
    }
  });
});
