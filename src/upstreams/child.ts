/** One sandboxed process tree from spawn to the last reaped process (guarantees IS1, IS2). */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { type Caps, type Group, groupName, type InForce, prlimit } from './cgroups.ts';
import { devNull, leaks, type Machine, NODE, openToAll } from './machine.ts';
import type { Mount } from './mounts.ts';
import { type Bind, type Box, commandLine, dropped, FD, options } from './sandbox/bubblewrap.ts';

/** What to run. Paths in `command` and `cwd` are those of the inside. */
export interface Job {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  readonly caps: Caps;
}

export interface Child {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Host pid of the first process of the sandbox's pid namespace. */
  readonly pid: number;
  readonly inForce: InForce;
  /** Resolves when the whole tree is dead and its group removed; says how the sandbox ended. */
  readonly ended: Promise<string>;
  /** stdin closed, `grace` ms, SIGTERM, `grace` ms, SIGKILL. Resolves with `ended`. */
  end(grace: number): Promise<string>;
  kill(): void;
}

/** Time for bubblewrap to set the sandbox up, in milliseconds. */
const SETUP = 10_000;

/** Rejects with an Error whose message is for the log only. Nothing is left behind then. */
export async function startChild(machine: Machine, job: Job): Promise<Child> {
  const { binds, staged } = stage(machine, [...machine.runtime, ...job.mounts]);
  const box: Box = { ...job, binds, memory: job.caps.memory };
  const group = machine.groups(groupName(process.pid, randomBytes(8).toString('hex')), job.caps);
  let proc: ChildProcess | undefined;
  let complaints: Complaints | undefined;
  try {
    const [file, ...args] = [...group.prefix, ...commandLine(job.command, machine.tools, machine.drop, staged)];
    proc = spawn(file!, args, { env: machine.launchEnv, cwd: '/', stdio: stdio(), detached: false });
    const exited = once(proc);
    complaints = listen(proc.stderr!);
    feed(proc, FD.args, options(box));
    feed(proc, FD.seccomp, machine.filter);
    const told = await firstPid(proc, exited);
    const pid = staged.length === 0 ? told : hostPid(proc.pid!, told);
    group.adopt(pid);
    await run(dropped([machine.tools.prlimit, ...prlimit(pid, job.caps, group.inForce)], machine.tools, machine.drop));
    complaints.stop();
    feed(proc, FD.block, Buffer.from([1]));
    return child(proc, pid, group, exited);
  } catch (error) {
    // Before the first pid is known the parent-death signal takes the rest along.
    proc?.kill('SIGKILL');
    if (proc?.pid !== undefined) await once(proc);
    await group.remove();
    throw new Error(`${error instanceof Error ? error.message : error}; ${complaints?.text() || 'no complaint'}`);
  }
}

/** For `doctor`: makes a sandbox around nothing. Resolves with the caps in force; rejects with an Error that says why not. */
export async function trySandbox(machine: Machine, caps: Caps): Promise<InForce> {
  const job: Job = { command: [NODE, '--eval', '0'], cwd: '/', env: {}, mounts: [], caps };
  const made = await startChild(machine, job);
  made.stderr.resume();
  const how = await made.ended;
  if (how !== 'exit 0') throw new Error(`the sandbox ended with ${how}`);
  return made.inForce;
}

function stdio(): ('pipe' | 'ignore' | number)[] {
  const inherited = leaks();
  const list: ('pipe' | 'ignore' | number)[] = Array(Math.max(7, ...inherited.map((fd) => fd + 1))).fill('ignore');
  for (const fd of inherited) list[fd] = devNull();
  return list.fill('pipe', 0, 7);
}

/** A root gateway becomes nobody: what nobody cannot reach by path is shown to it by an outer mount namespace. */
function stage(machine: Machine, wanted: readonly Bind[]): { binds: Bind[]; staged: Bind[] } {
  if (machine.drop === 'self' || wanted.every(({ source }) => openToAll(source)))
    return { binds: [...wanted], staged: [] };
  const place = (i: number) => `/run/${i}`;
  return {
    binds: wanted.map((bind, i) => ({ ...bind, source: place(i) })),
    staged: wanted.map((bind, i) => ({ ...bind, target: place(i) })),
  };
}

function feed(proc: ChildProcess, fd: number, bytes: Uint8Array): void {
  const pipe = pipes(proc)[fd] as Writable;
  pipe.on('error', () => {}); // a sandbox that died early; `exited` tells
  pipe.end(bytes);
}

