/**
 * Files and folders of this user alone. What others could read or write is refused, never repaired in silence: by then
 * it may have been read. Faults name the path and the reason, never the content. Windows has no modes: only kinds are
 * checked there.
 */
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  type Stats,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

export class PrivateFault extends Error {
  override readonly name = 'PrivateFault';
  readonly path: string;
  readonly fix: string;
  constructor(path: string, message: string, fix: string) {
    super(`${path}: ${message}`);
    this.path = path;
    this.fix = fix;
  }
}

export interface ReadHow {
  /** Largest size in bytes. */
  readonly cap: number;
  /** Whether the last step of the path may be a link, as container secrets are. The file behind it is checked alike. */
  readonly links?: boolean;
}

/** The bytes, or undefined when there is no such file. Throws PrivateFault. */
export function readPrivate(path: string, how: ReadHow): Uint8Array | undefined {
  let fd: number;
  try {
    // Without O_NONBLOCK a pipe put there would hold the process.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | (how.links ? 0 : constants.O_NOFOLLOW));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP') throw new PrivateFault(path, 'is a link', 'put the file itself there');
    throw new PrivateFault(path, `cannot be opened (${code})`, 'check owner and mode of the file and its folders');
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new PrivateFault(path, 'is not a regular file', 'put a file there');
    checkOwner(path, stats, 'chmod 600');
    if (stats.size > how.cap)
      throw new PrivateFault(path, `is larger than ${how.cap} bytes`, 'this is not the right file');
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Makes a file of mode 0600, whole or not at all. False when the path is taken; then nothing was changed. */
export function createPrivate(path: string, bytes: Uint8Array): boolean {
  const part = write(path, bytes);
  try {
    linkSync(part, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(part);
  }
  syncFolder(dirname(path));
  return true;
}

/** Puts a new file of mode 0600 in the place of an old one: after a crash it is the one or the other. */
export function replacePrivate(path: string, bytes: Uint8Array): void {
  renameSync(write(path, bytes), path);
  syncFolder(dirname(path));
}

/** A folder of mode 0700, made with its parents when it is missing. Throws PrivateFault. */
export function privateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const stats = lstatSync(path);
  if (!stats.isDirectory()) throw new PrivateFault(path, 'is not a folder', 'name a folder');
  checkOwner(path, stats, 'chmod 700');
}

function checkOwner(path: string, stats: Stats, chmod: string): void {
  const uid = process.getuid?.();
  if (uid === undefined) return;
  if (stats.uid !== uid) throw new PrivateFault(path, 'belongs to another user', `chown ${uid} ${path}`);
  if ((stats.mode & 0o077) !== 0) throw new PrivateFault(path, 'is open to other users', `${chmod} ${path}`);
}

/** A durable file beside `path`. The process id keeps writers apart; a rest of a crash is overwritten. */
function write(path: string, bytes: Uint8Array): string {
  const part = `${path}.${process.pid}.part`;
  try {
    unlinkSync(part);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const fd = openSync(part, 'wx', 0o600);
  try {
    writeFileSync(fd, bytes);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  return part;
}

function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
