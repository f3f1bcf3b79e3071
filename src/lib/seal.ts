/**
 * Sealed text: what leaves the house and must come back unread and unchanged (house rule "Sealed things").
 * AES-256-GCM (NIST SP 800-38D), 96-bit random nonce; the context is authenticated but not stored, so a text sealed
 * for one purpose opens for no other. Form: `<kid>.<base64url(nonce, ciphertext, tag)>`.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { base64url, fromBase64url } from './bytes.ts';

/** Keys of 32 bytes under ids of 1 to 64 base64url characters. */
export interface KeyRing {
  /** The key that seals. */
  current(): { readonly kid: string; readonly key: Uint8Array };
  /** A key that may still open. */
  find(kid: string): Uint8Array | undefined;
}

const NONCE = 12;
const TAG = 16;
const KID = /^[A-Za-z0-9_-]{1,64}$/;

/** `random(n)` answers n fresh random bytes. Throws only when the ring breaks its contract. */
export function seal(ring: KeyRing, context: string, plain: Uint8Array, random: (n: number) => Uint8Array): string {
  const { kid, key } = ring.current();
  if (!KID.test(kid)) throw new TypeError('the id of a sealing key must be base64url');
  const nonce = random(NONCE);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG });
  cipher.setAAD(bound(kid, context));
  return `${kid}.${base64url(Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]))}`;
}

/** The plain bytes; undefined for anything that was not sealed by a key of this ring for this context. */
export function open(ring: KeyRing, context: string, sealed: string): Uint8Array | undefined {
  const dot = sealed.indexOf('.');
  const kid = sealed.slice(0, Math.max(dot, 0));
  if (!KID.test(kid)) return undefined;
  const key = ring.find(kid);
  const bytes = key && fromBase64url(sealed.slice(dot + 1));
  if (!bytes || bytes.length < NONCE + TAG) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE), { authTagLength: TAG });
  decipher.setAAD(bound(kid, context));
  decipher.setAuthTag(bytes.subarray(-TAG));
  const plain = decipher.update(bytes.subarray(NONCE, -TAG));
  try {
    return Buffer.concat([plain, decipher.final()]);
  } catch {
    return undefined;
  }
}

/** A kid holds no NUL, so that no two pairs spell the same bytes. */
function bound(kid: string, context: string): Buffer {
  return Buffer.from(`doorward.seal.1\0${kid}\0${context}`);
}
