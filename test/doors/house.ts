/** A small house behind real doors: the real loop and admission, callers by token, a handler whose tools do odd things. */
import { randomBytes } from 'node:crypto';
import type { Attempt, Call, Caller, Handler, Pinned } from '../../src/core/call.ts';
import { Ended } from '../../src/core/ended.ts';
import type { Gate } from '../../src/core/gate.ts';
import type { Outcome } from '../../src/core/verdict.ts';
import { harden } from '../../src/gateway/harden.ts';
import type { Json } from '../../src/lib/json/types.ts';
import type { KeyRing } from '../../src/lib/seal.ts';
import { CALLER, snapshot, TOOL, world } from '../core/fakes.ts';

export const ALICE = 'Bearer alice-alice-alice-alice';
export const BOB = 'Bearer bob-bob-bob-bob-bob';
const CALLERS: Readonly<Record<string, Caller>> = {
  [ALICE]: CALLER,
  [BOB]: { ...CALLER, subject: 'bob' },
};

const tool = (name: string, inputSchema: Pinned['descriptor'] = { type: 'object' }): Pinned => ({
  ...TOOL,
  name,
  descriptor: { name, inputSchema },
});

export interface House {
  readonly gate: Gate;
  readonly calls: Call[];
  readonly attempts: Attempt[];
  readonly outcomes: Outcome[];
  /** Aborts that handlers saw: milliseconds of performance.now(). */
  readonly aborted: number[];
  readonly ended: Map<string, Json>;
  readonly state: {
    get(space: string, key: string): Json | undefined;
    put(space: string, key: string, value: Json): void;
  };
  readonly ring: KeyRing;
  /** Lets every call of `gate` go on. */
  open(): void;
}

const key = randomBytes(32);
export const RING: KeyRing = { current: () => ({ kid: 'k', key }), find: (kid) => (kid === 'k' ? key : undefined) };

const text = (words: string) => ({ content: [{ type: 'text', text: words }], resultType: 'complete' });

export function house(name = 'house'): House {
  const calls: Call[] = [];
  const attempts: Attempt[] = [];
  const outcomes: Outcome[] = [];
  const aborted: number[] = [];
  const ended = new Map<string, Json>();
  const other = new Map<string, Json>();
  let release: () => void = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });

  const handler: Handler = async (call, io) => {
    calls.push(call);
    io.signal.addEventListener('abort', () => aborted.push(performance.now()));
    const progress = (n: number) =>
      io.send({ kind: 'notification', method: 'notifications/progress', params: { progressToken: 1, progress: n } });
    if (call.method === 'server/discover') {
      return {
        kind: 'result',
        value: {
          supportedVersions: ['2026-07-28', '2025-11-25'],
          capabilities: { tools: {} },
          instructions: name,
          resultType: 'complete',
        },
      };
    }
    if (call.method === 'tools/list') return { kind: 'result', value: { tools: [], resultType: 'complete' } };
    const args = call.args as { [name: string]: Json };
    switch ('name' in call.target ? call.target.name : '') {
      case 'slow':
        return new Promise(() => {});
      case 'gate':
        await released;
        return { kind: 'result', value: text('passed') };
      case 'progress':
        for (let i = 0; i < Number(args.n); i++) await progress(i);
        return { kind: 'result', value: text('after progress') };
      case 'progress-slow':
        await progress(0);
        return new Promise(() => {});
      case 'bytes': {
        const bytes = Buffer.from(String(args.raw));
        if (args.first) await progress(0);
        return { kind: 'result', value: { ...JSON.parse(String(args.raw)), resultType: 'complete' }, bytes };
      }
      case 'big':
        return { kind: 'result', value: text('x'.repeat(Number(args.n))) };
      case 'fail':
        return { kind: 'error', code: -32603, message: 'failed', data: { why: 'test' } };
      case 'limit':
        throw new Ended('stop', 'limits.rate', 'retry-after=7 by=subject');
      default:
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
        return { kind: 'result', value: text(`${call.caller.subject} ${JSON.stringify(call.args)}`) };
    }
  };
  const pinned = ['echo', 'slow', 'gate', 'progress', 'progress-slow', 'bytes', 'big', 'fail', 'limit'].map((n) =>
    tool(n),
  );
  pinned.push(
    tool('headers', { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } }),
  );
  const snap = snapshot({ pinned });
  const gate = harden({
    snapshot: () => snap,
    world: {
      ...world({
        attempt: (made) => void attempts.push(made),
        outcome: (_call, _trail, outcome) => void outcomes.push(outcome),
      }),
      clock: Date.now,
    },
    handlers: () => handler,
    authenticate: (evidence) => {
      const token = evidence.header('authorization');
      return token === undefined ? 'identity.missing' : (CALLERS[token] ?? 'identity.invalid');
    },
    random: randomBytes,
  });
  return {
    gate,
    calls,
    attempts,
    outcomes,
    aborted,
    ended,
    state: {
      get: (space, k) => (space === 'session.ended' ? ended : other).get(k),
      put: (space, k, value) => void (space === 'session.ended' ? ended : other).set(k, value),
    },
    ring: RING,
    open: () => release(),
  };
}

/** Resolves as soon as `done` holds; rejects after two seconds. */
export async function until(done: () => boolean): Promise<void> {
  for (const began = performance.now(); !done(); ) {
    if (performance.now() - began > 2000) throw new Error('it did not happen');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
