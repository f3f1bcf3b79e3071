/**
 * A JWS in its compact form (RFC 7515), read so that no two readers could take it differently: canonical base64url,
 * strict JSON without duplicate members, bounded. jose verifies the signature; whose keys and which algorithms count is
 * the caller's to say, never the token's (RFC 8725, sections 3.1 and 3.2).
 */
import { compactVerify, type JWK } from 'jose';
import { fromBase64url } from '../lib/bytes.ts';
import { type Caps, parseJson } from '../lib/json/scan.ts';
import { isObject, type JsonObject } from '../lib/json/types.ts';

export interface Compact {
  readonly header: Readonly<JsonObject>;
  readonly algorithm: string;
  /** What the signature is over: header and payload as they were sent. */
  readonly signed: string;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

/** Longest token, in characters: what fits into the head of a request beside the rest. */
export const MAX_TOKEN = 8192;
const CAPS: Caps = { maxBytes: MAX_TOKEN, maxDepth: 8, maxString: 4096, maxMembers: 512 };

/**
 * Members of the header that change how the rest is read (`crit`, `zip`, `b64`), or that bring or point to a key: a token
 * that needs one of them is none of ours.
 */
const REFUSED = ['crit', 'zip', 'b64', 'jku', 'x5u', 'x5c'] as const;

/** Undefined when it is not exactly one. `keyed`: the header may hold a `jwk`, as that of a DPoP proof does. */
export function readCompact(text: string, keyed = false): Compact | undefined {
  if (text.length > MAX_TOKEN) return undefined;
  const [head, body, mac, more] = text.split('.', 4);
  if (!head || body === undefined || !mac || more !== undefined) return undefined;
  const payload = fromBase64url(body);
  const signature = fromBase64url(mac);
  const header = objectOf(fromBase64url(head));
  if (!header || !payload || !signature) return undefined;
  const algorithm = header['alg'];
  if (typeof algorithm !== 'string' || REFUSED.some((name) => Object.hasOwn(header, name))) return undefined;
  if (!keyed && Object.hasOwn(header, 'jwk')) return undefined;
  return { header, algorithm, payload, signature, signed: `${head}.${body}` };
}

/** The JSON object that the bytes are; undefined when they are anything else. */
export function objectOf(bytes: Uint8Array | undefined): JsonObject | undefined {
  const parsed = bytes && parseJson(bytes, CAPS);
  return parsed?.ok && isObject(parsed.value) ? parsed.value : undefined;
}

/** Whether one of `algorithms` and this very key made the signature. Never rejects. */
export async function isSignedBy(compact: Compact, key: JWK, algorithms: readonly string[]): Promise<boolean> {
  const { signed, signature, algorithm } = compact;
  if (!algorithms.includes(algorithm)) return false;
  try {
    await compactVerify(`${signed}.${Buffer.from(signature).toString('base64url')}`, key, { algorithms: [algorithm] });
    return true;
  } catch {
    return false;
  }
}
