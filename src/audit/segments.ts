/** The files of a log: segments named by the number of their first entry, and the latest checkpoint beside them. */
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

export const CHECKPOINT_FILE = 'checkpoint';
const SEGMENT = /^([0-9]{12})\.jsonl$/;
const CHUNK = 1 << 20;
/** No line of ours is longer; what is longer is damage, and must not fill the memory of who looks. */
export const LONGEST_LINE = 16 << 20;

export interface Segment {
  readonly name: string;
  readonly path: string;
  /** Number of its first entry. */
  readonly first: number;
}

export function segmentName(first: number): string {
  return `${String(first).padStart(12, '0')}.jsonl`;
}

/** In order. Files with other names are no part of the log. */
export function segments(dir: string): Segment[] {
  return readdirSync(dir)
    .filter((name) => SEGMENT.test(name))
    .sort()
    .map((name) => ({ name, path: join(dir, name), first: Number(SEGMENT.exec(name)![1]) }));
}

export interface Line {
  /** Without the line end. */
  readonly bytes: Buffer;
  /** Offset of the first byte in the file. */
  readonly at: number;
  /** False for a rest without a line end, and for what is longer than any line. */
  readonly whole: boolean;
}

/** The lines of a file, at most `CHUNK` and one line in memory. Ends after a line that is not whole. */
export function* lines(path: string, from = 0): Generator<Line, void, undefined> {
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    let rest = Buffer.alloc(0);
    let at = from;
    for (let read = from; read < size; ) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK, size - read));
      const got = readSync(fd, chunk, 0, chunk.length, read);
      if (got === 0) break;
      read += got;
      const bytes = rest.length > 0 ? Buffer.concat([rest, chunk.subarray(0, got)]) : chunk.subarray(0, got);
      let start = 0;
      for (let end = bytes.indexOf(10, rest.length); end >= 0; end = bytes.indexOf(10, start)) {
        yield { bytes: bytes.subarray(start, end), at, whole: true };
        at += end + 1 - start;
        start = end + 1;
      }
      rest = bytes.subarray(start);
      if (rest.length > LONGEST_LINE) break;
    }
    if (rest.length > 0) yield { bytes: rest, at, whole: false };
  } finally {
    closeSync(fd);
  }
}
