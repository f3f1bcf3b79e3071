import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineReader as DoorReader } from '../../src/doors/line-reader.ts';
import { LineReader as UpstreamReader } from '../../src/upstreams/lines.ts';
import { corpus, fuzz, near, TIMEOUT } from './fuzz.ts';

const MAX = 16;
const SEEDS = ['{"id":1}\n{"id":2}\n', '\n\n\r\n', `${'x'.repeat(MAX)}\n${'y'.repeat(MAX + 1)}\nz\n`, 'no end'];
const TOKENS = ['\n', '\r\n', '\r', '\0', '{', '}', '\u20ac', 'x'.repeat(MAX - 1), 'y'.repeat(3 * MAX)];
const LONG = 'too long';

/** What a stream holds: its lines in order, a long one as `LONG`. `atOnce`: a long line is known before it ends. */
function lines(bytes: Buffer, atOnce: boolean): string[] {
  const parts = bytes.toString('latin1').split('\n');
  const last = parts.pop()!;
  const all = parts.map((part) => (part.length > MAX ? LONG : part));
  return atOnce && last.length > MAX ? [...all, LONG] : all;
}

function pushed(reader: { push(chunk: Uint8Array): void }, bytes: Buffer, cuts: readonly number[]): void {
  let start = 0;
  for (const cut of [...cuts, bytes.length].sort((a, b) => a - b)) {
    const stop = Math.min(Math.max(cut, start), bytes.length);
    // Readers may keep what they are given: each piece is memory of its own.
    reader.push(Buffer.from(bytes.subarray(start, stop)));
    start = stop;
  }
}

function check([bytes, cuts]: readonly [Buffer, readonly number[]]): void {
  for (const where of [cuts, [], [...bytes.keys()]]) {
    const heard: Uint8Array[] = [];
    const long = new Uint8Array(0);
    const told = () => heard.map((line) => (line === long ? LONG : Buffer.from(line).toString('latin1')));
    pushed(
      new DoorReader(MAX, { line: (line) => void heard.push(line), tooLong: () => void heard.push(long) }),
      bytes,
      where,
    );
    expect(told()).toEqual(lines(bytes, false));

    heard.length = 0;
    let dropped = 0;
    pushed(
      new UpstreamReader(MAX, {
        line: (line) => void heard.push(line),
        over: () => {
          heard.push(long);
          dropped = 0;
        },
        still(size) {
          expect(size).toBeGreaterThan(dropped);
          expect(size).toBeGreaterThanOrEqual(2 * MAX);
          dropped = size;
        },
      }),
      bytes,
      where,
    );
    expect(told()).toEqual(lines(bytes, true));
  }
}

describe('fuzzing the line readers', () => {
  it('keeps what was found', () => corpus('lines').forEach((bytes) => check([bytes, [1, 2, 3]])));
  it('read the same lines however a stream is cut', { timeout: TIMEOUT }, () =>
    fuzz(fc.tuple(near(SEEDS, TOKENS), fc.array(fc.nat(200), { maxLength: 8 })), check),
  );
});
