/**
 * The judge of a log: reads the folder and a public key, nothing else, and trusts neither the writer nor the names of
 * files. It hashes stored bytes. What it cannot see without a checkpoint kept elsewhere: a folder that was put back as a
 * whole to an earlier state, and a change to the last entries that no checkpoint covers yet (`unsigned`).
 */
import type { KeyObject } from 'node:crypto';
import { sha256Hex } from '../lib/bytes.ts';
import { GENESIS, type Head, parseLine } from './chain.ts';
import { type Checkpoint, readCheckpoint } from './checkpoint.ts';
import { latestCheckpoint } from './recover.ts';
import { CHECKPOINT_FILE, type Line, LONGEST_LINE, lines, type Segment, segments } from './segments.ts';

export interface Bad {
  /** Number of the first bad entry, as it should be. */
  readonly seq: number;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly why: string;
}

export interface Verified {
  readonly ok: boolean;
  /** Good entries before the first bad one. */
  readonly entries: number;
  readonly log?: string;
  readonly firstBad?: Bad;
  /** References of intents without outcome: the gateway ended while they ran. At most `OPEN_SHOWN`, oldest first. */
  readonly open: readonly string[];
  readonly openCount: number;
  /** The latest checkpoint, if it holds. */
  readonly checkpoint?: Checkpoint;
  /** Entries at the end that no checkpoint covers yet. */
  readonly unsigned: number;
  /** An incomplete last line: the gateway is writing, or was stopped while it wrote. */
  readonly torn?: { readonly file: string; readonly bytes: number };
}

export const OPEN_SHOWN = 1000;

/** `kept` = checkpoints that were kept elsewhere, as text. Streams: memory does not grow with the log. */
export function verifyLog(dir: string, keys: readonly KeyObject[], kept: readonly string[] = []): Verified {
  const latest = latestCheckpoint(dir, keys);
  const points: Checkpoint[] = [];
  let badPoint: string | undefined;
  for (const point of [latest, ...kept.map((note) => readCheckpoint(note, keys))]) {
    if (typeof point === 'string') badPoint ??= point;
    else if (point) points.push(point);
  }
  const judge = new Judge(dir, keys, points);
  const firstBad =
    judge.chain() ??
    (badPoint === undefined
      ? judge.end(latest !== undefined)
      : { seq: 0, file: CHECKPOINT_FILE, line: 1, why: badPoint });
  const open = [...judge.open];
  return {
    ok: firstBad === undefined,
    entries: judge.head.size,
    ...(judge.log !== undefined && { log: judge.log }),
    ...(firstBad && { firstBad }),
    open: open.slice(0, OPEN_SHOWN),
    openCount: open.length,
    ...(typeof latest === 'object' && { checkpoint: latest }),
    unsigned: Math.max(0, judge.head.size - judge.covered),
    ...(judge.torn && { torn: judge.torn }),
  };
}

interface Place {
  readonly file: string;
  readonly line: number;
}

class Judge {
  readonly #dir: string;
  readonly #keys: readonly KeyObject[];
  readonly #points: readonly Checkpoint[];
  head: Head = GENESIS;
  log: string | undefined;
  /** Entries that a good checkpoint has signed. */
  covered = 0;
  torn: Verified['torn'];
  readonly open = new Set<string>();
  /** The last good entry, and the hash before it. */
  #last: { readonly place: Place; readonly prev: string } | undefined;
  /** The entry after the last signed ones. */
  #unsigned: Place | undefined;

  constructor(dir: string, keys: readonly KeyObject[], points: readonly Checkpoint[]) {
    this.#dir = dir;
    this.#keys = keys;
    this.#points = points;
  }

