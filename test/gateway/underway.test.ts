import { describe, expect, it } from 'vitest';
import { type Call, STREAM } from '../../src/core/call.ts';
import type { Ending } from '../../src/core/pipeline.ts';
import { harden } from '../../src/gateway/harden.ts';
import { Underway } from '../../src/gateway/underway.ts';
import { entry, world as loop, snapshot } from '../core/fakes.ts';

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

it.each(['revoked', 'halted', 'open'])('a stream that is not open yet ends too: %s', async (what) => {
  const underway = new Underway(() => 1000);
  const logged = Promise.withResolvers<void>();
  let opened = 0;
  const gate = harden({
    snapshot: () => snapshot(),
    world: loop({ intent: () => logged.promise }),
    handlers: () => () => {
      opened++;
      return { kind: 'result', value: { resultType: 'complete' } };
    },
    authenticate: () => 'identity.missing',
    random: (n) => new Uint8Array(n),
    underway,
  });
  const said = { method: STREAM, family: 'listen', name: '', args: { notifications: {} } } as const;
  const end = gate.call(entry(said), () => {}, new AbortController());
  await new Promise((resolve) => setImmediate(resolve));
  if (what === 'revoked') underway.revoke(() => true);
  if (what === 'halted') underway.stop(() => 'halt.all');
  logged.resolve();
  const { outcome } = (await end) as Ending;
  const code = { revoked: 'run.revoked', halted: 'halt.all', open: undefined }[what];
  expect([outcome.code, opened, underway.size]).toEqual([code, code ? 0 : 1, 0]);
});
