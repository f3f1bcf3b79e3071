import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { trySandbox } from '../../src/upstreams/child.ts';
import { openToAll } from '../../src/upstreams/machine.ts';
import { CAPS, machine } from './world.ts';

describe('this machine', () => {
  it('makes a sandbox, and says what holds it', async () => {
    expect(await trySandbox(machine, CAPS)).toMatchObject({ files: 'rlimit' });
  });
  it('shows Node and the libraries it loads, nothing else', () => {
    const targets = machine.runtime.map(({ target }) => target);
    expect(targets).toContain('/runtime/node');
    expect(targets.every((target) => target === '/runtime/node' || /^\/(usr\/)?lib/.test(target))).toBe(true);
    expect(targets.length).toBeLessThan(20);
  });
  it('says why when a sandbox cannot be made', async () => {
    const broken = { ...machine, runtime: [{ source: '/nonexistent', target: '/x' }] };
    await expect(trySandbox({ ...broken, drop: 'self' }, CAPS)).rejects.toThrow(/nonexistent/);
    await expect(trySandbox({ ...machine, filter: new Uint8Array(0) }, CAPS)).rejects.toThrow();
  });
  it('finds descriptors that would leak, and only those', () => {
    const fd = openSync('/dev/null', 'r');
    const source = new URL('../../src/upstreams/machine.ts', import.meta.url).href;
    const script = `import { leaks } from '${source}'; console.log(JSON.stringify(leaks()))`;
    // Node covers the low numbers itself at its start; those beyond a gap it does not.
    const stdio = [...Array(40).fill('ignore'), fd].with(1, 'pipe').with(30, fd);
    const found = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { stdio });
    expect(JSON.parse(String(found.stdout))).toEqual(expect.arrayContaining([30, 40]));
    expect(JSON.parse(String(found.stdout))).not.toContain(31);
  });
  it('tells what nobody could open', () => {
    const folder = mkdtempSync('/tmp/doorward-open-');
    try {
      mkdirSync(join(folder, 'in'));
      writeFileSync(join(folder, 'in/file'), '');
      const all = (modes: [string, number][]) => {
        for (const [path, mode] of modes) chmodSync(join(folder, path), mode);
        return openToAll(join(folder, 'in/file'));
      };
      expect(
        all([
          ['', 0o755],
          ['in', 0o755],
          ['in/file', 0o644],
        ]),
      ).toBe(true);
      expect(
        all([
          ['', 0o711],
          ['in', 0o711],
          ['in/file', 0o604],
        ]),
      ).toBe(true);
      expect(all([['in/file', 0o640]])).toBe(false);
      expect(
        all([
          ['in/file', 0o644],
          ['in', 0o750],
        ]),
      ).toBe(false);
      expect(
        all([
          ['in', 0o755],
          ['', 0o700],
        ]),
      ).toBe(false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
