/** One run of the conformance suite's own command line, and what its checks said. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { parse } from 'yaml';
import type { Era } from '../fixtures/everything/parts.ts';

export const SUITE = dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json'));

export interface Scenario {
  readonly name: string;
  /** Whether the revision's frozen list requires it. */
  readonly required: boolean;
  readonly passed: number;
  /** Ids of checks that failed, each with the first message. */
  readonly failed: ReadonlyMap<string, string>;
  /** Those of `failed` that are warnings: what a server should do, and need not. */
  readonly warned: ReadonlySet<string>;
}

interface Check {
  readonly id: string;
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO';
  readonly errorMessage?: string;
}

/** What a revision requires, and what is listed there without a score; by name, in suite order. */
export function requirements(era: Era): {
  readonly server: readonly string[];
  readonly client: readonly string[];
  extra(leg: 'server' | 'client'): string[];
} {
  const said = parse(readFileSync(join(SUITE, 'requirements', `${era}.yaml`), 'utf8')) as {
    server: string[];
    client: string[];
    not_scored: { scenario: string; leg: string }[];
  };
  const extra = (wanted: string) => said.not_scored.flatMap(({ leg, scenario }) => (leg === wanted ? [scenario] : []));
  return { ...said, extra };
}

/** Runs the server side of a revision against a server. */
export async function runSuite(url: string, era: Era): Promise<ReadonlyMap<string, Scenario>> {
  const out = mkdtempSync(join(tmpdir(), 'doorward-conformance-'));
  try {
    await ended([join(SUITE, 'dist/index.js'), 'server', '--url', url, '--requirements', era, '-o', out]);
    const { server, extra } = requirements(era);
    return new Map(
      [...server, ...extra('server')].map((name) => [
        name,
        scenarioIn(out, `server-${name}-`, name, server.includes(name)),
      ]),
    );
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** The checks of one scenario: its folder is `<front><ISO time>`, below others where its name has slashes. */
export function scenarioIn(out: string, front: string, name: string, required: boolean): Scenario {
  const above = join(out, dirname(front));
  const folder = existsSync(above) && readdirSync(above).find((entry) => entry.slice(0, -24) === basename(front));
  if (!folder) throw new Error(`the suite left no result of ${name}`);
  const checks = JSON.parse(readFileSync(join(above, folder, 'checks.json'), 'utf8')) as Check[];
  const failures = checks.filter(({ status }) => status === 'FAILURE' || status === 'WARNING');
  const failed = new Map(failures.map(({ id, errorMessage = '' }) => [id, errorMessage]));
  const passed = checks.filter(({ status }) => status === 'SUCCESS').length;
  const warned = new Set(failures.flatMap(({ id, status }) => (status === 'WARNING' ? [id] : [])));
  return { name, required, passed, failed, warned };
}

/** Its exit code says no more than its results. */
export function ended(args: readonly string[]): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, args, { stdio: 'ignore' });
    child.once('error', fail).once('exit', () => done());
  });
}
