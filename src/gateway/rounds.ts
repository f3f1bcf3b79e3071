/**
 * The way back of a question: a sealed text that the client returns with its answers (house rule "Sealed things"). Any
 * process with the same key ring opens it; only the same caller can bring it, for the same thing and arguments, in time,
 * and once (guarantees ID9, AZ4).
 */
import { sessionOf } from '../core/admit.ts';
import type { Call, Granted, Opened, Resume } from '../core/call.ts';
import { principalOf } from '../core/principal.ts';
import { kindOf, type Rounds } from '../core/rounds.ts';
import type { Clock, Random, State } from '../core/state.ts';
import { base64url, equal, sha256Hex } from '../lib/bytes.ts';
import { canonical, digest } from '../lib/json/canonical.ts';
import { isObject, type Json, type JsonObject } from '../lib/json/types.ts';
import { type KeyRing, open, seal } from '../lib/seal.ts';

const CONTEXT = 'doorward.round.1';
export const SPENT = 'asks.spent';
/** Milliseconds in which a question can be answered. */
export const ANSWER_WITHIN = 600_000;
/** Longest state that leaves, in bytes before it is sealed, and longest that is looked at, in characters. */
const MAX_PLAIN = 64 * 1024;
const MAX_SEALED = 96 * 1024;

export interface RoundsOptions {
  readonly ring: KeyRing;
  readonly clock: Clock;
  readonly random: Random;
  readonly state: Pick<State, 'swap'>;
  readonly within?: number;
}

/** What the text holds. `bound` is a digest over all that must be the same when it comes back. */
interface Plain {
  readonly bound: string;
  readonly ticket: string;
  readonly until: number;
  readonly round: number;
  readonly asked: Opened['asked'];
  readonly call: string;
  readonly state?: string;
  /** Spent by an earlier round; the control looks whether it still holds. */
  readonly granted?: Granted;
}

export function rounds({ ring, clock, random, state, within = ANSWER_WITHIN }: RoundsOptions): Rounds {
  function read({ resume }: Call): Plain | string {
    if (resume?.state === undefined) return 'no state';
    const bytes = resume.state.length > MAX_SEALED ? undefined : open(ring, CONTEXT, resume.state);
    // Only `seal` below writes under this context, so the text has the shape that it gave it.
    return bytes ? (JSON.parse(Buffer.from(bytes).toString()) as Plain) : 'not one of ours';
  }

  function refused(call: Call, fault: string): Call {
    const { answers } = call.resume!;
    return Object.freeze({ ...call, resume: { answers, fault } });
  }

  return {
    open(call) {
      const said = read(call);
      if (typeof said === 'string') return refused(call, said);
      if (!equal(said.bound, bindingOf(call))) return refused(call, 'of another caller, thing or arguments');
      if (clock() >= said.until) return refused(call, 'expired');
      const { asked, round, ticket, state: own, granted } = said;
      const resume: Resume = {
        ...(own !== undefined && { state: own }),
        answers: call.resume!.answers,
        opened: { asked, round, ticket },
      };
      const approval = granted && { approval: { kind: 'spent' as const, ...granted } };
      return Object.freeze({ ...call, parent: said.call, resume, ...approval });
    },

    spend: ({ ticket }) => state.swap(SPENT, ticket, undefined, true, within),

    seal(call, question, own) {
      const { approval, resume } = call;
      const { kind, ...granted } = approval ?? { kind: undefined };
      const plain: Plain = {
        bound: bindingOf(call),
        ticket: base64url(random(16)),
        until: clock() + within,
        round: (resume?.opened?.round ?? 0) + 1,
        asked: askedOf(question),
        call: call.id,
        ...(own !== undefined && { state: own }),
        ...(kind === 'spent' && { granted: granted as Granted }),
      };
      const bytes = Buffer.from(JSON.stringify(plain));
      if (bytes.length > MAX_PLAIN) return undefined;
      return { ...question, requestState: seal(ring, CONTEXT, bytes, random) };
    },
  };
}

/** Who asked for what, in which era and session. */
function bindingOf(call: Call): string {
  const { caller, route, upstream, era, target, args } = call;
  const thing = target.kind === 'route' ? [] : [target.digest, target.uri ?? null, target.task?.handle ?? null];
  // A task asks when it is got, and is answered by an update.
  const method = call.family === 'task' ? call.family : call.method;
  return sha256Hex(
    canonical([
      principalOf(caller),
      route,
      upstream,
      era,
      sessionOf(call),
      method,
      target.kind,
      target.name,
      thing,
      digest(args),
    ]),
  );
}

/** What an answer is compared with. */
function askedOf({ inputRequests }: JsonObject): Opened['asked'] {
  const asked: Record<string, { kind: string; schema?: JsonObject }> = Object.create(null);
  for (const [id, request] of Object.entries(isObject(inputRequests) ? inputRequests : {})) {
    const kind = kindOf(request);
    const { params } = request as { params?: Json };
    const schema = isObject(params) ? params['requestedSchema'] : undefined;
    if (kind) asked[id] = isObject(schema) ? { kind, schema } : { kind };
  }
  return asked;
}
