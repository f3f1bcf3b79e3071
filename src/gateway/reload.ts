/** Looks after the files of a site: a good change takes force, a bad one changes nothing and is told. */
import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

export interface Reload {
  reload(): Promise<void>;
  refused(error: Error): void;
}

/** Editors write in several steps: wait until it has been quiet for so long, in milliseconds. */
const QUIET = 150;
const POLICIES = 'policies';

export function watchSite(file: string, { reload, refused }: Reload): { close(): void } {
  const dir = dirname(resolve(file));
  const mine = new Set([basename(file), 'doorward.lock', POLICIES]);
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
  let inner = look(join(dir, POLICIES), (name) => name.endsWith('.cedar'), soon);
  const outer = look(
    dir,
    (name) => mine.has(name),
    (name) => {
      if (name === POLICIES) {
        // Made, or replaced by another: what was watched may be gone.
        inner?.close();
        inner = look(join(dir, POLICIES), (policy) => policy.endsWith('.cedar'), soon);
      }
      soon();
    },
  );
  return {
    close() {
      clearTimeout(timer);
      inner?.close();
      outer?.close();
    },
  };
}

/** Undefined where there is no such folder. */
function look(dir: string, wanted: (name: string) => boolean, changed: (name: string) => void): FSWatcher | undefined {
  try {
    const watcher = watch(dir, { persistent: false }, (_event, name) => {
      if (name !== null && wanted(name)) changed(name);
    });
    return watcher.on('error', () => {});
  } catch {
    return undefined;
  }
}
