/** The far end of the gateway: listings from the lockfile, everything else in a lane of its upstream. */
import type { Call, Handler } from '../core/call.ts';
import type { Handlers, Snapshot } from '../core/ports.ts';
import { isListing, listings } from './listing.ts';

/** `snapshot` must be the one that judged the call, so that a reload in between changes nothing. */
export function farEnd(snapshot: () => Snapshot, lane: Handler, versions: readonly string[]): Handlers {
  let made: { snapshot: Snapshot; handler: Handler } | undefined;
  return (call: Call) => {
    if (!isListing(call.method)) return lane;
    const now = snapshot();
    if (made?.snapshot !== now) made = { snapshot: now, handler: listings(now, versions) };
    return made.handler;
  };
}
