/** Who a session, a cursor or a subscription belongs to. Not the credential: a renewed token keeps what is its own. */
import { base64url, sha256 } from '../lib/bytes.ts';
import type { Caller } from './call.ts';

/** Callers are frozen, and live as long as their credential is known. */
const known = new WeakMap<Caller, string>();

/** 43 characters; the same for the same tenant, issuer, subject and agents. */
export function principalOf(caller: Caller): string {
  let found = known.get(caller);
  if (found === undefined) {
    const { tenant, issuer, subject, agent } = caller;
    found = base64url(sha256(JSON.stringify([tenant, issuer, subject, agent])));
    known.set(caller, found);
  }
  return found;
}
