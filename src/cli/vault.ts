/** The vault as a verb opens it: faults with their fix, and exit code 3 for a file that another hand changed. */
import { randomBytes } from 'node:crypto';
import type { Site } from '../gateway/site.ts';
import { siteVault } from '../gateway/vault.ts';
import { TamperedFault } from '../secrets/vault/file.ts';
import { UnlockFault } from '../secrets/vault/master.ts';
import { BusyFault, type Vault } from '../secrets/vault/vault.ts';
import { openStateFolder, stateFolder } from '../store/folder.ts';
import { createPrivate, PrivateFault, readPrivate, replacePrivate } from '../store/private.ts';
import { typed } from './hidden.ts';
import { EXIT, Trouble } from './terminal.ts';

export const FILES = { read: readPrivate, create: createPrivate, replace: replacePrivate };

/** What the vault of a site may need a person for is asked before it is opened. `anew`: a new key is wanted. */
export async function vaultOf(site: Site, use: 'read' | 'write' | 'anew'): Promise<Vault> {
  openStateFolder(site.stateDir);
  const said = await passphrases(site, use);
  return siteVault(site, {
    files: FILES,
    clock: Date.now,
    random: (n) => randomBytes(n),
    env: process.env,
    passphrase(why) {
      const text = said[why];
      if (text === undefined) throw new UnlockFault('the vault needs a passphrase', 'run this at a terminal');
      return text;
    },
  });
}

async function passphrases(site: Site, use: 'read' | 'write' | 'anew'): Promise<{ open?: string; new?: string }> {
  const kind = sealedBy(site);
  const open = kind === 'passphrase' ? await typed('passphrase of the vault: ') : undefined;
  const wanted =
    site.config.secrets.unlock === 'passphrase' && (use === 'anew' || (use === 'write' && kind === undefined));
  const fresh = wanted ? await typed('new passphrase of the vault: ') : undefined;
  if (fresh !== undefined && fresh.length < 12)
    throw new Trouble('the passphrase is too short', 'use 12 characters or more: five words are better than one');
  if (fresh !== undefined && (await typed('once more: ')) !== fresh)
    throw new Trouble('the two passphrases differ', 'try again');
  return { ...(open !== undefined && { open }), ...(fresh !== undefined && { new: fresh }) };
}

/** What the file says of its lock; nothing is believed of it before it is opened. */
function sealedBy(site: Site): string | undefined {
  const bytes = readPrivate(stateFolder(site.stateDir).vault, { cap: 64 << 20 });
  const said = bytes && /"kind": ?"(key|passphrase)"/.exec(Buffer.from(bytes.subarray(0, 512)).toString('latin1'));
  return bytes && (said?.[1] ?? 'key');
}

/** What is wrong, with its fix. */
export async function told<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TamperedFault) throw new Trouble(error.message, error.fix, EXIT.tampered);
    const known = error instanceof UnlockFault || error instanceof BusyFault || error instanceof PrivateFault;
    throw known ? new Trouble(error.message, error.fix) : error;
  }
}
