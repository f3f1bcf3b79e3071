/** What a review would pin, and what it would not. Pure. */
import type { Exceptions, Facts, PinKind, Pinned } from '../../core/call.ts';
import { diff } from '../../inventory/diff.ts';
import { pinnedPart } from '../../inventory/digest.ts';
import { compare, type Drift, isClean, type Listing, type Seen } from '../../inventory/drift.ts';
import { type Finding, findingsOf, instructionFindings } from '../../inventory/findings.ts';
import { guessFacts, READS } from '../../inventory/guess.ts';
import {
  type Lock,
  type OriginPin,
  originDigest,
  pins,
  type UpstreamLock,
  withUpstream,
} from '../../inventory/lock.ts';
import { meaning } from '../../inventory/meaning.ts';
import { guessPaths } from '../../inventory/paths.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';
import { pointer } from '../../lib/schema/index.ts';

export interface Item {
  readonly kind: PinKind;
  readonly name: string;
  readonly status: 'new' | 'changed' | 'same' | 'gone';
  /** Reviewed before, or guessed from annotations. */
  readonly facts: Facts;
  readonly guessed: boolean;
  readonly description: string;
  /** Every text for people and models in a new descriptor, with its place; what changed is told in `changes`. */
  readonly says: readonly { readonly at: string; readonly text: string }[];
  readonly findings: readonly Finding[];
  /** What the change means, in sentences. */
  readonly changes: readonly string[];
  /** False: it cannot be pinned as it is and stays held. */
  readonly pinnable: boolean;
}

export interface Plan {
  readonly upstream: string;
  readonly items: readonly Item[];
  readonly instructions?: { readonly before?: string; readonly after?: string; readonly findings: readonly Finding[] };
  readonly packageChanged: boolean;
  /** Nothing differs from the lockfile. */
  readonly clean: boolean;
  readonly next: Lock;
}

/** Severities that keep a thing out of the lockfile even when nothing technical forbids it. */
const GRAVE = new Set(['critical', 'high']);

/** `root`: the one folder that is mounted, if it is one; arguments that look like paths are then bound to it. */
export function plan(lock: Lock, upstream: string, listing: Listing, origin: OriginPin, root?: string): Plan {
  const entry = lock.upstreams.get(upstream);
  const drift = compare(lock, upstream, listing);
  const before = new Map((entry?.things ?? []).map((thing) => [`${thing.kind} ${thing.name}`, thing]));
  const others = pins(lock).filter((pin) => pin.upstream !== upstream);
  const siblings = listing.tools.flatMap(({ name }) => (typeof name === 'string' ? [name] : []));
  const named = [...others.map(({ name }) => name), ...siblings];
  const changed = new Map(drift.changed.map(({ pinned, seen }) => [`${seen.kind} ${seen.name}`, { pinned, seen }]));
  const gone = new Set(drift.gone.map(({ kind, name }) => `${kind} ${name}`));
  const twice = new Set(drift.twice.map(({ kind, name }) => `${kind} ${name}`));

  const guessed = ({ kind, descriptor }: Seen): Exceptions => {
    const paths = kind === 'tool' && root !== undefined ? guessPaths(descriptor, root) : [];
    return paths.length > 0 ? { paths } : {};
  };
  const items: Item[] = [];
  const things: Pinned[] = [];
  const add = (seen: Seen, pinned: Pinned | undefined): void => {
    const findings = findingsOf(seen.kind, seen.name, seen.descriptor, others);
    const facts = pinned?.facts ?? (seen.kind === 'tool' ? guessFacts(seen.descriptor) : READS);
    const pinnable =
      !twice.has(`${seen.kind} ${seen.name}`) &&
      !findings.some(({ refused, severity }) => refused || GRAVE.has(severity));
    const { description } = seen.descriptor;
    items.push({
      kind: seen.kind,
      name: seen.name,
      status: pinned ? 'changed' : 'new',
      facts,
      guessed: pinned === undefined,
      description: typeof description === 'string' ? description : '',
      says: pinned ? [] : textsOf(seen.descriptor),
      findings,
      changes: [
        ...(pinned ? meaning(seen.kind, pinned.descriptor, seen.descriptor, named) : []),
        ...(pinned ? diff(seen.kind, pinned.descriptor, seen.descriptor) : []),
        ...(twice.has(`${seen.kind} ${seen.name}`) ? ['is listed more than once, each time otherwise'] : []),
      ],
      pinnable,
    });
    if (!pinnable) return;
    const { kind, name, digest } = seen;
    const cap = pinned?.cap === undefined ? {} : { cap: pinned.cap };
    things.push({
      kind,
      upstream,
      name,
      digest,
      descriptor: pinnedPart(kind, seen.descriptor),
      facts,
      exceptions: pinned?.exceptions ?? guessed(seen),
      ...cap,
      ...(pinned?.seal && { seal: pinned.seal }),
    });
  };
  for (const [key, pin] of before) {
    const now = changed.get(key);
    if (now) add(now.seen, pin);
    else {
      const { kind, name, facts, descriptor } = pin;
      const description = typeof descriptor['description'] === 'string' ? descriptor['description'] : '';
      const status = gone.has(key) ? ('gone' as const) : ('same' as const);
      items.push({
        kind,
        name,
        status,
        facts,
        guessed: false,
        description,
        says: [],
        findings: [],
        changes: [],
        pinnable: true,
      });
      if (status === 'same') things.push(pin);
    }
  }
  for (const seen of drift.fresh) add(seen, undefined);

  const after = listing.instructions;
  const instructions = drift.instructions && {
    ...drift.instructions,
    findings: after === undefined ? [] : instructionFindings(after),
  };
  const keep = instructions && instructions.findings.length > 0 ? entry?.instructions : after;
  const packageChanged = entry !== undefined && originDigest(entry) !== originDigest(origin);
  const next: UpstreamLock = {
    ...origin,
    ...(keep !== undefined && { instructions: keep }),
    // Found of the package as it was.
    ...(entry?.stateless && !packageChanged && { stateless: true }),
    things,
  };
  return {
    upstream,
    items,
    ...(instructions && { instructions }),
    packageChanged,
    clean: isClean(drift as Drift) && !packageChanged && entry !== undefined,
    next: withUpstream(lock, upstream, next),
  };
}

/** More than these nobody reads; the lockfile has them all. */
const MAX_TEXTS = 100;

/** Titles and descriptions, however deep: a model reads those of parameters like that of the tool. */
function textsOf(descriptor: JsonObject): { at: string; text: string }[] {
  const found: { at: string; text: string }[] = [];
  const walk = (value: Json, path: readonly string[]): void => {
    if (!isObject(value) && !Array.isArray(value)) return;
    for (const [key, member] of Object.entries(value)) {
      if ((key === 'description' || key === 'title') && typeof member === 'string') {
        if (found.length < MAX_TEXTS) found.push({ at: pointer([...path, key]), text: member });
      } else walk(member, [...path, key]);
    }
  };
  walk(descriptor, []);
  return found;
}
