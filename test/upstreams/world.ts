/** What the tests of this room share: a machine, a table of lanes over the fixture servers, and calls. */
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Call, Io, Notification, Pinned, Result, Resume, RpcError } from '../../src/core/call.ts';
import { descriptorDigest as digest } from '../../src/inventory/digest.ts';
import type { JsonObject } from '../../src/lib/json/types.ts';
import type { Caps } from '../../src/upstreams/cgroups.ts';
import { type Lanes, type LanesOptions, lanes } from '../../src/upstreams/lanes.ts';
import { thisMachine } from '../../src/upstreams/machine.ts';
import { preparePackage } from '../../src/upstreams/packages.ts';
import type { Redactor } from '../../src/upstreams/stderr.ts';
import type { UpstreamSpec } from '../../src/upstreams/way.ts';

export const SERVERS = realpathSync(join(import.meta.dirname, '../fixtures/servers'));
export const CAPS: Caps = { memory: 256 << 20, processes: 64, files: 256, cpu: 2 };
export const machine = thisMachine();

export const plain = (): Redactor => ({ push: (chunk) => chunk, end: () => '' });

export interface Setup {
  readonly lanes: Lanes;
  readonly spec: UpstreamSpec;
  readonly events: { code: string; data: any }[];
  readonly drifts: string[];
  /** Tool name -> pinned tool, as listed at the beginning. */
  readonly pins: Map<string, Pinned>;
  call(tool: string, args?: JsonObject, how?: CallHow): Promise<Result | RpcError>;
}
export interface CallHow {
  readonly subject?: string;
  readonly session?: string;
  readonly executes?: boolean;
  readonly logLevel?: string;
  /** What the client says that it can. */
  readonly capabilities?: JsonObject;
  readonly resume?: Resume;
  readonly signal?: AbortSignal;
  readonly notes?: Notification[];
  readonly send?: Io['send'];
}

let calls = 0;

export async function setup(
  run: readonly string[],
  change: Partial<LanesOptions> & Partial<Pick<UpstreamSpec, 'caps' | 'mounts' | 'asks'>> = {},
): Promise<Setup> {
  const prepared = await preparePackage({
    run,
    stateDir: '/nonexistent',
    configDir: SERVERS.slice(0, SERVERS.lastIndexOf('/')),
    npm: () => Promise.reject(new Error('no registry in tests')),
    clock: Date.now,
  });
  const spec: UpstreamSpec = {
    name: 'under-test',
    package: prepared,
    mounts: change.mounts ?? [],
    env: { PATH: '/runtime', HOME: '/tmp' },
    caps: change.caps ?? CAPS,
    ...(change.asks && { asks: change.asks }),
  };
  return over(spec, change);
}

export async function over(spec: UpstreamSpec, change: Partial<LanesOptions> = {}): Promise<Setup> {
  const events: Setup['events'] = [];
  const drifts: string[] = [];
  const pins = new Map<string, Pinned>();
  const expected = new Map<string, string>();
  const made = lanes({
    machine,
    clock: Date.now,
    version: '0',
    onEvent: (code, data) => events.push({ code, data }),
    redactor: plain,
    grace: 300,
    specs: (name) => (name === spec.name ? spec : undefined),
    pin: () => spec.package.digest,
    expected: () => expected,
    onDrift: (upstream) => drifts.push(upstream),
    timers: { set: (run, ms) => setTimeout(run, ms), clear: (timer) => clearTimeout(timer as NodeJS.Timeout) },
    ...change,
  });
  const listing = await made.probe(spec.name);
  for (const [kind, things] of [
    ['tool', listing.tools],
    ['prompt', listing.prompts],
  ] as const) {
    for (const descriptor of things) {
      const pin = digest(kind, descriptor);
      expected.set(`${kind}:${descriptor['name']}`, pin);
      if (kind === 'tool') pins.set(String(descriptor['name']), pinned(spec.name, descriptor, pin));
    }
  }
  for (const descriptor of listing.resources)
    expected.set(`resource:${descriptor['uri']}`, digest('resource', descriptor));
  return {
    lanes: made,
    spec,
    events,
    drifts,
    pins,
    async call(
      tool,
      args = {},
      { subject = 'a', session = '-', executes = false, logLevel, capabilities = {}, resume, signal, notes, send } = {},
    ) {
      const id = `call-${++calls}`;
      const pin = pins.get(tool)!;
      const call = {
        id,
        tenant: 't',
        caller: { subject },
        claimed: { capabilities },
        ...(resume && { resume }),
        upstream: spec.name,
        method: 'tools/call',
        family: 'call',
        target: { ...pin, facts: { ...pin.facts, executes } },
        args,
        ...(logLevel !== undefined && { logLevel }),
        lane: JSON.stringify([spec.name, 't', subject, [], session, executes ? id : '-']),
      } as unknown as Call;
      return made.handle(call, {
        send: send ?? (async (note) => void notes?.push(note)),
        signal: signal ?? new AbortController().signal,
      });
    },
  };
}

function pinned(upstream: string, descriptor: JsonObject, pin: string): Pinned {
  const facts = { reads: true, writes: false, destructive: false, executes: false, sendsOut: false };
  return { kind: 'tool', upstream, name: String(descriptor['name']), digest: pin, descriptor, facts, exceptions: {} };
}

export function textOf(answer: Result | RpcError): string {
  if (answer.kind === 'error') throw new Error(answer.message);
  return (answer.value['content'] as { text: string }[])[0]!.text;
}

/** Host pids of processes whose command line holds `mark`. */
export function processesWith(mark: string): number[] {
  const { readdirSync, readFileSync } = process.getBuiltinModule('node:fs');
  return readdirSync('/proc')
    .filter((name) => Number(name) > 0)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(mark);
      } catch {
        return false;
      }
    })
    .map(Number);
}
