/** The state folder: everything that Doorward remembers on this machine, for this user alone. */
import { join } from 'node:path';
import type { Random } from '../core/state.ts';
import { base64url, fromBase64url } from '../lib/bytes.ts';
import { createPrivate, PrivateFault, privateFolder, readPrivate } from './private.ts';

export interface StateFolder {
  readonly root: string;
  /** The local caller's token. */
  readonly token: string;
  readonly keys: string;
  /** API keys, as digests. */
  readonly apiKeys: string;
  readonly vault: string;
  /** Where its key lies unless the configuration says otherwise. */
  readonly vaultKey: string;
  /** Which vault was the newest. */
  readonly vaultMark: string;
  readonly audit: string;
  readonly quarantine: string;
  readonly packages: string;
  /** Sessions that were ended and questions that were answered. */
  readonly ended: string;
  readonly ownerDb: string;
  readonly ownerSocket: string;
}

const TOKEN_BYTES = 32;

/** The paths alone; nothing is touched. */
export function stateFolder(root: string): StateFolder {
  return Object.freeze({
    root,
    token: join(root, 'token'),
    keys: join(root, 'keys.json'),
    apiKeys: join(root, 'apikeys.json'),
    vault: join(root, 'vault.json'),
    vaultKey: join(root, 'vault.key'),
    vaultMark: join(root, 'vault.mark'),
    audit: join(root, 'audit'),
    quarantine: join(root, 'quarantine'),
    packages: join(root, 'packages'),
    ended: join(root, 'ended'),
    ownerDb: join(root, 'owner.db'),
    ownerSocket: join(root, 'owner.sock'),
  });
}

/** Makes what is missing and checks what is there (mode 0700, own user). Throws PrivateFault. */
export function openStateFolder(root: string): StateFolder {
  const folder = stateFolder(root);
  for (const path of [folder.root, folder.audit, folder.quarantine, folder.packages]) privateFolder(path);
  return folder;
}

/** The token of the local caller: 32 random bytes as base64url, in a file of mode 0600 that is made at first use. */
export function callerToken(folder: StateFolder, random: Random): string {
  const path = folder.token;
  if (!readPrivate(path, { cap: 256 })) createPrivate(path, Buffer.from(`${base64url(random(TOKEN_BYTES))}\n`));
  const token = Buffer.from(readPrivate(path, { cap: 256 }) ?? [])
    .toString('latin1')
    .replace(/\r?\n$/, '');
  if (fromBase64url(token)?.length !== TOKEN_BYTES) {
    throw new PrivateFault(path, 'does not hold a token', `remove it: a new one is made at the next start`);
  }
  return token;
}
