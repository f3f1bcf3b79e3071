/**
 * What is done by hand while no gateway runs: by the owner of the state folder for that moment, written into the same
 * audit log.
 */

import type { Log } from '../core/ports.ts';
import type { Clock, Random } from '../core/state.ts';
import { openKeys } from '../secrets/keyring.ts';
import { openStateFolder } from '../store/folder.ts';
import { tryOwn } from '../store/owner.ts';
import { createPrivate, readPrivate, replacePrivate } from '../store/private.ts';
import { openSiteAudit } from './audit.ts';
import { type Halts, openHalts } from './halts.ts';

export interface At {
  readonly clock: Clock;
  readonly random: Random;
}

const files = { read: readPrivate, create: createPrivate, replace: replacePrivate };

/** Undefined when another process owns the folder `dir`. The log is durable when this resolves. */
export function haltsAlone<T>(dir: string, at: At, work: (halts: Halts) => T): Promise<T | undefined> {
  return alone(dir, at, (log, root) => work(openHalts({ dir: root, files, clock: at.clock, log })));
}

/** The same, for whatever needs the log. */
export async function alone<T>(
  dir: string,
  { clock, random }: At,
  work: (log: Log, root: string) => T,
): Promise<T | undefined> {
  const folder = openStateFolder(dir);
  const owner = tryOwn(folder.root);
  if (!owner) return undefined;
  try {
    const keys = openKeys(folder.keys, { files, clock, random });
    const audit = await openSiteAudit(folder.audit, keys, { clock, random });
    try {
      return work(audit, folder.root);
    } finally {
      await audit.close();
    }
  } finally {
    owner.release();
  }
}
