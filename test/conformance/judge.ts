/** What a cell may lose, and whether that is what it lost. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Scenario } from './suite.ts';

const EXPECTED = join(import.meta.dirname, 'expected');

export type Results = ReadonlyMap<string, Scenario>;

/** A check that passes directly and fails through the gateway. */
export interface Loss {
  readonly scenario: string;
  readonly check: string;
  readonly message: string;
}

/** `expected/<cell>.yaml`: reason -> scenario -> ids of checks. */
type Expected = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

export interface Verdict {
  /** Scenario -> why what it lost may be lost. */
  readonly reasons: ReadonlyMap<string, string>;
  /** Lost without a reason in the file. */
  readonly unexpected: readonly Loss[];
  /** In the file, and not lost: the file must be corrected. */
  readonly stale: readonly string[];
}

/** `left`: scenarios that were not run. */
export function judge(cell: string, direct: Results, through: Results, left: readonly string[] = []): Verdict {
  const may = read(cell);
  const reasons = new Map<string, string>();
  const unexpected: Loss[] = [];
  for (const { name, failed } of through.values()) {
    for (const [check, message] of failed) {
      if (direct.get(name)?.failed.has(check)) continue;
      const reason = may.get(`${name} ${check}`);
      if (reason === undefined) unexpected.push({ scenario: name, check, message });
      else reasons.set(name, reason);
    }
  }
  const stale = [...may.keys()].filter((key) => {
    const [scenario, check] = key.split(' ') as [string, string];
    if (left.includes(scenario)) return false;
    return !through.get(scenario)?.failed.has(check) || direct.get(scenario)?.failed.has(check);
  });
  return { reasons, unexpected, stale };
}

/** `scenario check` -> reason. */
function read(cell: string): ReadonlyMap<string, string> {
  const file = join(EXPECTED, `${cell}.yaml`);
  const may = new Map<string, string>();
  if (!existsSync(file)) return may;
  for (const [reason, scenarios] of Object.entries((parse(readFileSync(file, 'utf8')) ?? {}) as Expected))
    for (const [scenario, checks] of Object.entries(scenarios))
      for (const check of checks) may.set(`${scenario} ${check}`, reason);
  return may;
}
