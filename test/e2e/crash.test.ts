/**
 * `kill -9` of gateway and servers at random moments under load: no acknowledged call is missing in the log, no process
 * is left, the next start needs no hand. `DOORWARD_CRASHES` sets the rounds (`npm run crash`: 100).
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Caller } from './caller.ts';
import { at, figures } from './figures.ts';
import { type Outside, outside, SDK_SERVER } from './outside.ts';
import { OPEN_LIMITS, processesWith, Site } from './site.ts';

const ROUNDS = Number(process.env['DOORWARD_CRASHES'] ?? 4);
const CALLERS = 8;
/** What dies before the gateway does, in turn. */
const VICTIMS = ['none', 'stdio', 'http'] as const;

let site: Site;
let web: Outside;
beforeAll(async () => {
  web = await outside(SDK_SERVER, 'modern');
  site = new Site({ servers: { tidy: ['tidy.ts'] }, upstreams: { web: web.block }, more: OPEN_LIMITS });
  site.reviewAll();
});
afterAll(() => {
  site?.close();
  web?.close();
});

/** Calls until the gateway is gone; adds the texts that came back. */
async function press(url: string, path: string, name: string, acknowledged: Set<string>): Promise<number> {
  const caller = new Caller(url, path, site.token());
  let failed = 0;
  for (let i = 0; ; i++) {
    const text = `${name}-${i}`;
    try {
      const reply = await caller.call('echo', { text });
      if (reply.text === text) acknowledged.add(text);
      else failed++;
    } catch {
      caller.close();
      return failed;
    }
  }
}

function serverProcess(gateway: number): number | undefined {
  const { stdout } = spawnSync('pgrep', ['-f', `${site.dir}.*tidy.ts`], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .map(Number)
    .find((pid) => pid > 0 && pid !== gateway);
}

/** Calls that the log intended and ended, by the text they carried. */
function logged(): { intents: Set<string>; open: number } {
  const intents = new Map<string, string>();
  const texts = new Set<string>();
  for (const file of readdirSync(site.audit, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.jsonl')) continue;
    for (const line of readFileSync(join(site.audit, file), 'utf8').split('\n')) {
      if (line === '') continue;
      const entry = JSON.parse(line) as { kind: string; call: string; args?: { text: string } };
      if (entry.kind === 'intent') {
        intents.set(entry.call, entry.args!.text);
        texts.add(entry.args!.text);
      } else if (entry.kind === 'outcome') intents.delete(entry.call);
    }
  }
  return { intents: texts, open: intents.size };
}

/** What the state folder holds beside the log, and packages by their digest. */
const kept = (): string[] =>
  readdirSync(join(site.dir, '.doorward'), { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.startsWith('audit') && !name.startsWith('packages/'))
    .sort();

it(
  `loses nothing in ${ROUNDS} rounds`,
  async () => {
    const acknowledged = new Set<string>();
    const starts: number[] = [];
    const ends: number[] = [];
    let failed = 0;
    let before: string[] | undefined;
    const killed = { stdio: 0, http: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      const began = performance.now();
      const { url, child, stop } = await site.serve();
      starts.push(performance.now() - began);
      const load = Promise.all(
        Array.from({ length: CALLERS }, (_, i) =>
          press(url, i % 2 === 0 ? '/tidy' : '/web', `${round}-${i}`, acknowledged),
        ),
      );
      await new Promise((go) => setTimeout(go, 300 + Math.random() * 500));
      const victim = VICTIMS[round % VICTIMS.length]!;
      if (victim === 'stdio') {
        const inside = serverProcess(child.pid!);
        if (inside !== undefined) process.kill(inside, 'SIGKILL');
        killed.stdio++;
      }
      // The server over HTTP is on its way back when the gateway goes.
      const back = victim === 'http' ? web.crash() : undefined;
      if (victim === 'http') killed.http++;
      if (victim !== 'none') await new Promise((go) => setTimeout(go, Math.random() * 200));
      await stop('SIGKILL');
      const ended = performance.now();
      for (const count of await load) failed += count;
      await back;

      await expect.poll(() => processesWith(site.dir), { timeout: 3000, interval: 20 }).toEqual([]);
      ends.push(performance.now() - ended);
      const verified = site.run('audit', 'verify', '--json');
      expect([round, verified.status, verified.stderr]).toEqual([round, 0, '']);
      before ??= kept();
      expect(kept()).toEqual(before);
    }
    const { stop } = await site.serve();
    expect(await stop()).toBe(0);
    const { intents, open } = logged();
    expect([...acknowledged].filter((text) => !intents.has(text))).toEqual([]);
    expect(acknowledged.size).toBeGreaterThan(ROUNDS);
    // Only what was under way at a kill may lack its outcome.
    expect(open).toBeLessThanOrEqual(ROUNDS * CALLERS);
    figures(
      'crash',
      'What a crash costs',
      'Printed by `npm run crash`: `kill -9` of the gateway under load from eight callers, in two rounds of three after its server over stdio or over HTTP was killed too. Every answered call is looked up in the log.',
      {
        'rounds (kill -9 of the gateway)': ROUNDS,
        'kill -9 of the stdio server / of the HTTP server': `${killed.stdio} / ${killed.http}`,
        'calls answered with a result': acknowledged.size,
        'of these missing in the log': 0,
        'calls answered with an error while a server was down': failed,
        'calls intended in the log': intents.size,
        'of these under way at a kill, so without an outcome': open,
        'rounds whose log did not verify': 0,
        'processes or files left behind': 0,
        'starts that needed a hand': 0,
        'start to listening, median / worst': `${at(starts, 0.5).toFixed(0)} / ${at(starts, 1).toFixed(0)} ms`,
        'kill to no process left, median / worst': `${at(ends, 0.5).toFixed(0)} / ${at(ends, 1).toFixed(0)} ms`,
      },
    );
  },
  60_000 + ROUNDS * 15_000,
);
