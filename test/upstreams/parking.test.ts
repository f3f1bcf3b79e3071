import { beforeEach, describe, expect, it } from 'vitest';
import type { Call } from '../../src/core/call.ts';
import type { Ended } from '../../src/core/ended.ts';
import { asker, type Questions } from '../../src/upstreams/asking.ts';
import { isParked, Parking } from '../../src/upstreams/parking.ts';
import type { Talk } from '../../src/upstreams/talk.ts';

let timers: Map<number, () => void>;
let parking: Parking;
let ended: string[];
let told: string[];
let count: number;
beforeEach(() => {
  [timers, ended, told, count] = [new Map(), [], [], 0];
  const set = (run: () => void, ms: number) => {
    expect(ms).toBe(600_000);
    timers.set(++count, run);
    return count;
  };
  const random = (n: number) => {
    const bytes = new Uint8Array(n);
    new DataView(bytes.buffer).setUint32(0, ++count);
    return bytes;
  };
  const clear = (timer: unknown) => void timers.delete(timer as number);
  parking = new Parking({ timers: { set, clear }, random, onEnd: ({ id }, why) => void told.push(`${id}: ${why}`) });
});

const talk = (name: string) =>
  ({ over: Promise.resolve(), stop: (why: Ended) => void ended.push(`${name}: ${why.code}`) }) as unknown as Talk;
const caller = (subject: string, session = '-', args = {}, state?: string, id = '-'): Call =>
  ({
    id: `call of ${subject}`,
    upstream: 'u',
    caller: { subject },
    method: 'tools/call',
    target: { kind: 'tool', name: 'x' },
    args,
    lane: JSON.stringify(['u', 't', subject, [], session, id]),
    ...(state !== undefined && { resume: { state, answers: {} } }),
  }) as unknown as Call;
const gone = expect.objectContaining({ code: 'upstream.gone' });
function taken(call: Call): Talk | Ended {
  try {
    return parking.take(call);
  } catch (error) {
    return error as Ended;
  }
}

describe('a parked call', () => {
  it('is taken once, by its caller, for the same call', () => {
    const mine = talk('mine');
    const state = parking.park(caller('a'), mine)!;
    expect(isParked(state)).toBe(true);
    for (const other of [
      caller('b', '-', {}, state),
      caller('a', 's', {}, state),
      caller('a', '-', { x: 1 }, state),
      caller('a', '-', {}, `${state}x`),
      caller('a', '-', {}),
    ])
      expect(taken(other)).toEqual(gone);
    expect(taken(caller('a', '-', {}, state))).toBe(mine);
    expect(taken(caller('a', '-', {}, state))).toEqual(gone);
    expect(timers.size).toBe(0);
  });
  it('of a tool that executes code is taken by a call with another id', () => {
    const mine = talk('mine');
    const state = parking.park(caller('a', '-', {}, undefined, 'call-1'), mine)!;
    expect(taken(caller('a', '-', {}, state, 'call-2'))).toBe(mine);
  });
  it('ends when its caller may not go on, and no other does', () => {
    const [mine, theirs] = [parking.park(caller('a'), talk('mine'))!, parking.park(caller('b'), talk('theirs'))!];
    parking.end((call) => (call.caller.subject === 'a' ? 'run.revoked' : undefined));
    expect(ended).toEqual(['mine: run.cancelled']);
    expect(told).toEqual(['call of a: run.revoked']);
    expect(taken(caller('a', '-', {}, mine))).toEqual(gone);
    expect((taken(caller('b', '-', {}, theirs)) as Talk).over).toBeDefined();
    expect(timers.size).toBe(0);
  });
  it('ends when its time is over', () => {
    const state = parking.park(caller('a'), talk('mine'))!;
    for (const run of timers.values()) run();
    expect(ended).toEqual(['mine: run.cancelled']);
    expect(told).toEqual(['call of a: nobody answered in time']);
    expect(taken(caller('a', '-', {}, state))).toEqual(gone);
    expect(parking.size).toBe(0);
  });
  it('gives way to newer ones of its lane and of its caller, never of others', () => {
    parking.park(caller('other'), talk('other'));
    for (let i = 0; i < 5; i++) parking.park(caller('a', 's'), talk(`s${i}`));
    expect(ended).toEqual(['s0: run.cancelled']);
    for (let i = 0; i < 5; i++) parking.park(caller('a', `t${i}`), talk(`t${i}`));
    expect(ended).toEqual(['s0: run.cancelled', 's1: run.cancelled']);
    expect(parking.size).toBe(9);
    expect(timers.size).toBe(9);
  });
  it('finds no room when many callers have some', () => {
    for (let i = 0; i < 1000; i++) expect(parking.park(caller(`c${i}`), talk('x'))).toBeDefined();
    expect(parking.park(caller('one more'), talk('x'))).toBeUndefined();
    expect(ended).toEqual([]);
  });
});

describe('a question that names no call', () => {
  const call = (parked: boolean) => ({ parked }) as Questions;
  const [a, b, p, q] = [call(false), call(false), call(true), call(true)];
  it.each([
    [[], undefined],
    [[a], a],
    [[a, b], undefined],
    [[a, p, q], a],
    [[p], p],
    [[p, q], undefined],
    [[a, b, p], undefined],
  ] as const)('%#', (open, whose) => expect(asker(open)).toBe(whose));
});
