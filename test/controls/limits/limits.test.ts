import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { addressKey } from '../../../src/controls/limits/address.ts';
import { limits, retryAfter } from '../../../src/controls/limits/index.ts';
import { compile, type LimitsConfig, schema } from '../../../src/controls/limits/rules.ts';
import type { Attempt, Call, Caller, Family, Stage } from '../../../src/core/call.ts';
import { RulesFault } from '../../../src/core/rules.ts';
import type { State } from '../../../src/core/state.ts';
import type { Outcome, Verdict } from '../../../src/core/verdict.ts';
import type { Json } from '../../../src/lib/json/types.ts';
import { memoryState } from '../../../src/store/memory.ts';
import { caller, callOf, PINNED, thing } from '../policy/fixtures.ts';

interface Step {
  at?: number;
  every?: number;
  times?: number;
  caller?: Partial<Caller>;
  tool?: string;
  args?: Json;
  family?: Family;
  hold?: string;
  settle?: string;
  attempt?: Stage;
  address?: string;
  expect: string;
  retry?: number;
}
interface Case {
  name: string;
  limits?: unknown;
  steps: Step[];
}

const OUTCOME: Outcome = { kind: 'reply', sent: true, bytes: 0, ms: 0, taint: [] };
const rulesOf = (config: unknown) => compile(schema.parse(config) as LimitsConfig, { pinned: PINNED });

let serial = 0;
function callFor({ caller: who, tool = 'files.read_text_file', args, family = 'call' }: Step): Call {
  const target = thing(tool);
  const id = `C${++serial}`;
  return callOf(target, target.upstream, caller(who), { id, family, args: args ?? { path: id } });
}
function attemptFor({ caller: who, attempt = 'door', address = '192.0.2.9' }: Step): Attempt {
  const known = attempt === 'frame' || attempt === 'inventory' ? { caller: caller(who) } : {};
  const peer = { listener: 'http' as const, address };
  return { id: `A${++serial}`, at: 0, peer, stage: attempt, code: 'inventory.unknown', ...known };
}

describe('limits.case.yaml', () => {
  const cases = parse(readFileSync(join(import.meta.dirname, 'limits.case.yaml'), 'utf8')) as Case[];
  it.each(cases)('$name', ({ limits: config, steps }) => {
    const rules = rulesOf(config);
    let now = 0;
    const state = memoryState(() => now);
    const holding = new Map<string, Call[]>();
    for (const step of steps) {
      if (step.settle !== undefined) {
        for (const call of holding.get(step.settle) ?? []) limits.settle!(call, OUTCOME, rules, state);
        continue;
      }
      for (let i = 0; i < (step.times ?? 1); i++) {
        now = ((step.at ?? 0) + i * (step.every ?? 0)) * 1000;
        if (step.attempt) {
          expect(limits.attempt!(attemptFor(step), rules, state) ?? 'pass').toBe(step.expect);
          continue;
        }
        const call = callFor(step);
        const verdict = limits.decide!(call, rules, state) as Verdict<never>;
        expect(verdict.kind === 'stop' ? verdict.code : verdict.kind).toBe(step.expect);
        if (step.hold !== undefined) holding.set(step.hold, [...(holding.get(step.hold) ?? []), call]);
        else limits.settle!(call, OUTCOME, rules, state);
        if (step.retry !== undefined && verdict.kind === 'stop') expect(retryAfter(verdict.detail)).toBe(step.retry);
      }
    }
  });
});

describe('the limits block', () => {
  it('has the promised defaults', () => {
    const rules = rulesOf(undefined);
    expect(rules.subject).toEqual({ rate: { perSecond: 100 / 60, burst: 20 }, atOnce: 8 });
  });
  it.each([
    ['a misspelt word', { subjct: { minute: 5 } }, 'subjct', 'did you mean `subject`?'],
    ['a misspelt tool', { 'warehouse.run_qery': {} }, 'warehouse.run_qery', 'did you mean `warehouse.run_query`?'],
    ['a name like nothing', { 'mail.send': {} }, 'mail.send', 'doorward.lock'],
  ])('refuses %s', (_, config, name, fix) => {
    let fault: unknown;
    try {
      rulesOf(config);
    } catch (error) {
      fault = error;
    }
    expect(fault).toBeInstanceOf(RulesFault);
    expect((fault as RulesFault).path).toEqual(['limits', name]);
    expect((fault as RulesFault).fix).toContain(fix);
  });
  it.each([
    { subject: { minute: 0 } },
    { subject: { minute: 1.5 } },
    { subject: { per: 3 } },
    { same: { 'at-once': 1 } },
    { 'files.write_file': { hour: 1 } },
  ])('refuses %j', (config) => expect(schema.safeParse(config).success).toBe(false));
});

