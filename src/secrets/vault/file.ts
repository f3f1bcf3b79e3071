/**
 * The file of the vault (guarantee SE1). Each value is sealed by AES-256-GCM (NIST SP 800-38D) with a random nonce, bound
 * to vault, kind, tenant, name, version and time: moved to another place it does not open. A MAC over the whole (HMAC,
 * RFC 2104) shows entries that were taken out, put back or put in another order. Both keys are derived from the master
 * key (HKDF, RFC 5869).
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto';
import { z } from 'zod';
import type { Random } from '../../core/state.ts';
import { base64url, equal, fromBase64url } from '../../lib/bytes.ts';
import type { Lock, Master } from './master.ts';

/** Not what this vault wrote: edited, cut, or put together from parts. Says where, never what. */
export class TamperedFault extends Error {
  override readonly name = 'TamperedFault';
  readonly fix: string = 'bring back a copy that is whole; what the vault held counts as lost until then';
}

export type EntryKind = 'secret' | 'token' | 'client';

/** What is written in the clear about an entry. */
export interface Label {
  readonly kind: EntryKind;
  /** `*` = for every tenant. */
  readonly tenant: string;
  readonly name: string;
  /** Counts from 1. */
  readonly version: number;
  /** Milliseconds since the epoch. */
  readonly created: number;
}
export interface Entry extends Label {
  readonly sealed: string;
}
export interface Content {
  readonly id: string;
  readonly lock: Lock;
  /** Counts changes. */
  readonly revision: number;
  /** Whether a mark was kept when it was written. */
  readonly marked: boolean;
  readonly entries: readonly Entry[];
}

/** The keys that a master key stands for in one vault. */
export interface VaultKeys {
  readonly entries: Uint8Array;
  readonly file: Uint8Array;
}

const NONCE = 12;
const TAG = 16;
export const MAX_ENTRIES = 20_000;
export const MAX_FILE = 64 << 20;

const text = (max: number) => z.string().min(1).max(max);
const kid = z.string().regex(/^[0-9a-f]{16}$/);
const schema = z.strictObject({
  /** 2: a mark is kept beside it, which says that it is the newest. */
  v: z.union([z.literal(1), z.literal(2)]),
  id: z.string().regex(/^[A-Za-z0-9_-]{22}$/),
  lock: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('key'), kid }),
    z.strictObject({ kind: z.literal('passphrase'), kid, salt: z.string().regex(/^[A-Za-z0-9_-]{22}$/) }),
  ]),
  revision: z.int().min(1),
  entries: z
    .array(
      z.strictObject({
        kind: z.enum(['secret', 'token', 'client']),
        tenant: text(256),
        name: text(256),
        version: z.int().min(1),
        created: z.int().min(0),
        sealed: text(1 << 20),
      }),
    )
    .max(MAX_ENTRIES),
  mac: z.string(),
});

export function keysOf(master: Master, id: string): VaultKeys {
  const derive = (use: string) => new Uint8Array(hkdfSync('sha256', master.key, id, `doorward.vault.1 ${use}`, 32));
  return { entries: derive('entries'), file: derive('file') };
}

/** The form of a file, before its MAC was asked: what it says of its lock may be used to find the key, nothing else. */
export function parse(bytes: Uint8Array, path: string): Content & { readonly mac: string } {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new TamperedFault(`${path}: not JSON`);
  }
  const { data, error } = schema.safeParse(value);
  if (error)
    throw new TamperedFault(`${path}: not a vault, at ${error.issues[0]?.path.slice(0, 3).join('.') || 'the top'}`);
  const { v, ...content } = data;
  return { ...content, marked: v === 2 };
}

/** Throws TamperedFault unless the file is as it was written. */
export function verify(
  { mac, ...content }: Content & { readonly mac: string },
  keys: VaultKeys,
  path: string,
): Content {
  if (!equal(mac, macOf(content, keys))) throw new TamperedFault(`${path}: was changed by another hand`);
  return content;
}

export function print(content: Content, keys: VaultKeys): Uint8Array {
  const { id, lock, revision, marked, entries } = content;
  return Buffer.from(
    `${JSON.stringify({ v: marked ? 2 : 1, id, lock, revision, entries, mac: macOf(content, keys) }, null, 1)}\n`,
  );
}

function macOf({ id, lock, revision, marked, entries }: Content, { file }: VaultKeys): string {
  const parts = entries.map(({ kind, tenant, name, version, created, sealed }) => [
    kind,
    tenant,
    name,
    version,
    created,
    sealed,
  ]);
  const how = lock.kind === 'key' ? [lock.kind, lock.kid] : [lock.kind, lock.kid, lock.salt];
  const whole = JSON.stringify([marked ? 'doorward.vault.2' : 'doorward.vault.1', id, how, revision, parts]);
  return createHmac('sha256', file).update(whole).digest('base64url');
}

export function sealEntry(id: string, label: Label, plain: Uint8Array, keys: VaultKeys, random: Random): Entry {
  const nonce = random(NONCE);
  const cipher = createCipheriv('aes-256-gcm', keys.entries, nonce, { authTagLength: TAG });
  cipher.setAAD(bound(id, label));
  const sealed = base64url(Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]));
  return { ...label, sealed };
}

/** Throws TamperedFault. */
export function openEntry(id: string, { sealed, ...label }: Entry, keys: VaultKeys): Buffer {
  const bytes = fromBase64url(sealed);
  const broken = () => new TamperedFault(`the entry ${JSON.stringify(label.name.slice(0, 64))} does not open`);
  if (!bytes || bytes.length < NONCE + TAG) throw broken();
  const decipher = createDecipheriv('aes-256-gcm', keys.entries, bytes.subarray(0, NONCE), { authTagLength: TAG });
  decipher.setAAD(bound(id, label));
  decipher.setAuthTag(bytes.subarray(-TAG));
  const plain = decipher.update(bytes.subarray(NONCE, -TAG));
  try {
    return Buffer.concat([plain, decipher.final()]);
  } catch {
    throw broken();
  }
}

function bound(id: string, { kind, tenant, name, version, created }: Label): Buffer {
  return Buffer.from(JSON.stringify(['doorward.vault.1', id, kind, tenant, name, version, created]));
}
