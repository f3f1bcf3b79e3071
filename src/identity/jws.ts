/**
 * A JWS in its compact form (RFC 7515), read so that no two readers could take it differently: canonical base64url,
 * strict JSON without duplicate members, bounded. jose verifies the signature; whose keys and which algorithms count is
 * the caller's to say, never the token's (RFC 8725, sections 3.1 and 3.2).
 */
import { compactVerify, type JWK } from 'jose';
import { fromBase64url } from '../lib/bytes.ts';
import { type Caps, parseJson } from '../lib/json/scan.ts';
import { isObject, type JsonObject } from '../lib/json/types.ts';

export interface Header {
  readonly header: Readonly<JsonObject>;
  readonly algorithm: string;
}
export interface Compact<H extends Header = Header> {
  readonly head: H;
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

/** Undefined when it is not exactly one. `headOf` reads the part before the first dot. */
export function readCompact<H extends Header = Header>(
  text: string,
  headOf: (head: string) => H | undefined = readHeader as (head: string) => H | undefined,
): Compact<H> | undefined {
  if (text.length > MAX_TOKEN) return undefined;
  const [first, body, mac, more] = text.split('.', 4);
  if (!first || body === undefined || !mac || more !== undefined) return undefined;
  const payload = fromBase64url(body);
  const signature = fromBase64url(mac);
  const head = payload && signature && headOf(first);
  return head && { head, payload, signature, signed: `${first}.${body}` };
}

/** `keyed`: the header may hold a `jwk`, as that of a DPoP proof does. */
export function readHeader(head: string, keyed = false): Header | undefined {
  const header = objectOf(fromBase64url(head));
  const algorithm = header?.['alg'];
  if (!header || typeof algorithm !== 'string') return undefined;
  if (REFUSED.some((name) => Object.hasOwn(header, name)) || (!keyed && Object.hasOwn(header, 'jwk'))) return undefined;
  return { header, algorithm };
}

/** The JSON object that the bytes are; undefined when they are anything else. */
export function objectOf(bytes: Uint8Array | undefined): JsonObject | undefined {
  const parsed = bytes && parseJson(bytes, CAPS);
  return parsed?.ok && isObject(parsed.value) ? parsed.value : undefined;
}

/** Whether one of `algorithms` and this very key made the signature. Never rejects. */
export async function isSignedBy(compact: Compact, key: JWK, algorithms: readonly string[]): Promise<boolean> {
  const { signed, signature, head } = compact;
  const { algorithm } = head;
  if (!algorithms.includes(algorithm)) return false;
  try {
    await compactVerify(`${signed}.${Buffer.from(signature).toString('base64url')}`, key, { algorithms: [algorithm] });
    return true;
  } catch {
    return false;
  }
}
