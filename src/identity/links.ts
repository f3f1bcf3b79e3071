/**
 * Chains of agents whose links sign for themselves (guarantee ID10): the claim `act_proofs` beside `act`, one JWT for
 * each agent in the order of `act`, by the agent's own key. Each says for whom, who comes next (the outermost: the
 * resource), and what came before: no issuer, and no other agent, can leave one out, add one or change their order.
 */
import type { Caller } from '../core/call.ts';
import type { Clock } from '../core/state.ts';
import { base64url, sha256 } from '../lib/bytes.ts';
import { isObject, type Json, type JsonObject } from '../lib/json/types.ts';
import { type Compact, isSignedBy, objectOf, readCompact, readHeader } from './jws.ts';
import { type Key, publicKey } from './oauth/jwks.ts';
import type { Once, OnceLimits } from './once.ts';

/** `typ` (RFC 8725, section 3.11): what the same key signs elsewhere is no link. */
export const LINK_TYPE = 'act-proof+jwt';
const ALGORITHMS = ['ES256', 'EdDSA', 'Ed25519'];
/** Milliseconds: the longest life of a link, and how far ahead the clock of an agent may be. */
const LIFE = 3_600_000;
const SKEW = 5_000;
const MAX_JTI = 256;
/** There is no room to remember another one: not the fault of who sent it. */
export const FULL = 'too many proofs';
/** Outermost links of one agent, and of all: each is good for one token. */
export const LINKS: OnceLimits = { life: LIFE + SKEW, each: 16_384, all: 131_072 };

export interface SignedLink {
  /** The agent that `act` names here. */
  readonly sub: string;
  /** RFC 7638 thumbprints of its keys. */
  readonly keys: readonly string[];
}

/** When the first of the links ends, in milliseconds since the epoch; or why they prove nothing. Never rejects. */
export async function proved(
  chain: readonly SignedLink[],
  { claims, issuer, subject, credential }: Caller,
  once: Once,
  clock: Clock,
): Promise<number | { readonly why: string }> {
  const { aud, act_proofs: proofs } = claims;
  const resource = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud;
  if (!Array.isArray(proofs) || proofs.length !== chain.length) return { why: 'a link without a proof' };
  const at = clock();
  let until = Number.POSITIVE_INFINITY;
  let outermost = '';
  for (const [i, { sub, keys }] of chain.entries()) {
    const proof = proofs[i]!;
    const compact = typeof proof === 'string' ? readCompact(proof, keyed) : undefined;
    const said = compact && objectOf(compact.payload);
    if (!said) return { why: 'a proof that is none' };
    if (!keys.includes(compact.head.key.thumbprint)) return { why: 'a proof by another key than that of the agent' };
    if (said['iss'] !== sub) return { why: 'the proof of another agent' };
    if (!isFor(said['sub_id'], issuer, subject)) return { why: 'a proof for another subject' };
    if (said['aud'] !== (i === 0 ? resource : chain[i - 1]!.sub)) return { why: 'a proof for another that comes next' };
    const inner = proofs[i + 1];
    if (said['prev'] !== (typeof inner === 'string' ? digest(inner) : undefined))
      return { why: 'a proof after other links' };
    const { iat, exp, jti } = said;
    if (typeof iat !== 'number' || typeof exp !== 'number' || exp * 1000 - iat * 1000 > LIFE)
      return { why: 'a proof that does not say when, or lives too long' };
    if (iat * 1000 > at + SKEW || at >= exp * 1000) return { why: 'a proof that is not of now' };
    if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI) return { why: 'a proof without an id' };
    if (!(await isSignedBy(compact, compact.head.key.jwk, ALGORITHMS))) return { why: 'a proof that is not signed' };
    until = Math.min(until, exp * 1000);
    if (i === 0) outermost = jti;
  }
  // Whoever comes so far has the outermost agent's signature: nobody else fills this memory.
  const use = once.use(chain[0]!.sub, outermost, at, credential);
  return use === 'first' ? until : { why: use === 'full' ? FULL : 'a proof of another token' };
}

/** Who the links are for: an issuer's subject (RFC 9493, section 3.2.4), since two issuers can have one of that name. */
function isFor(id: Json | undefined, issuer: string, subject: string): boolean {
  if (!isObject(id)) return false;
  const { format, iss, sub, ...others } = id;
  return format === 'iss_sub' && iss === issuer && sub === subject && Object.keys(others).length === 0;
}

/** Of an inner link, as the next one has it in `prev`. */
function digest(proof: string): string {
  return base64url(sha256(proof));
}

type Head = Compact['head'] & { readonly key: Key };

/** The key comes with the link; whether it is the agent's is asked by its thumbprint, as of a DPoP proof. */
function keyed(text: string): Head | undefined {
  const read = readHeader(text, true);
  const jwk = read?.header['jwk'];
  const key = read?.header['typ'] === LINK_TYPE && isObject(jwk) ? publicKey(jwk as JsonObject) : undefined;
  return key && { ...read!, key };
}
