/** Which folders of the host a reviewed `mounts:` line may hand to a sandbox (guarantee IS1). Pure: paths in, verdict out. */
import { isAbsolute, normalize, resolve, sep } from 'node:path';

/** A folder or file of the host as the sandbox sees it. */
export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly write: boolean;
}

/** Places inside that belong to the sandbox itself. */
const TAKEN = ['/', '/proc', '/dev', '/tmp', '/run', '/sys', '/usr', '/lib', '/lib64', '/bin', '/sbin', '/etc'];
const OWN = ['/runtime', '/package'];

/** Never handed over, neither themselves, nor anything in them. */
const CLOSED = [
  '/proc',
  '/sys',
  '/dev',
  '/etc',
  '/boot',
  '/root',
  '/run',
  '/var/run',
  '/var/lib/docker',
  '/var/lib/kubelet',
];
/** Never handed over whole: too much lies in them. */
const WIDE = ['/', '/home', '/usr', '/var', '/var/lib', '/opt', '/srv', '/tmp', '/mnt', '/media', '/Users'];
/** Names of folders and files that hold credentials, wherever they lie. */
const SECRET = new Set(
  [
    '.ssh .gnupg .aws .azure .gcloud .kube .docker .password-store .git-credentials',
    '.netrc .npmrc .pypirc .pgpass .my.cnf .vault-token .doorward keyrings',
    'docker.sock containerd.sock crio.sock podman.sock',
  ].flatMap((line) => line.split(' ')),
);
const SECRET_TAILS = ['.config/gcloud', '.config/gh', '.config/op', '.local/share/keyrings'];

const within = (path: string, folder: string) =>
  path === folder || path.startsWith(folder === '/' ? '/' : folder + sep);

/**
 * The reason to refuse, or undefined. `source` is absolute with symbolic links resolved; `home` is the home folder
 * of the user that runs the gateway: parts of it may be mounted, all of it may not.
 */
export function refuseMount({ source, target }: Mount, home: string): string | undefined {
  if (WIDE.includes(source) || source === home) return 'the folder is too wide to hand over';
  if (source.includes('\0') || target.includes('\0')) return 'the path holds a NUL';
  // As root the home folder lies in /root: a folder of its own making in there is closed all the same.
  if (CLOSED.some((folder) => within(source, folder))) return 'the folder belongs to the system';
  if (within(home, source)) return 'the folder holds the whole home folder';
  const parts = source.split(sep);
  if (parts.some((part) => SECRET.has(part))) return 'the path holds credentials or a control socket';
  if (SECRET_TAILS.some((tail) => `${source}/`.includes(`/${tail}/`))) return 'the path holds credentials';
  if (!isAbsolute(target) || normalize(target) !== target || target.endsWith('/'))
    return 'the place inside must be absolute and plain';
  if (TAKEN.includes(target) || [...OWN, ...TAKEN.slice(1)].some((own) => within(target, own)))
    return 'the place inside belongs to the sandbox';
  return undefined;
}

/** `./notes: /data` or `./notes: /data:rw`. The source is made absolute against the folder of the configuration. */
export function parseMount(source: string, target: string, configDir: string): Mount {
  const write = target.endsWith(':rw');
  return {
    source: resolve(configDir, source),
    target: write ? target.slice(0, -3) : target.endsWith(':ro') ? target.slice(0, -3) : target,
    write,
  };
}
