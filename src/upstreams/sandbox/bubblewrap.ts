/**
 * The command line of one sandbox: argv only, no shell, no I/O (guarantee IS1). What may be secret (environment)
 * or long (mounts) travels over a file descriptor, so that `ps` shows nothing of it.
 */

/** One thing of the host that the sandbox sees. Absolute paths. */
export interface Bind {
  readonly source: string;
  readonly target: string;
  readonly write?: boolean;
}

/** File descriptors of the child, in order; 0 to 2 are its stdio. */
export const FD = { args: 3, seccomp: 4, info: 5, block: 6 } as const;

export interface Box {
  readonly binds: readonly Bind[];
  /** Program and arguments as seen inside. */
  readonly command: readonly string[];
  readonly cwd: string;
  /** The whole environment inside. */
  readonly env: Readonly<Record<string, string>>;
  /** Memory of the sandbox in bytes; scratch space is half of it. */
  readonly memory: number;
}

export interface Tools {
  readonly bwrap: string;
  readonly setpriv: string;
}

/** Whom the sandbox runs as on the host: `self` for an unprivileged gateway, `nobody` when the gateway is root. */
export type Drop = 'self' | 'nobody';

const RUN_BYTES = 1 << 20;
const SHM_BYTES = 1 << 20;

/** What bubblewrap reads from `FD.args`: NUL-separated options. Throws on a NUL inside one. */
export function options(box: Box): Uint8Array {
  const scratch = Math.floor(box.memory / 2) - RUN_BYTES - SHM_BYTES;
  const list = [
    ['--unshare-all', '--unshare-user', '--disable-userns'],
    ['--uid', '65534', '--gid', '65534'],
    ['--hostname', 'sandbox'],
    ['--die-with-parent', '--new-session'],
    ['--cap-drop', 'ALL'],
    ['--clearenv'],
    ...Object.entries(box.env).map(([name, value]) => ['--setenv', name, value]),
    ...box.binds.map(bind),
    ['--proc', '/proc'],
    ['--dev', '/dev'],
    tmpfs('/dev/shm', SHM_BYTES),
    ['--remount-ro', '/dev'],
    tmpfs('/tmp', scratch),
    tmpfs('/run', RUN_BYTES),
    ['--remount-ro', '/'],
    ['--chdir', box.cwd],
    ['--seccomp', String(FD.seccomp)],
    ['--info-fd', String(FD.info)],
    ['--block-fd', String(FD.block)],
  ].flat();
  if (list.some((item) => item.includes('\0'))) throw new RangeError('NUL in a sandbox option');
  return Buffer.from(list.map((item) => `${item}\0`).join(''));
}

const bind = ({ source, target, write }: Bind) => [write ? '--bind' : '--ro-bind', source, target];

/** bubblewrap gives `nosuid,nodev`; it has no way to add `noexec` (docs/controls/sandbox.md). */
const tmpfs = (path: string, bytes: number) => ['--perms', '1777', '--size', String(bytes), '--tmpfs', path];

/** The same command, as nobody when the gateway is root: user 65534 inside would else be root to the host's files. */
export function dropped(
  command: readonly [string, ...string[]],
  tools: Tools,
  drop: Drop,
): readonly [string, ...string[]] {
  if (drop === 'self') return command;
  const drops = '--reuid=nobody --regid=nogroup --clear-groups --no-new-privs --bounding-set=-all --pdeathsig=KILL';
  return [tools.setpriv, ...drops.split(' '), '--', ...command];
}

/**
 * The program to start and its arguments. `staged` are binds that nobody could not reach by path (a parent folder is
 * closed): an outer bubblewrap, still root and with no more than mounts and pids of its own, shows them under `/run`.
 */
export function commandLine(
  command: readonly string[],
  tools: Tools,
  drop: Drop,
  staged: readonly Bind[] = [],
): readonly [file: string, ...args: string[]] {
  const inner = dropped([tools.bwrap, '--args', String(FD.args), '--', ...command], tools, drop);
  if (staged.length === 0) return inner;
  // bubblewrap's watcher gives its capabilities up and could not signal nobody's processes when it dies; the first
  // process of a pid namespace is root's, and takes everything in it along.
  const outer = '--die-with-parent --unshare-pid --dev-bind / / --perms 0755 --tmpfs /run';
  return [tools.bwrap, ...outer.split(' '), ...staged.flatMap(bind), '--', ...inner];
}