describe('retryAfter', () => {
  it.each([
    ['retry-after=3 by=subject', 3],
    ['retry-after=x', undefined],
    ['a retry-after=3', undefined],
    [undefined, undefined],
  ])('%j -> %j', (detail, seconds) => expect(retryAfter(detail)).toBe(seconds));
});

describe('addressKey', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['-', '-'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8::', '2001:db8:0:0::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['1::4:5:6:7:8', '1:0:0:4::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['1:2:3:4:5:6:192.0.2.1', '1:2:3:4::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('%s -> %s', (address, key) => expect(addressKey(address)).toBe(key));
});

/** Counts what is inside; answers at once or later, and may fail. */
function counting(rejects: () => boolean, async: () => boolean) {
  const inside = new Map<string, number>();
  const scratch = new Map<string, Record<string, unknown>>();
  const answer = <T>(value: T) => (async() ? Promise.resolve(value) : value);
  const guard = () => {
    if (rejects()) throw new Error('state lost');
  };
  const state = {
    now: () => 0,
    take: () => answer({ ok: !rejects(), retryAfter: 1 }),
    enter(space: string, key: string, max: number) {
      guard();
      const place = `${space} ${key}`;
      const count = inside.get(place) ?? 0;
      if (count >= max) return answer(false);
      inside.set(place, count + 1);
      return answer(true);
    },
    leave(space: string, key: string) {
      const place = `${space} ${key}`;
      inside.set(place, inside.get(place)! - 1);
      return answer(undefined);
    },
    scratch(call: string) {
      if (!scratch.has(call)) scratch.set(call, {});
      return scratch.get(call)!;
    },
  } as unknown as State;
  return { state, inside };
}

describe('places', () => {
  it('are given back exactly once, whatever happened to the call', async () => {
    const rules = rulesOf({ subject: { 'at-once': 3 }, agent: { 'at-once': 4 }, upstream: { 'at-once': 5 } });
    const moves = fc.array(
      fc.record({
        subject: fc.constantFrom('alice', 'bo', 'cy'),
        agent: fc.constantFrom([], ['bot']),
        settle: fc.nat({ max: 12 }),
        fails: fc.boolean(),
        later: fc.boolean(),
      }),
      { maxLength: 40 },
    );
    await fc.assert(
      fc.asyncProperty(moves, async (all) => {
        let now = all[0];
        let chance = 0;
        const { state, inside } = counting(
          () => now!.fails && ++chance % 7 === 0,
          () => now!.later,
        );
        const open: Call[] = [];
        let passed = 0;
        for (now of all) {
          const call = callFor({ caller: { subject: now.subject, agent: now.agent }, expect: '' });
          open.push(call);
          try {
            const verdict = await limits.decide!(call, rules, state);
            if (verdict.kind === 'pass') passed++;
          } catch {
            // The pipeline makes a stop of it, and settles all the same.
          }
          const done = open.splice(now.settle % (open.length + 1), 1);
          for (const one of done) await limits.settle!(one, OUTCOME, rules, state);
          for (const [place, count] of inside) {
            expect(count).toBeGreaterThanOrEqual(0);
            expect(count).toBeLessThanOrEqual(place.includes('upstream') ? 5 : place.includes('agent') ? 4 : 3);
          }
        }
        for (const one of open) await limits.settle!(one, OUTCOME, rules, state);
        for (const one of open) await limits.settle!(one, OUTCOME, rules, state);
        expect([...inside.values()].every((count) => count === 0)).toBe(true);
        if (all.length > 0 && all.every((move) => !move.fails)) expect(passed).toBeGreaterThan(0);
      }),
      { numRuns: Number(process.env['DOORWARD_PROPERTY_RUNS'] ?? 200) },
    );
  });

  it('are all given back when one cannot be', () => {
    const rules = rulesOf({});
    const { state, inside } = counting(
      () => false,
      () => false,
    );
    const leave = state.leave.bind(state);
    let first = true;
    const faulty = Object.assign(state, {
      leave(space: string, key: string) {
        leave(space, key);
        if (first) {
          first = false;
          throw new Error('lost');
        }
      },
    });
    const call = callFor({ caller: { agent: ['bot'] }, expect: '' });
    limits.decide!(call, rules, faulty);
    expect([...inside.values()]).toEqual([1, 1, 1]);
    expect(() => limits.settle!(call, OUTCOME, rules, faulty)).toThrow('lost');
    expect([...inside.values()]).toEqual([0, 0, 0]);
  });
});
