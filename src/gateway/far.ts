/** The far end of the gateway: listings from the lockfile, streams of its own, everything else in a lane of its upstream. */
import type { Call, Handler } from '../core/call.ts';
import type { Handlers, Snapshot } from '../core/ports.ts';
import { isListing, type ListingParts, listings } from './listing.ts';

export interface FarParts extends ListingParts {
  /** Answers streams of change notifications, and what belongs to them. */
  readonly streams?: Handler;
}

/** `snapshot` must be the one that judged the call, so that a reload in between changes nothing. */
export function farEnd(snapshot: () => Snapshot, parts: FarParts): Handlers {
  let made: { snapshot: Snapshot; listing: (call: Call) => Handler } | undefined;
  return (call: Call) => {
    if (call.family === 'listen') return parts.streams ?? parts.lane;
    if (!isListing(call.method)) return parts.lane;
    const now = snapshot();
    if (made?.snapshot !== now) made = { snapshot: now, listing: listings(now, parts) };
    return made.listing(call);
  };
}
