import { expect, it } from 'vitest';
import { Buckets } from '../../src/store/buckets.ts';
import { Values } from '../../src/store/values.ts';

const RATE = { perSecond: 1, burst: 60 };

it('keeps no bucket for longer than two times that it takes to fill', () => {
  const buckets = new Buckets(100_000, 0);
  let most = 0;
  for (let now = 0; now < 3_600_000; now += 100) {
    buckets.refilled(RATE, now);
    buckets.set(`key ${now}`, { tokens: 59, at: now });
    most = Math.max(most, buckets.size);
  }
  expect(most).toBeLessThanOrEqual(2 * 601);
});

it('keeps a bucket that is used, and one that cannot fill', () => {
  const buckets = new Buckets(1000, 0);
  buckets.set('used', { tokens: 0, at: 0 });
  for (let now = 0; now < 600_000; now += 1000) {
    buckets.refilled(RATE, now);
    expect(buckets.get('used')).toBeDefined();
  }
  const dead = new Buckets(1000, 0);
  dead.set('x', { tokens: 0, at: 0 });
  for (let now = 0; now < 600_000; now += 1000) dead.refilled({ perSecond: 0, burst: 1 }, now);
  expect(dead.get('x')).toBeDefined();
});

it('lets go of values whose time is over, long before there is no room', () => {
  const values = new Values(100_000);
  let most = 0;
  for (let now = 0; now < 600_000; now += 10) {
    values.set(`key ${now}`, true, now + 5000, now);
    most = Math.max(most, values.size);
  }
  expect(most).toBeLessThan(3000);
});
