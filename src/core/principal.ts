/** Who a session, a cursor or a subscription belongs to. Not the credential: a renewed token keeps what is its own. */
import { base64url, sha256 } from '../lib/bytes.ts';
import type { Caller } from './call.ts';

/** 43 characters; the same for the same tenant, issuer, subject and agents. */
export function principalOf({ tenant, issuer, subject, agent }: Caller): string {
  return base64url(sha256(JSON.stringify([tenant, issuer, subject, agent])));
}
