/**
 * Where the master key of the vault comes from: a file of mode 0600, a credential that systemd hands over, or a
 * passphrase that a person types. A file of keys has one key of 32 bytes a line in base64url, the newest first: an older
 * one is there only while the vault is moved to the newer.
 */
import { argon2Sync } from 'node:crypto';
import type { Random } from '../../core/state.ts';
import { base64url, fromBase64url, hex, sha256 } from '../../lib/bytes.ts';
import type { PrivateFiles } from '../private.ts';

/** How the vault names the key that it is sealed by. */
export type Lock =
  | { readonly kind: 'key'; readonly kid: string }
  | { readonly kind: 'passphrase'; readonly kid: string; readonly salt: string };

export interface Master {
  readonly lock: Lock;
  readonly key: Uint8Array;
}

/** The vault cannot be opened by what is there. Says where, never what. */
export class UnlockFault extends Error {
  override readonly name = 'UnlockFault';
  readonly fix: string;
  constructor(message: string, fix: string) {
    super(message);
    this.fix = fix;
  }
}

export interface Unlock {
  /** The key of an existing vault. Throws UnlockFault. */
  open(lock: Lock): Master;
  /** A key for a vault that is new, or is to be sealed anew; durable, where it is kept, before this returns. */
  fresh(inUse: Lock | undefined): Master;
  /** The vault is sealed by this key alone: what else is kept may go. */
  settled(master: Master): void;
}

const KEY = 32;
const SALT = 16;
/** RFC 9106, second recommended choice: 64 MiB, 3 passes. What a file asks for is never believed. */
const ARGON2 = { parallelism: 1, tagLength: KEY, memory: 65_536, passes: 3 } as const;
const CAP = 4096;
const MAX_KEYS = 8;

const kidOf = (key: Uint8Array): string =>
  hex(sha256(Buffer.concat([Buffer.from('doorward.vault.kid\0'), key]))).slice(0, 16);

export interface KeyFileWorld {
  readonly files: PrivateFiles;
  readonly random: Random;
}

/** Keys in a file that Doorward makes at first use. */
export function keyFile(path: string, { files, random }: KeyFileWorld): Unlock {
  return {
    open: (lock) => found(path, readKeys(path, files), lock),
    fresh(inUse) {
      const there = readKeys(path, files) ?? [];
      // A key without a vault may be that of a copy which comes back: it is used, never replaced.
      if (inUse === undefined && there[0]) return { lock: { kind: 'key', kid: kidOf(there[0]) }, key: there[0] };
      const kept = there.filter((key) => kidOf(key) === inUse?.kid);
      const key = random(KEY);
      files.replace(path, print([key, ...kept]));
      return { lock: { kind: 'key', kid: kidOf(key) }, key };
    },
    settled: ({ key }) => files.replace(path, print([key])),
  };
}

/** Keys in a file that someone else keeps (systemd LoadCredential=): read, never written. */
export function givenKeys(path: string, { files }: Pick<KeyFileWorld, 'files'>): Unlock {
  return {
    open: (lock) => found(path, readKeys(path, files), lock),
    fresh(inUse) {
      const [key] = readKeys(path, files) ?? [];
      const missing = 'put 32 random bytes in base64url there, the newest in the first line';
      if (key === undefined) throw new UnlockFault(`${path} holds no key`, missing);
      const kid = kidOf(key);
      if (kid === inUse?.kid)
        throw new UnlockFault(`${path}: the first key is the one in use`, 'write a new key into the line before it');
      return { lock: { kind: 'key', kid }, key };
    },
    settled() {},
  };
}

/** A key made of what a person types. `ask` may throw when there is nobody to ask. */
export function passphrase(ask: (why: 'open' | 'new') => string, random: Random): Unlock {
  const derive = (text: string, salt: string): Uint8Array => {
    const [message, nonce] = [Buffer.from(text.normalize('NFKC')), Buffer.from(salt, 'base64url')];
    const key = argon2Sync('argon2id', { ...ARGON2, message, nonce });
    message.fill(0);
    return key;
  };
  return {
    open(lock) {
      if (lock.kind !== 'passphrase') throw wrongKind(lock);
      const key = derive(ask('open'), lock.salt);
      if (kidOf(key) !== lock.kid) throw new UnlockFault('this is not the passphrase', 'try again');
      return { lock, key };
    },
    fresh() {
      const salt = base64url(random(SALT));
      const key = derive(ask('new'), salt);
      return { lock: { kind: 'passphrase', kid: kidOf(key), salt }, key };
    },
    settled() {},
  };
}

function found(path: string, keys: readonly Uint8Array[] | undefined, lock: Lock): Master {
  if (lock.kind !== 'key') throw wrongKind(lock);
  if (keys === undefined)
    throw new UnlockFault(`${path} does not exist`, 'bring the key back: without it the vault stays shut');
  const key = keys.find((one) => kidOf(one) === lock.kid);
  if (key === undefined)
    throw new UnlockFault(`${path} does not hold the key of this vault`, 'bring the right key back');
  return { lock, key };
}

function wrongKind({ kind }: Lock): UnlockFault {
  const [is, other] = kind === 'key' ? ['a key', 'keyfile or systemd'] : ['a passphrase', 'passphrase'];
  return new UnlockFault(
    `the vault is sealed by ${is}`,
    `set secrets: { unlock: ${other} }, or doorward secret rotate-master`,
  );
}

function readKeys(path: string, files: Pick<PrivateFiles, 'read'>): Uint8Array[] | undefined {
  const bytes = files.read(path, { cap: CAP, links: true });
  if (bytes === undefined) return undefined;
  const keys = Buffer.from(bytes)
    .toString('latin1')
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map((line) => fromBase64url(line));
  if (keys.length === 0 || keys.length > MAX_KEYS || keys.some((key) => key?.length !== KEY))
    throw new UnlockFault(`${path} is no file of keys`, 'each line is 32 bytes in base64url');
  return keys as Uint8Array[];
}

function print(keys: readonly Uint8Array[]): Uint8Array {
  return Buffer.from(keys.map((key) => `${base64url(key)}\n`).join(''));
}
