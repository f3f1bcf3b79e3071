import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openLasting } from '../../src/store/lasting.ts';
import { memoryState } from '../../src/store/memory.ts';

/** A full disk takes a part of what is written. */
const disk = vi.hoisted(() => ({ full: false }));
vi.mock('node:fs', async (actual) => {
  const fs = await actual<typeof import('node:fs')>();
  return {
    ...fs,
    appendFileSync(...[path, line, how]: Parameters<typeof fs.appendFileSync>) {
      fs.appendFileSync(path, disk.full ? String(line).slice(0, 5) : line, how);
      if (disk.full) throw new Error('ENOSPC');
    },
  };
});

const made: string[] = [];
afterEach(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
});

function world() {
  const dir = mkdtempSync(join(tmpdir(), 'doorward-lasting-'));
  made.push(dir);
  const path = join(dir, 'ended');
  const clock = { now: 1_000_000 };
  /** A process of its own. */
  const start = () => openLasting({ path, state: memoryState(() => clock.now), spaces: ['ended', 'spent'] });
  return { path, clock, start, text: () => readFileSync(path, 'latin1') };
}

describe('a mark', () => {
  it('is there after a restart, for its time', () => {
    const { clock, start } = world();
    const before = start();
    void before.put('ended', 'a', true, 5000);
    expect(before.swap('spent', 'b-_9', undefined, true, 1000)).toBe(true);
    expect(before.swap('spent', 'b-_9', undefined, true, 1000)).toBe(false);
    const after = start();
    expect([after.get('ended', 'a'), after.get('spent', 'b-_9'), after.get('spent', 'c')]).toEqual([
      true,
      true,
      undefined,
    ]);
    expect(after.swap('spent', 'b-_9', undefined, true, 1000)).toBe(false);
    clock.now += 1000;
    expect(after.swap('spent', 'b-_9', undefined, true, 1000)).toBe(true);
    clock.now += 4000;
    const last = start();
    expect([last.get('ended', 'a'), last.get('spent', 'b-_9')]).toEqual([undefined, undefined]);
  });

  it('takes a line while it lives, in a file that nobody else can read', () => {
    const { path, clock, start, text } = world();
    const one = start();
    void one.put('ended', 'a', true, 5000);
    void one.put('other', 'b', { any: 'thing' }, 5000);
    expect(text()).toBe('ended a 1005000\n');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    clock.now += 5000;
    start();
    expect(text()).toBe('');
  });

  it('leaves room for others when it is over, without a restart', () => {
    const { clock, start, text } = world();
    const one = start();
    for (let i = 0; i < 9_999; i++) void one.put('ended', `a${i}`, true, 10);
    clock.now += 10;
    for (const key of ['x', 'y']) void one.put('ended', key, true, 10);
    expect(text().split('\n').length).toBe(3);
  });

  it.each([['a b'], ['a\nended b 9'], [''], ['k'.repeat(129)]])('is refused under the key %j', (key) => {
    const { start, text } = world();
    const one = start();
    expect(() => one.put('ended', key, true, 10)).toThrow('not a mark');
    expect([text(), one.get('ended', key)]).toEqual(['', undefined]);
  });

  it('that is no mark is refused', () => {
    expect(() => world().start().put('ended', 'a', 'text', 10)).toThrow('not a mark');
  });
});

describe('the file', () => {
  it('may have lost the end of its last line in a crash', () => {
    const { path, start, text } = world();
    writeFileSync(path, 'ended a 9999999\nended b 99', { mode: 0o600 });
    expect(start().get('ended', 'a')).toBe(true);
    expect(text()).toBe('ended a 9999999\n');
  });

  it.each([['ended a\n'], ['x\nended a 9999999\n'], ['\u0000\n']])('of %j lets nothing start', (text) => {
    const { path, start } = world();
    writeFileSync(path, text, { mode: 0o600 });
    expect(start).toThrow('is not a list of what was ended');
  });

  it('that others can read lets nothing start', () => {
    const { path, start } = world();
    start();
    chmodSync(path, 0o644);
    expect(start).toThrow('open to other users');
  });

  it('has no marks for which there is no room: it can be read again', () => {
    const { path, clock, text } = world();
    const start = () => openLasting({ path, state: memoryState(() => clock.now, 2), spaces: ['ended'] });
    const one = start();
    for (const key of ['a', 'b']) void one.put('ended', key, true, 10);
    expect(() => one.put('ended', 'c', true, 10)).toThrow('no room');
    expect(text()).toBe('ended a 1000010\nended b 1000010\n');
    expect(start).not.toThrow();
  });

  it('takes no line behind a part of one, when the disk was full', () => {
    const { start, text } = world();
    const one = start();
    void one.put('ended', 'a', true, 10);
    disk.full = true;
    expect(() => one.put('ended', 'b', true, 10)).toThrow('ENOSPC');
    disk.full = false;
    void one.put('ended', 'c', true, 10);
    expect(text()).toBe('ended a 1000010\nended c 1000010\n');
    expect(start().get('ended', 'c')).toBe(true);
  });

  it('that cannot be written makes no mark', () => {
    const { path, start } = world();
    const one = start();
    rmSync(path);
    rmSync(join(path, '..'), { recursive: true });
    expect(() => one.put('ended', 'a', true, 10)).toThrow('ENOENT');
    expect(one.get('ended', 'a')).toBe(undefined);
    expect(() => one.swap('spent', 'a', undefined, true, 10)).toThrow('ENOENT');
  });
});
