/** Reading a log for people: the last entries, new ones as they come, all that belongs to one reference. */
import { statSync } from 'node:fs';
import { parseLine } from './chain.ts';
import type { Entry } from './entry.ts';
import { lines, segments } from './segments.ts';

/** The last `count` entries, oldest first. Lines that are no entries are left out: `verify` judges, this only shows. */
export function tail(dir: string, count: number): Entry[] {
  const found: Entry[] = [];
  for (const segment of segments(dir).reverse()) {
    const missing = count - found.length;
    if (missing <= 0) break;
    const last: Buffer[] = [];
    for (const { bytes, whole } of lines(segment.path)) {
      if (!whole) break;
      last.push(bytes);
      if (last.length >= 2 * missing) last.splice(0, missing);
    }
    found.unshift(...last.slice(-missing).flatMap((bytes) => entry(bytes) ?? []));
  }
  return found;
}

/** Every entry, oldest first. */
export function* all(dir: string): Generator<Entry, void, undefined> {
  for (const segment of segments(dir)) {
    for (const { bytes, whole } of lines(segment.path)) {
      const read = whole ? entry(bytes) : undefined;
      if (read) yield read;
    }
  }
}

/** All entries of a call or attempt, in order. */
export function lookup(dir: string, reference: string): Entry[] {
  const needle = `"call":${JSON.stringify(reference)}`;
  const found: Entry[] = [];
  for (const segment of segments(dir)) {
    for (const { bytes, whole } of lines(segment.path)) {
      if (!whole || !bytes.includes(needle)) continue;
      const read = entry(bytes);
      if (read?.call === reference) found.push(read);
    }
  }
  return found;
}

export interface FollowHow {
  readonly signal: AbortSignal;
  /** Resolves when it is time to look again. */
  readonly pause: () => Promise<void>;
}

/** Entries that are written from now on, until `signal` aborts. */
export async function* follow(dir: string, how: FollowHow): AsyncGenerator<Entry, void, undefined> {
  let segment = segments(dir).at(-1);
  let at = segment ? statSync(segment.path).size : 0;
  while (!how.signal.aborted) {
    // Asked before reading: when there is a next file already, this one is complete.
    const next = segments(dir).find((s) => s.first > (segment?.first ?? -1));
    if (segment) {
      for (const line of lines(segment.path, at)) {
        if (!line.whole) break;
        at = line.at + line.bytes.length + 1;
        const read = entry(line.bytes);
        if (read) yield read;
      }
    }
    if (next) [segment, at] = [next, 0];
    else await how.pause();
  }
}

function entry(bytes: Uint8Array): Entry | undefined {
  return parseLine(bytes) as Entry | undefined;
}
