/**
 * `npm run bench`: what a call costs, as ratios in one interleaved run. Figures of one machine on one day say little;
 * their ratios to the floor say much. CPU is user and system time of the process under test per request.
 *
 *   npm run bench -- [--quick] [--write] [--only <part of a title>]
 *
 * `--only cost` takes half a minute: it tells whether a change made each call dearer (bench/cost.json).
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { measureCost } from './cost.ts';
import { measureLanes } from './lanes.ts';
import { load } from './load.ts';
import { args, TOKEN } from './payloads.ts';

const quick = process.argv.includes('--quick');
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1]! : '';
const ROUNDS = quick ? 3 : 7;

interface Subject {
  readonly name: string;
  readonly port: number;
  readonly child: ChildProcess;
  readonly request: (n: number) => Buffer;
}
interface Sample {
  readonly cpu: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly stall: number;
}

const children: ChildProcess[] = [];

interface Started {
  readonly port: number;
  readonly child: ChildProcess;
  /** It is not installed here. */
  readonly missing?: boolean;
}

function start(file: string, env: Record<string, string>): Promise<Started> {
  const child = fork(join(import.meta.dirname, 'subjects', file), {
    env: { ...process.env, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  children.push(child);
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve({ ...(message as { port: number; missing?: boolean }), child }));
    child.once('exit', (code) => reject(new Error(`${file} ended with ${code}`)));
  });
}

function usage(child: ChildProcess): Promise<{ cpu: number; rss: number; stall: number }> {
  return new Promise((resolve) => {
    child.once('message', (message) => resolve(message as { cpu: number; rss: number; stall: number }));
    child.send('cpu');
  });
}

/** Whole requests, prepared: `fresh` is the share of calls whose arguments were never seen. */
function requests(path: string, fresh: number, modern: boolean, progress: boolean): (n: number) => Buffer {
  const make = (n: number, isFresh: boolean): Buffer => {
    const _meta = {
      ...(modern && {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
      }),
      ...(progress && { progressToken: 1 }),
    };
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: n,
      method: 'tools/call',
      params: { name: 'echo', arguments: args(n, isFresh), _meta },
    });
    const headers = [
      `POST ${path} HTTP/1.1`,
      'Host: 127.0.0.1:PORT',
      'Content-Type: application/json',
      'Accept: application/json, text/event-stream',
      `Authorization: Bearer ${TOKEN}`,
      ...(modern ? ['MCP-Protocol-Version: 2026-07-28', 'Mcp-Method: tools/call', 'Mcp-Name: echo'] : []),
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    return Buffer.from(`${headers.join('\r\n')}\r\n\r\n${body}`);
  };
  const same = make(1, false);
  let next = 1000;
  return (n) => (fresh > 0 && (n % 100) / 100 < fresh ? make(next++, true) : same);
}

