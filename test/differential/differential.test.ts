/**
 * The same things asked in every revision, over HTTP and over the bridge, by the local caller and by one with an API key,
 * of servers of both eras over both transports, one after another: the same verdicts, the same bytes at the servers but
 * for ids, the same entries in the log but for the era, the place, the time and the caller. `DOORWARD_DIFFERENTIAL` sets how many things are asked (`npm run differential`: 1000).
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tail } from '../../src/audit/read.ts';
import { type Outside, outside } from '../e2e/outside.ts';
import { OPEN_LIMITS, type Served, Site } from '../e2e/site.ts';
import { calls } from './calls.ts';
import { type Answered, type Asked, overBridge, overHttp, type Way } from './ways.ts';

const COUNT = Number(process.env['DOORWARD_DIFFERENTIAL'] ?? 40);
const SEED = Number(process.env['DOORWARD_SEED'] ?? Date.now() % 1e9);
const SERVER = join(import.meta.dirname, 'recorded.ts');
/** Revision and transport of each server. */
const SERVERS = {
  newer: ['2026-07-28', 'http'],
  pipe: ['2025-11-25', 'stdio'],
  older: ['2025-11-25', 'http'],
  tube: ['2026-07-28', 'stdio'],
} as const;
const UPSTREAMS = Object.keys(SERVERS) as (keyof typeof SERVERS)[];
const GRANTED = ['echo', 'strict', 'show', 'typed', 'region', 'prompt:greet', 'resource:rec://a'];
/** Both callers have this name, each in a tenant of its own. */
const TO = { subject: 'local' };
const POLICY = UPSTREAMS.flatMap((name) => [
  { to: TO, allow: GRANTED.map((thing) => `${name}.${thing}`) },
  { to: TO, allow: [`${name}.bounded`], when: { args: { n: { min: 0, max: 9 } } } },
  { to: TO, ask: [`${name}.asked`] },
]);

const webs: Outside[] = [];
let site: Site;
let served: Served;
const ways: Way[] = [];
const logs: Record<string, string> = {};

beforeAll(async () => {
  site = new Site({
    fill: (dir) => chmodSync(mkdirSync(join(dir, 'recorded'), { recursive: true })!, 0o777),
    more: `${OPEN_LIMITS}identity: { keys: true }\n`,
  });
  const blocks: string[] = [];
  for (const name of UPSTREAMS) {
    const [era, over] = SERVERS[name];
    logs[name] = join(site.dir, 'recorded', name);
    let block: object;
    if (over === 'http') {
      const web = await outside(SERVER, era, over, logs[name]);
      webs.push(web);
      block = web.block;
    } else {
      mkdirSync(join(site.dir, name));
      writeFileSync(join(site.dir, name, 'recorded.ts'), readFileSync(SERVER));
      const run = ['node', `./${name}/recorded.ts`, era, over, `/data/${name}`];
      block = { run, mounts: { './recorded': '/data:rw' } };
    }
    blocks.push(`  ${name}: ${JSON.stringify(block)}\n`);
  }
  const written = () => readFileSync(site.config, 'utf8');
  writeFileSync(site.config, written().replace('upstreams:\n', `upstreams:\n${blocks.join('')}`));
  const { status, stderr, stdout } = site.run('review', '--yes', '--no-grants');
  if (status !== 0) throw new Error(stderr + stdout);
  writeFileSync(
    site.config,
    written().replace(/^policy:.*$/m, () => `policy: ${JSON.stringify(POLICY)}`),
  );
  const made = site.run('key', 'create', '--tenant', 'acme', '--subject', 'local');
  if (made.status !== 0) throw new Error(made.stderr);
  const key = made.stdout.trim();
  served = await site.serve();
  const { url } = served;
  const token = site.token();
  for (const era of ['2026-07-28', '2025-11-25', '2025-06-18']) ways.push(overHttp(url, token, era));
  ways.push(overHttp(url, token, '2025-03-26', { batched: true }));
  for (const era of ['2026-07-28', '2025-11-25', '2024-11-05']) ways.push(overBridge(site, era));
  for (const era of ['2026-07-28', '2025-11-25']) ways.push(overHttp(url, key, era, { caller: 'key' }));
}, 60_000);
afterAll(async () => {
  for (const way of ways) way.close();
  await served?.stop();
  for (const web of webs) web.close();
  site?.close();
});

