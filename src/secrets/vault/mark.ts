/**
 * Which vault was the newest: its number and digest in a file of their own, sealed by the key ring. An old vault that is
 * put back opens with the old key, but it is not the one that was written last (guarantee SE1). Whoever puts back the
 * mark too, or all of the state folder, is not noticed.
 */
import { z } from 'zod';
import type { Random } from '../../core/state.ts';
import { base64url, sha256 } from '../../lib/bytes.ts';
import { type KeyRing, open, seal } from '../../lib/seal.ts';
import type { PrivateFiles } from '../private.ts';
import { TamperedFault } from './file.ts';

export interface Mark {
  /** Of the vault. */
  readonly id: string;
  /** Counts its changes. */
  readonly revision: number;
  /** SHA-256 of its file, base64url; empty while there is none. */
  readonly digest: string;
}

export interface Marks {
  /** Undefined where there is none. Throws RollbackFault when it is not ours. */
  read(): Mark | undefined;
  write(mark: Mark): void;
}

/** The vault is not the one that was written last on this machine. */
export class RollbackFault extends TamperedFault {
  override readonly fix =
    'bring the newest copy back; if you have restored an older one yourself: doorward secret accept-restore';
}

const CONTEXT = 'vault.mark';
const CAP = 4096;
const schema = z.strictObject({ id: z.string(), revision: z.int().min(0), digest: z.string() });

export interface MarkWorld {
  readonly files: PrivateFiles;
  readonly random: Random;
  /** Opened when it is needed. */
  readonly ring: () => KeyRing;
}

export function markFile(path: string, { files, random, ring }: MarkWorld): Marks {
  return {
    read() {
      const bytes = files.read(path, { cap: CAP });
      if (bytes === undefined) return undefined;
      const plain = open(ring(), CONTEXT, Buffer.from(bytes).toString('latin1').trim());
      if (plain === undefined) throw new RollbackFault(`${path}: was changed, or is sealed by other keys`);
      return schema.parse(JSON.parse(Buffer.from(plain).toString()));
    },
    write(mark) {
      files.replace(path, Buffer.from(`${seal(ring(), CONTEXT, Buffer.from(JSON.stringify(mark)), random)}\n`));
    },
  };
}

export function digestOf(file: Uint8Array): string {
  return base64url(sha256(file));
}

/** Throws RollbackFault unless the vault is the one that was marked, or a later one. */
export function follows(
  { id, revision, marked }: { readonly id: string; readonly revision: number; readonly marked: boolean },
  digest: string,
  mark: Mark | undefined,
  path: string,
): void {
  // A vault of a Doorward that kept no marks has none.
  if (mark === undefined && !marked) return;
  if (mark === undefined) throw new RollbackFault(`${path}: what says which vault is the newest is gone`);
  if (id !== mark.id) throw new RollbackFault(`${path}: is another vault than the one that was last used here`);
  if (revision < mark.revision)
    throw new RollbackFault(
      `${path}: is an older vault (change ${revision}) than the newest (change ${mark.revision})`,
    );
  if (revision === mark.revision && mark.digest !== '' && digest !== mark.digest)
    throw new RollbackFault(`${path}: is another vault than the newest, of the same number of changes (${revision})`);
}
