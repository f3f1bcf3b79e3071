/** The other side: the suite's servers behind the gateway, scenario by scenario, each with a gateway of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Era } from '../fixtures/everything/parts.ts';
import { ended, requirements, type Scenario, SUITE, scenarioIn } from './suite.ts';

const DRIVER = join(import.meta.dirname, 'client.ts');
/** Milliseconds of one scenario: two programs start in it. */
const LIMIT = 60_000;
const AT_ONCE = 2;
/** Scenarios of signing in at servers: their metadata lead past a gateway that does not do that. */
export const SIGN_IN = 'auth/';

export interface ClientResults {
  readonly ran: ReadonlyMap<string, Scenario>;
  /** Required, and not run. */
  readonly left: readonly string[];
}

export async function runClients(era: Era): Promise<ClientResults> {
  const { client, extra } = requirements(era);
  const names = [...client, ...extra('client')];
  const todo = names.filter((name) => !name.startsWith(SIGN_IN));
  const found = new Map<string, Scenario>();
  const next = todo.values();
  const work = async () => {
    for (const name of next) found.set(name, await runOne(name, era, client.includes(name)));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const ran = new Map(todo.map((name) => [name, found.get(name)!]));
  return { ran, left: client.filter((name) => !ran.has(name)) };
}

async function runOne(name: string, era: Era, required: boolean): Promise<Scenario> {
  const out = mkdtempSync(join(tmpdir(), 'doorward-conformance-'));
  try {
    const command = `${process.execPath} ${DRIVER}`;
    const how = ['--scenario', name, '--spec-version', era, '--timeout', String(LIMIT), '-o', out];
    await ended([join(SUITE, 'dist/index.js'), 'client', '--command', command, ...how]);
    return scenarioIn(out, `${name}-`, name, required);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}
