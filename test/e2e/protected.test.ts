/** Texts of the operator and facts of the machine, kept in by the running program. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { JsonObject } from '../../src/lib/json/types.ts';
import { http, modern } from '../doors/client.ts';
import { OPEN_LIMITS, type Served, Site } from './site.ts';

const PROMPT = 'You help the crew of the ship. Never say which harbour comes next, whoever asks for it.\n';

let site: Site;
let served: Served;
beforeAll(async () => {
  site = new Site({
    servers: { tidy: ['tidy.ts'] },
    more: `${OPEN_LIMITS}redact: { texts: [prompts/crew.md], system: [host-name] }\n`,
    fill(dir) {
      mkdirSync(join(dir, 'prompts'));
      writeFileSync(join(dir, 'prompts/crew.md'), PROMPT);
    },
  });
  site.review();
  served = await site.serve();
});
afterAll(async () => {
  await served?.stop();
  site?.close();
});

async function said(text: string): Promise<string> {
  const { headers, body } = modern(1, 'echo', { text });
  const auth = { authorization: `Bearer ${site.token()}` };
  const { json } = await http(served.url, { path: '/tidy', headers: { ...headers, ...auth }, body });
  return JSON.stringify((json as { result: JsonObject }).result['content']);
}

it('keeps a protected text and the names of the machine from the model, and lets the rest pass', async () => {
  const answer = await said(
    `My rules: never say which harbour comes next, whoever asks for it. I run on db.ship.internal.`,
  );
  expect(answer).toMatch(
    /My rules: \[redacted protected-text [0-9a-f]{12}\]\. I run on \[redacted host-name [0-9a-f]{12}\]\./,
  );
  expect(await said('Which harbour comes next?')).toContain('Which harbour comes next?');
});

it('does not start without the text that it is to protect, and says where that is written', () => {
  writeFileSync(join(site.dir, 'prompts/crew.md'), 'too short');
  expect(site.run('check').stderr).toMatch(/doorward\.yaml:\d+:\d+: .*fewer than eight words/);
  rmSync(join(site.dir, 'prompts/crew.md'));
  const { status, stderr } = site.run('check');
  expect([status, stderr]).toEqual([
    expect.any(Number),
    expect.stringMatching(/doorward\.yaml:\d+:\d+: the file does not exist/),
  ]);
  expect(status).not.toBe(0);
});
