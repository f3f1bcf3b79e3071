/**
 * A handle for one task of a client that has no session: what is read under it counts for it alone (guarantee AZ8). A
 * client that sends none is judged by all that its principal has read; one that is not ours, or another's, is none.
 */
import type { Entry } from '../core/admit.ts';
import type { Call, Caller } from '../core/call.ts';
import { principalOf } from '../core/principal.ts';
import type { Clock, Random } from '../core/state.ts';
import { base64url, equal } from '../lib/bytes.ts';
import { type KeyRing, open, seal } from '../lib/seal.ts';

const CONTEXT = 'doorward.flow.1';
/** Milliseconds; longer than any window of `flows` by default. */
const LIFE = 24 * 3_600_000;

interface Plain {
  readonly principal: string;
  readonly id: string;
  readonly until: number;
}

export interface FlowParts {
  readonly ring: KeyRing;
  readonly random: Random;
}

/** A fresh handle for whoever discovers; one who brings a handle keeps it. */
export function handleOf(call: Pick<Call, 'caller' | 'flow' | 'at'>, { ring, random }: FlowParts): string {
  const id = call.flow ?? base64url(random(16));
  const plain: Plain = { principal: principalOf(call.caller), id, until: call.at + LIFE };
  return seal(ring, CONTEXT, Buffer.from(JSON.stringify(plain)), random);
}

/** The entry with the id inside its handle, or without any. */
export function flowing(entry: Entry, ring: KeyRing, clock: Clock): Entry {
  const { flow, ...said } = entry.said;
  if (flow === undefined) return entry;
  const id = idOf(flow, entry.caller, ring, clock());
  return { ...entry, said: id === undefined ? said : { ...said, flow: id } };
}

function idOf(handle: string, caller: Caller, ring: KeyRing, now: number): string | undefined {
  const bytes = open(ring, CONTEXT, handle);
  if (!bytes) return undefined;
  // Only `handleOf` seals under this context.
  const { principal, id, until } = JSON.parse(Buffer.from(bytes).toString()) as Plain;
  return equal(principal, principalOf(caller)) && now < until ? id : undefined;
}