/** Bytes that a server was asked since the last look. */
const seen: Record<string, number> = {};
function recorded(upstream: string): string[] {
  const file = logs[upstream]!;
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  const fresh = lines.slice(seen[upstream] ?? 0);
  seen[upstream] = lines.length;
  return fresh;
}

/** What a client of any revision can tell of an answer: whether, why, and the words. */
function verdict({ result, error }: Answered): unknown {
  const plain = (text: string) => text.replace(/Reference [\w-]+|person: \w+|[0-9a-f]{8}-[\w-]{20,}/g, 'Reference');
  if (error) return { code: error['code'], message: plain(String(error['message'])) };
  const content = result?.['content'];
  if (!Array.isArray(content))
    return Object.keys(result ?? {}).filter((name) =>
      /^(tools|prompts|resources|messages|contents|completion)$/.test(name),
    );
  const words = content.flatMap((block) => (block.type === 'text' ? [plain(block.text)] : []));
  return { isError: result?.['isError'] === true, ...(result?.['isError'] && { words }) };
}

/** One call or attempt in the log, without what may differ. */
function entries(): Record<string, unknown>[] {
  const found = new Map<string, Record<string, any>>();
  for (const entry of tail(site.audit, 1e7) as unknown as Record<string, any>[]) {
    const id = entry['call'];
    if (typeof id !== 'string') continue;
    const own = found.get(id) ?? {};
    found.set(id, { ...own, ...entry, trail: [...(own['trail'] ?? []), ...(entry['trail'] ?? [])] });
  }
  return [...found.values()]
    .filter(({ method }) => method !== 'server/discover' && method !== 'subscriptions/listen')
    .map(({ outcome, ...entry }) => {
      for (const own of ['log', 'seq', 'prev', 'at', 'type', 'call', 'era', 'peer', 'lane']) delete entry[own];
      const { ms: _, upstream, ...end } = outcome ?? {};
      const told = { ...entry, ...(outcome && { outcome: { ...end, upstream: upstream && { ...upstream, ms: 0 } } }) };
      return JSON.parse(JSON.stringify(told));
    });
}

/** The entry without who it was, and so without the id of what that caller waits for. */
function anybody(entry: Record<string, unknown>): unknown {
  const text = JSON.stringify({ ...entry, who: undefined, tenant: undefined });
  return JSON.parse(text.replace(/"approval":"\w+"/g, '"approval":"#"'));
}

describe.skipIf(process.platform !== 'linux')(`${COUNT} things asked in every way (seed ${SEED})`, () => {
  const answers: { asked: Asked; way: string; verdict: unknown; bytes: string[] }[][] = [];
  beforeAll(
    async () => {
      for (const asked of calls(COUNT, SEED, UPSTREAMS)) {
        const row: (typeof answers)[number] = [];
        for (const way of ways) {
          const said = await way.ask(asked);
          row.push({ asked, way: way.name, verdict: verdict(said), bytes: recorded(asked.upstream) });
        }
        answers.push(row);
      }
    },
    60_000 + COUNT * 1500,
  );

  it('have the same verdict', () => {
    for (const [first, ...others] of answers)
      for (const other of others)
        expect(other.verdict, `${other.way}: ${JSON.stringify(other.asked)}`).toEqual(first!.verdict);
    expect(new Set(answers.map(([first]) => JSON.stringify(first!.verdict))).size).toBeGreaterThan(5);
  });

  it('reach the servers as the same bytes', () => {
    for (const [first, ...others] of answers)
      for (const other of others)
        expect(other.bytes, `${other.way}: ${JSON.stringify(other.asked)}`).toEqual(first!.bytes);
    for (const upstream of UPSTREAMS) {
      const reached = answers.filter(([first]) => first!.asked.upstream === upstream && first!.bytes.length === 1);
      expect(reached.length).toBeGreaterThan(COUNT / 64);
    }
  });

  it('are the same in the log', async () => {
    await served.stop();
    const all = entries();
    expect(all.length).toBe(COUNT * ways.length);
    for (let i = 0; i < COUNT; i++) {
      const row = all.slice(i * ways.length, (i + 1) * ways.length);
      for (const [w, entry] of row.entries()) {
        const what = `${ways[w]!.name}: ${JSON.stringify(answers[i]![0]!.asked)}`;
        expect(entry, what).toEqual(row[ways.findIndex(({ caller }) => caller === ways[w]!.caller)]);
        expect(anybody(entry), what).toEqual(anybody(row[0]!));
      }
    }
    expect(site.run('audit', 'verify').status).toBe(0);
  });
});
