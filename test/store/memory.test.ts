import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { State, Taken } from '../../src/core/state.ts';
import { memoryState } from '../../src/store/memory.ts';

function world(entries?: number): { state: State; clock: { now: number } } {
  const clock = { now: 1_000_000 };
  return { state: memoryState(() => clock.now, entries), clock };
}
const minute = { perSecond: 100 / 60, burst: 20 };

describe('buckets', () => {
  it('gives the burst, then the rate', () => {
    const { state, clock } = world();
    for (let i = 0; i < 20; i++) expect(state.take('s', 'k', minute)).toEqual({ ok: true, retryAfter: 0 });
    expect(state.take('s', 'k', minute)).toEqual({ ok: false, retryAfter: 600 });
    clock.now += 599;
    expect(state.take('s', 'k', minute)).toEqual({ ok: false, retryAfter: 1 });
    clock.now += 1;
    expect(state.take('s', 'k', minute)).toEqual({ ok: true, retryAfter: 0 });
  });

  it('never gives more than rate * t + burst, and never less than what is there', () => {
    const rates = fc.record({
      perSecond: fc.double({ min: 0.01, max: 5000, noNaN: true }),
      burst: fc.integer({ min: 1, max: 50 }),
    });
    const steps = fc.array(fc.record({ wait: fc.nat(2000), tries: fc.nat(40), back: fc.boolean() }), { maxLength: 60 });
    fc.assert(
      fc.property(rates, steps, (rate, list) => {
        const { state, clock } = world();
        let passed = 0;
        let given = 0;
        for (const { wait, tries, back } of list) {
          if (back) clock.now -= wait;
          else {
            clock.now += wait;
            passed += wait;
          }
          for (let i = 0; i < tries; i++) {
            const taken = state.take('s', 'k', rate) as Taken;
            if (taken.ok) given++;
            else expect(taken.retryAfter).toBeGreaterThan(0);
          }
          expect(given).toBeLessThanOrEqual((passed * rate.perSecond) / 1000 + rate.burst + 1e-6);
        }
      }),
    );
  });

  it('keeps its word about retryAfter', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 5000, noNaN: true }),
        fc.integer({ min: 1, max: 30 }),
        (perSecond, burst) => {
          const { state, clock } = world();
          while ((state.take('s', 'k', { perSecond, burst }) as Taken).ok);
          clock.now += (state.take('s', 'k', { perSecond, burst }) as Taken).retryAfter;
          expect(state.take('s', 'k', { perSecond, burst })).toEqual({ ok: true, retryAfter: 0 });
        },
      ),
    );
  });

  it('asks without taking', () => {
    const { state } = world();
    const one = { perSecond: 1, burst: 1 };
    for (let i = 0; i < 5; i++) expect(state.take('s', 'k', one, 0)).toEqual({ ok: true, retryAfter: 0 });
    state.take('s', 'k', one);
    expect(state.take('s', 'k', one, 0)).toEqual({ ok: false, retryAfter: 1000 });
    expect(state.take('s', 'k', one, 2)).toEqual({ ok: false, retryAfter: Infinity });
  });

  it('keeps spaces and keys apart', () => {
    const { state } = world();
    const one = { perSecond: 0, burst: 1 };
    for (const [space, key] of [
      ['a', 'k'],
      ['b', 'k'],
      ['a', 'l'],
      ['a', 'x'.repeat(500)],
      ['a', 'x'.repeat(501)],
    ] as const)
      expect(state.take(space, key, one)).toMatchObject({ ok: true });
    expect(state.take('a', 'x'.repeat(500), one)).toMatchObject({ ok: false });
  });
});

describe('under a million fresh keys', () => {
  it('stays small and quick, and a key in use is not forgotten', () => {
    const { state } = world(2000);
    const before = process.memoryUsage().heapUsed;
    const began = process.cpuUsage();
    const rate = { perSecond: 0, burst: 1 };
    state.take('s', 'mine', rate);
    for (let i = 0; i < 1_000_000; i++) {
      state.take('s', `stranger-${i}`, rate);
      if (i % 500 === 0) expect(state.take('s', 'mine', rate)).toMatchObject({ ok: false });
    }
    expect(process.cpuUsage(began).user / 1000).toBeLessThan(5000);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(50e6);
  });
});

describe('gauges', () => {
  it('let `max` in, and again after one has left', () => {
    const { state } = world();
    expect([1, 2, 3].map(() => state.enter('s', 'k', 2))).toEqual([true, true, false]);
    state.leave('s', 'k');
    expect(state.enter('s', 'k', 2)).toBe(true);
  });

  it('are never forgotten while something is inside', () => {
    const { state } = world(100);
    state.enter('s', 'mine', 1);
    for (let i = 0; i < 10_000; i++) if (state.enter('s', `k${i}`, 1)) state.leave('s', `k${i}`);
    expect(state.enter('s', 'mine', 1)).toBe(false);
  });

  it('refuse rather than grow', () => {
    const { state } = world(3);
    expect([1, 2, 3, 4].map((i) => state.enter('s', `k${i}`, 1))).toEqual([true, true, true, false]);
    state.leave('s', 'k1');
    expect(state.enter('s', 'k4', 1)).toBe(true);
  });

  it('do not go below nothing', () => {
    const { state } = world();
    state.leave('s', 'k');
    expect([1, 2].map(() => state.enter('s', 'k', 1))).toEqual([true, false]);
  });
});