/** Node types only the first five. */
const pipes = (proc: ChildProcess) => proc.stdio as readonly unknown[];

const exits = new WeakMap<ChildProcess, Promise<string>>();
function once(proc: ChildProcess): Promise<string> {
  let exited = exits.get(proc);
  if (exited === undefined) {
    exited = new Promise((resolve) => {
      proc.once('error', (error) => resolve(`not started: ${error.message}`));
      proc.once('exit', (code, signal) => resolve(signal === null ? `exit ${code}` : `signal ${signal}`));
    });
    exits.set(proc, exited);
  }
  return exited;
}

interface Complaints {
  text(): string;
  stop(): void;
}
/** What bubblewrap itself says when it fails: its last words before the server is let go. */
function listen(stderr: Readable): Complaints {
  let text = '';
  const hear = (chunk: Buffer) => (text = (text + chunk).slice(0, 512));
  stderr.on('error', () => {});
  stderr.on('data', hear);
  return { text: () => text.trim(), stop: () => stderr.off('data', hear).pause() };
}

/** bubblewrap writes one small JSON text about the sandbox, then waits on the block descriptor. */
function firstPid(proc: ChildProcess, exited: Promise<string>): Promise<number> {
  const info = pipes(proc)[FD.info] as Readable;
  let text = '';
  return new Promise<number>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('bubblewrap did not set the sandbox up in time')), SETUP);
    info.on('error', () => {});
    info.on('data', (chunk: Buffer) => {
      text = (text + chunk).slice(0, 4096);
      const pid = /"child-pid":\s*(\d+)[^}]*\}/.exec(text)?.[1];
      if (pid === undefined) return;
      clearTimeout(timer);
      info.destroy();
      resolve(Number(pid));
    });
    void exited.then((how) => {
      clearTimeout(timer);
      reject(new Error(`bubblewrap ended (${how})`));
    });
  });
}

/**
 * bubblewrap told a pid of the outer pid namespace. The same process as the host counts it: watcher, first process
 * outside, watcher, first process inside, each the only child of the one before.
 */
function hostPid(watcher: number, told: number): number {
  let pid = watcher;
  for (let generation = 0; generation < 3; generation++) {
    const [only, ...more] = children(pid);
    if (only === undefined || more.length > 0) throw new Error('the processes of the sandbox cannot be told apart');
    pid = only;
  }
  const numbers = /^NSpid:\s*(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]?.split(/\s+/);
  if (numbers?.at(-2) !== String(told)) throw new Error('the processes of the sandbox cannot be told apart');
  return pid;
}

function run([file, ...args]: readonly [string, ...string[]]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(file, args, { env: {}, timeout: SETUP }, (error, _out, talk) =>
      error ? reject(new Error(`${file} failed: ${talk.slice(0, 512).trim()}`)) : resolve(),
    );
  });
}

function child(proc: ChildProcess, pid: number, group: Group, exited: Promise<string>): Child {
  let alive = true;
  const born = stat(pid)?.born;
  const ended = exited.then(async (how) => {
    alive = false;
    // bubblewrap leaves as soon as the server has; what the server started dies with the namespace a moment later.
    for (let wait = 1; stat(pid)?.born === born && born !== undefined; wait = Math.min(2 * wait, 100)) {
      signal(pid, 'SIGKILL');
      await pause(wait);
    }
    await group.remove();
    return how;
  });
  proc.stdin!.on('error', () => {}); // EPIPE of a server that is gone; `ended` tells
  // The first process of a pid namespace takes all others along: it is a zombie only after the last of them.
  const kill = () => {
    if (!alive) return;
    if (!signal(pid, 'SIGKILL')) proc.kill('SIGKILL');
  };
  return {
    stdin: proc.stdin!,
    stdout: proc.stdout!,
    stderr: proc.stderr!,
    pid,
    inForce: group.inForce,
    ended,
    kill,
    async end(grace) {
      proc.stdin!.end();
      if (!(await within(ended, grace))) {
        // The namespace's first process ignores SIGTERM by kernel rule: the server is its child.
        for (const server of children(pid)) if (alive) signal(server, 'SIGTERM');
        if (!(await within(ended, grace))) kill();
      }
      return ended;
    },
  };
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

/** Start time of a process, which tells it from a later one of the same number. Undefined when it is gone or a zombie. */
function stat(pid: number): { born: string } | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : { born: fields[19]! };
  } catch {
    return undefined;
  }
}

function children(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Whether it settled within `ms`. */
async function within(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), ms)));
  const done = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return done;
}
