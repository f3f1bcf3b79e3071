/**
 * Where the caps of a sandbox come from. Best first: a delegated cgroup v2, a systemd scope, cgroup v1, and for what
 * none of them covers, resource limits. What is in force is reported as it is, never as it was wished (guarantee IS1).
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** Bytes; processes and threads; open files of one process; processors (0.5 = half of one). */
export interface Caps {
  readonly memory: number;
  readonly processes: number;
  readonly files: number;
  readonly cpu: number;
}

export type Means = 'cgroup-v2' | 'systemd' | 'cgroup-v1' | 'rlimit';
/** By what each cap is enforced. `rlimit` memory and CPU count for each process alone, not for the tree. */
export interface InForce {
  readonly memory: Means;
  readonly processes: Means;
  readonly cpu: Means;
  readonly files: 'rlimit';
}

/** A group for one sandbox. */
export interface Group {
  /** Put before the sandbox's own command line. */
  readonly prefix: readonly string[];
  readonly inForce: InForce;
  /** Takes the first process of the sandbox in, while it is still held back. */
  adopt(pid: number): void;
  /** After the last process is gone. Never rejects: a group left behind is empty, and swept at the next start. */
  remove(): Promise<void>;
}

/** Makes the group of one sandbox; `name` is unique on the machine. */
export type Groups = (name: string, caps: Caps) => Group;

export interface Machine {
  /** Text of `/proc/self/cgroup`. */
  readonly membership: string;
  /** `/sys/fs/cgroup`, or a fake of it. */
  readonly root: string;
  readonly pid: number;
  /** Path of systemd-run when systemd runs this machine, and whether it is asked for the user's own manager. */
  readonly systemd?: { readonly run: string; readonly user: boolean };
}

const PERIOD = 100_000;
const quota = (cpu: number) => Math.max(1000, Math.round(cpu * PERIOD));
const NONE: InForce = { memory: 'rlimit', processes: 'rlimit', cpu: 'rlimit', files: 'rlimit' };

/** Looks once, at start, what this machine offers. */
export function findGroups(machine: Machine): Groups {
  return versionTwo(machine) ?? systemd(machine) ?? versionOne(machine) ?? (() => group([], NONE, [], []));
}

function versionTwo({ membership, root, pid }: Machine): Groups | undefined {
  const own = /^0::(\/.*)$/m.exec(membership)?.[1];
  if (own === undefined) return undefined;
  const home = join(root, own);
  try {
    const offered = readFileSync(join(home, 'cgroup.controllers'), 'utf8').trim().split(' ');
    if (!['memory', 'pids', 'cpu'].every((one) => offered.includes(one))) return undefined;
    // A cgroup with processes of its own cannot have children with limits: the gateway moves into a leaf.
    if (readFileSync(join(home, 'cgroup.procs'), 'utf8').trim() !== String(pid)) return undefined;
    mkdirSync(join(home, 'gateway'), { recursive: true });
    writeFileSync(join(home, 'gateway', 'cgroup.procs'), String(pid));
    writeFileSync(join(home, 'cgroup.subtree_control'), '+memory +pids +cpu');
  } catch {
    return undefined;
  }
  sweep(home);
  const means = { memory: 'cgroup-v2', processes: 'cgroup-v2', cpu: 'cgroup-v2', files: 'rlimit' } as const;
  return (name, caps) => {
    const dir = join(home, name);
    mkdirSync(dir);
    writeFileSync(join(dir, 'memory.max'), String(caps.memory));
    optional(() => writeFileSync(join(dir, 'memory.swap.max'), '0'));
    optional(() => writeFileSync(join(dir, 'memory.oom.group'), '1'));
    writeFileSync(join(dir, 'pids.max'), String(caps.processes));
    writeFileSync(join(dir, 'cpu.max'), `${quota(caps.cpu)} ${PERIOD}`);
    return group([], means, [join(dir, 'cgroup.procs')], [dir]);
  };
}

function systemd({ systemd: found }: Machine): Groups | undefined {
  if (found === undefined) return undefined;
  const means = { memory: 'systemd', processes: 'systemd', cpu: 'systemd', files: 'rlimit' } as const;
  return (name, caps) => {
    const properties = {
      MemoryMax: caps.memory,
      MemorySwapMax: 0,
      TasksMax: caps.processes,
      CPUQuota: `${Math.ceil(caps.cpu * 100)}%`,
    };
    const prefix = [found.run, '--scope', '--quiet', '--collect', `--unit=${name}`];
    if (found.user) prefix.push('--user');
    for (const [key, value] of Object.entries(properties)) prefix.push('-p', `${key}=${value}`);
    prefix.push('--');
    return group(prefix, means, [], []);
  };
}

