/**
 * Trust bundles: the authorities of one trust domain (SPIFFE Trust Domain and Bundle, section 4), as a JWK set or, for
 * certificates alone, in PEM.
 */
import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { parseJson } from '../../lib/json/scan.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';
import { elements, extensionsOf, KEY_CERT_SIGN } from './der.ts';

export interface Bundle {
  /** Whose certificates are X.509-SVIDs of the domain. */
  readonly x509: readonly X509Certificate[];
  /** Whose signatures are on its JWT-SVIDs, by key id. */
  readonly jwt: ReadonlyMap<string, KeyObject>;
  /** `spiffe_sequence`: a later one is newer. */
  readonly sequence?: number;
  /** `spiffe_refresh_hint`, in milliseconds. */
  readonly refresh?: number;
}

/** The text quotes nothing of the bundle. */
export class BundleFault extends Error {
  override readonly name = 'BundleFault';
}

export const MAX_BUNDLE = 1024 * 1024;
const MAX_KEYS = 64;
const CAPS = { maxBytes: MAX_BUNDLE, maxDepth: 8, maxString: MAX_BUNDLE, maxMembers: 4096 };
const PEM = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** A file: JSON or PEM. Throws BundleFault. */
export function parseBundle(bytes: Uint8Array): Bundle {
  if (bytes.length > MAX_BUNDLE) throw new BundleFault('is over 1 MiB');
  const text = Buffer.from(bytes).toString('latin1');
  if (text.trimStart().startsWith('{')) return jwkBundle(bytes);
  const blocks = text.match(PEM) ?? [];
  if (blocks.length === 0) throw new BundleFault('is neither a SPIFFE bundle nor PEM');
  return { x509: authorities(blocks), jwt: new Map() };
}

/** Certificates in DER, one after the other, as the Workload API sends them. Throws BundleFault. */
export function derBundle(bytes: Uint8Array): readonly X509Certificate[] {
  try {
    return authorities(elements(bytes).map(({ whole }) => whole));
  } catch (error) {
    throw error instanceof BundleFault ? error : new BundleFault('holds something that is no certificate');
  }
}

/** `uses`: whether each key says what it is for; those of the Workload API are all for JWT-SVIDs. Throws BundleFault. */
export function jwkBundle(bytes: Uint8Array, uses = true): Bundle {
  const parsed = parseJson(bytes, CAPS);
  const set = parsed.ok ? parsed.value : undefined;
  const keys = isObject(set) ? set['keys'] : undefined;
  if (!isObject(set) || !Array.isArray(keys)) throw new BundleFault('is no JWK set');
  if (keys.length > MAX_KEYS) throw new BundleFault(`has more than ${MAX_KEYS} keys`);
  const x509: X509Certificate[] = [];
  const jwt = new Map<string, KeyObject>();
  for (const key of keys) {
    if (!isObject(key)) throw new BundleFault('holds something that is no key');
    // Keys of other uses are for others (section 4.2.2).
    if (uses && key['use'] === 'x509-svid') x509.push(certificateOf(key));
    else if (uses ? key['use'] === 'jwt-svid' : true) {
      const id = key['kid'];
      if (typeof id !== 'string' || id === '' || jwt.has(id))
        throw new BundleFault('has a key for tokens without an id of its own');
      jwt.set(id, keyOf(key));
    }
  }
  const [sequence, hint] = [whole(set['spiffe_sequence']), whole(set['spiffe_refresh_hint'])];
  return {
    x509,
    jwt,
    ...(sequence !== undefined && { sequence }),
    ...(hint !== undefined && { refresh: hint * 1000 }),
  };
}

function certificateOf(key: JsonObject): X509Certificate {
  const chain = key['x5c'];
  const [first] = Array.isArray(chain) ? chain : [];
  if (typeof first !== 'string') throw new BundleFault('has a key for certificates without its certificate');
  return authorities([Buffer.from(first, 'base64')])[0]!;
}

function keyOf(jwk: JsonObject): KeyObject {
  // Only what makes a public key of these is read: nothing private, nothing shared.
  const { kty, crv, x, y, n, e } = jwk as Record<string, Json>;
  if (kty !== 'EC' && kty !== 'RSA') throw new BundleFault('has a key of a type that is not taken');
  try {
    return createPublicKey({ key: kty === 'EC' ? { kty, crv, x, y } : { kty, n, e }, format: 'jwk' } as never);
  } catch {
    throw new BundleFault('has a key that cannot be used');
  }
}

/** A certificate of a workload as an authority would let that workload issue others. */
function authorities(certificates: readonly (string | Uint8Array)[]): X509Certificate[] {
  if (certificates.length > MAX_KEYS) throw new BundleFault(`has more than ${MAX_KEYS} certificates`);
  return certificates.map((one) => {
    let certificate: X509Certificate;
    try {
      certificate = new X509Certificate(one);
    } catch {
      throw new BundleFault('holds something that is no certificate');
    }
    if (!isAuthority(certificate)) throw new BundleFault('holds a certificate that is not of an authority');
    return certificate;
  });
}

/** May sign others, and is plain enough to be asked how many may come between. */
function isAuthority(certificate: X509Certificate): boolean {
  try {
    const { ca, usage } = extensionsOf(certificate.raw);
    return ca && certificate.ca && (usage === undefined || usage.has(KEY_CERT_SIGN));
  } catch {
    return false;
  }
}

function whole(value: Json | undefined): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
