/** What this machine offers a sandbox: its programs, the Node runtime and its libraries, the means for caps. */
import { existsSync, openSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { findGroups, type Groups } from './cgroups.ts';
import type { Bind, Drop, Tools } from './sandbox/bubblewrap.ts';
import { type Arch, seccomp } from './sandbox/seccomp.ts';

export interface Machine {
  readonly tools: Tools & { readonly prlimit: string };
  readonly drop: Drop;
  /** The Node binary and its shared libraries, nothing else of `/usr`. */
  readonly runtime: readonly Bind[];
  readonly filter: Uint8Array;
  readonly groups: Groups;
  readonly home: string;
  /** Environment of the launcher, never of the sandbox: what systemd-run needs to reach the user's manager. */
  readonly launchEnv: Readonly<Record<string, string>>;
}

/** A sandbox cannot be made here. `fix` says what to install. */
export class NoSandbox extends Error {
  readonly fix: string;
  constructor(message: string, fix: string) {
    super(message);
    this.fix = fix;
  }
}

const FOLDERS = ['/usr/bin', '/bin', '/usr/local/bin', '/run/current-system/sw/bin'];
const PACKAGE: Readonly<Record<string, string>> = { bwrap: 'bubblewrap', setpriv: 'util-linux', prlimit: 'util-linux' };
export const NODE = '/runtime/node';

/** Throws NoSandbox. `groups` replaces the search for cgroups (tests of a single means). */
export function thisMachine(groups?: Groups): Machine {
  if (process.platform !== 'linux')
    throw new NoSandbox(`no sandbox for ${process.platform} yet`, 'run Doorward on Linux, or in a Linux container');
  if (process.arch !== 'x64' && process.arch !== 'arm64')
    throw new NoSandbox(`no seccomp table for ${process.arch}`, 'use x64 or arm64');
  const root = process.getuid!() === 0;
  if (root && !canKill())
    throw new NoSandbox(
      'root without CAP_KILL could not end what it started',
      'run as an ordinary user, or keep CAP_KILL',
    );
  return {
    tools: { bwrap: find('bwrap'), prlimit: find('prlimit'), setpriv: root ? find('setpriv') : '' },
    drop: root ? 'nobody' : 'self',
    runtime: [{ source: realpathSync(process.execPath), target: NODE }, ...libraries()],
    filter: seccomp(process.arch satisfies Arch),
    groups:
      groups ??
      findGroups({ ...systemdHere(root), membership: membership(), root: '/sys/fs/cgroup', pid: process.pid }),
    home: homedir(),
    launchEnv: Object.fromEntries(
      ['XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS'].flatMap((name) =>
        process.env[name] === undefined ? [] : [[name, process.env[name]]],
      ),
    ),
  };
}

/** CAP_KILL (5) among the effective capabilities. */
function canKill(): boolean {
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return mask !== undefined && ((BigInt(`0x${mask}`) >> 5n) & 1n) === 1n;
}

function find(program: string): string {
  const found = FOLDERS.map((folder) => join(folder, program)).find((path) => existsSync(path));
  if (found === undefined) throw new NoSandbox(`${program} was not found`, `install ${PACKAGE[program]}`);
  return found;
}

/** The shared libraries that this very binary has loaded, from the system's library folders. */
function libraries(): Bind[] {
  const report = process.report as typeof process.report & { excludeNetwork: boolean };
  report.excludeNetwork = true; // no DNS look-ups for a list of files
  const { sharedObjects } = report.getReport() as unknown as { sharedObjects: string[] };
  return sharedObjects
    .filter((file) => /^\/(usr\/)?lib(64|32)?\//.test(file))
    .map((file) => ({ source: realpathSync(file), target: file }));
}

function membership(): string {
  try {
    return readFileSync('/proc/self/cgroup', 'utf8');
  } catch {
    return '';
  }
}

function systemdHere(root: boolean): { systemd?: { run: string; user: boolean } } {
  if (!existsSync('/run/systemd/system')) return {};
  const run = FOLDERS.map((folder) => join(folder, 'systemd-run')).find((path) => existsSync(path));
  if (run === undefined || (!root && process.env.XDG_RUNTIME_DIR === undefined)) return {};
  return { systemd: { run, user: !root } };
}

/**
 * File descriptors that this process inherited without close-on-exec. Node sets the flag on its own; these would
 * leak into every child, so they are covered with /dev/null.
 */
export function leaks(): number[] {
  return readdirSync('/proc/self/fd')
    .map(Number)
    .filter((fd) => {
      if (fd <= 2) return false;
      try {
        const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
        return flags !== undefined && (Number.parseInt(flags, 8) & 0o2000000) === 0;
      } catch {
        return false;
      }
    });
}

/** Whether a user without any rights of its own can open the path: every parent folder and the thing itself. */
export function openToAll(path: string): boolean {
  const mode = (one: string) => statSync(one).mode;
  if ((mode(path) & 0o4) === 0) return false;
  if (statSync(path).isDirectory() && (mode(path) & 0o1) === 0) return false;
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if ((mode(folder) & 0o1) === 0) return false;
    if (folder === '/') return true;
  }
}

let nothing: number | undefined;
/** One descriptor of /dev/null for the whole process. */
export function devNull(): number {
  nothing ??= openSync('/dev/null', 'r+');
  return nothing;
}
