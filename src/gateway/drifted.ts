/** A live server that is not what was reviewed: what changed is held from the next admission on (guarantee NV1). */
import { compare, heldBy, type Listing } from '../inventory/drift.ts';
import type { Holds } from '../inventory/holds.ts';
import type { Lock } from '../inventory/lock.ts';
import type { Json } from '../lib/json/types.ts';
import { escapeText } from '../lib/text.ts';

/** Names that the log is told, and bytes of each. */
const NAMES = 20;
const NAME = 128;

/** Holds what differs; what the log is told of it. */
export function holdDrift(lock: Lock, holds: Holds, upstream: string, listing: Listing): Record<string, Json> {
  const { all, things } = heldBy(compare(lock, upstream, listing));
  if (all) holds.holdAll(upstream);
  for (const { kind, name } of things) holds.hold(upstream, kind, name);
  const held = things.slice(0, NAMES).map(({ kind, name }) => `${kind} ${escapeText(name, NAME)}`);
  return { upstream, held, count: things.length, all };
}
