import { describe, expect, it } from 'vitest';
import { turns } from '../../src/gateway/turns.ts';

/** A loop whose rounds the test makes, and a clock that it sets. */
function loop() {
  const rounds: (() => void)[] = [];
  const clock = { now: 0 };
  const breathe = turns(
    () => clock.now,
    (run) => void rounds.push(run),
  );
  const round = async () => {
    rounds.shift()?.();
    await new Promise((done) => setImmediate(done));
  };
  return { rounds, clock, breathe, round };
}
const open = () => new AbortController().signal;

describe('turns', () => {
  it('makes the first wait for its turn, then lets it go on while the turn lasts', async () => {
    const { breathe, clock, round } = loop();
    const first = breathe(open());
    expect(first).toBeInstanceOf(Promise);
    await round();
    await first;
    expect(breathe(open())).toBeUndefined();
    clock.now = 1.9;
    expect(breathe(open())).toBeUndefined();
    clock.now = 2;
    expect(breathe(open())).toBeInstanceOf(Promise);
  });

  it('lets one in a round of the loop, in order', async () => {
    const { breathe, clock, rounds, round } = loop();
    const went: number[] = [];
    for (const n of [1, 2, 3]) void breathe(open())!.then(() => went.push(n));
    for (const expected of [[1], [1, 2], [1, 2, 3]]) {
      expect(rounds).toHaveLength(1);
      await round();
      clock.now += 5;
      expect(went).toEqual(expected);
    }
    expect(rounds).toHaveLength(0);
  });

  it('ends with the reason of the call, before its turn and at it', async () => {
    const { breathe, round } = loop();
    const call = new AbortController();
    const waits = breathe(call.signal)!;
    call.abort(new Error('gone'));
    void round();
    await expect(waits).rejects.toThrow('gone');
    expect(() => breathe(call.signal)).toThrow('gone');
  });
});
