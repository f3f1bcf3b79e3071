/**
 * JWT-SVIDs (guarantee ID4; SPIFFE JWT-SVID sections 2 to 4): signed by a key of the trust domain that `sub` is of, for
 * this route and nothing else.
 */
import { compactVerify } from 'jose';
import { demands, jwtParts } from '../parts.ts';
import type { Bundle } from './bundle.ts';
import { parseSpiffeId, type SpiffeId } from './id.ts';

/** Section 2.1. */
const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512'];
/** Milliseconds that the clock of an authority may be ahead. */
const SKEW = 5_000;
export interface JwtSvid extends SpiffeId {
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** Whose word a token claims to be; nothing is verified. Undefined when it is none of a workload. */
export function claimsSpiffe(token: string): SpiffeId | undefined {
  const sub = jwtParts(token)?.payload['sub'];
  return typeof sub === 'string' ? parseSpiffeId(sub) : undefined;
}

/** Whose token it is at the time `at` for `audience`, or why it is nobody's. */
export async function jwtSvid(
  token: string,
  audience: string,
  bundle: (trustDomain: string) => Bundle | undefined,
  at: number,
): Promise<JwtSvid | { readonly why: string }> {
  const read = jwtParts(token);
  if (!read) return { why: 'not a token' };
  const { header, payload } = read;
  const { alg, kid, typ } = header;
  if (typeof alg !== 'string' || !ALGORITHMS.includes(alg)) return { why: 'an algorithm that is not taken' };
  if (typ !== undefined && typ !== 'JWT' && typ !== 'JOSE') return { why: 'a token of another type' };
  if (demands(read)) return { why: 'a demand that is not understood' };
  const { sub, aud, exp, nbf, iat } = payload;
  const id = typeof sub === 'string' ? parseSpiffeId(sub) : undefined;
  if (!id || id.path === '') return { why: 'no SPIFFE id of a workload' };
  // Whoever acts for a workload is not that workload.
  if (payload['act'] !== undefined) return { why: 'agents, of which nothing is known here' };
  // A token that is for several could be sent on by each of them to the others (section 3.2).
  const only = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud;
  if (only !== audience) return { why: 'for another audience' };
  if (typeof exp !== 'number' || at >= exp * 1000) return { why: 'expired' };
  for (const time of [nbf, iat])
    if (time !== undefined && (typeof time !== 'number' || time * 1000 > at + SKEW)) return { why: 'not valid yet' };
  const key = typeof kid === 'string' ? bundle(id.trustDomain)?.jwt.get(kid) : undefined;
  if (!key) return { why: 'a key that its trust domain does not have' };
  try {
    await compactVerify(token, key, { algorithms: [alg] });
  } catch {
    return { why: 'not signed by its trust domain' };
  }
  return { ...id, until: exp * 1000 };
}
