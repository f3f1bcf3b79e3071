import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type SseEvent, SseReader } from '../../src/wire/sse.ts';
import { corpus, fuzz, near, TIMEOUT } from './fuzz.ts';

const MAX = 64;
const SEEDS = [
  'event: message\nid: 1\ndata: {"a":1}\n\n',
  ': ping\r\n\r\ndata: a\r\ndata: b\r\n\r\n',
  'retry: 10\rdata:x\r\r',
  '\ufeffdata\n\n',
];
const TOKENS = ['data: ', 'data', 'event:', 'id:', 'retry:', ':', ' ', '\n', '\r', '\r\n', '\n\n', '\0', '\u20ac', '7'];

function read(bytes: Buffer, cuts: readonly number[]): unknown {
  const reader = new SseReader(MAX);
  const events: SseEvent[] = [];
  let start = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    const stop = Math.min(Math.max(cut, start), bytes.length);
    events.push(...reader.push(bytes.subarray(start, stop)));
    start = stop;
  }
  events.push(...reader.push(bytes.subarray(start)));
  const { failed, retry } = reader;
  return {
    failed,
    retry,
    events: events.map((event) => ({ ...event, data: Buffer.from(event.data).toString('latin1') })),
  };
}

function check([bytes, cuts]: readonly [Buffer, readonly number[]]): void {
  const whole = read(bytes, []) as { events: { data: string }[] };
  expect(read(bytes, cuts)).toEqual(whole);
  expect(read(bytes, [...bytes.keys()])).toEqual(whole);
  for (const { data } of whole.events) expect(data.length).toBeLessThanOrEqual(MAX);
}

describe('fuzzing the event reader', () => {
  it('keeps what was found', () => corpus('sse').forEach((bytes) => check([bytes, [1, 2, 3]])));
  it('reads the same however a stream is cut', { timeout: TIMEOUT }, () =>
    fuzz(fc.tuple(near(SEEDS, TOKENS), fc.array(fc.nat(200), { maxLength: 8 })), check),
  );
});
