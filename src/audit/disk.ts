/** What the log needs of a disk. Injected, so that tests can make it fail. Calls back from the thread pool. */
import * as fs from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

export type Done = (error: Error | null) => void;

export interface AppendFile {
  /** Calls back when every byte is with the kernel. */
  write(bytes: Uint8Array, done: Done): void;
  /** Calls back when every byte written so far is on the disk. */
  sync(done: Done): void;
  /** Write and sync of these bytes in one visit to the thread pool (O_DSYNC), where the platform has it. */
  writeDurable?: ((bytes: Uint8Array, done: Done) => void) | undefined;
  close(): Promise<void>;
}

export interface Disk {
  /** Appends to a file of mode 0600. A new one must not exist yet, and its name is durable before this resolves. */
  append(path: string, fresh: boolean): Promise<AppendFile>;
  /** Puts a whole new file in the place of an old one, durably. */
  replace(path: string, content: string | Uint8Array): Promise<void>;
}

export const DISK: Disk = {
  async append(path, fresh) {
    const fd = await opened(path, fresh ? 'ax' : 'a');
    if (fresh) await syncFolder(dirname(path));
    const { O_APPEND, O_WRONLY, O_DSYNC } = fs.constants;
    const durable = O_DSYNC === undefined ? undefined : await opened(path, O_APPEND | O_WRONLY | O_DSYNC);
    return {
      write: (bytes, done) => writeAll(fd, bytes, 0, done),
      sync: (done) => fs.fdatasync(fd, done),
      ...(durable !== undefined && { writeDurable: (bytes, done) => writeAll(durable, bytes, 0, done) }),
      async close() {
        await closed(fd);
        if (durable !== undefined) await closed(durable);
      },
    };
  },
  async replace(path, content) {
    const part = `${path}.part`;
    const file = await open(part, 'w', 0o600);
    try {
      await file.writeFile(content);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(part, path);
    await syncFolder(dirname(path));
  },
};

function opened(path: string, flags: string | number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.open(path, flags, 0o600, (error, fd) => (error ? reject(error) : resolve(fd)));
  });
}

function closed(fd: number): Promise<void> {
  return new Promise((resolve, reject) => fs.close(fd, (error) => (error ? reject(error) : resolve())));
}

/** A write may take less than it was given: the last byte of a full disk, for one. */
function writeAll(fd: number, bytes: Uint8Array, from: number, done: Done): void {
  fs.write(fd, bytes, from, bytes.length - from, null, (error, written) => {
    if (error) done(error);
    else if (from + written >= bytes.length) done(null);
    else writeAll(fd, bytes, from + written, done);
  });
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
