/** What a door needs of the house: the gateway implements it, so that no door knows the wiring. */
import type { Entry } from './admit.ts';
import type { Call, Caller, Peer, RpcError, Stage } from './call.ts';
import type { Code } from './codes/index.ts';
import type { Deliver, Ending } from './pipeline.ts';
import type { Snapshot } from './ports.ts';
import type { Clock, Maybe, Random } from './state.ts';

/** What identity may look at. `header` answers one distinct value or undefined; names in lower case. */
export interface Evidence {
  readonly peer: Peer;
  header(name: string): string | undefined;
  /** Whether a header was sent at all, however often. */
  has?(name: string): boolean;
  /** What an HTTP request asks for: its method, its target as sent, and the route that the target names. */
  readonly request?: { readonly method: string; readonly target: string; readonly route: string };
  /** DER of the client's certificate, which the listener verified. */
  readonly certificate?: Uint8Array;
  /** DER of the certificates between it and its authority, the nearest first, as far as they are known. */
  readonly issuers?: readonly Uint8Array[];
  /** Those that the listener believed when it verified it: SHA-256 of each in hex, and a digest of them all. */
  readonly authorities?: { readonly digest: string; readonly each: ReadonlySet<string> };
  /** The whole body, bounded as the door bounds it: for requests that are signed. */
  body?(): Promise<Uint8Array>;
}

/** Who was not let in, where the answer has more to say than its code does. */
export interface Rebuff {
  readonly code: Code;
  /** Values of WWW-Authenticate for a 401, in order; what a request brought is not quoted in them. */
  readonly challenge: readonly string[];
  /** Further headers of the answer, as name, value, name, value. */
  readonly headers?: readonly string[];
}

/** What identity says of a request. */
export type Identified = Caller | Code | Rebuff;

export function isCaller(said: Identified): said is Caller {
  return typeof said !== 'string' && 'subject' in said;
}

/** A refusal before a Call existed. `retryAfter` in seconds. */
export interface Refused {
  readonly code: Code;
  readonly message: RpcError;
  readonly retryAfter?: number;
}

export interface Gate {
  readonly clock: Clock;
  readonly random: Random;
  /** A fresh id for an Attempt or a Call: time-ordered, unguessable. */
  id(): string;
  snapshot(): Snapshot;
  /** A Caller, or why there is none. */
  authenticate(evidence: Evidence): Maybe<Identified>;
  /** Records an Attempt; answers what the caller reads. A control may turn it into 429. */
  refuse(
    entry: { id: string; at: number; peer: Peer; caller?: Caller; route?: string },
    stage: Stage,
    code: Code,
    name?: string,
  ): Refused;
  /** A call whose client is being asked is under way too, until the returned function is called: `cancel` can end it. */
  waits(call: Call, cancel: AbortController): () => void;
  /** Admits and runs one call. Never rejects. */
  call(entry: Entry, deliver: Deliver, cancel: AbortController): Promise<Ending | Refused>;
}

export function isRefused(end: Ending | Refused): end is Refused {
  return 'message' in end && 'code' in end;
}
