/** What a live server lists, against what was reviewed (guarantee NV1). Whatever differs is held. */
import type { PinKind, Pinned } from '../core/call.ts';
import type { JsonObject } from '../lib/json/types.ts';
import { descriptorDigest, nameOf } from './digest.ts';
import type { Lock } from './lock.ts';
import { isPrefix, underPrefix } from './uri.ts';

/** Everything that a server says of itself, as it came. */
export interface Listing {
  readonly tools: readonly JsonObject[];
  readonly prompts: readonly JsonObject[];
  readonly resources: readonly JsonObject[];
  readonly templates: readonly JsonObject[];
  readonly instructions?: string;
  readonly serverInfo?: JsonObject;
}

export interface Seen {
  readonly kind: PinKind;
  readonly name: string;
  readonly descriptor: JsonObject;
  readonly digest: string;
}

export interface Drift {
  readonly fresh: readonly Seen[];
  readonly changed: readonly { readonly pinned: Pinned; readonly seen: Seen }[];
  readonly gone: readonly Pinned[];
  /** Names listed more than once with different descriptors: which one a call would reach is the server's choice. */
  readonly twice: readonly { readonly kind: PinKind; readonly name: string }[];
  /** Entries without a name. They are never shown. */
  readonly nameless: number;
  readonly instructions?: { readonly before?: string; readonly after?: string };
}

const LISTS: readonly (readonly [keyof Listing & `${string}s`, PinKind])[] = [
  ['tools', 'tool'],
  ['prompts', 'prompt'],
  ['resources', 'resource'],
  ['templates', 'template'],
];

/** `fresh` resources below a reviewed prefix are not reported: the prefix is what was reviewed. */
export function compare(lock: Lock, upstream: string, listing: Listing): Drift {
  const entry = lock.upstreams.get(upstream);
  const pinned = new Map((entry?.things ?? []).map((thing) => [`${thing.kind} ${thing.name}`, thing]));
  const prefixes = (entry?.things ?? []).filter((thing) => thing.kind === 'resource' && isPrefix(thing.name));
  const fresh: Seen[] = [];
  const changed: { pinned: Pinned; seen: Seen }[] = [];
  const twice: { kind: PinKind; name: string }[] = [];
  const seenDigests = new Map<string, string>();
  let nameless = 0;
  for (const [list, kind] of LISTS) {
    for (const descriptor of listing[list] as readonly JsonObject[]) {
      const name = nameOf(kind, descriptor);
      if (name === undefined) {
        nameless++;
        continue;
      }
      const key = `${kind} ${name}`;
      const seen: Seen = { kind, name, descriptor, digest: descriptorDigest(kind, descriptor) };
      const before = seenDigests.get(key);
      if (before !== undefined) {
        if (before !== seen.digest) twice.push({ kind, name });
        continue;
      }
      seenDigests.set(key, seen.digest);
      const pin = pinned.get(key);
      if (pin === undefined) {
        if (kind !== 'resource' || !prefixes.some((prefix) => underPrefix(prefix.name, name))) fresh.push(seen);
      } else if (pin.digest !== seen.digest) changed.push({ pinned: pin, seen });
    }
  }
  // A reviewed prefix is our own entry; a resource need not be listed to be read.
  const gone = [...pinned]
    .filter(([key, thing]) => thing.kind !== 'resource' && !seenDigests.has(key))
    .map(([, thing]) => thing);
  const { instructions: after } = listing;
  const before = entry?.instructions;
  return {
    fresh,
    changed,
    gone,
    twice,
    nameless,
    ...(before !== after && {
      instructions: { ...(before !== undefined && { before }), ...(after !== undefined && { after }) },
    }),
  };
}

/** Nothing for a person to look at. */
export function isClean(drift: Drift): boolean {
  return (
    [drift.fresh, drift.changed, drift.gone, drift.twice].every((list) => list.length === 0) && !drift.instructions
  );
}

/** What must be held; `all` when what was reviewed cannot be told from what was not. */
export function heldBy(drift: Drift): {
  readonly all: boolean;
  readonly things: readonly { kind: PinKind; name: string }[];
} {
  const things = [...drift.fresh, ...drift.changed.map(({ seen }) => seen), ...drift.twice, ...drift.gone];
  return { all: drift.instructions !== undefined, things: things.map(({ kind, name }) => ({ kind, name })) };
}
