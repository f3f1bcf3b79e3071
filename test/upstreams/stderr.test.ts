import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { watchStderr } from '../../src/upstreams/stderr.ts';
import { plain } from './world.ts';

async function said(chunks: readonly (string | number)[], perMinute = 100) {
  const stream = new PassThrough();
  const log: [string, number][] = [];
  let now = 0;
  watchStderr(stream, {
    redactor: plain,
    clock: () => now,
    log: (text, dropped) => log.push([text, dropped]),
    perMinute,
  });
  for (const chunk of chunks) {
    if (typeof chunk === 'number') now += chunk;
    else stream.write(chunk);
    await new Promise((done) => setImmediate(done));
  }
  stream.end();
  await new Promise((done) => setImmediate(done));
  return log;
}

describe('stderr', () => {
  it('is logged escaped', async () => {
    expect(await said(['a\u001b[2Jb\r\nc\u202e'])).toEqual([['a<U+001B>[2Jb<U+000D><U+000A>c<U+202E>', 0]]);
  });
  it('is kept to its share of a minute, and says how much is missing', async () => {
    const log = await said(['x'.repeat(150), 'y'.repeat(50), 60_000, 'z'.repeat(10)]);
    expect(log).toEqual([
      ['x'.repeat(100), 50],
      ['z'.repeat(10), 50],
    ]);
  });
  it('that never stops reports what was left out at its end', async () => {
    expect(await said(['x'.repeat(100), 'y'.repeat(50)])).toEqual([
      ['x'.repeat(100), 0],
      ['', 50],
    ]);
  });
});
