import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Caps, findGroups, prlimit } from '../../src/upstreams/cgroups.ts';

/** A folder that looks like a cgroup mount: the rules of choosing, not those of the kernel, are tested here. */
let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'doorward-cgroup-'))));
afterEach(() => rmSync(root, { recursive: true }));

const caps: Caps = { memory: 1 << 28, processes: 64, files: 256, cpu: 0.5 };
const put = (path: string, text: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};
const has = (path: string) => readFileSync(join(root, path), 'utf8');
const PID = 42;

describe('caps come from', () => {
  it('a delegated cgroup v2, after the gateway moved into a leaf', () => {
    put('app/cgroup.controllers', 'cpu memory pids\n');
    put('app/cgroup.procs', `${PID}\n`);
    const group = findGroups({ membership: '0::/app\n', root, pid: PID })('doorward-1', caps);
    expect(group.inForce).toEqual({ memory: 'cgroup-v2', processes: 'cgroup-v2', cpu: 'cgroup-v2', files: 'rlimit' });
    expect(has('app/gateway/cgroup.procs')).toBe('42');
    expect(has('app/cgroup.subtree_control')).toBe('+memory +pids +cpu');
    expect(has('app/doorward-1/memory.max')).toBe(String(1 << 28));
    expect(has('app/doorward-1/memory.swap.max')).toBe('0');
    expect(has('app/doorward-1/pids.max')).toBe('64');
    expect(has('app/doorward-1/cpu.max')).toBe('50000 100000');
    group.adopt(77);
    expect(has('app/doorward-1/cgroup.procs')).toBe('77');
  });
  it.each([
    ['others live in it', 'cpu memory pids', `${PID}\n43\n`],
    ['a controller is missing', 'cpu memory', `${PID}\n`],
  ])('not from a cgroup v2 when %s', (_why, controllers, procs) => {
    put('app/cgroup.controllers', controllers);
    put('app/cgroup.procs', procs);
    const group = findGroups({ membership: '0::/app\n', root, pid: PID })('g', caps);
    expect(group.inForce.memory).toBe('rlimit');
    expect(existsSync(join(root, 'app/gateway'))).toBe(false);
  });
  it('a systemd scope', () => {
    const systemd = { run: '/usr/bin/systemd-run', user: true };
    const group = findGroups({ membership: '', root, pid: PID, systemd })('doorward-1', caps);
    expect(group.inForce).toMatchObject({ memory: 'systemd', processes: 'systemd', cpu: 'systemd' });
    expect(group.prefix.join(' ')).toBe(
      '/usr/bin/systemd-run --scope --quiet --collect --unit=doorward-1 --user' +
        ` -p MemoryMax=${1 << 28} -p MemorySwapMax=0 -p TasksMax=64 -p CPUQuota=50% --`,
    );
  });
  it('cgroup v1, controller by controller', async () => {
    mkdirSync(join(root, 'memory/box'), { recursive: true });
    mkdirSync(join(root, 'pids'), { recursive: true });
    const membership = '4:memory:/box\n3:cpu,cpuacct:/none\n2:pids:/\n0::/\n';
    const group = findGroups({ membership, root, pid: PID })('doorward-1', caps);
    expect(group.inForce).toEqual({ memory: 'cgroup-v1', processes: 'cgroup-v1', cpu: 'rlimit', files: 'rlimit' });
    expect(has('memory/box/doorward-1/memory.limit_in_bytes')).toBe(String(1 << 28));
    expect(has('pids/doorward-1/pids.max')).toBe('64');
    group.adopt(77);
    expect(has('pids/doorward-1/cgroup.procs')).toBe('77');
  });
  it('nowhere but resource limits when nothing else is there', async () => {
    const group = findGroups({ membership: '', root, pid: PID })('g', caps);
    expect(group.inForce).toEqual({ memory: 'rlimit', processes: 'rlimit', cpu: 'rlimit', files: 'rlimit' });
    group.adopt(1);
    await group.remove();
  });
  it('a group is removed when it is empty, and those of dead gateways at the next start', async () => {
    mkdirSync(join(root, 'pids/doorward-999999999-x'), { recursive: true });
    mkdirSync(join(root, `pids/doorward-${process.pid}-x`));
    findGroups({ membership: '2:pids:/\n', root, pid: PID });
    expect(existsSync(join(root, 'pids/doorward-999999999-x'))).toBe(false);
    expect(existsSync(join(root, `pids/doorward-${process.pid}-x`))).toBe(true);
  });
});

describe('resource limits', () => {
  const group = { memory: 'cgroup-v1', processes: 'cgroup-v1', cpu: 'cgroup-v1', files: 'rlimit' } as const;
  it('always cover files, processes and core dumps', () => {
    expect(prlimit(7, caps, group)).toEqual(['--pid=7', '--core=0', '--nofile=256', '--nproc=64']);
  });
  it('stand in for a missing group', () => {
    const alone = { memory: 'rlimit', processes: 'rlimit', cpu: 'rlimit', files: 'rlimit' } as const;
    expect(prlimit(7, caps, alone)).toEqual(
      expect.arrayContaining([`--data=${caps.memory + (640 << 20)}`, '--cpu=3600']),
    );
  });
});
