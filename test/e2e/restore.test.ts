/** A vault that is put back while the gateway runs: refused, until its owner says that it was a restore. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { place } from '../secrets/vault/world.ts';
import { SecureSite } from './secure.ts';

let site: SecureSite;
let [vault, kept] = ['', ''];
beforeAll(async () => {
  site = new SecureSite();
  const { path, open } = place(join(site.site.dir, '.doorward'));
  [vault, kept] = [path, join(site.site.dir, 'kept.json')];
  const put = (value: string) => open().change((draft) => draft.put('secret', '*', 'tickets', Buffer.from(value)));
  await put('first');
  cpSync(vault, kept);
  await put('second');
});
afterAll(async () => {
  await site.stop();
  site.close();
});

it('is told to the log of the gateway that runs', async () => {
  site.configure('{ keys: true }', '[]');
  await site.start();
  cpSync(kept, vault);
  const refused = site.site.run('secret', 'list');
  expect([refused.status, refused.stderr]).toEqual([3, expect.stringContaining('doorward secret accept-restore')]);
  expect(site.site.run('secret', 'accept-restore').status).toBe(0);
  expect(site.audit()).toMatch(/"event\.vault".*"what":"restore-accepted".*"revision":1,"newest":2/);
}, 60_000);

it('stops the start where a secret of it is needed, and says what to do', async () => {
  await site.stop();
  cpSync(kept, vault);
  site.configure('{ signatures: { keys: { ci: { algorithm: hmac-sha256, secret: "vault:tickets" } } } }', '[]');
  const { status, stderr } = site.site.run('run');
  expect([status, stderr]).toEqual([
    2,
    expect.stringMatching(/older vault[\s\S]*hint: .*doorward secret accept-restore/),
  ]);
});
