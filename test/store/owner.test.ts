import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tryOwn } from '../../src/store/owner.ts';

const MODULE = join(import.meta.dirname, '../../src/store/owner.ts');
let dir: string;
let children: ChildProcess[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'owner-'));
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children = [];
  rmSync(dir, { recursive: true, force: true });
});

/** Another process that tries once, says `yes` or `no`, and stays. */
async function rival(): Promise<{ child: ChildProcess; won: boolean }> {
  const program = `
    const { tryOwn } = await import(process.argv[1]);
    globalThis.owner = tryOwn(process.argv[2]);
    console.log(globalThis.owner ? 'yes' : 'no');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, MODULE, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [said] = await once(child.stdout!, 'data');
  return { child, won: String(said).trim() === 'yes' };
}

describe('owner', () => {
  it('gives the folder to one holder at a time, also inside one process', () => {
    const first = tryOwn(dir);
    expect(first).toBeDefined();
    expect(tryOwn(dir)).toBeUndefined();
    expect(tryOwn(dir)).toBeUndefined();
    first!.release();
    first!.release();
    const second = tryOwn(dir);
    expect(second).toBeDefined();
    second!.release();
  });

  it('keeps other processes out until kill -9', async () => {
    const { child, won } = await rival();
    expect(won).toBe(true);
    expect(tryOwn(dir)).toBeUndefined();
    child.kill('SIGKILL');
    await once(child, 'exit');
    const owner = tryOwn(dir);
    expect(owner).toBeDefined();
    owner!.release();
  });

  it('is not lost when the holder itself tries again', async () => {
    const owner = tryOwn(dir)!;
    expect(tryOwn(dir)).toBeUndefined();
    expect((await rival()).won).toBe(false);
    owner.release();
    expect((await rival()).won).toBe(true);
  });

  it('has exactly one winner of a race', async () => {
    const all = await Promise.all(Array.from({ length: 6 }, rival));
    expect(all.filter((r) => r.won)).toHaveLength(1);
  });

  it('makes a file that only this user can read', () => {
    tryOwn(dir)!.release();
    expect(statSync(join(dir, 'owner.db')).mode & 0o777).toBe(0o600);
  });

  it('follows no link and takes nothing else for a lock', () => {
    writeFileSync(join(dir, 'target'), '');
    symlinkSync('target', join(dir, 'owner.db'));
    expect(() => tryOwn(dir)).toThrow(/regular file/);
    expect(() => tryOwn(join(dir, 'missing'))).toThrow(/ENOENT/);
  });

  it('throws on a damaged file instead of calling it taken', () => {
    writeFileSync(join(dir, 'owner.db'), 'x'.repeat(4096));
    expect(() => tryOwn(dir)).toThrow(/not a database/);
  });
});
