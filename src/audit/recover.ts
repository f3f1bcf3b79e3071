/**
 * Finds where a log stands, after a clean stop as after kill -9 or a power cut. What lies behind the last good entry was
 * never acknowledged, for an acknowledged entry is whole on the disk with all before it: it is moved out of the log, into
 * a file of its own. A log that does not reach its last signed checkpoint was tampered with, and is not continued: a new
 * checkpoint would bury the proof.
 */
import type { KeyObject } from 'node:crypto';
import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { sha256Hex } from '../lib/bytes.ts';
import { after, GENESIS, type Head, parseLine } from './chain.ts';
import { type Checkpoint, readCheckpoint } from './checkpoint.ts';
import { CHECKPOINT_FILE, lines, type Segment, segmentName, segments } from './segments.ts';
import type { Place } from './writer.ts';

/** The log in the folder cannot be continued. `audit verify` tells more. */
export class AuditRefused extends Error {
  override readonly name = 'AuditRefused';
}

export interface Recovered {
  /** Undefined for a new log. */
  readonly log: string | undefined;
  readonly head: Head;
  readonly place: Place;
  readonly cut?: { readonly file: string; readonly bytes: number; readonly sha256: string };
}

/** Cuts a torn tail. Throws AuditRefused. */
export function recover(dir: string, key: KeyObject): Recovered {
  const point = latestCheckpoint(dir, [key]);
  if (typeof point === 'string') throw new AuditRefused(`${join(dir, CHECKPOINT_FILE)}: ${point}`);
  const all = segments(dir);
  const last = all.at(-1);
  let end: End = { log: undefined, head: GENESIS, bytes: 0, torn: false };
  if (last) {
    end = scan(last, point);
    if (end.head === GENESIS && last.first > 0) {
      const before = all.length > 1 ? scan(all.at(-2)!, point) : end;
      if (before.torn || before.head.size !== last.first)
        throw new AuditRefused(`${last.path}: what comes before is damaged`);
      end = { ...before, bytes: 0, torn: end.torn };
    }
  }
  const { log, head } = end;
  if (point && (head.size < point.size || point.log !== log)) {
    throw new AuditRefused(`${dir}: ${head.size} entries, but ${point.size} are signed`);
  }
  if (!point && head.size > 1) throw new AuditRefused(`${dir}: the signed checkpoint is missing`);
  const path = last?.path ?? join(dir, segmentName(0));
  const place = { path, bytes: end.bytes, fresh: last === undefined };
  return { log, head, place, ...(end.torn && { cut: cut(path, end.bytes) }) };
}

/** The checkpoint beside the log; undefined when there is none, a text when it does not hold. */
export function latestCheckpoint(dir: string, keys: readonly KeyObject[]): Checkpoint | string | undefined {
  let note: string;
  try {
    note = readFileSync(join(dir, CHECKPOINT_FILE), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return readCheckpoint(note, keys);
}

interface End {
  readonly log: string | undefined;
  readonly head: Head;
  /** Size of the good part. */
  readonly bytes: number;
  readonly torn: boolean;
}

/** Follows the chain through one file, up to the first line that does not belong to it. */
function scan(segment: Segment, point: Checkpoint | undefined): End {
  let log: string | undefined;
  let head = GENESIS;
  let previous: { head: Head; at: number; bytes: Uint8Array } | undefined;
  const torn = (): End => ({ log, head, bytes: previous ? previous.at + previous.bytes.length + 1 : 0, torn: true });
  for (const { bytes, at, whole } of lines(segment.path)) {
    if (!whole) return torn();
    if (log === undefined) {
      const front = parseLine(bytes);
      if (front?.seq !== segment.first) return torn();
      log = front.log;
      head = { size: front.seq, hash: front.prev };
    }
    const front = `{"v":1,"log":"${log}","seq":${head.size},"prev":"${head.hash}",`;
    if (bytes.toString('latin1', 0, front.length) !== front) return torn();
    previous = { head, at, bytes };
    head = after(head, bytes);
    if (point?.size === head.size && point.hash !== head.hash) {
      throw new AuditRefused(`${segment.path}: entry ${head.size - 1} is not the one that is signed`);
    }
  }
  if (!previous) return { log, head, bytes: 0, torn: false };
  // The chain shows a damaged line by the next one; the last has none, so it is read.
  if (!parseLine(previous.bytes)) {
    return { log, head: previous.head, bytes: previous.at, torn: true };
  }
  return { log, head, bytes: previous.at + previous.bytes.length + 1, torn: false };
}

function cut(path: string, from: number): NonNullable<Recovered['cut']> {
  const fd = openSync(path, 'r+');
  try {
    const rest = readFileSync(path).subarray(from);
    const sha256 = sha256Hex(rest);
    const file = `${path}.${sha256.slice(0, 8)}.torn`;
    writeFileSync(file, rest, { mode: 0o600, flush: true });
    ftruncateSync(fd, from);
    fsyncSync(fd);
    return { file: basename(file), bytes: rest.length, sha256 };
  } finally {
    closeSync(fd);
  }
}
