/**
 * DPoP proofs (RFC 9449, section 4.3), checked without waiting: this is the dearest step of a request that no cache may
 * spare. Whether a proof was used before is asked later, once its token is known to be good: a stranger fills no memory.
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { Random } from '../../core/state.ts';
import { Generations } from '../../lib/generations.ts';
import { isObject, type JsonObject } from '../../lib/json/types.ts';
import { type KeyRing, open, seal } from '../../lib/seal.ts';
import { objectOf, readCompact } from '../jws.ts';
import { publicKey } from './jwks.ts';

/** Elliptic curves only: a stranger brings the key, and theirs cost the same whatever the key. */
export const PROOF_ALGORITHMS = ['ES256', 'EdDSA', 'Ed25519'] as const;

export interface Proof {
  /** RFC 7638 thumbprint of the key. */
  readonly jkt: string;
  readonly jti: string;
}
export type ProofFault = 'identity.proof' | 'identity.nonce';

/** What a proof must be about. Times in milliseconds. */
export interface About {
  readonly method: string;
  /** The request's URL without query, as clients know it. */
  readonly url: string;
  /** SHA-256 of the access token, in base64url. */
  readonly ath: string;
  readonly at: number;
}

export interface ProofRules {
  /** How far the time of a proof may lie from now, either way. Milliseconds. */
  readonly age: number;
  /** Whether a proof needs a nonce of ours. */
  readonly nonce: boolean;
  /** When this gateway began: what was made before may have been used before. Milliseconds since the epoch. */
  readonly since: number;
}

/** How long a nonce is good, in milliseconds. */
const NONCE_LIFE = 300_000;
const CONTEXT = 'dpop.nonce';
const MAX_JTI = 256;
/** Keys that were seen, so that one is built once and not for each proof. */
const KEYS = 4096;

export class Proofs {
  readonly #rules: ProofRules;
  readonly #ring: KeyRing;
  readonly #random: Random;
  readonly #keys = new Generations<KeyObject>(KEYS);

  constructor(rules: ProofRules, ring: KeyRing, random: Random) {
    [this.#rules, this.#ring, this.#random] = [rules, ring, random];
  }

  check(text: string, about: About): Proof | ProofFault {
    const compact = readCompact(text, true);
    if (!compact || compact.header['typ'] !== 'dpop+jwt') return 'identity.proof';
    const { header, algorithm, signed, signature, payload } = compact;
    const jwk = header['jwk'];
    const key = isObject(jwk) ? publicKey(jwk) : undefined;
    if (!key || !fits(algorithm, key.jwk.crv)) return 'identity.proof';
    const claims = objectOf(payload);
    if (!claims || !this.#speaksOf(claims, about)) return 'identity.proof';
    const object = this.#object(key.thumbprint, key.jwk as JsonObject);
    if (!object || !isSigned(algorithm, signed, object, signature)) return 'identity.proof';
    if (this.#rules.nonce && !this.#isOurs(claims['nonce'], about.at)) return 'identity.nonce';
    return { jkt: key.thumbprint, jti: claims['jti'] as string };
  }

  /** A fresh nonce: its time, sealed. Nothing is remembered of it. */
  nonce(at: number): string {
    return seal(this.#ring, CONTEXT, Buffer.from(String(at)), this.#random);
  }

  #speaksOf(claims: JsonObject, { method, url, ath, at }: About): boolean {
    const { jti, htm, htu, iat, exp, nbf } = claims;
    if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI) return false;
    if (htm !== method || claims['ath'] !== ath || typeof htu !== 'string' || !same(htu, url)) return false;
    const { age, since } = this.#rules;
    if (typeof iat !== 'number' || Math.abs(at - iat * 1000) > age || iat < Math.floor(since / 1000)) return false;
    if (exp !== undefined && !(typeof exp === 'number' && at < exp * 1000)) return false;
    return nbf === undefined || (typeof nbf === 'number' && nbf * 1000 <= at + age);
  }

  #isOurs(nonce: unknown, now: number): boolean {
    const bytes = typeof nonce === 'string' && nonce.length <= 512 ? open(this.#ring, CONTEXT, nonce) : undefined;
    const age = bytes ? now - Number(Buffer.from(bytes).toString('latin1')) : Number.NaN;
    return age >= 0 && age < NONCE_LIFE;
  }

  #object(thumbprint: string, jwk: JsonObject): KeyObject | undefined {
    let object = this.#keys.get(thumbprint);
    if (object) return object;
    try {
      object = createPublicKey({ key: jwk as never, format: 'jwk' });
    } catch {
      // Not a point of its curve.
      return undefined;
    }
    this.#keys.set(thumbprint, object);
    return object;
  }
}

function fits(algorithm: string, curve: string | undefined): boolean {
  if (algorithm === 'ES256') return curve === 'P-256';
  return (algorithm === 'EdDSA' || algorithm === 'Ed25519') && curve === 'Ed25519';
}

/** Compared after normalisation, without query and fragment (RFC 9449, section 4.3, check 9). */
function same(htu: string, url: string): boolean {
  if (htu === url) return true;
  const parsed = htu.length <= 2048 ? URL.parse(htu) : null;
  return parsed !== null && parsed.username === '' && parsed.password === '' && parsed.origin + parsed.pathname === url;
}

/** A bare key object and a DER signature are a third faster than an options object and the 64 bytes of RFC 7518. */
function isSigned(algorithm: string, signed: string, key: KeyObject, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  const [digest, given] = algorithm === 'ES256' ? ['sha256', derOf(signature)] : [null, signature];
  try {
    return verify(digest as string | null, Buffer.from(signed, 'latin1'), key, given as Uint8Array);
  } catch {
    return false;
  }
}

/** SEQUENCE of two INTEGERs (X.690), from `r` and `s` of 32 bytes each. */
function derOf(signature: Uint8Array): Uint8Array {
  const [r, s] = [integer(signature.subarray(0, 32)), integer(signature.subarray(32))];
  return Buffer.concat([Buffer.of(0x30, r.length + s.length), r, s]);
}

function integer(bytes: Uint8Array): Uint8Array {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const digits = bytes.subarray(start);
  const lead = digits[0]! >= 0x80 ? [0] : [];
  return Buffer.concat([Buffer.of(2, digits.length + lead.length, ...lead), digits]);
}