async function sample(subject: Subject, clients: number, count: number): Promise<Sample> {
  const before = await usage(subject.child);
  const loaded = await load({ port: subject.port, clients, requests: count, request: subject.request });
  const after = await usage(subject.child);
  return {
    cpu: (after.cpu - before.cpu) / count,
    perSecond: count / loaded.seconds,
    p50: loaded.p50,
    p99: loaded.p99,
    stall: after.stall,
  };
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

interface Plan {
  readonly title: string;
  readonly payload: string;
  readonly clients: number;
  readonly count: number;
  readonly subjects: readonly (readonly [name: string, file: string, without?: string, fresh?: number])[];
  /** Doorward asks through its lane to an HTTP upstream. */
  readonly lane?: boolean;
}

async function measure(plan: Plan, upstream: number): Promise<string[]> {
  const subjects: Subject[] = [];
  const absent: string[] = [];
  for (const [name, file, without = '', fresh = 0] of plan.subjects) {
    const { port, child, missing } = await start(file, {
      UPSTREAM: String(upstream),
      PAYLOAD: plan.payload,
      WITHOUT: without,
      LANE: plan.lane ? 'http' : '',
    });
    if (missing) {
      absent.push(name);
      continue;
    }
    const path = file === 'doorward.ts' ? '/bench' : '/';
    const make = requests(path, fresh, file !== 'sdk.ts', plan.payload === 'events');
    const cached = new Map<Buffer, Buffer>();
    const request = (n: number): Buffer => {
      const made = make(n);
      const known = cached.get(made);
      if (known) return known;
      const ready = Buffer.from(made.toString('latin1').replace('PORT', String(port)), 'latin1');
      if (cached.size < 4) cached.set(made, ready);
      return ready;
    };
    subjects.push({ name, port, child, request });
  }
  const samples = new Map<string, Sample[]>(subjects.map(({ name }) => [name, []]));
  for (const subject of subjects) await sample(subject, plan.clients, Math.min(plan.count, 6000));
  for (let round = 0; round < ROUNDS; round++) {
    for (const subject of subjects) samples.get(subject.name)!.push(await sample(subject, plan.clients, plan.count));
  }
  const of = (name: string, key: keyof Sample) => median(samples.get(name)!.map((one) => one[key]));
  const floor = of(subjects[0]!.name, 'cpu');
  const rows = subjects.map(({ name }) => {
    const cpu = of(name, 'cpu');
    return `| ${name} | ${cpu.toFixed(1)} | ${Math.round(1e6 / cpu)} | ${(floor / cpu).toFixed(2)} | ${of(name, 'p50').toFixed(3)} | ${of(name, 'p99').toFixed(3)} | ${of(name, 'stall').toFixed(1)} |`;
  });
  for (const { child } of subjects) {
    child.removeAllListeners('exit');
    child.disconnect();
  }
  return [
    `\n### ${plan.title}\n`,
    '| subject | CPU us/call | calls/s/core | of the floor | p50 ms | p99 ms | longest stall ms |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
    ...absent.map((name) => `\n${name}: not installed here.`),
  ];
}

const CORE = 'screen';
const n = (full: number) => Math.round(quick ? full / 10 : full);
/** Each asks the same HTTP server, and Doorward does so as it does in life. */
const LANE_SUBJECTS: Plan['subjects'] = [
  ['floor', 'floor.ts'],
  ['nginx', 'nginx.ts'],
  ['SDK Server + Client', 'sdk.ts'],
  ['full', 'doorward.ts'],
  ['core', 'doorward.ts', CORE],
];
const PLANS: readonly Plan[] = [
  {
    title: 'HTTP upstream: small (200 B), JSON, 32 clients',
    payload: 'small',
    clients: 32,
    count: n(10_000),
    subjects: LANE_SUBJECTS,
    lane: true,
  },
  {
    title: 'HTTP upstream: 20 events, SSE, 32 clients',
    payload: 'events',
    clients: 32,
    count: n(4000),
    subjects: LANE_SUBJECTS,
    lane: true,
  },
  {
    title: 'HTTP upstream: 1 MB as one text, JSON, 8 clients',
    payload: '1MB-text',
    clients: 8,
    count: n(300),
    subjects: LANE_SUBJECTS.filter(([name]) => !name.startsWith('SDK')),
    lane: true,
  },
  {
    title: 'small (200 B), 32 clients, each control on and off',
    payload: 'small',
    clients: 32,
    count: n(20_000),
    subjects: [
      ['floor', 'floor.ts'],
      ['SDK Server + Client', 'sdk.ts'],
      ['full', 'doorward.ts'],
      ['core', 'doorward.ts', CORE],
      ['full, half of the arguments fresh', 'doorward.ts', '', 0.5],
      ['full without limits', 'doorward.ts', 'limits'],
      ['full without input', 'doorward.ts', 'input'],
      ['full without policy', 'doorward.ts', 'policy'],
      ['full without redact', 'doorward.ts', 'redact'],
      ['full without output', 'doorward.ts', 'output'],
      ['full, log not awaited', 'doorward.ts', 'durable'],
      ['full without audit', 'doorward.ts', 'audit'],
    ],
  },
  {
    title: 'small (200 B), 1 client',
    payload: 'small',
    clients: 1,
    count: n(4000),
    subjects: [
      ['floor', 'floor.ts'],
      ['full', 'doorward.ts'],
      ['full, log not awaited', 'doorward.ts', 'durable'],
    ],
  },
  {
    title: '10 kB, 32 clients',
    payload: '10kB',
    clients: 32,
    count: n(10_000),
    subjects: [
      ['floor', 'floor.ts'],
      ['full', 'doorward.ts'],
      ['core', 'doorward.ts', CORE],
    ],
  },
  {
    title: '1 MB as one text, 8 clients',
    payload: '1MB-text',
    clients: 8,
    count: n(300),
    subjects: [
      ['floor', 'floor.ts'],
      ['full', 'doorward.ts'],
      ['core', 'doorward.ts', CORE],
    ],
  },
  {
    title: '1 MB as rows, 8 clients',
    payload: '1MB-rows',
    clients: 8,
    count: n(300),
    subjects: [
      ['floor', 'floor.ts'],
      ['full', 'doorward.ts'],
      ['core', 'doorward.ts', CORE],
    ],
  },
];

try {
  const out = [
    `${cpus().length} x ${cpus()[0]!.model}, Node ${process.versions.node}, ${ROUNDS} interleaved rounds, medians.`,
  ];
  if ('cost'.includes(only)) {
    const lines = await measureCost(process.argv.includes('--write'));
    process.stdout.write(`${lines.join('\n')}\n`);
    out.push(...lines);
  }
  const { port: upstream } = await start('upstream.ts', {});
  for (const plan of PLANS.filter(({ title }) => title.includes(only))) {
    process.stderr.write(`${plan.title} ...\n`);
    const lines = await measure(plan, upstream);
    process.stdout.write(`${lines.join('\n')}\n`);
    out.push(...lines);
  }
  if ('lane'.includes(only)) {
    const lines = await measureLanes(8, n(20_000));
    process.stdout.write(`${lines.join('\n')}\n`);
    out.push(...lines);
  }
  if (process.argv.includes('--write') && only === '') {
    const dir = join(import.meta.dirname, '../docs/figures');
    mkdirSync(dir, { recursive: true });
    writeFileSync(
      join(dir, 'bench.md'),
      `# What a call costs\n\nPrinted by \`npm run bench -- --write\`. Ratios are firm, absolute figures are of one machine.\n\n${out.join('\n')}\n`,
    );
  }
} finally {
  for (const child of children) {
    child.removeAllListeners('exit');
    child.kill();
  }
}
