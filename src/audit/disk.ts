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
    const fd = await new Promise<number>((resolve, reject) => {
      fs.open(path, fresh ? 'ax' : 'a', 0o600, (error, opened) => (error ? reject(error) : resolve(opened)));
    });
    if (fresh) await syncFolder(dirname(path));
    return {
      write: (bytes, done) => writeAll(fd, bytes, 0, done),
      sync: (done) => fs.fdatasync(fd, done),
      close: () => new Promise((resolve, reject) => fs.close(fd, (error) => (error ? reject(error) : resolve()))),
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