/** Each controller is taken or left by itself: containers often hand on some of them. */
function versionOne({ membership, root, pid }: Machine): Groups | undefined {
  const own = new Map<string, string>();
  for (const line of membership.split('\n')) {
    const [, names, path] = /^\d+:([^:]+):(\/.*)$/.exec(line) ?? [];
    for (const name of names?.split(',') ?? []) own.set(name, path!);
  }
  const home = (controller: string): string | undefined => {
    const path = own.get(controller);
    if (path === undefined) return undefined;
    const dir = join(root, controller, path);
    const trial = join(dir, `doorward-trial-${pid}`);
    try {
      mkdirSync(trial);
      rmdirSync(trial);
      sweep(dir);
      return dir;
    } catch {
      return undefined;
    }
  };
  const [memory, pids, cpu] = [home('memory'), home('pids'), home('cpu')];
  if (memory === undefined && pids === undefined && cpu === undefined) return undefined;
  const by = (dir: string | undefined): Means => (dir === undefined ? 'rlimit' : 'cgroup-v1');
  const means: InForce = { memory: by(memory), processes: by(pids), cpu: by(cpu), files: 'rlimit' };
  return (name, caps) => {
    const made: string[] = [];
    const make = (parent: string | undefined, settings: Readonly<Record<string, number>>) => {
      if (parent === undefined) return;
      const dir = join(parent, name);
      mkdirSync(dir);
      made.push(dir);
      for (const [file, value] of Object.entries(settings)) writeFileSync(join(dir, file), String(value));
    };
    try {
      make(memory, { 'memory.limit_in_bytes': caps.memory });
      make(pids, { 'pids.max': caps.processes });
      make(cpu, { 'cpu.cfs_period_us': PERIOD, 'cpu.cfs_quota_us': quota(caps.cpu) });
    } catch (error) {
      for (const dir of made) optional(() => rmdirSync(dir));
      throw error;
    }
    const procs = made.map((dir) => join(dir, 'cgroup.procs'));
    return group([], means, procs, made);
  };
}

function group(prefix: string[], inForce: InForce, procs: readonly string[], dirs: readonly string[]): Group {
  return {
    prefix,
    inForce,
    adopt(pid) {
      for (const file of procs) writeFileSync(file, String(pid));
    },
    async remove() {
      for (const dir of dirs) await remove(dir);
    },
  };
}

/** The kernel empties a group a moment after its last process was reaped. */
async function remove(dir: string): Promise<void> {
  for (let wait = 1; wait < 500; wait *= 2) {
    try {
      return rmdirSync(dir);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') return;
    }
    await pause(wait);
  }
}

/** `doorward-<pid of the gateway>-<random>`, so that a later gateway knows what a killed one left. */
export function groupName(pid: number, random: string): string {
  return `doorward-${pid}-${random}`;
}

/** Removes the empty groups of gateways that are gone. */
function sweep(folder: string): void {
  optional(() => {
    for (const name of readdirSync(folder)) {
      const pid = /^doorward-(\d+)-/.exec(name)?.[1];
      if (pid !== undefined && !existsSync(`/proc/${pid}`)) optional(() => rmdirSync(join(folder, name)));
    }
  });
}

/** Files that older kernels lack. */
function optional(write: () => void): void {
  try {
    write();
  } catch {}
}

/** Arguments of `prlimit` for the held-back first process. Data segment and CPU time only where no group counts them. */
export function prlimit(pid: number, caps: Caps, inForce: InForce): string[] {
  return [
    `--pid=${pid}`,
    '--core=0',
    `--nofile=${caps.files}`,
    // Counted in the sandbox's own user namespace, so other processes of the same user do not matter.
    `--nproc=${caps.processes}`,
    ...(inForce.memory === 'rlimit' ? [`--data=${caps.memory + NODE_RESERVES}`] : []),
    ...(inForce.cpu === 'rlimit' ? [`--cpu=${CPU_SECONDS}`] : []),
  ];
}

/** Node's data segment counts about 570 MiB that it reserves and never touches. */
const NODE_RESERVES = 640 << 20;
/** Without a group CPU cannot be slowed, only ended: an hour of processor time for one process. */
const CPU_SECONDS = 3600;
