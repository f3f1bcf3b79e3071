/** The vault of a site: its file, its key as configured, one change at a time over all processes. */
import { join, resolve } from 'node:path';
import type { Clock, Random } from '../core/state.ts';
import type { KeyRing } from '../lib/seal.ts';
import { openKeys } from '../secrets/keyring.ts';
import type { PrivateFiles } from '../secrets/private.ts';
import { markFile } from '../secrets/vault/mark.ts';
import { givenKeys, keyFile, passphrase, type Unlock, UnlockFault } from '../secrets/vault/master.ts';
import { Vault } from '../secrets/vault/vault.ts';
import { stateFolder } from '../store/folder.ts';
import { tryOwn } from '../store/owner.ts';
import type { Site } from './site.ts';
import { stamp } from './watch.ts';

export interface VaultPlace {
  readonly files: PrivateFiles;
  readonly clock: Clock;
  readonly random: Random;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What a person typed; throws when there was nobody to ask. */
  readonly passphrase: (why: 'open' | 'new') => string;
}

/** For where nobody can be asked. */
export function nobody(): never {
  throw new UnlockFault(
    'the vault needs a passphrase',
    'start the gateway at a terminal, or unlock by keyfile or systemd',
  );
}

/** Opens nothing yet. The state folder must be there before something is written. */
export function siteVault(site: Site, place: VaultPlace): Vault {
  const { vault, vaultMark, keys, root } = stateFolder(site.stateDir);
  let ring: KeyRing | undefined;
  return new Vault(vault, {
    files: place.files,
    stamp,
    clock: place.clock,
    random: place.random,
    unlock: unlockOf(site, place),
    marks: markFile(vaultMark, { ...place, ring: () => (ring ??= openKeys(keys, place)) }),
    lock: () => tryOwn(root, 'vault.db'),
    wait: (ms) => new Promise((done) => setTimeout(done, ms)),
  });
}

/** What is there is opened by what it was sealed with; what is new is sealed as the configuration says. */
function unlockOf({ config, dir, stateDir }: Site, place: VaultPlace): Unlock {
  const { unlock, keyfile, systemd } = config.secrets;
  const folder = place.env['CREDENTIALS_DIRECTORY'];
  const file = keyfile === undefined ? stateFolder(stateDir).vaultKey : resolve(dir, keyfile);
  const typed = passphrase(place.passphrase, place.random);
  const keys = unlock === 'systemd' ? handedOver(folder, systemd, place) : keyFile(file, place);
  return {
    open: (lock) => (lock.kind === 'passphrase' ? typed : keys).open(lock),
    fresh: (inUse) => (unlock === 'passphrase' ? typed : keys).fresh(inUse),
    settled: (master) => (unlock === 'passphrase' ? typed : keys).settled(master),
  };
}

function handedOver(folder: string | undefined, name: string, { files }: VaultPlace): Unlock {
  const missing = () =>
    new UnlockFault('no credential of systemd is here', `add LoadCredential=${name}:/path/of/the/key to the unit`);
  if (folder !== undefined) return givenKeys(join(folder, name), { files });
  return {
    open() {
      throw missing();
    },
    fresh() {
      throw missing();
    },
    settled() {},
  };
}
