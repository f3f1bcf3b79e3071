import { expect, it } from 'vitest';
import { Generations } from '../../src/lib/generations.ts';

it('holds what was used last, and never more than its limit', () => {
  const map = new Generations<number>(10);
  for (let i = 0; i < 1000; i++) {
    map.set(`k${i}`, i);
    expect(map.size).toBeLessThanOrEqual(10);
    for (let j = Math.max(0, i - 4); j <= i; j++) expect(map.peek(`k${j}`)).toBe(j);
  }
  expect(map.get('k0')).toBeUndefined();
});

it('keeps a key that is used, drops one that is only looked at', () => {
  const map = new Generations<number>(4);
  map.set('used', 1);
  map.set('seen', 1);
  for (let i = 0; i < 20; i++) {
    map.get('used');
    map.peek('seen');
    map.set(`k${i}`, i);
  }
  expect(map.get('used')).toBe(1);
  expect(map.peek('seen')).toBeUndefined();
});
