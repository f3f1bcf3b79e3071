/**
 * The local caller: the OS user who started Doorward, known by a token in a file that only that user can read
 * (guarantee ID1). A door asks with headers; `run --stdio` is started by that user and needs no token.
 */
import type { Caller } from '../core/call.ts';
import type { Code } from '../core/codes/index.ts';
import type { Evidence } from '../core/gate.ts';
import { equal, hex, sha256 } from '../lib/bytes.ts';

/** RFC 6750 2.1: `Bearer` + b64token; bounded, so that nothing long is hashed. */
const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]{16,512})$/i;

const MAX_BEARER = 600;

/** The token of an Authorization header; undefined when it has another form. */
export function bearer(header: string): string | undefined {
  // An access token is longer, and looked at by others.
  return header.length > MAX_BEARER ? undefined : BEARER.exec(header)?.[1];
}

export interface LocalIdentity {
  /** The caller behind the token, or the code of the refusal. */
  authenticate(evidence: Evidence): Caller | Code;
  /** The same, of an Authorization header. */
  check(header: string | undefined): Caller | Code;
  /** The caller of this very process and of its bridges. */
  readonly caller: Caller;
}

/** `token` is the content of the token file; it is kept as a digest only. `user` names the OS user for the log. */
export function localIdentity(token: string, user: string): LocalIdentity {
  const digest = sha256(token);
  const caller: Caller = Object.freeze({
    tenant: 'local',
    subject: 'local',
    agent: Object.freeze([]),
    groups: Object.freeze([]),
    scopes: Object.freeze([]),
    issuer: 'local',
    how: 'local',
    strength: Object.freeze({ amr: Object.freeze([]) }),
    credential: hex(digest).slice(0, 16),
    claims: Object.freeze({ user }),
  });
  function check(header: string | undefined): Caller | Code {
    if (header === undefined) return 'identity.missing';
    const sent = bearer(header);
    // Digests have one length, so the comparison takes one time whatever was sent.
    return sent !== undefined && equal(sha256(sent), digest) ? caller : 'identity.invalid';
  }
  return { caller, check, authenticate: (evidence) => check(evidence.header('authorization')) };
}
