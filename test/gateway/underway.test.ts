import { describe, expect, it } from 'vitest';
import type { Call } from '../../src/core/call.ts';
import { Underway } from '../../src/gateway/underway.ts';

function world() {
  const clock = { now: 1000 };
  const underway = new Underway(() => clock.now);
  const enter = (subject: string, at = clock.now) => {
    const cancel = new AbortController();
    const call = { at, caller: { subject }, upstream: 'files' } as unknown as Call;
    underway.late(call, cancel);
    return { cancel, leave: underway.enter(call, cancel), code: () => cancel.signal.reason?.code };
  };
  const revoke = (subject: string) => underway.revoke((caller) => caller.subject === subject);
  return { clock, underway, enter, revoke };
}

describe('a revocation', () => {
  it('ends what its caller has under way, and nothing of others', () => {
    const { enter, revoke } = world();
    const [one, two, other] = [enter('ann'), enter('ann'), enter('bob')];
    revoke('ann');
    expect([one, two, other].map(({ code }) => code())).toEqual(['run.revoked', 'run.revoked', undefined]);
  });

  it('leaves what is over alone', () => {
    const { underway, enter, revoke } = world();
    const one = enter('ann');
    one.leave();
    revoke('ann');
    expect([one.code(), underway.size]).toEqual([undefined, 0]);
  });

  it.each([
    [0, 'run.revoked'],
    [59_000, 'run.revoked'],
    // Nothing waits for a body so long.
    [61_000, undefined],
  ])('ends a call that knocked before it and is one %s ms after it', (late, code) => {
    const { clock, enter, revoke } = world();
    const at = clock.now;
    revoke('ann');
    clock.now += late;
    expect(enter('ann', at).code()).toBe(code);
    expect(enter('bob', at).code()).toBe(undefined);
  });

  it('is nothing to who comes after it, by a key that is good', () => {
    const { clock, enter, revoke } = world();
    revoke('ann');
    clock.now++;
    expect(enter('ann').code()).toBe(undefined);
  });
});

it('a halt ends the calls that it has a reason for, with that reason', () => {
  const { underway, enter } = world();
  const [ann, bob] = [enter('ann'), enter('bob')];
  underway.stop(({ caller }) => (caller.subject === 'ann' ? 'halt.caller' : undefined));
  expect([ann.code(), bob.code()]).toEqual(['halt.caller', undefined]);
});
