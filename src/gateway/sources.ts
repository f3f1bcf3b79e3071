/** What identities that rest on files and sockets may use of the world, and whom they tell of changes. */
import { readFileSync, statSync } from 'node:fs';
import type { Caller } from '../core/call.ts';
import type { Code } from '../core/codes/index.ts';
import type { Clock } from '../core/state.ts';
import type { Where } from '../identity/origin.ts';
import { MAX_BUNDLE } from '../identity/spiffe/bundle.ts';
import type { Json } from '../lib/json/types.ts';

export interface Sources {
  readonly clock: Clock;
  readonly where: Where;
  readonly event: (code: Code, data: Readonly<Record<string, Json>>) => void;
  /** Whose standing has gone. */
  readonly ended: (which: (caller: Caller) => boolean) => void;
  /** The authorities of trust bundles may be others. */
  readonly changed: () => void;
  /** A file that is no secret. Throws. */
  readonly read: (path: string) => Uint8Array;
  /** The secret behind a reference; relative paths start at `dir`. Throws. */
  readonly secret: (reference: string, dir: string) => string;
}

/** Files that are no secret. */
export function readPlain(path: string): Uint8Array {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats?.isFile()) throw new Error('is not a file that can be read');
  if (stats.size > MAX_BUNDLE) throw new Error('is over 1 MiB');
  return readFileSync(path);
}
