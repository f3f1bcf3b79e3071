import { expect, it } from 'vitest';
import { follow, lookup, tail } from '../../src/audit/read.ts';
import { call, files, filled, folder, openLog, REPLY, read, STOP, TRAIL } from './fixture.ts';

it('shows the last entries, over files', async () => {
  const dir = folder();
  await filled(dir, 10, { limits: { segmentBytes: 3000 } });
  expect(files(dir).length).toBeGreaterThan(3);
  const all = read(dir);
  for (const count of [0, 1, 2, 5, 13, 22, 100]) expect(tail(dir, count)).toEqual(count === 0 ? [] : all.slice(-count));
  expect(tail(folder(), 5)).toEqual([]);
});

it('finds all entries of a reference, and only those', async () => {
  const dir = folder();
  await filled(dir, 12, { limits: { segmentBytes: 2000 } });
  expect(lookup(dir, 'c1').map((e) => [e.kind, e.call])).toEqual([
    ['intent', 'c1'],
    ['outcome', 'c1'],
  ]);
  expect(lookup(dir, 'c')).toEqual([]);
  expect(lookup(dir, '","kind":"')).toEqual([]);
});

it('does not take a reference in the arguments for one', async () => {
  const dir = folder();
  const log = await openLog(dir);
  await log.outcome(call('a', { args: { call: 'b' } }), TRAIL, STOP);
  await log.close();
  expect(lookup(dir, 'b')).toEqual([]);
});

it('follows what is written, into the next files, in order and once', async () => {
  const dir = folder();
  await filled(dir, 2);
  const log = await openLog(dir, { limits: { segmentBytes: 2000, lingerMs: 1 } });
  const stop = new AbortController();
  const seen: string[] = [];
  const following = (async () => {
    for await (const e of follow(dir, {
      signal: stop.signal,
      pause: () => new Promise((resolve) => setTimeout(resolve, 1)),
    })) {
      if (e.kind === 'intent') seen.push(e.call!);
      if (e.call === 'last') stop.abort();
    }
  })();
  await new Promise((resolve) => setTimeout(resolve, 10));
  for (let i = 0; i < 60; i++) {
    await log.intent(call(`n${i}`), TRAIL);
    log.outcome(call(`n${i}`), TRAIL, REPLY);
  }
  await log.intent(call('last'), TRAIL);
  await following;
  await log.close();
  expect(seen).toEqual([...Array.from({ length: 60 }, (_, i) => `n${i}`), 'last']);
  expect(files(dir).length).toBeGreaterThan(5);
});
