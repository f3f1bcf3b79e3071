/** Who may not go on is stopped wherever they are: on a stream, in a call, or in one that is parked (ID9, TR12, DE3). */
import { stopped } from '../controls/halt/index.ts';
import type { Halted } from '../controls/halt/rules.ts';
import type { Call, Caller } from '../core/call.ts';
import type { Lanes } from '../upstreams/lanes.ts';
import type { Streams } from './streams.ts';
import type { Underway } from './underway.ts';

export interface Stops {
  /** Ends everything of the callers whose credential is good no more, or who are known by other facts. */
  revoked(which: (caller: Caller) => boolean): void;
  halted(now: Halted): void;
}

export function stops(
  streams: Pick<Streams, 'end'>,
  underway: Pick<Underway, 'revoke' | 'stop'>,
  lanes: Pick<Lanes, 'unpark'>,
): Stops {
  return {
    revoked(which) {
      streams.end(({ caller }) => which(caller), 'revoked');
      underway.revoke(which);
      lanes.unpark(({ caller }) => (which(caller) ? 'run.revoked' : undefined));
    },
    halted(now) {
      const why = (call: Call) => stopped(call, now);
      streams.end((call) => why(call) !== undefined, 'halted');
      underway.stop(why);
      lanes.unpark(why);
    },
  };
}
