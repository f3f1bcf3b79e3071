/** The suite's scenarios of the extension tasks, against a server that has it, behind the gateway. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outside } from '../e2e/outside.ts';
import { OPEN_LIMITS, Site } from '../e2e/site.ts';
import { ASKS } from './cells.ts';
import { passThrough } from './pass-through.ts';
import { ended, requirements, type Scenario, SUITE, scenarioIn } from './suite.ts';

const SERVER = join(import.meta.dirname, '../fixtures/extensions/server.ts');
const ERA = '2026-07-28';
const AT_ONCE = 2;

export async function runTasks(): Promise<ReadonlyMap<string, Scenario>> {
  const far = await outside(SERVER);
  const through = await passThrough();
  const upstreams = { tasks: { ...far.block, extensions: ['tasks'], asks: ASKS } };
  const site = new Site({ upstreams, origins: [through.origin], more: OPEN_LIMITS });
  try {
    site.reviewAll();
    const served = await site.serve();
    through.aim(served.url, site.token());
    const names = requirements(ERA)
      .extra('server')
      .filter((name) => name.startsWith('tasks-'));
    const found = new Map<string, Scenario>();
    const next = names.values();
    const work = async () => {
      for (const name of next) found.set(name, await runOne(name, `${through.origin}/tasks`));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    await served.stop();
    return new Map(names.map((name) => [name, found.get(name)!]));
  } finally {
    await through.close();
    far.close();
    site.close();
  }
}

async function runOne(name: string, url: string): Promise<Scenario> {
  const out = mkdtempSync(join(tmpdir(), 'doorward-conformance-'));
  try {
    const how = ['--scenario', name, '--spec-version', ERA, '--force', '-o', out];
    await ended([join(SUITE, 'dist/index.js'), 'server', '--url', url, ...how]);
    return scenarioIn(out, `server-${name}-`, name, false);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}
