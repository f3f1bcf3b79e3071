import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';

/** The whole file or the old one, never half: written beside it, made durable, renamed. Keeps the mode of what it replaces. */
export function writeWhole(path: string, text: string, mode = 0o600): void {
  const beside = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  const file = openSync(beside, 'wx', existsSync(path) ? statSync(path).mode & 0o777 : mode);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
    closeSync(file);
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}
