/** What a lane costs: start of a sandboxed server, memory of its processes, the gateway's CPU for a call over pipes. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Call } from '../src/core/call.ts';
import { descriptorDigest } from '../src/inventory/digest.ts';
import { environment } from '../src/upstreams/environment.ts';
import { lanes } from '../src/upstreams/lanes.ts';
import { thisMachine } from '../src/upstreams/machine.ts';
import { preparePackage } from '../src/upstreams/packages.ts';

const SERVER = `
const tool = { name: 'echo', description: 'Echo', inputSchema: { type: 'object' } };
const say = (id, result) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (method === 'initialize') say(id, { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'bench', version: '1' } });
  else if (method === 'tools/list') say(id, { tools: [tool] });
  else if (method === 'tools/call') say(id, { content: [{ type: 'text', text: params.arguments.text }] });
});
`;
const TOOL = { name: 'echo', description: 'Echo', inputSchema: { type: 'object' } };

/** Proportional set size of the process tree below `root`, in kB. */
function memoryBelow(root: number): number {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      parents.set(
        Number(name),
        Number(
          readFileSync(`/proc/${name}/stat`, 'utf8')
            .replace(/^.*\) /s, '')
            .split(' ')[1],
        ),
      );
    } catch {
      // Gone meanwhile.
    }
  }
  const below = (pid: number): boolean =>
    pid === root || (parents.has(pid) && parents.get(pid)! > 1 && below(parents.get(pid)!));
  let sum = 0;
  for (const pid of parents.keys()) {
    if (pid === root || !below(pid)) continue;
    try {
      sum += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
    } catch {
      // Gone meanwhile.
    }
  }
  return sum;
}

export async function measureLanes(count: number, calls: number): Promise<string[]> {
  const dir = mkdtempSync(join(tmpdir(), 'doorward-lanes-'));
  mkdirSync(join(dir, 'server'));
  mkdirSync(join(dir, 'state'), { mode: 0o700 });
  writeFileSync(join(dir, 'server/server.cjs'), SERVER);
  const prepared = await preparePackage({
    run: ['node', './server/server.cjs'],
    stateDir: join(dir, 'state'),
    configDir: dir,
    npm: async () => {},
    clock: Date.now,
  });
  const spec = {
    name: 'bench',
    package: prepared,
    mounts: [],
    env: environment({}, {}),
    caps: { memory: 256 << 20, processes: 64, files: 256, cpu: 1 },
  };
  const digest = descriptorDigest('tool', TOOL);
  const open = lanes({
    machine: thisMachine(),
    clock: Date.now,
    version: 'bench',
    specs: () => spec,
    pin: () => prepared.digest,
    expected: () => new Map([['tool:echo', digest]]),
    onDrift() {},
    onEvent() {},
    redactor: () => ({ push: (bytes) => bytes, end: () => '' }),
    timers: { set: (run, ms) => setTimeout(run, ms), clear: (timer) => clearTimeout(timer as NodeJS.Timeout) },
    limits: { perSubject: count },
  });
  const call = (lane: number): Call =>
    ({
      id: `${lane}`,
      lane: `lane ${lane}`,
      upstream: 'bench',
      method: 'tools/call',
      family: 'call',
      tenant: 't',
      caller: { subject: 's' },
      args: { text: 'x'.repeat(200) },
      target: {
        kind: 'tool',
        upstream: 'bench',
        name: 'echo',
        digest,
        descriptor: TOOL,
        facts: { executes: false },
        exceptions: {},
      },
    }) as unknown as Call;
  const io = { signal: new AbortController().signal, send: async () => {} };
  try {
    const starts: number[] = [];
    for (let lane = 0; lane < count; lane++) {
      const began = performance.now();
      await open.handle(call(lane), io);
      starts.push(performance.now() - began);
    }
    const memory = memoryBelow(process.pid) / count;
    const rates: string[] = [];
    for (const clients of [1, 32]) {
      const one = async (n: number) => {
        for (let i = 0; i < n; i++) await open.handle(call(0), io);
      };
      await one(500);
      const before = process.cpuUsage();
      await Promise.all(Array.from({ length: clients }, () => one(Math.round(calls / clients))));
      const { user, system } = process.cpuUsage(before);
      rates.push(((user + system) / calls).toFixed(1));
    }
    starts.sort((a, b) => a - b);
    return [
      '\n### A lane (stdio server in bubblewrap)\n',
      '| what | value |',
      '| --- | --- |',
      `| first call of a new lane, median of ${count} | ${starts[Math.floor(count / 2)]!.toFixed(0)} ms |`,
      `| memory of a lane (PSS of all its processes) | ${(memory / 1024).toFixed(1)} MB |`,
      `| gateway CPU of a call over pipes, 1 at a time / 32 at once | ${rates.join(' / ')} us |`,
    ];
  } finally {
    await open.close();
    rmSync(dir, { recursive: true, force: true });
  }
}
