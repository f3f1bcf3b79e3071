import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

it('holds every step of the tour in under a minute', () => {
  const tour = join(import.meta.dirname, '../../examples/tour/tour.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, [tour], { encoding: 'utf8', timeout: 90_000 });
  expect([status, stderr]).toEqual([0, '']);
  const last = stdout.trim().split('\n').at(-1)!;
  expect(last).toMatch(/^tour: 8 of 8 steps held, [\d.]+ s$/);
  expect(Number(/([\d.]+) s$/.exec(last)![1])).toBeLessThan(60);
}, 100_000);
