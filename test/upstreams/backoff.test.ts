import { expect, it } from 'vitest';
import { Backoff } from '../../src/upstreams/backoff.ts';

let now = 0;
const made = () => new Backoff(100, 1000, () => now);

it('doubles with each failure, up to the longest wait', () => {
  const backoff = made();
  const waits: number[] = [];
  for (let i = 0; i < 6; i++) {
    backoff.failed('a');
    waits.push(backoff.wait('a'));
    now += backoff.wait('a');
  }
  expect(waits).toEqual([100, 200, 400, 800, 1000, 1000]);
  expect(backoff.wait('b')).toBeLessThanOrEqual(0);
  backoff.recovered('a');
  backoff.failed('a');
  expect(backoff.wait('a')).toBe(100);
});

it('counts starts that fail together once', () => {
  const backoff = made();
  for (let i = 0; i < 9; i++) backoff.failed('a');
  expect(backoff.wait('a')).toBe(100);
  now += 100;
  for (let i = 0; i < 9; i++) backoff.failed('a');
  expect(backoff.wait('a')).toBe(200);
});
