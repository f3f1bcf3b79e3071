/** The public keys of an issuer (RFC 7517). What cannot verify a signature of ours is left out, whatever it says of itself. */
import type { JWK } from 'jose';
import { base64url, fromBase64url, sha256 } from '../../lib/bytes.ts';
import { parseJson } from '../../lib/json/scan.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';

export interface Key {
  /** RFC 7638: what tells keys apart, whatever their `kid`. */
  readonly thumbprint: string;
  readonly kid: string | undefined;
  /** Public members alone. */
  readonly jwk: JWK;
}

/** Bytes of a key set, and keys in it. */
export const MAX_SET = 256 * 1024;
const MAX_KEYS = 100;
const MIN_RSA = 2048 / 8;
const MAX_RSA = 8192 / 8;

/** Members of a public key in the order of RFC 7638 section 3.2, with the bytes of each. */
const MEMBERS: Readonly<Record<string, readonly (readonly [name: string, bytes: number | undefined])[]>> = {
  'P-256': [
    ['x', 32],
    ['y', 32],
  ],
  'P-384': [
    ['x', 48],
    ['y', 48],
  ],
  'P-521': [
    ['x', 66],
    ['y', 66],
  ],
  Ed25519: [['x', 32]],
};
const CURVES: Readonly<Record<string, string>> = { 'P-256': 'EC', 'P-384': 'EC', 'P-521': 'EC', Ed25519: 'OKP' };
/** Members of private and of symmetric keys. */
const SECRET = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'] as const;

/** Undefined when the bytes are no key set. A key that is not usable is not there. */
export function readKeySet(bytes: Uint8Array): readonly Key[] | undefined {
  const parsed = parseJson(bytes, { maxBytes: MAX_SET, maxDepth: 8, maxString: MAX_SET, maxMembers: 10_000 });
  const listed = parsed.ok && isObject(parsed.value) ? parsed.value['keys'] : undefined;
  if (!Array.isArray(listed) || listed.length > MAX_KEYS) return undefined;
  return listed.flatMap((entry) => {
    const key = isObject(entry) && forSignatures(entry) ? publicKey(entry) : undefined;
    return key ? [key] : [];
  });
}

/** The one key that can have signed: by its id, and of the algorithm's kind. Undefined when none or several could. */
export function pick(keys: readonly Key[], kid: string | undefined, algorithm: string): Key | undefined {
  const fit = keys.filter((key) => (kid === undefined || key.kid === kid) && suits(key, algorithm));
  return fit.length === 1 ? fit[0] : undefined;
}

/** Its public members and nothing else; undefined when it is not one of a kind that is used here, or holds a secret. */
export function publicKey(jwk: Readonly<JsonObject>): Key | undefined {
  if (SECRET.some((name) => Object.hasOwn(jwk, name))) return undefined;
  const { kty, kid, alg } = jwk;
  if ((kid !== undefined && typeof kid !== 'string') || (alg !== undefined && typeof alg !== 'string'))
    return undefined;
  const members = kty === 'RSA' ? rsa(jwk) : curve(jwk);
  if (!members) return undefined;
  const thumbprint = base64url(sha256(JSON.stringify(members)));
  return { thumbprint, kid, jwk: { ...members, ...(alg !== undefined && { alg }) } as JWK };
}

function curve(jwk: Readonly<JsonObject>): Record<string, string> | undefined {
  const { kty, crv } = jwk;
  if (typeof crv !== 'string' || !Object.hasOwn(MEMBERS, crv) || CURVES[crv] !== kty) return undefined;
  const members: Record<string, string> = { crv, kty: kty as string };
  for (const [name, bytes] of MEMBERS[crv]!) {
    const value = jwk[name];
    if (typeof value !== 'string' || fromBase64url(value)?.length !== bytes) return undefined;
    members[name] = value;
  }
  return members;
}

function rsa({ n, e }: Readonly<JsonObject>): Record<string, string> | undefined {
  if (typeof n !== 'string' || typeof e !== 'string') return undefined;
  const [modulus, exponent] = [fromBase64url(n), fromBase64url(e)];
  if (!modulus || modulus[0] === 0 || modulus.length < MIN_RSA || modulus.length > MAX_RSA) return undefined;
  return exponent && exponent.length > 0 && exponent.length <= 4 ? { e, kty: 'RSA', n } : undefined;
}

function forSignatures({ use, key_ops: operations }: JsonObject): boolean {
  if (use !== undefined && use !== 'sig') return false;
  return operations === undefined || (Array.isArray(operations) && operations.includes('verify' satisfies Json));
}

const KINDS: Readonly<Record<string, string>> = {
  ES256: 'P-256',
  ES384: 'P-384',
  ES512: 'P-521',
  EdDSA: 'Ed25519',
  Ed25519: 'Ed25519',
};

function suits({ jwk }: Key, algorithm: string): boolean {
  if (jwk.alg !== undefined && jwk.alg !== algorithm) return false;
  if (jwk.kty === 'RSA') return algorithm.startsWith('RS') || algorithm.startsWith('PS');
  return KINDS[algorithm] === jwk.crv;
}
