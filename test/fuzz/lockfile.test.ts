import { afterAll, describe, expect, it, vi } from 'vitest';
import { descriptorDigest } from '../../src/inventory/digest.ts';
import { READS } from '../../src/inventory/guess.ts';
import { type Lock, printLock } from '../../src/inventory/lock.ts';
import { LockError, parseLock } from '../../src/inventory/parse.ts';
import type { JsonObject } from '../../src/lib/json/types.ts';
import { corpus, fuzz, near, TIMEOUT, YAML_TOKENS } from './fuzz.ts';

const descriptor = { name: 'read', description: 'Reads', inputSchema: { type: 'object' } };
const LOCK: Lock = {
  upstreams: new Map([
    [
      'files',
      {
        package: { name: '@a/files', version: '1.2.3', digest: `sha256:${'0'.repeat(64)}` },
        instructions: 'Be brief.\n- always',
        things: [
          {
            kind: 'tool',
            upstream: 'files',
            name: 'read',
            digest: descriptorDigest('tool', descriptor),
            descriptor,
            facts: READS,
            exceptions: { paths: [{ pointer: '/path', root: '/data' }], maxItems: 9 },
            cap: 1000,
          },
        ],
      },
    ],
  ]),
};
const SEEDS = [printLock(LOCK), printLock({ upstreams: new Map() }), 'doorward-lock: 1\nupstreams: {}\n'];
const TOKENS = [...YAML_TOKENS, 'digest', 'facts', 'upstreams:', 'tools:'];

function check(bytes: Buffer): void {
  const text = bytes.toString();
  let lock: Lock;
  try {
    lock = parseLock(text);
  } catch (error) {
    // A refusal names places in the file; anything else that is thrown is a defect.
    if (!(error instanceof LockError)) throw error;
    expect(error.faults.length).toBeGreaterThan(0);
    const count = text.split('\n').length;
    for (const { line, column, fix } of error.faults) {
      expect(line >= 1 && line <= count + 1 && column >= 1 && fix !== '').toBe(true);
    }
    return;
  }
  for (const { things } of lock.upstreams.values()) {
    for (const { kind, digest, descriptor: said } of things) {
      expect(descriptorDigest(kind, said as JsonObject)).toBe(digest);
    }
  }
  const printed = printLock(lock);
  expect(printLock(parseLock(printed))).toBe(printed);
}

/** The parser of YAML would print its warnings, with text of the file in them. */
const warned = vi.spyOn(process, 'emitWarning');
afterAll(() => expect(warned).not.toHaveBeenCalled());

describe('fuzzing the lockfile', () => {
  it('keeps what was found', () => corpus('lockfile').forEach(check));
  it('reads what was reviewed, or says where it is wrong', { timeout: TIMEOUT }, () =>
    fuzz(near(SEEDS, TOKENS), check),
  );
});
