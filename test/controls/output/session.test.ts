import { describe, expect, it } from 'vitest';
import { output } from '../../../src/controls/output/index.ts';
import { compile, schema } from '../../../src/controls/output/rules.ts';
import type { Call } from '../../../src/core/call.ts';
import type { State } from '../../../src/core/state.ts';
import { memoryState } from '../../../src/store/memory.ts';
import { view } from '../cases.ts';

const MB = 1 << 20;
const rules = compile(schema.parse({ session: 2 * MB, cap: MB }), { pinned: [] });
const text = (bytes: number) => ({ content: [{ type: 'text', text: 'a'.repeat(bytes) }], resultType: 'complete' });

function world() {
  let now = 1_000;
  const state = memoryState(() => now);
  const inspect = (call: Partial<Call>, value = text(900_000), by: State = state) =>
    output.inspect!(view({ target, ...call }), { kind: 'result', value }, rules, by);
  return { inspect, later: (ms: number) => void (now += ms) };
}
const target = { kind: 'route', name: '' } as const;
const lane = (session: string) => JSON.stringify(['files', 'default', 'local', [], session, '-', 'local']);

describe('a session', () => {
  it('is refused what no longer fits, and has it again as the hour goes by', () => {
    const { inspect, later } = world();
    expect([inspect({}), inspect({})]).toEqual([{ kind: 'pass' }, { kind: 'pass' }]);
    expect(inspect({})).toMatchObject({ kind: 'stop', code: 'output.session' });
    // What still fits passes: the budget is of bytes, not a lock.
    expect(inspect({}, text(1_000))).toEqual({ kind: 'pass' });
    later(1_800_000);
    expect(inspect({})).toEqual({ kind: 'pass' });
    expect(inspect({})).toMatchObject({ code: 'output.session' });
  });

  it('has its own budget, which no other session and no other caller uses up', () => {
    const { inspect } = world();
    for (const one of [{}, { lane: lane('s1') }, { lane: lane('s2') }]) {
      for (const kind of ['pass', 'pass', 'stop']) expect(inspect(one)).toMatchObject({ kind });
    }
    const other = { ...view({ target }).caller, subject: 'else' };
    expect(inspect({ caller: other })).toEqual({ kind: 'pass' });
  });

  it('is counted what leaves: not what was cut off or refused', () => {
    const { inspect } = world();
    const long = text(40 * MB);
    for (const kind of ['edit', 'edit', 'stop']) expect(inspect({}, long)).toMatchObject({ kind });
    for (let i = 0; i < 50; i++)
      expect(inspect({ lane: lane('s') }, { content: 'no' } as never)).toMatchObject({ code: 'output.shape' });
    expect(inspect({ lane: lane('s') })).toEqual({ kind: 'pass' });
  });

  it('is judged by a state that answers later as well', async () => {
    const { inspect } = world();
    const full = { take: async () => ({ ok: false, retryAfter: 1 }) } as unknown as State;
    expect(await inspect({}, text(10), full)).toMatchObject({ code: 'output.session' });
  });
});
