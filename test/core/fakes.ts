/** A small world for the core's own tests: controls by hand, a log in memory, a clock that stands still. */

import type { Entry, Said } from '../../src/core/admit.ts';
import { admit, isCall } from '../../src/core/admit.ts';
import type { Call, Caller, Pinned } from '../../src/core/call.ts';
import type { Log, Snapshot, World } from '../../src/core/ports.ts';
import type { State } from '../../src/core/state.ts';
import type { Control } from '../../src/core/verdict.ts';

export const CALLER: Caller = {
  tenant: 't',
  subject: 'alice',
  agent: [],
  groups: [],
  scopes: [],
  issuer: 'test',
  how: 'local',
  strength: { amr: [] },
  credential: 'c',
  claims: {},
};

export const TOOL: Pinned = {
  kind: 'tool',
  upstream: 'files',
  name: 'read',
  digest: 'sha256:00',
  descriptor: { name: 'read', inputSchema: { type: 'object' } },
  facts: { reads: true, writes: false, destructive: false, executes: false, sendsOut: false },
  exceptions: {},
};

export const SAID: Said = {
  era: '2026-07-28',
  method: 'tools/call',
  family: 'call',
  name: 'read',
  args: {},
  claimed: { capabilities: {} },
  trace: {},
  session: '-',
};

export function entry(said: Partial<Said> = {}, rest: Partial<Entry> = {}): Entry {
  return {
    id: 'ID1',
    at: 1000,
    peer: { listener: 'kit', address: '-' },
    caller: CALLER,
    route: 'files',
    said: { ...SAID, ...said },
    ...rest,
  };
}

export interface FakeSnapshot {
  in?: readonly Control<unknown>[];
  out?: readonly Control<unknown>[];
  may?: Snapshot['may'];
  pinned?: readonly Pinned[];
  held?: readonly string[];
  refit?: Snapshot['refit'];
}

export function snapshot(fake: FakeSnapshot = {}): Snapshot {
  const pinned = fake.pinned ?? [TOOL];
  return {
    id: 'rules-1',
    shelf: {
      find: (_upstream, _family, _method, name) => {
        if (fake.held?.includes(name)) return { kind: 'held' };
        const target = pinned.find((p) => p.name === name);
        return target ? { kind: 'pinned', target } : { kind: 'unknown' };
      },
      list: (_upstream, kind) => pinned.filter((p) => p.kind === kind),
      instructions: () => undefined,
    },
    may: fake.may ?? (() => ({ allow: true, ask: false, reasons: [] })),
    routes: new Map([['files', 'files']]),
    in: () => fake.in ?? [],
    out: () => fake.out ?? [],
    of: () => ({}),
    refit: fake.refit ?? (() => undefined),
  };
}

export interface FakeWorld extends World {
  readonly lines: string[];
  readonly forgotten: string[];
}

export function world(log: Partial<Log> = {}): FakeWorld {
  const lines: string[] = [];
  const forgotten: string[] = [];
  const state = { now: () => 1000, forget: (call: string) => void forgotten.push(call) } as unknown as State;
  return {
    lines,
    forgotten,
    state,
    clock: () => 1000,
    log: {
      intent: () => void lines.push('intent'),
      outcome: (_call, _trail, outcome) =>
        void lines.push(`outcome ${outcome.kind} ${outcome.code ?? '-'} ${outcome.sent}`),
      attempt: (attempt) => void lines.push(`attempt ${attempt.code}`),
      event: () => {},
      ...log,
    },
  };
}

export function call(said: Partial<Said> = {}, snap: Snapshot = snapshot()): Call {
  const made = admit(entry(said), snap);
  if (!isCall(made)) throw new Error(`not admitted: ${made.code}`);
  return made;
}
