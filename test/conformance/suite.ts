/** One run of the conformance suite's own command line, and what its checks said. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import type { Era } from '../fixtures/everything/parts.ts';

const SUITE = dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json'));

export interface Scenario {
  readonly name: string;
  /** Whether the revision's frozen list requires it. */
  readonly required: boolean;
  readonly passed: number;
  /** Ids of checks that failed, each with the first message. */
  readonly failed: ReadonlyMap<string, string>;
}

interface Check {
  readonly id: string;
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO';
  readonly errorMessage?: string;
}

/** Runs what `era` requires against a server; also what is listed there without a score. By name, in suite order. */
export async function runSuite(url: string, era: Era): Promise<ReadonlyMap<string, Scenario>> {
  const out = mkdtempSync(join(tmpdir(), 'doorward-conformance-'));
  try {
    await ended([join(SUITE, 'dist/index.js'), 'server', '--url', url, '--requirements', era, '-o', out]);
    const { server, not_scored: extra } = parse(readFileSync(join(SUITE, 'requirements', `${era}.yaml`), 'utf8')) as {
      server: string[];
      not_scored: { scenario: string; leg: string }[];
    };
    const folders = readdirSync(out);
    const names = [...server, ...extra.filter(({ leg }) => leg === 'server').map(({ scenario }) => scenario)];
    return new Map(
      names.map((name) => {
        // `server-<scenario>-<ISO time>`
        const folder = folders.find((entry) => entry.slice(7, -25) === name);
        if (folder === undefined) throw new Error(`the suite left no result of ${name}`);
        const checks = JSON.parse(readFileSync(join(out, folder, 'checks.json'), 'utf8')) as Check[];
        const failures = checks.filter(({ status }) => status === 'FAILURE' || status === 'WARNING');
        const failed = new Map(failures.map(({ id, errorMessage = '' }) => [id, errorMessage]));
        const passed = checks.filter(({ status }) => status === 'SUCCESS').length;
        return [name, { name, required: server.includes(name), passed, failed }];
      }),
    );
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** Its exit code says no more than its results. */
function ended(args: readonly string[]): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, args, { stdio: 'ignore' });
    child.once('error', fail).once('exit', () => done());
  });
}
