/** The other side: the suite's servers behind the gateway, scenario by scenario, each with a gateway of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Era } from '../fixtures/everything/parts.ts';
import { ended, requirements, type Scenario, SUITE, scenarioIn } from './suite.ts';

const DRIVER = join(import.meta.dirname, 'client.ts');
const SIGNS_IN = join(import.meta.dirname, 'sign-in.ts');
/** Milliseconds of one scenario: two programs start in it. */
const LIMIT = 120_000;
const AT_ONCE = 2;
/** Scenarios of signing in at servers. */
const SIGN_IN = 'auth/';

export interface ClientResults {
  readonly ran: ReadonlyMap<string, Scenario>;
  /** Not run. */
  readonly left: readonly string[];
}

/** `all`: also what says little that is new, which is signing in at older servers, and by extensions. */
export async function runClients(era: Era, all: boolean): Promise<ClientResults> {
  const { client, extra } = requirements(era);
  const every = [...client, ...extra('client')];
  const asked = (name: string) => all || !name.startsWith(SIGN_IN) || (era === '2026-07-28' && client.includes(name));
  const names = every.filter(asked);
  const found = new Map<string, Scenario>();
  const folder = mkdtempSync(join(tmpdir(), 'doorward-conformance-'));
  const next = names.values();
  const work = async () => {
    for (const name of next) found.set(name, await runOne(name, era, client.includes(name), folder));
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const ran = new Map(names.map((name) => [name, found.get(name)!]));
  return { ran, left: every.filter((name) => !ran.has(name)) };
}

async function runOne(name: string, era: Era, required: boolean, folder: string): Promise<Scenario> {
  const out = mkdtempSync(join(tmpdir(), 'doorward-conformance-'));
  try {
    const command = `${process.execPath} ${name.startsWith(SIGN_IN) ? `${SIGNS_IN} ${folder}` : DRIVER}`;
    // Extensions belong to no revision.
    const how = ['--scenario', name, '--spec-version', era, '--force', '--timeout', String(LIMIT), '-o', out];
    await ended([join(SUITE, 'dist/index.js'), 'client', '--command', command, ...how]);
    return scenarioIn(out, `${name}-`, name, required);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}
