import { describe, expect, it } from 'vitest';
import { type Box, commandLine, FD, options } from '../../../src/upstreams/sandbox/bubblewrap.ts';

const tools = { bwrap: '/usr/bin/bwrap', setpriv: '/usr/bin/setpriv' };
const box: Box = {
  binds: [
    { source: '/opt/node', target: '/runtime/node' },
    { source: '/srv/notes', target: '/data', write: true },
  ],
  command: ['/runtime/node', '/package/server.js'],
  cwd: '/package',
  env: { PATH: '/runtime', TOKEN: 'hidden value' },
  memory: 256 << 20,
};
const list = (from: Box) => Buffer.from(options(from)).toString().split('\0').slice(0, -1);

describe('the options of a sandbox', () => {
  it('take everything away first', () => {
    for (const option of ['--unshare-all', '--disable-userns', '--die-with-parent', '--new-session', '--clearenv'])
      expect(list(box)).toContain(option);
    expect(list(box).join(' ')).toContain('--cap-drop ALL');
    expect(list(box).join(' ')).toContain(`--seccomp ${FD.seccomp}`);
    expect(list(box)).not.toContain('--share-net');
  });
  it('make the root read-only after everything is in place, and /dev too', () => {
    const all = list(box).join(' ');
    expect(all.indexOf('--remount-ro /dev')).toBeGreaterThan(all.indexOf('--tmpfs /dev/shm'));
    expect(all.indexOf('--remount-ro / ')).toBeGreaterThan(all.indexOf('--tmpfs /run'));
  });
  it('size every writable place: half of the memory in all', () => {
    const all = list(box);
    const sizes = all.flatMap((word, i) => (word === '--size' ? [Number(all[i + 1])] : []));
    expect(sizes).toHaveLength(3);
    expect(sizes.reduce((a, b) => a + b)).toBe(128 << 20);
  });
  it('mount read-only unless told otherwise', () => {
    const all = list(box).join(' ');
    expect(all).toContain('--ro-bind /opt/node /runtime/node');
    expect(all).toContain(' --bind /srv/notes /data');
  });
  it('refuse a NUL, which would end one option and begin another', () => {
    expect(() => options({ ...box, env: { A: 'x\0--share-net' } })).toThrow(RangeError);
    expect(() => options({ ...box, binds: [{ source: '/a\0--share-net', target: '/b' }] })).toThrow(RangeError);
  });
});

describe('the command line', () => {
  it('shows nothing of the environment', () => {
    expect(commandLine(box.command, tools, 'nobody').join(' ')).not.toContain('hidden');
  });
  it('is bubblewrap alone for an ordinary user', () => {
    expect(commandLine(box.command, tools, 'self')).toEqual([tools.bwrap, '--args', '3', '--', ...box.command]);
  });
  it('becomes nobody first for root', () => {
    const line = commandLine(box.command, tools, 'nobody');
    expect(line[0]).toBe(tools.setpriv);
    expect(line.slice(0, line.indexOf('--'))).toEqual(
      expect.arrayContaining(['--reuid=nobody', '--regid=nogroup', '--clear-groups', '--no-new-privs']),
    );
    expect(line.indexOf(tools.bwrap)).toBeGreaterThan(line.indexOf('--'));
  });
  it('shows closed folders to nobody in an outer mount namespace', () => {
    const line = commandLine(box.command, tools, 'nobody', [{ source: '/root/x', target: '/run/0' }]).join(' ');
    expect(line).toMatch(
      /^\/usr\/bin\/bwrap .*--ro-bind \/root\/x \/run\/0 -- \/usr\/bin\/setpriv .* -- \/usr\/bin\/bwrap --args/,
    );
  });
});
