/**
 * A checkpoint says how long the log was and what it ended with, under the installation's key. It is a note in the form
 * of C2SP signed-note 1.0.0 (Ed25519), with the body lines of tlog-checkpoint; the third line is the head of a hash
 * chain, not a Merkle root, and the origin says so. The fourth line is the time.
 */
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { fromBase64url, sha256 } from '../lib/bytes.ts';
import type { Head } from './chain.ts';

export interface Checkpoint extends Head {
  readonly log: string;
  /** RFC 3339. */
  readonly at: string;
}

const ORIGIN = 'doorward.audit-chain/';
const NAME = 'doorward';
const NOTE =
  /^doorward\.audit-chain\/([0-9a-f]{16})\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n([0-9TZ:.-]{20,30})\n\n\u2014 doorward ([A-Za-z0-9+/]{91}=)\n$/;

export function signCheckpoint(point: Checkpoint, keys: { privateKey: KeyObject; publicKey: KeyObject }): string {
  const head = Buffer.from(point.hash, 'hex').toString('base64');
  const body = `${ORIGIN}${point.log}\n${point.size}\n${head}\n${point.at}\n`;
  const signature = Buffer.concat([keyId(keys.publicKey), sign(null, Buffer.from(body), keys.privateKey)]);
  return `${body}\n\u2014 ${NAME} ${signature.toString('base64')}\n`;
}

/** The checkpoint, or why it is none: every byte of a note counts. */
export function readCheckpoint(note: string, keys: readonly KeyObject[]): Checkpoint | string {
  const [, log, size, head, at, signed] = NOTE.exec(note) ?? [];
  if (log === undefined) return 'not a checkpoint';
  const signature = Buffer.from(signed!, 'base64');
  const hash = Buffer.from(head!, 'base64');
  // The head is signed as it is spelled; the signature itself has spare bits at its end, and one spelling counts.
  if (signature.toString('base64') !== signed) return 'not a checkpoint';
  const key = keys.find((k) => keyId(k).equals(signature.subarray(0, 4)));
  if (!key) return 'signed by a foreign key';
  const body = note.slice(0, note.indexOf('\n\n') + 1);
  if (!verify(null, Buffer.from(body), key, signature.subarray(4))) return 'the signature is wrong';
  return { log, size: Number(size), hash: hash.toString('hex'), at: at! };
}

/** `ed25519:` and the key as base64url: what an operator keeps elsewhere and gives to `verify`. */
export function printKey(key: KeyObject): string {
  return `ed25519:${key.export({ format: 'jwk' }).x}`;
}

export function parseKey(text: string): KeyObject | undefined {
  const x = text.startsWith('ed25519:') ? text.slice(8) : '';
  if (fromBase64url(x)?.length !== 32) return undefined;
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}

/** The first four bytes of SHA-256(name, LF, 0x01 = Ed25519, key), as signed-note has it. */
function keyId(key: KeyObject): Buffer {
  const raw = Buffer.from(key.export({ format: 'jwk' }).x!, 'base64url');
  return Buffer.from(sha256(Buffer.concat([Buffer.from(`${NAME}\n\u0001`), raw]))).subarray(0, 4);
}
