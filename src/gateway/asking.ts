/**
 * The sealed state of an approval that a client was asked about. It names the approval and what it is good for; the
 * retry that brings it is a new call, judged from the start, which finds the grant under its own binding (house rule
 * "Approval"). What the client answered counts only where the rules say so.
 */

import { groundOf } from '../controls/approval/book.ts';
import type { Entry } from '../core/admit.ts';
import { APPROVAL, type Asks } from '../core/asks.ts';
import type { Brought, Call } from '../core/call.ts';
import type { Random } from '../core/state.ts';
import { isLoopback } from '../lib/address.ts';
import { type KeyRing, open, seal } from '../lib/seal.ts';

const CONTEXT = 'doorward.approval.1';
const SENT = 'doorward.sent.1';

/** Only this file seals under its context, so what opens has this shape. */
type Sealed = Pick<Brought, 'id' | 'ground'>;

export interface AskingOptions {
  readonly ring: KeyRing;
  readonly random: Random;
  readonly page: (id: string) => string | undefined;
}

export function asking({ ring, random, page }: AskingOptions): Asks {
  return {
    // On another machine the address would be that machine's own.
    page: ({ peer }, id) => (peer.listener === 'stdio' || isLoopback(peer.address) ? page(id) : undefined),
    state(call: Call, id: string) {
      const named: Sealed = { id, ground: groundOf(call) };
      return seal(ring, CONTEXT, Buffer.from(JSON.stringify(named)), random);
    },
    sent: ({ id }) => seal(ring, SENT, Buffer.from(id), random),
  };
}

/** What a client says of an approval goes no further than to the control: no upstream sees our state, or the answer to it. */
export function unsealed(entry: Entry, ring: KeyRing): Entry {
  const { resume, ...said } = entry.said;
  if (resume?.state !== undefined && open(ring, SENT, resume.state)) return { ...entry, said: { ...said, sent: true } };
  const plain = resume?.state === undefined ? undefined : open(ring, CONTEXT, resume.state);
  if (!resume || !plain) return entry;
  const { id, ground } = JSON.parse(Buffer.from(plain).toString()) as Sealed;
  const answer = resume.answers[APPROVAL];
  return {
    ...entry,
    said: { ...said, approval: { kind: 'asked', id, ground, ...(answer !== undefined && { answer }) } },
  };
}
