/**
 * Looks after single files by their stamps, a few times a second. Events of the file system miss what secrets in
 * containers do: folders that are links to folders, mounted anew.
 */
import { statSync } from 'node:fs';

/** Milliseconds between two looks. */
const EVERY = 200;

/** Calls `changed` once the files look different from when this was called, and have done so for two looks. */
export function watchFiles(paths: readonly string[], changed: () => void): { close(): void } {
  let known = stamps(paths);
  let last = known;
  const timer = setInterval(() => {
    const now = stamps(paths);
    const quiet = now === last;
    last = now;
    if (!quiet || now === known) return;
    known = now;
    changed();
  }, EVERY);
  timer.unref();
  return { close: () => clearInterval(timer) };
}

function stamps(paths: readonly string[]): string {
  return paths.map(stamp).join(' ');
}

/** Another text when another file is there, or the same one was written. */
export function stamp(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return `${dev}.${ino}.${size}.${mtimeNs}.${ctimeNs}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? '-';
  }
}
