/** A vault that is put back while the gateway runs: refused, until its owner says that it was a restore. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SecureSite } from './secure.ts';

let site: SecureSite;
beforeAll(() => {
  site = new SecureSite();
});
afterAll(async () => {
  await site.stop();
  site.close();
});

async function put(verb: string, value: string): Promise<void> {
  const child = site.site.spawn('secret', verb, 'tickets');
  child.stdin!.end(value);
  expect(await once(child, 'exit')).toEqual([0, null]);
}

it('is told to the log of the gateway that runs', async () => {
  site.configure('{ keys: true }', '[]');
  await put('set', 'first');
  const vault = join(site.site.dir, '.doorward', 'vault.json');
  const kept = join(site.site.dir, 'kept.json');
  expect(spawnSync('cp', ['-p', vault, kept]).status).toBe(0);
  await put('rotate', 'second');
  await site.start();
  copyFileSync(kept, vault);
  const refused = site.site.run('secret', 'list');
  expect([refused.status, refused.stderr]).toEqual([3, expect.stringContaining('doorward secret accept-restore')]);
  expect(site.site.run('secret', 'accept-restore').status).toBe(0);
  expect(site.site.run('secret', 'test', 'tickets').status).toBe(0);
  expect(site.audit()).toMatch(/"event\.vault".*"what":"restore-accepted".*"revision":1,"newest":2/);
});
