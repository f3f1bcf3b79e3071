/**
 * Configurations with which the gateway does not start. Rows 2, 40 and 50 of the catalogue: listening to everybody in
 * the clear, secrets written into files.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Site } from '../../e2e/site.ts';

let site: Site;
let text: string;
beforeAll(() => {
  site = new Site({ servers: { tidy: ['tidy.ts'] } });
  site.review();
  text = readFileSync(site.config, 'utf8');
});
afterAll(() => site?.close());

function start(change: (config: string) => string): string {
  const changed = change(text);
  expect(changed).not.toBe(text);
  writeFileSync(site.config, changed);
  const { status, stderr } = site.run('run');
  expect(status).toBe(2);
  return stderr;
}
const listen = (block: object) => (config: string) =>
  config.replace(/^listen:.*$/m, `listen: ${JSON.stringify(block)}`);

it.each(['0.0.0.0', '::', '192.0.2.7'])('listens to no network at %s without TLS and identities', (host) => {
  expect(start(listen({ host, port: 0 }))).toMatch(/TLS/);
});

it('listens to no network in the clear because its name is one of this machine', () => {
  expect(start(listen({ port: 0, url: 'http://gateway.example' }))).toMatch(/https/);
});

it('takes no secret that stands in the configuration', () => {
  const secret = `ghp_${'Zq3x9Lw7Vb2Rk8Tn5Mj1Hd6Fs4Gc0Py1UaEe'}`;
  const stderr = start((config) =>
    config.replace(/"run":\[(.*?)\]/, (run) => `${run},"env":{"API_TOKEN":"${secret}"}`),
  );
  expect(stderr).not.toContain(secret);
  expect(stderr).toMatch(/API_TOKEN|secret/);
});

it('starts with what it had', async () => {
  writeFileSync(site.config, text);
  expect(readFileSync(join(site.dir, 'doorward.lock'), 'utf8')).toContain('tidy');
  const served = await site.serve();
  expect(new URL(served.url).hostname).toBe('127.0.0.1');
  await served.stop();
});
