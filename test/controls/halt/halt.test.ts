import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { halt } from '../../../src/controls/halt/index.ts';
import { type Halted, setHalted } from '../../../src/controls/halt/rules.ts';
import type { Call } from '../../../src/core/call.ts';
import type { State } from '../../../src/core/state.ts';
import { memoryState } from '../../../src/store/memory.ts';
import { TOOL } from '../../core/fakes.ts';
import { view } from '../cases.ts';

const NONE: Halted = { all: false, upstreams: [], tools: [], callers: [] };
const cases = parse(readFileSync(join(import.meta.dirname, 'halt.case.yaml'), 'utf8')) as {
  name: string;
  halted: Partial<Halted>;
  call?: Partial<Call>;
  expect: string;
}[];

describe('halt', () => {
  it.each(cases)('$name: $expect', ({ halted, call, expect: wanted }) => {
    const state = memoryState(() => 1000);
    setHalted(state, { ...NONE, ...halted });
    const verdict = halt.decide!(view({ target: TOOL, ...call }), undefined, state);
    expect(verdict).toEqual(wanted === 'pass' ? { kind: 'pass' } : { kind: 'stop', code: wanted });
  });

  it('passes where nothing was ever halted', () => {
    expect(
      halt.decide!(
        view({ target: TOOL }),
        undefined,
        memoryState(() => 1000),
      ),
    ).toEqual({ kind: 'pass' });
  });

  it('waits for a state that is elsewhere', async () => {
    const state = { get: async () => ({ ...NONE, all: true }) } as unknown as State;
    expect(await halt.decide!(view({ target: TOOL }), undefined, state)).toEqual({ kind: 'stop', code: 'halt.all' });
  });

  it('is seen by a view of the state', () => {
    const state = memoryState(() => 1000);
    setHalted(state, { ...NONE, all: true });
    expect(halt.decide!(view({ target: TOOL }), undefined, state.overlay())).toMatchObject({ code: 'halt.all' });
  });
});
