/** The algorithms of RFC 9421 section 3.3 that are taken, on keys that fit them. Others are not looked at. */
import { createHmac, createPublicKey, createSecretKey, type KeyObject, sign, verify } from 'node:crypto';
import { equal } from '../../lib/bytes.ts';

export const ALGORITHMS = ['ed25519', 'ecdsa-p256-sha256', 'hmac-sha256'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** Bytes of a shared secret: no fewer than its digest has (RFC 2104 section 3). */
export const MIN_SECRET = 32;

/** The key of this algorithm in a PEM text; undefined when it holds another, or a private one. */
export function publicKey(algorithm: Algorithm, pem: string): KeyObject | undefined {
  if (pem.includes('PRIVATE KEY')) return undefined;
  try {
    const key = createPublicKey(pem);
    return fits(algorithm, key) ? key : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined when it is too short. */
export function sharedKey(secret: Uint8Array): KeyObject | undefined {
  return secret.length < MIN_SECRET ? undefined : createSecretKey(secret);
}

function fits(algorithm: Algorithm, key: KeyObject): boolean {
  if (algorithm === 'ed25519') return key.asymmetricKeyType === 'ed25519';
  return algorithm === 'ecdsa-p256-sha256' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
}

export function makeSignature(algorithm: Algorithm, key: KeyObject, base: string): Uint8Array {
  const bytes = Buffer.from(base);
  if (algorithm === 'hmac-sha256') return createHmac('sha256', key).update(bytes).digest();
  if (algorithm === 'ed25519') return sign(null, bytes, key);
  return sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' });
}

export function isSignature(algorithm: Algorithm, key: KeyObject, base: string, signature: Uint8Array): boolean {
  const bytes = Buffer.from(base);
  if (algorithm === 'hmac-sha256') return equal(createHmac('sha256', key).update(bytes).digest(), signature);
  if (algorithm === 'ed25519') return verify(null, bytes, key, signature);
  return verify('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, signature);
}
