/**
 * Upstreams that do all they can, behind the running gateway: over stdio and over HTTP, while somebody else calls a
 * server that behaves. The other caller loses nothing and waits little longer; the gateway stays small.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Caller, type Reply } from './caller.ts';
import { at, figures } from './figures.ts';
import { type Outside, outside } from './outside.ts';
import { OPEN_LIMITS, type Served, Site } from './site.ts';

/** What the attacker's own caller may hear: the text of a plain result, or nothing but an error. */
const EITHER = 'text or error';
const CUT = 'the beginning, and a word that it was cut';
const STDIO: Readonly<Record<string, string | undefined>> = {
  garbage: 'after garbage',
  'garbage-flood': undefined,
  'endless-line': undefined,
  'long-line': undefined,
  deep: EITHER,
  'wrong-ids': 'mine',
  notifications: EITHER,
  big: CUT,
  stderr: 'done',
  die: undefined,
};
const HTTP: Readonly<Record<string, string | undefined>> = {
  'endless-body': undefined,
  'slow-body': undefined,
  'gzip-bomb': undefined,
  'sse-flood': undefined,
  'event-without-end': undefined,
  'comments-without-end': undefined,
  'wrong-type': undefined,
  'redirect-metadata': undefined,
  'redirect-inside': undefined,
  'header-injection': undefined,
  'two-lengths': undefined,
  'wrong-ids': 'mine',
  notifications: EITHER,
  big: CUT,
  die: undefined,
};

const QUIET = 400;
const ATTACK = 800;
const ATTACKERS = 2;
const PAUSE = 50;
const MEMORY = 512;

let site: Site;
let served: Served;
let web: Outside;
/** What redirects lead to: nobody may come. */
let visits = 0;
const inside = createServer((_, res) => {
  visits++;
  res.end();
});

beforeAll(async () => {
  web = await outside(join(import.meta.dirname, 'hostile-http.ts'));
  await new Promise<void>((go) => inside.listen(0, '127.0.0.1', go));
  site = new Site({
    servers: { hostile: ['hostile.ts'], tidy: ['tidy.ts'] },
    upstreams: { web: web.block },
    more: `${OPEN_LIMITS}output: { session: ${2 ** 40} }\ncalls: { idle: 3s, hard: 5s }\n`,
  });
  site.reviewAll();
  // The attacking tools declare no arguments.
  const lock = join(site.dir, 'doorward.lock');
  writeFileSync(
    lock,
    readFileSync(lock, 'utf8').replace(/^( +)facts:/gm, '$1exceptions: { additional: [""] }\n$1facts:'),
  );
  served = await site.serve();
});
afterAll(async () => {
  await served?.stop();
  site?.close();
  web?.close();
  inside.close();
});

const caller = (path: string) => new Caller(served.url, path, site.token());
const pause = (ms: number) => new Promise((go) => setTimeout(go, ms));
function peakMemory(): number {
  if (process.platform !== 'linux') return 0;
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${served.child.pid}/status`, 'utf8'))![1]) / 1024;
}

/** Calls of somebody else for so long: their times, in ms. */
async function bystander(ms: number): Promise<number[]> {
  const times: number[] = [];
  const until = performance.now() + ms;
  await Promise.all(
    [0, 1].map(async (n) => {
      const tidy = caller('/tidy');
      for (let i = 0; performance.now() < until; i++) {
        const text = `${n}-${i}`;
        const reply = await tidy.call('echo', { text });
        expect([reply.error, reply.text]).toEqual([undefined, text]);
        times.push(reply.ms);
        await pause(2);
      }
      tidy.close();
    }),
  );
  return times;
}

const quiet: number[] = [];
const under: number[] = [];
const table: Record<string, string> = {};

describe.each([
  ['hostile', STDIO],
  ['web', HTTP],
] as const)('%s', (upstream, modes) => {
  it.each(Object.entries(modes))('%s', { timeout: 60_000 }, async (mode, expected) => {
    await bystander(50);
    const before = await bystander(QUIET);
    const replies: Reply[] = [];
    let attacking = true;
    // A server may answer any request that it was sent: alone, there is no other.
    const attackers = mode === 'wrong-ids' ? 1 : ATTACKERS;
    const attacks = Array.from({ length: attackers }, async () => {
      const own = caller(`/${upstream}`);
      while (attacking) {
        replies.push(await own.call('attack', { mode, port: (inside.address() as AddressInfo).port }));
        await pause(PAUSE);
      }
      own.close();
    });
    const during = await bystander(ATTACK);
    attacking = false;
    await Promise.all(attacks);

    expect(replies.length).toBeGreaterThan(0);
    for (const { text, error } of replies) {
      expect(/planted|for someone else/.test(`${text}${error}`)).toBe(false);
      if (expected === undefined) expect(text?.slice(0, 100)).toBe(undefined);
      else if (expected === CUT) {
        expect(text?.slice(-200)).toContain('Doorward cut this result');
        expect(text!.length < 300_000).toBe(true);
      } else if (expected !== EITHER && text !== undefined) expect(text).toBe(expected);
    }
    if (expected !== undefined && expected !== EITHER)
      expect(replies.some(({ text }) => text !== undefined)).toBe(true);
    // It serves again, by itself.
    const own = caller(`/${upstream}`);
    await expect
      .poll(async () => (await own.call('attack', { mode: 'ok' })).text, { timeout: 10_000, interval: 200 })
      .toBe('fine');
    own.close();
    quiet.push(...before);
    under.push(...during);
    table[`${upstream} ${mode}`] =
      `p99 ${at(before, 0.99).toFixed(1)} -> ${at(during, 0.99).toFixed(1)} ms, ${replies.length} attacks, ${(replies[0]!.text ?? replies[0]!.error!).slice(0, 60).replace(/ Reference.*/, '')}`;
  });
});

it('follows no redirect', () => expect(visits).toBe(0));

it('leaves others nearly as fast, and the gateway small', () => {
  const peak = peakMemory();
  const p99 = { quiet: at(quiet, 0.99), under: at(under, 0.99) };
  figures(
    'hostile',
    'A caller beside hostile servers',
    'Printed by `test/e2e/hostile.test.ts`: two callers of a server that behaves, before and while two others call one that attacks, through one gateway.',
    {
      ...table,
      'p50 of the others, quiet / under attack': `${at(quiet, 0.5).toFixed(1)} / ${at(under, 0.5).toFixed(1)} ms`,
      'p99 of the others, quiet / under attack': `${p99.quiet.toFixed(1)} / ${p99.under.toFixed(1)} ms`,
      'most memory of the gateway': `${peak.toFixed(0)} MB`,
    },
  );
  // The machine that runs this may be busy: a fixed allowance beside the factor.
  expect(p99.under).toBeLessThan(2 * p99.quiet + 100);
  expect(peak).toBeLessThan(MEMORY);
});
