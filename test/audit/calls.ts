/** Calls to log. No test runner here: a child process uses them too. */
import type { Attempt, Call, Caller } from '../../src/core/call.ts';
import type { Trail } from '../../src/core/ports.ts';
import type { Outcome } from '../../src/core/verdict.ts';

export const clock = { now: Date.parse('2026-11-20T12:00:00Z') };

export const caller: Caller = Object.freeze({
  tenant: 'acme',
  subject: 'ana',
  agent: [],
  groups: ['ops'],
  scopes: [],
  issuer: 'local',
  how: 'local',
  strength: { amr: [] },
  credential: '0123456789abcdef',
  claims: {},
} satisfies Caller);

export function call(id: string, over: Partial<Call> = {}): Call {
  return Object.freeze({
    id,
    at: clock.now,
    trace: {},
    tenant: 'acme',
    peer: { listener: 'http', address: '127.0.0.1' },
    caller,
    claimed: { capabilities: {} },
    era: '2026-07-28',
    route: 'files',
    upstream: 'files',
    method: 'tools/call',
    family: 'call',
    target: {
      kind: 'tool',
      upstream: 'files',
      name: 'read',
      digest: `sha256:${'a'.repeat(64)}`,
      descriptor: {},
      facts: { reads: true, writes: false, destructive: false, executes: false, sendsOut: false },
      exceptions: {},
    },
    args: { path: '/data/a.txt' },
    asked: [],
    lane: '["files","acme","ana",[],"-","-"]',
    taint: [],
    rulesId: 'sha256:rules',
    ...over,
  } satisfies Call);
}

export function attempt(id: string, over: Partial<Attempt> = {}): Attempt {
  return {
    id,
    at: clock.now,
    peer: { listener: 'http', address: '203.0.113.9' },
    stage: 'identity',
    code: 'identity.missing',
    ...over,
  };
}

export const TRAIL: Trail = [{ id: 'limits', way: 'in', verdict: { kind: 'pass' } }];
export const REPLY: Outcome = {
  kind: 'reply',
  sent: true,
  bytes: 12,
  ms: 3,
  upstream: { ms: 2, failed: false },
  taint: [],
};
export const STOP: Outcome = { kind: 'stop', code: 'policy.denied', sent: false, bytes: 0, ms: 1, taint: [] };
