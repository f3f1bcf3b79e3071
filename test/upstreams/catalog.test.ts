import { expect, it } from 'vitest';
import type { Listing } from '../../src/inventory/drift.ts';
import { Catalog } from '../../src/upstreams/catalog.ts';

const LISTING: Listing = { tools: [], prompts: [], resources: [], templates: [] };

/** A catalog whose listings end when the test says so. */
function catalog() {
  const open: { resolve(listing: Listing): void; reject(error: Error): void }[] = [];
  const made = new Catalog({
    clock: () => 0,
    take: () => new Promise((resolve, reject) => void open.push({ resolve, reject })),
  });
  return { made, open };
}

it('is not fresh while a newer listing is on its way', async () => {
  const { made, open } = catalog();
  const first = made.list(AbortSignal.timeout(1000));
  open[0]!.resolve(LISTING);
  await first;
  expect(made.fresh(0)).toBe(true);
  made.expire();
  const second = made.relist();
  expect(made.fresh(0)).toBe(false);
  open[1]!.resolve(LISTING);
  await second;
  expect(made.fresh(0)).toBe(true);
});

it('is not fresh after a listing that failed', async () => {
  const { made, open } = catalog();
  const first = made.list(AbortSignal.timeout(1000));
  open[0]!.resolve(LISTING);
  await first;
  const second = made.relist();
  open[1]!.reject(new Error('gone'));
  await expect(second).rejects.toThrow();
  expect(made.fresh(0)).toBe(false);
});
