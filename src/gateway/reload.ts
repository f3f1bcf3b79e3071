/** Looks after the files of a site: a good change takes force, a bad one changes nothing and is told. */
import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

export interface Reload {
  reload(): Promise<void>;
  refused(error: Error): void;
}

/** Editors write in several steps: wait until it has been quiet for so long, in milliseconds. */
const QUIET = 150;

export function watchSite(file: string, { reload, refused }: Reload): { close(): void } {
  const dir = dirname(resolve(file));
  const mine = new Set([basename(file), 'doorward.lock']);
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  const soon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      running = running
        .then(reload)
        .catch((error: unknown) => refused(error instanceof Error ? error : new Error(String(error))));
    }, QUIET);
  };
  const watchers: FSWatcher[] = [];
  const look = (path: string, wanted: (name: string) => boolean): void => {
    try {
      const watcher = watch(path, { persistent: false }, (_event, name) => {
        if (name !== null && wanted(name)) soon();
      });
      watcher.on('error', () => {});
      watchers.push(watcher);
    } catch {
      // No such folder: nothing to look after. It is found at the next start.
    }
  };
  look(dir, (name) => mine.has(name));
  look(join(dir, 'policies'), (name) => name.endsWith('.cedar'));
  return {
    close() {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}