describe('values', () => {
  it('live for their time', () => {
    const { state, clock } = world();
    state.put('s', 'k', { a: 1 }, 1000);
    clock.now += 999;
    expect(state.get('s', 'k')).toEqual({ a: 1 });
    clock.now += 1;
    expect(state.get('s', 'k')).toBeUndefined();
  });

  it('cannot be changed from outside', () => {
    const { state } = world();
    const value = { a: [1] };
    state.put('s', 'k', value, 1000);
    expect(() => value.a.push(2)).toThrow(TypeError);
  });

  it('swap by canonical form', () => {
    const { state } = world();
    expect(state.swap('s', 'k', { a: 1 }, { a: 2 }, 1000)).toBe(false);
    expect(state.swap('s', 'k', undefined, { a: 1, b: [null] }, 1000)).toBe(true);
    expect(state.swap('s', 'k', undefined, { a: 3 }, 1000)).toBe(false);
    expect(state.swap('s', 'k', { b: [null], a: 1 }, { a: 2 }, 1000)).toBe(true);
    expect(state.swap('s', 'k', { a: 2 }, undefined, 1000)).toBe(true);
    expect(state.swap('s', 'k', { a: 2 }, undefined, 1000)).toBe(false);
    expect(state.get('s', 'k')).toBeUndefined();
  });

  it('are refused when there is no room, never forgotten', () => {
    const { state, clock } = world(2);
    state.put('s', 'a', 1, 5000);
    state.put('s', 'b', 2, 10_000);
    expect(() => state.put('s', 'c', 3, 1000)).toThrow('no room');
    expect([state.get('s', 'a'), state.get('s', 'b')]).toEqual([1, 2]);
    state.put('s', 'a', 4, 5000);
    clock.now += 5000;
    state.put('s', 'c', 3, 1000);
    expect([state.get('s', 'a'), state.get('s', 'b'), state.get('s', 'c')]).toEqual([undefined, 2, 3]);
  });
});

describe('scratch', () => {
  it('is one object for a call and control, until forgotten', () => {
    const { state } = world();
    state.scratch('c1', 'limits').held = true;
    expect(state.scratch('c1', 'limits')).toEqual({ held: true });
    expect(state.scratch('c1', 'policy')).toEqual({});
    expect(state.scratch('c2', 'limits')).toEqual({});
    state.forget('c1');
    expect(state.scratch('c1', 'limits')).toEqual({});
  });
});

describe('a view', () => {
  type Step = { op: 'take' | 'enter' | 'leave' | 'put' | 'swap' | 'drop'; key: string };
  const step: fc.Arbitrary<Step> = fc.record({
    op: fc.constantFrom('take', 'enter', 'leave', 'put', 'swap', 'drop'),
    key: fc.constantFrom('a', 'b', 'c'),
  });
  const rate = { perSecond: 1, burst: 3 };
  const act = (state: State, { op, key }: Step): unknown => {
    if (op === 'take') return state.take('s', key, rate);
    if (op === 'enter') return state.enter('s', key, 2);
    if (op === 'leave') return state.leave('s', key);
    if (op === 'put') return state.put('s', key, { n: 1 }, 9000);
    if (op === 'swap') return state.swap('s', key, { n: 1 }, { n: 2 }, 9000);
    return state.swap('s', key, { n: 2 }, undefined, 9000);
  };
  const look = (state: State) =>
    ['a', 'b', 'c'].map((key) => [state.take('s', key, rate, 0), state.enter('s', key, 0), state.get('s', key)]);

  it('decides as its base would, without effect on it', () => {
    fc.assert(
      fc.property(fc.array(step), fc.array(step), (before, after) => {
        const [base, twin] = [world().state, world().state];
        for (const state of [base, twin]) for (const s of before) act(state, s);
        const view = base.overlay().overlay();
        for (const s of after) expect(act(view, s)).toEqual(act(twin, s));
        expect(look(view)).toEqual(look(twin));
        const fresh = world().state;
        for (const s of before) act(fresh, s);
        for (const s of after) expect(act(base, s)).toEqual(act(fresh, s));
      }),
    );
  });

  it('keeps a gauge that fell to nothing apart from its base', () => {
    const { state } = world();
    state.enter('s', 'k', 2);
    const view = state.overlay();
    view.leave('s', 'k');
    expect([1, 2, 3].map(() => view.enter('s', 'k', 2))).toEqual([true, true, false]);
    expect([1, 2].map(() => state.enter('s', 'k', 2))).toEqual([true, false]);
  });

  it('has its own scratch', () => {
    const { state } = world();
    state.scratch('c', 'limits').x = 1;
    expect(state.overlay().scratch('c', 'limits')).toEqual({});
  });
});