  /** Follows the chain through all files. */
  chain(): Bad | undefined {
    const walk = walkLines(segments(this.#dir));
    for (let step = walk.next(); !step.done; step = walk.next()) {
      const { segment, last, place, line } = step.value;
      if (!line.whole) {
        if (!last || line.bytes.length > LONGEST_LINE) return this.#bad(place, 'the file ends within an entry');
        this.torn = { file: place.file, bytes: line.bytes.length };
        return undefined;
      }
      if (place.line === 1 && segment.first !== this.head.size) {
        return this.#bad(place, `entries are missing: the file begins with ${segment.first}`);
      }
      const bad = this.#entry(line, place, () => walk.next().value?.line);
      if (bad) return bad;
    }
    return undefined;
  }

  /** What only the end can show. `signed` = whether there is a checkpoint file at all. */
  end(signed: boolean): Bad | undefined {
    const place = this.#last
      ? { file: this.#last.place.file, line: this.#last.place.line + 1 }
      : { file: CHECKPOINT_FILE, line: 1 };
    const beyond = this.#points.find((point) => point.size > this.head.size);
    if (beyond) return this.#bad(place, `cut off: ${beyond.size} entries are signed, ${this.head.size} are there`);
    // A log is born with its first checkpoint; only a crash between the two leaves one entry without.
    if (!signed && this.head.size > 1)
      return { seq: this.head.size, file: CHECKPOINT_FILE, line: 1, why: 'the signed checkpoint is missing' };
    return undefined;
  }

  #entry(line: Line, place: Place, next: () => Line | undefined): Bad | undefined {
    const { head } = this;
    const entry = parseLine(line.bytes);
    if (!entry) return this.#bad(place, 'not an entry');
    const hash = sha256Hex(line.bytes);
    if (entry.seq !== head.size || entry.prev !== head.hash) return this.#misfit(entry, hash, place, next);
    this.log ??= entry.log;
    if (entry.log !== this.log) return this.#bad(place, 'belongs to another log');
    this.#last = { place, prev: head.hash };
    this.#unsigned ??= place;
    if (entry.kind === 'checkpoint') {
      const bad = this.#note(entry.note, place);
      if (bad) return bad;
    }
    this.head = { size: head.size + 1, hash };
    for (const point of this.#points) {
      if (point.size !== this.head.size) continue;
      if (point.hash !== hash || point.log !== this.log) return this.#rewritten(point.size);
      this.covered = point.size;
      this.#unsigned = undefined;
    }
    if (typeof entry.call === 'string') {
      if (entry.kind === 'intent') this.open.add(entry.call);
      else if (entry.kind === 'outcome') this.open.delete(entry.call);
    }
    return undefined;
  }

  /** The link is broken: which of the two entries is the bad one? Its neighbours know. */
  #misfit(entry: { seq: number; prev: string }, hash: string, place: Place, next: () => Line | undefined): Bad {
    const { head } = this;
    const last = this.#last;
    if (last && entry.seq === head.size - 1 && entry.prev === last.prev) {
      return this.#before(last.place, 'does not belong here: another entry has its place');
    }
    if (entry.seq > head.size) return this.#bad(place, `missing or moved: entry ${entry.seq} stands in its place`);
    if (entry.seq < head.size) return this.#bad(place, `entry ${entry.seq} stands in its place`);
    if (last && (this.#links(next(), hash) || this.#points.some((p) => p.size === head.size + 1 && p.hash === hash))) {
      return this.#before(last.place, 'changed after it was written');
    }
    return this.#bad(place, 'changed after it was written');
  }

  #links(next: Line | undefined, hash: string): boolean {
    return next !== undefined && parseLine(next.bytes)?.prev === hash;
  }

  #note(note: unknown, place: Place): Bad | undefined {
    const { head } = this;
    const point = typeof note === 'string' ? readCheckpoint(note, this.#keys) : 'not a checkpoint';
    if (typeof point === 'string') return this.#bad(place, point);
    if (point.log !== this.log || point.size !== head.size || point.hash !== head.hash)
      return this.#rewritten(head.size);
    this.covered = point.size;
    this.#unsigned = place;
    return undefined;
  }

  /** A chain that fits, but not what was signed: somebody wrote it anew, from an entry that only the range tells. */
  #rewritten(size: number): Bad {
    const place = this.#unsigned ?? this.#last!.place;
    return {
      seq: this.covered,
      ...place,
      why: `rewritten: entries ${this.covered} to ${size - 1} are not the ones that are signed`,
    };
  }

  #bad(place: Place, why: string): Bad {
    return { seq: this.head.size, ...place, why };
  }

  #before(place: Place, why: string): Bad {
    return { seq: this.head.size - 1, ...place, why };
  }
}

function* walkLines(
  all: readonly Segment[],
): Generator<{ segment: Segment; last: boolean; place: Place; line: Line }, undefined> {
  for (const segment of all) {
    let number = 0;
    for (const line of lines(segment.path)) {
      yield { segment, last: segment === all.at(-1), place: { file: segment.name, line: ++number }, line };
    }
  }
  return undefined;
}
