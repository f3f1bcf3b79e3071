/** Making, following and revoking API keys. The key itself is in the answer to its maker and nowhere else. */

import type { z } from 'zod';
import type { Random } from '../core/state.ts';
import { base64url, hex, sha256Hex } from '../lib/bytes.ts';
import { type KeyRecord, MAX_KEYS, wanted } from './keyfile.ts';

export type Wanted = z.input<typeof wanted>;

export interface Issued {
  readonly record: KeyRecord;
  /** `dw_<id>_<secret>`: 32 random bytes. Shown once. */
  readonly key: string;
  /** All keys as they are to be written. */
  readonly keys: readonly KeyRecord[];
}

/** Why a key cannot be made, followed or revoked; for the person who asked. */
export class KeyFault extends Error {
  readonly fix: string;
  constructor(message: string, fix: string) {
    super(message);
    this.fix = fix;
  }
}

const DAY = 24 * 3_600_000;
/** Milliseconds. */
export const DEFAULT_LIFE = 90 * DAY;
export const MAX_LIFE = 400 * DAY;
export const DEFAULT_OVERLAP = DAY;

export interface Place {
  /** Now, in milliseconds since the epoch. */
  readonly at: number;
  readonly random: Random;
}

/** `life` in milliseconds. Throws KeyFault. */
export function issueKey(keys: readonly KeyRecord[], who: Wanted, life: number, { at, random }: Place): Issued {
  const parsed = wanted.safeParse(who);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new KeyFault(`${issue!.path.join('.')}: ${issue!.message}`, 'doorward key create --help');
  }
  if (life <= 0 || life > MAX_LIFE)
    throw new KeyFault('a key lives for at least a moment and at most 400 days', 'write --expires 90d and rotate it');
  if (keys.length >= MAX_KEYS)
    throw new KeyFault(`there are ${MAX_KEYS} keys`, 'share keys less, or run another gateway');
  return made(keys, { ...parsed.data, created: at, expires: at + life }, random);
}

/**
 * A new key for the same caller with the same bounds and the same length of life. The old one is good for `overlap` more
 * milliseconds, or until its own end. Throws KeyFault.
 */
export function rotateKey(keys: readonly KeyRecord[], id: string, overlap: number, { at, random }: Place): Issued {
  const old = find(keys, id);
  const end = endOf(old, at);
  if (end) throw new KeyFault(`key ${id} ${end}`, 'make a new one: doorward key create');
  const next = keys.find(({ replaces }) => replaces === id);
  if (next)
    throw new KeyFault(
      `key ${id} was rotated already, to ${next.id}`,
      `rotate that one: doorward key rotate ${next.id}`,
    );
  const { digest: _digest, replaces: _replaces, ...same } = old;
  const shortened = keys.map((one) => (one === old ? { ...one, expires: Math.min(one.expires, at + overlap) } : one));
  return made(shortened, { ...same, created: at, expires: at + (old.expires - old.created), replaces: id }, random);
}

/** Throws KeyFault when there is no such key. A revoked key stays as it is. */
export function revokeKey(keys: readonly KeyRecord[], id: string, at: number): readonly KeyRecord[] {
  const old = find(keys, id);
  return keys.map((one) => (one === old && one.revoked === undefined ? { ...one, revoked: at } : one));
}

/** Why a key is good for nothing any more: `has expired`, `was revoked`. */
export function endOf({ revoked, expires }: KeyRecord, at: number): string | undefined {
  if (revoked !== undefined) return 'was revoked';
  return at >= expires ? 'has expired' : undefined;
}

function find(keys: readonly KeyRecord[], id: string): KeyRecord {
  const found = keys.find((one) => one.id === id);
  if (!found) throw new KeyFault('there is no such key', 'doorward key list shows their ids');
  return found;
}

function made(keys: readonly KeyRecord[], facts: Omit<KeyRecord, 'id' | 'digest'>, random: Random): Issued {
  let id = hex(random(6));
  while (keys.some((one) => one.id === id)) id = hex(random(6));
  const key = `dw_${id}_${base64url(random(32))}`;
  const record: KeyRecord = { ...facts, id, digest: sha256Hex(key) };
  return { record, key, keys: [...keys, record] };
}
