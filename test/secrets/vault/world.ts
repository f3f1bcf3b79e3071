/** Vaults in a folder of their own. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stamp } from '../../../src/gateway/watch.ts';
import { openKeys } from '../../../src/secrets/keyring.ts';
import { markFile } from '../../../src/secrets/vault/mark.ts';
import { keyFile, type Unlock } from '../../../src/secrets/vault/master.ts';
import { Vault, type VaultWorld } from '../../../src/secrets/vault/vault.ts';
import { tryOwn } from '../../../src/store/owner.ts';
import { createPrivate, readPrivate, replacePrivate } from '../../../src/store/private.ts';

export const FILES = { read: readPrivate, create: createPrivate, replace: replacePrivate };
export const random = (n: number): Uint8Array => randomBytes(n);

export interface Place {
  readonly dir: string;
  readonly path: string;
  readonly key: string;
  open(over?: Partial<VaultWorld>): Vault;
  close(): void;
}

export function place(dir = mkdtempSync(join(tmpdir(), 'doorward-vault-'))): Place {
  const [path, key] = [join(dir, 'vault.json'), join(dir, 'vault.key')];
  const world = { files: FILES, clock: Date.now, random };
  const marks = markFile(join(dir, 'vault.mark'), { ...world, ring: () => openKeys(join(dir, 'keys.json'), world) });
  const unlock: Unlock = keyFile(key, { files: FILES, random });
  return {
    dir,
    path,
    key,
    open: (over = {}) =>
      new Vault(path, {
        files: FILES,
        stamp,
        clock: Date.now,
        random,
        unlock,
        marks,
        lock: () => tryOwn(dir, 'vault.db'),
        wait: (ms) => new Promise((done) => setTimeout(done, ms)),
        ...over,
      }),
    close: () => rmSync(dir, { recursive: true, force: true }),
  };
}
