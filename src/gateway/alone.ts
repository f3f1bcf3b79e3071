/** Halts while no gateway runs: by the owner of the state folder for that moment, written into the same audit log. */
import type { Clock, Random } from '../core/state.ts';
import { openKeys } from '../secrets/keyring.ts';
import { openStateFolder } from '../store/folder.ts';
import { tryOwn } from '../store/owner.ts';
import { createPrivate, readPrivate, replacePrivate } from '../store/private.ts';
import { openSiteAudit } from './audit.ts';
import { type Halts, openHalts } from './halts.ts';

/** Undefined when another process owns the folder `dir`. The log is durable when this resolves. */
export async function haltsAlone<T>(
  dir: string,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  work: (halts: Halts) => T,
): Promise<T | undefined> {
  const folder = openStateFolder(dir);
  const owner = tryOwn(folder.root);
  if (!owner) return undefined;
  try {
    const files = { read: readPrivate, create: createPrivate, replace: replacePrivate };
    const keys = openKeys(folder.keys, { files, clock, random });
    const audit = await openSiteAudit(folder.audit, keys, { clock, random });
    try {
      return work(openHalts({ dir: folder.root, files, clock, log: audit }));
    } finally {
      await audit.close();
    }
  } finally {
    owner.release();
  }
}
