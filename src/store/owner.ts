/**
 * One owner for a state folder. The lock is SQLite's exclusive lock on `owner.db`: POSIX advisory locks on Unix,
 * LockFileEx on Windows. The kernel drops it with the process, also under kill -9, so there is no stale lock to guess
 * about and no process id to compare. Not for network file systems.
 */
import { closeSync, lstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const FILE = 'owner.db';
/** Primary result code of "another connection holds the lock" (sqlite.org/rescode.html#busy). */
const SQLITE_BUSY = 5;

export interface Owner {
  /** Gives the folder free. Harmless when called again. */
  release(): void;
}

/**
 * The lock on the state folder `dir`, or on what another `file` in it stands for; undefined while another process (or
 * another holder in this one) has it.
 * Throws when the folder cannot be used at all.
 */
export function tryOwn(dir: string, file = FILE): Owner | undefined {
  const path = join(dir, file);
  create(path);
  // Opened once and by SQLite alone: closing any other descriptor of the file would drop the lock of this process.
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (busy(error)) return undefined;
    throw error;
  }
  return {
    release() {
      if (db.isOpen) db.close();
    },
  };
}

/** Makes the file for this user alone. `wx` opens nothing that exists, so a lock already held here is not touched. */
function create(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (!lstatSync(path).isFile()) throw new Error(`${path} is not a regular file`);
  }
}

function busy(error: unknown): boolean {
  return ((error as { errcode?: number }).errcode ?? 0) % 256 === SQLITE_BUSY;
}
