/**
 * Mixed calls of three revisions to servers over stdio and over HTTP, while one server after another is killed: memory,
 * descriptors and processes stay flat. `DOORWARD_SOAK` sets the seconds (`npm run soak`: 600).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Memory } from '../fixtures/memory.ts';
import { Caller, type Era } from './caller.ts';
import { at, figures } from './figures.ts';
import { type Outside, outside, SDK_SERVER } from './outside.ts';
import { OPEN_LIMITS, processesWith, Site } from './site.ts';

const SECONDS = Number(process.env['DOORWARD_SOAK'] ?? 20);
const KILL_EVERY = SECONDS >= 120 ? 10_000 : 4000;
const PAUSE = 20;
const MEMORY = join(import.meta.dirname, '../fixtures/memory.ts');
const ERAS: readonly Era[] = ['2026-07-28', '2025-11-25', '2025-03-26'];

interface Sample {
  readonly seconds: number;
  readonly rss: number;
  readonly descriptors: number;
  readonly processes: number;
}

/** Least squares over the samples: change of the value in a minute. */
function slope<S extends { readonly seconds: number }>(samples: readonly S[], value: (sample: S) => number): number {
  const mean = (of: (sample: S) => number) => samples.reduce((sum, one) => sum + of(one), 0) / samples.length;
  const x = mean(({ seconds }) => seconds);
  const y = mean(value);
  let over = 0;
  let under = 0;
  for (const sample of samples) {
    over += (sample.seconds - x) * (value(sample) - y);
    under += (sample.seconds - x) ** 2;
  }
  return (over / under) * 60;
}

