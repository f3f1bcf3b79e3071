/** A folder, keys, and what lies in the folder afterwards. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type AuditLog, type AuditOptions, openAudit } from '../../src/audit/log.ts';
import { tryOwn } from '../../src/store/owner.ts';
import { call, clock, REPLY, TRAIL } from './calls.ts';

export * from './calls.ts';

export const KEYS = generateKeyPairSync('ed25519');

export function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'doorward-audit-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export function openLog(dir: string, how: Partial<AuditOptions> = {}): Promise<AuditLog> {
  return openAudit({
    dir,
    own: tryOwn,
    keys: KEYS,
    clock: () => clock.now,
    random: (n) => randomBytes(n),
    redact: (text) => ({ text: text.replaceAll('hunter2', '[secret]') }),
    ...how,
    limits: { checkpointMs: 600_000, ...how.limits },
  });
}

/** `count` finished calls in a closed log. */
export async function filled(dir: string, count: number, how: Partial<AuditOptions> = {}): Promise<void> {
  const log = await openLog(dir, how);
  for (let i = 0; i < count; i++) {
    await log.intent(call(`c${i}`), TRAIL);
    log.outcome(call(`c${i}`), TRAIL, REPLY);
  }
  await log.close();
}

export function files(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => name.endsWith('.jsonl'))
    .sort();
}

/** The stored lines of all segments. */
export function stored(dir: string): string[] {
  return files(dir).flatMap((name) => readFileSync(join(dir, name), 'utf8').split('\n').slice(0, -1));
}

/** The entries, to be looked at freely. */
export const read = (dir: string): any[] => stored(dir).map((line) => JSON.parse(line));
