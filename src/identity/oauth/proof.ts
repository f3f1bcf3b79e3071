/**
 * DPoP proofs (RFC 9449, section 4.3), checked without waiting: this is the dearest step of a request that no cache may
 * spare. Whether a proof was used before is asked later, once its token is known to be good: a stranger fills no memory.
 */
import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';
import type { Random } from '../../core/state.ts';
import { Generations } from '../../lib/generations.ts';
import { isObject, type JsonObject } from '../../lib/json/types.ts';
import { type KeyRing, open, seal } from '../../lib/seal.ts';
import { type Compact, type Header, objectOf, readCompact, readHeader } from '../jws.ts';
import { publicKey } from './jwks.ts';

/** Elliptic curves only: a stranger brings the key, and theirs cost the same whatever the key. */
export const PROOF_ALGORITHMS = ['ES256', 'EdDSA', 'Ed25519'] as const;

export interface Proof {
  /** RFC 7638 thumbprint of the key. */
  readonly jkt: string;
  readonly jti: string;
  /** When it is too old, in milliseconds since the epoch. */
  readonly until: number;
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
/** Headers that were seen, so that a client's key is read once and not for each proof; and the longest. */
const HEADS = 4096;
const MAX_HEAD = 1024;

interface Head extends Header {
  readonly jkt: string;
  readonly key: KeyObject;
}

export class Proofs {
  readonly #rules: ProofRules;
  readonly #ring: KeyRing;
  readonly #random: Random;
  readonly #heads = new Generations<Head>(HEADS);

  constructor(rules: ProofRules, ring: KeyRing, random: Random) {
    [this.#rules, this.#ring, this.#random] = [rules, ring, random];
  }

  check(text: string, about: About): Proof | ProofFault {
    const compact = readCompact(text, this.#headOf);
    const claims = compact && objectOf(compact.payload);
    if (!compact || !claims || !this.#speaksOf(claims, about) || !isSigned(compact)) return 'identity.proof';
    if (this.#rules.nonce && !this.#isOurs(claims['nonce'], about.at)) return 'identity.nonce';
    const until = (claims['iat'] as number) * 1000 + this.#rules.age;
    return { jkt: compact.head.jkt, jti: claims['jti'] as string, until };
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

  /** The header of a client's proofs is the same in all of them. */
  readonly #headOf = (text: string): Head | undefined => {
    let head = this.#heads.get(text);
    if (!head && text.length <= MAX_HEAD) {
      head = readHead(text);
      if (head) this.#heads.set(text, head);
    }
    return head;
  };
}

function readHead(text: string): Head | undefined {
  const read = readHeader(text, true);
  const jwk = read?.header['jwk'];
  const key = read?.header['typ'] === 'dpop+jwt' && isObject(jwk) ? publicKey(jwk) : undefined;
  if (!read || !key || !fits(read.algorithm, key.jwk.crv)) return undefined;
  try {
    return { ...read, jkt: key.thumbprint, key: createPublicKey({ key: key.jwk as JsonWebKey, format: 'jwk' }) };
  } catch {
    // Not a point of its curve.
    return undefined;
  }
}

function fits(algorithm: string, curve: string | undefined): boolean {
  if (algorithm === 'ES256') return curve === 'P-256';
  return (algorithm === 'EdDSA' || algorithm === 'Ed25519') && curve === 'Ed25519';
}

/** Characters of a URI (RFC 3986, section 2): parsers of URLs pass over others, or take `\\` for `/`. */
const URI = /^https?:\/\/[A-Za-z0-9._~:/?#[\]@!$&'()*+,;=%-]{1,2040}$/i;

/** Compared after normalisation, without query and fragment (RFC 9449, section 4.3, check 9). */
function same(htu: string, url: string): boolean {
  if (htu === url) return true;
  const parsed = URI.test(htu) ? URL.parse(htu) : null;
  return parsed !== null && parsed.username === '' && parsed.password === '' && parsed.origin + parsed.pathname === url;
}

/** A bare key object and a DER signature are a third faster than an options object and the 64 bytes of RFC 7518. */
function isSigned({ head, signed, signature }: Compact<Head>): boolean {
  if (signature.length !== 64) return false;
  const data = Buffer.from(signed, 'latin1');
  try {
    if (head.algorithm === 'ES256') return verify('sha256', data, head.key, derOf(signature));
    return verify(null, data, head.key, signature);
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
