/**
 * `kill -9` of gateway and server at random moments under load: no acknowledged entry is lost, no process is left, the
 * next start needs no hand. `DOORWARD_CRASHES` sets the rounds (`npm run crash`: 100).
 */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { http, modern } from '../doors/client.ts';
import { OPEN_LIMITS, processesWith, Site } from './site.ts';

const ROUNDS = Number(process.env['DOORWARD_CRASHES'] ?? 4);

let site: Site;
beforeAll(() => {
  site = new Site({
    servers: { tidy: ['tidy.ts'] },
    more: OPEN_LIMITS,
  });
  site.review();
});
afterAll(() => site?.close());

/** Calls until the gateway is gone; the references of what it answered. */
async function press(url: string, answered: string[]): Promise<void> {
  const authorization = `Bearer ${site.token()}`;
  for (let i = 0; ; i++) {
    const { headers, body } = modern(i, 'echo', { text: `${i}` });
    try {
      const { json } = await http(url, { path: '/tidy', headers: { ...headers, authorization }, body });
      if (json['result']) answered.push(String(i));
    } catch {
      return;
    }
  }
}

it(
  `loses nothing in ${ROUNDS} rounds`,
  async () => {
    let intents = 0;
    let acknowledged = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const { url, child, stop } = await site.serve();
      const answered: string[] = [];
      const load = Promise.all(Array.from({ length: 8 }, () => press(url, answered)));
      await new Promise((go) => setTimeout(go, 300 + Math.random() * 500));
      if (round % 2 === 1) {
        // The server first: its calls end with an error, the others go on.
        const inside = spawnSync('pgrep', ['-f', `${site.dir}.*tidy.ts`], { encoding: 'utf8' })
          .stdout.trim()
          .split('\n')
          .filter((pid) => pid !== '' && Number(pid) !== child.pid);
        if (inside[0]) spawnSync('kill', ['-9', inside[0]]);
        await new Promise((go) => setTimeout(go, 100));
      }
      await stop('SIGKILL');
      await load;
      acknowledged += answered.length;

      const verified = site.run('audit', 'verify', '--json');
      expect([round, verified.status, verified.stderr]).toEqual([round, 0, '']);
      intents = Number(
        spawnSync('grep', ['-rhc', '"kind":"intent"', site.audit, '--include=*.jsonl'], { encoding: 'utf8' })
          .stdout.trim()
          .split('\n')
          .reduce((sum, n) => sum + Number(n), 0),
      );
      expect(intents).toBeGreaterThanOrEqual(acknowledged);
      await expect.poll(() => processesWith(site.dir), { timeout: 3000 }).toEqual([]);
    }
    expect(acknowledged).toBeGreaterThan(ROUNDS);
  },
  60_000 + ROUNDS * 15_000,
);
