/** What a real sandbox shows and holds. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { findGroups } from '../../src/upstreams/cgroups.ts';
import { thisMachine } from '../../src/upstreams/machine.ts';
import { preparePackage } from '../../src/upstreams/packages.ts';
import { over, processesWith, SERVERS, type Setup, setup, textOf } from './world.ts';

const opened: Setup[] = [];
const kept = (made: Setup) => {
  opened.push(made);
  return made;
};
type Change = Parameters<typeof setup>[1];
const hostile = async (args: string[], change?: Change) =>
  kept(await setup(['node', './servers/hostile.ts', ...args], change));
const starts = ({ events }: Setup) => events.filter(({ code, data }) => code === 'event.lane' && data.what === 'start');

afterEach(async () => {
  for (const made of opened.splice(0)) await made.lanes.close();
});

describe('a sandbox', () => {
  const root = process.getuid!() === 0;
  it.each([
    [false, { read: 'ok', write: 'EROFS' }],
    [true, { read: 'ok', write: 'ok' }],
  ])('shows a mounted folder; writable %s', async (write, wanted) => {
    const folder = mkdtempSync('/tmp/doorward-test-');
    try {
      chmodSync(folder, 0o777);
      writeFileSync(join(folder, 'a.txt'), 'inside');
      const { call } = await hostile([], { mounts: [{ source: folder, target: '/data', write }] });
      expect(JSON.parse(textOf(await call('attack', { mode: 'files' })))).toEqual(wanted);
      expect(existsSync(join(folder, 'b.txt'))).toBe(write);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
  it.runIf(root)('of a root gateway reaches what lies in closed folders, as nobody', async () => {
    const closed = mkdtempSync('/tmp/doorward-closed-');
    try {
      mkdirSync(join(closed, 'open'));
      chmodSync(join(closed, 'open'), 0o755);
      const mark = `--closed-${process.pid}`;
      const mounts = [{ source: join(closed, 'open'), target: '/data', write: false }];
      const world = kept(await setup(['node', './servers/tidy.ts', mark], { mounts }));
      const { uid } = JSON.parse(textOf(await world.call('where')));
      expect(uid).toBe(65534);
      const [first] = processesWith(mark);
      expect(first).toBeDefined();
      await world.lanes.close();
      expect(processesWith(mark)).toEqual([]);
    } finally {
      rmSync(closed, { recursive: true });
    }
  });
  it('without control groups is held by resource limits, and says so', async () => {
    const none = findGroups({ membership: '', root: '/nonexistent', pid: 0 });
    const world = await hostile([], { machine: thisMachine(none) });
    expect(starts(world)[0]!.data.caps).toEqual({
      memory: 'rlimit',
      processes: 'rlimit',
      cpu: 'rlimit',
      files: 'rlimit',
    });
    const attack = (mode: string) => world.call('attack', { mode });
    expect(JSON.parse(textOf(await attack('fork-bomb'))).EAGAIN).toBeGreaterThan(100);
    await expect(world.call('attack', { mode: 'memory-bomb' }, { subject: 'm' })).rejects.toMatchObject({
      code: 'upstream.lost',
    });
    expect(textOf(await world.call('attack', { mode: 'ok' }, { subject: 'bystander' }))).toBe('fine');
  });
  it('serves the published filesystem server over a mounted folder', { timeout: 90_000 }, async () => {
    const [state, folder] = [mkdtempSync('/tmp/doorward-state-'), mkdtempSync('/tmp/doorward-notes-')];
    try {
      chmodSync(folder, 0o755);
      writeFileSync(join(folder, 'note.txt'), 'remember the milk', { mode: 0o644 });
      const version = '2026.8.31';
      const made = await preparePackage({
        run: ['npx', '-y', `@modelcontextprotocol/server-filesystem@${version}`, '/data'],
        stateDir: state,
        configDir: SERVERS,
        npm: () => Promise.reject(new Error('it is installed here')),
        clock: Date.now,
      });
      const world = kept(
        await over({
          name: 'files',
          package: made,
          mounts: [{ source: folder, target: '/data', write: false }],
          env: { PATH: '/runtime', HOME: '/tmp' },
          caps: { memory: 512 << 20, processes: 128, files: 1024, cpu: 1 },
        }),
      );
      expect([...world.pins.keys()]).toEqual(expect.arrayContaining(['read_text_file', 'write_file']));
      expect(textOf(await world.call('read_text_file', { path: '/data/note.txt' }))).toBe('remember the milk');
      const written = await world.call('write_file', { path: '/data/x.txt', content: 'x' });
      expect(written).toMatchObject({ kind: 'result', value: { isError: true } });
      const outside = await world.call('read_text_file', { path: '/proc/1/environ' });
      expect(outside).toMatchObject({ kind: 'result', value: { isError: true } });
    } finally {
      for (const made of opened.splice(0)) await made.lanes.close();
      for (const dir of [state, folder]) rmSync(dir, { recursive: true });
    }
  });
});