describe.skipIf(process.platform !== 'linux')('a long run', () => {
  let site: Site;
  const webs: Outside[] = [];
  beforeAll(async () => {
    webs.push(await outside(SDK_SERVER, 'modern'), await outside(SDK_SERVER, 'legacy'));
    site = new Site({
      servers: { tidy: ['tidy.ts'] },
      upstreams: { newer: webs[0]!.block, older: webs[1]!.block },
      more: `${OPEN_LIMITS}output: { session: ${2 ** 40} }\n`,
    });
    site.reviewAll();
  });
  afterAll(() => {
    site?.close();
    for (const web of webs) web.close();
  });

  it(`keeps memory, descriptors and processes flat over ${SECONDS} s`, {
    timeout: SECONDS * 1000 + 60_000,
  }, async () => {
    const { url, child, stop } = await site.serve('--expose-gc', '--import', MEMORY);
    const gateway = child.pid!;
    let running = true;
    const answered: Record<string, number> = {};
    let failed = 0;
    let wrong = 0;
    const press = async (era: Era, upstream: string, name: string, started: () => void) => {
      const caller = new Caller(url, `/${upstream}`, site.token(), era);
      for (let i = 0; running; i++) {
        const text = `${name} ${i}`;
        // Now and then something big, now and then a failure.
        const big = i % 50 === 49;
        const sent = big ? text.padEnd(8000, '-') : text;
        const reply = i % 20 === 19 ? await caller.call('fail', {}) : await caller.call('echo', { text: sent });
        if (reply.text === undefined) failed++;
        else if (reply.text === sent) answered[`${upstream} ${era}`] = (answered[`${upstream} ${era}`] ?? 0) + 1;
        else wrong++;
        if (reply.text !== undefined) started();
        await new Promise((go) => setTimeout(go, PAUSE));
      }
      caller.close();
    };

    const samples: Sample[] = [];
    let began = 0;
    const take = () => {
      const status = readFileSync(`/proc/${gateway}/status`, 'utf8');
      samples.push({
        seconds: (performance.now() - began) / 1000,
        rss: Number(/^VmRSS:\s+(\d+)/m.exec(status)![1]) / 1024,
        descriptors: readdirSync(`/proc/${gateway}/fd`).length,
        processes: processesWith(site.dir).length,
      });
    };
    const inside = () =>
      processesWith(`${site.dir}`)
        .filter((line) => line.includes('tidy.ts') && Number.parseInt(line, 10) !== gateway)
        .map((line) => Number.parseInt(line, 10));
    const kills = { stdio: 0, http: 0 };
    const kill = async () => {
      const victim = (kills.stdio + kills.http) % 3;
      if (victim > 0) {
        kills.http++;
        return webs[victim - 1]!.crash();
      }
      kills.stdio++;
      const [pid] = inside();
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
    };

    const callers = ERAS.flatMap((era) =>
      ['tidy', 'newer', 'older'].flatMap((upstream) =>
        [0, 1].map((i) => {
          const first = Promise.withResolvers<void>();
          return { over: press(era, upstream, `${era} ${upstream} ${i}`, first.resolve), first: first.promise };
        }),
      ),
    );
    const load = Promise.all(callers.map(({ over }) => over));
    // Every lane has started, however long that took: what comes now is to stay as it is.
    await Promise.race([load, Promise.all(callers.map(({ first }) => first))]);
    began = performance.now();
    const sampling = setInterval(take, 500);
    const killing = setInterval(() => void kill(), KILL_EVERY);
    // The first third is warm-up.
    await new Promise((go) => setTimeout(go, (SECONDS * 1000) / 3));
    process.kill(gateway, 'SIGUSR2');
    await new Promise((go) => setTimeout(go, (SECONDS * 2000) / 3));
    process.kill(gateway, 'SIGUSR2');
    clearInterval(killing);
    clearInterval(sampling);
    running = false;
    await load;

    // Told to collect, the gateway does so when its turn comes.
    const collected = () => remembered(site.dir).filter(({ full }) => full);
    await expect.poll(() => collected().length, { timeout: 20_000 }).toBe(2);
    const memory = remembered(site.dir);
    const [begun, over] = collected() as [Memory, Memory];
    const outsideHeap = slope(
      memory.filter(({ seconds }) => seconds > begun.seconds && seconds < over.seconds),
      (one) => one.outside,
    );
    const inHeap = slope([begun, over], ({ heap }) => heap);

    const warm = samples.slice(Math.floor(samples.length / 3));
    const half = Math.floor(warm.length / 2);
    const median = (part: readonly Sample[], value: (sample: Sample) => number) => at(part.map(value), 0.5);
    const first = warm.slice(0, half);
    const second = warm.slice(half);
    const rss = (sample: Sample) => sample.rss;
    const rows = {
      seconds: SECONDS,
      'calls answered with their own text': Object.values(answered).reduce((sum, n) => sum + n, 0),
      'calls answered with an error (one in twenty asks for it)': failed,
      'answers with another text': wrong,
      'kill -9 of the stdio server / of an HTTP server': `${kills.stdio} / ${kills.http}`,
      'RSS after warm-up, median of first half / of second half / worst': `${median(first, rss).toFixed(0)} / ${median(second, rss).toFixed(0)} / ${at(warm.map(rss), 1).toFixed(0)} MB`,
      'heap in use after a full collection, after warm-up / at the end': `${begun.heap.toFixed(1)} / ${over.heap.toFixed(1)} MB`,
      'slope after warm-up: RSS / of that outside the heap / heap in use': `${slope(warm, rss).toFixed(2)} / ${outsideHeap.toFixed(2)} / ${inHeap.toFixed(2)} MB/min`,
      'descriptors, median of first half / of second half / worst': `${median(first, (s) => s.descriptors)} / ${median(second, (s) => s.descriptors)} / ${at(
        warm.map((s) => s.descriptors),
        1,
      )}`,
      'processes, median of first half / of second half / worst': `${median(first, (s) => s.processes)} / ${median(second, (s) => s.processes)} / ${at(
        warm.map((s) => s.processes),
        1,
      )}`,
    };
    figures(
      'soak',
      'A long run',
      'Printed by `npm run soak`: eighteen callers of three revisions against a server over stdio and two over HTTP (one of each revision), one of which is killed every few seconds. Samples twice a second; the first third is warm-up.',
      rows,
    );

    expect(wrong).toBe(0);
    expect(Object.keys(answered).length).toBe(9);
    // A short run is all warm-up: its slopes say nothing. The slope of RSS says where in V8's saw of pages a run began.
    if (SECONDS >= 120) expect(outsideHeap).toBeLessThan(3);
    if (SECONDS >= 120) expect(inHeap).toBeLessThan(3);
    expect(at(warm.map(rss), 1)).toBeLessThan(400);
    expect(median(second, (s) => s.descriptors)).toBeLessThanOrEqual(median(first, (s) => s.descriptors) + 8);
    expect(median(second, (s) => s.processes)).toBeLessThanOrEqual(median(first, (s) => s.processes) + 2);
    expect(
      at(
        warm.map((s) => s.descriptors),
        1,
      ),
    ).toBeLessThan(150);
    expect(await stop()).toBe(0);
    expect(processesWith(site.dir)).toEqual([]);
    expect(site.run('audit', 'verify').status).toBe(0);
  });
});

/** What the gateway wrote of its memory; a line that is still being written is none yet. */
function remembered(dir: string): Memory[] {
  const text = readFileSync(join(dir, 'memory.jsonl'), 'utf8');
  return text
    .slice(0, text.lastIndexOf('\n'))
    .split('\n')
    .map((line) => JSON.parse(line) as Memory);
}
