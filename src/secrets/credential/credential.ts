/**
 * What proves to a server for whom a request is made. It is made for this hop: nothing that a client sent to the gateway
 * is in it (guarantee ID9).
 */
import type { Maybe } from '../../core/state.ts';

/** One header. */
export type Proof = readonly [name: string, value: string];

export interface Refusal {
  readonly status: 401 | 403;
  /** `WWW-Authenticate`, as it came. */
  readonly challenge: string | undefined;
  /** What was refused. */
  readonly proof: Proof;
}

/** The credential of one principal at one server. */
export interface Credential {
  /** For the next request. Rejects (or throws) with Ended when there is none. */
  proof(signal?: AbortSignal): Maybe<Proof>;
  /** The server refused, and did nothing. Resolves when another proof may do; rejects with Ended when a person is needed. */
  refused(refusal: Refusal): Promise<void>;
}

export function bearer({ access }: { readonly access: string }): Proof {
  return ['authorization', `Bearer ${access}`];
}

/** Whether an answer says that the proof was the reason (RFC 6750, section 3.1). */
export function isRefusal(status: number, challenge: string | undefined): status is Refusal['status'] {
  return status === 401 || (status === 403 && /\berror="?insufficient_scope\b/.test(challenge ?? ''));
}
