import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { all, bindingOf, decide, MAX_ALL, MAX_ARGS, MAX_OWN } from '../../../src/controls/approval/book.ts';
import { approval } from '../../../src/controls/approval/index.ts';
import { compile, schema } from '../../../src/controls/approval/rules.ts';
import type { Call, Caller, CallView } from '../../../src/core/call.ts';
import type { State } from '../../../src/core/state.ts';
import type { Outcome } from '../../../src/core/verdict.ts';
import type { Json } from '../../../src/lib/json/types.ts';
import { memoryState } from '../../../src/store/memory.ts';
import { TOOL } from '../../core/fakes.ts';
import { view } from '../cases.ts';

type Change = Partial<Omit<Call, 'caller'>> & { caller?: Partial<Caller>; tool?: Partial<typeof TOOL> };

const rules = compile(schema.parse({}));
const OWNER = { subject: 'local', by: 'root', groups: [], via: 'terminal' } as const;
const ALICE = { ...view({ target: TOOL }).caller, subject: 'alice', how: 'key' as const };

function made({ caller, tool, ...change }: Change = {}): CallView {
  return view({
    asked: ['policy.ask'],
    rulesId: 'rules-1',
    ...change,
    caller: { ...ALICE, ...caller },
    target: { ...TOOL, ...tool },
  });
}
const ask = async (call: CallView, state: State, own = rules) => await approval.decide!(call, own, state);
/** As the pipeline has it after a pass. */
const SPENT = { kind: 'spent', id: '-', ground: '-', via: 'terminal' } as const;
const END: Outcome = { kind: 'reply', sent: true, bytes: 0, ms: 0, taint: [] };
const settle = async (call: CallView, state: State, outcome: Partial<Outcome>) =>
  await approval.settle!({ ...call, approval: SPENT }, { ...END, ...outcome }, rules, state);

async function idOf(call: CallView, state: State, own = rules): Promise<string> {
  const verdict = await ask(call, state, own);
  if (verdict.kind !== 'ask') throw new Error(`not asked: ${JSON.stringify(verdict)}`);
  return verdict.question.id;
}
async function granted(call: CallView, state: State): Promise<string> {
  const id = await idOf(call, state);
  expect(await decide(state, id, 'granted', OWNER, call.rulesId)).toMatchObject({ id, state: 'granted', by: 'root' });
  return id;
}

describe('what an approval is bound to', () => {
  const file = parse(readFileSync(join(import.meta.dirname, 'binding.case.yaml'), 'utf8')) as {
    base: Change;
    cases: { name: string; change: Change; expect: 'pass' | 'ask' }[];
  };
  const digits = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value), (_, part) =>
      part?.$digits ? (JSON as unknown as { rawJSON(text: string): Json }).rawJSON(part.$digits) : part,
    );
  it.each(file.cases)('$name: $expect', async ({ change, expect: wanted }) => {
    const state = memoryState(() => 1000);
    await granted(made(file.base), state);
    const { caller, ...rest } = digits(change) as Change;
    const verdict = await ask(made({ ...file.base, ...rest, caller: { ...file.base.caller, ...caller } }), state);
    expect(verdict.kind).toBe(wanted);
  });
});

describe('approval', () => {
  it('lets pass what nobody demands a person for, without a look at the state', async () => {
    expect(await ask(made({ asked: [] }), {} as State)).toEqual({ kind: 'pass' });
  });

  it('names the same id until it is decided', async () => {
    const state = memoryState(() => 1000);
    const id = await idOf(made(), state);
    expect(id).toMatch(/^[2-9B-DF-HJ-NP-TW-Z]{4,6}$/);
    expect(await idOf(made({ id: '02OTHER' }), state)).toBe(id);
    expect(await all(state)).toMatchObject([
      { id, state: 'waiting', subject: 'alice', args: {}, codes: ['policy.ask'] },
    ]);
  });

  it('passes a granted call once, with the id for the log', async () => {
    const state = memoryState(() => 1000);
    const id = await granted(made(), state);
    expect(await ask(made(), state)).toEqual({
      kind: 'pass',
      granted: { id, ground: bindingOf(made()), via: 'terminal' },
    });
    expect((await ask(made({ id: '02' }), state)).kind).toBe('ask');
  });

  it.each([
    ['nothing was sent', { kind: 'stop', sent: false }, 'pass'],
    ['it was cancelled before', { kind: 'cancel', sent: false }, 'pass'],
    ['it was sent and failed', { kind: 'error', sent: true }, 'ask'],
    ['nobody heard the answer', { kind: 'timeout', sent: true }, 'ask'],
    ['a handler of this house answered', { kind: 'reply', sent: false }, 'ask'],
  ] as const)('gives a grant back or not: %s', async (_, outcome, wanted) => {
    const state = memoryState(() => 1000);
    await granted(made(), state);
    await ask(made(), state);
    await settle(made(), state, outcome);
    expect((await ask(made({ id: '02' }), state)).kind).toBe(wanted);
  });

  it('gives nothing back into a new question, nor after its time', async () => {
    let now = 1000;
    const state = memoryState(() => now);
    const first = await granted(made(), state);
    await ask(made(), state);
    const next = await idOf(made({ id: '02' }), state);
    await settle(made(), state, { kind: 'stop', sent: false });
    expect(await idOf(made({ id: '03' }), state)).toBe(next);
    expect(next).not.toBe(first);

    const late = made({ args: { late: true } });
    await granted(late, state);
    await ask(late, state);
    now += rules.within;
    await settle(late, state, { kind: 'stop', sent: false });
    expect((await ask(late, state)).kind).toBe('ask');
  });

  it('ends with its time, waiting or granted', async () => {
    let now = 1000;
    const state = memoryState(() => now);
    const id = await idOf(made(), state);
    now += rules.within - 1;
    expect(await decide(state, id, 'granted', OWNER, 'rules-1')).toMatchObject({ until: now + rules.within });
    now += rules.within;
    expect(await all(state)).toEqual([]);
    const next = await idOf(made({ id: '02' }), state);
    now += rules.within;
    expect(await decide(state, next, 'granted', OWNER, 'rules-1')).toBe('unknown');
  });

  it('keeps a denial until it ends', async () => {
    let now = 1000;
    const state = memoryState(() => now);
    const id = await idOf(made(), state);
    expect(await decide(state, id, 'denied', OWNER, 'rules-1')).toMatchObject({ state: 'denied' });
    expect(await decide(state, id, 'granted', OWNER, 'rules-1')).toBe('decided');
    expect(await ask(made(), state)).toMatchObject({ kind: 'stop', code: 'approval.denied' });
    now += rules.within;
    expect((await ask(made(), state)).kind).toBe('ask');
  });

  it('cannot be granted under other rules than it was asked', async () => {
    const state = memoryState(() => 1000);
    expect(await decide(state, await idOf(made(), state), 'granted', OWNER, 'rules-2')).toBe('stale');
  });

  it.each([
    ['the local caller by default', {}, { subject: 'local', how: 'local' }, 'granted'],
    ['the local caller where it says not: self', { not: 'self' }, { subject: 'local', how: 'local' }, 'self'],
    ['a key of the same subject', {}, { subject: 'local', how: 'key' }, 'self'],
    ['another subject', { not: 'self' }, { subject: 'alice', how: 'key' }, 'granted'],
  ] as const)('by the same subject: %s', async (_, config, caller, wanted) => {
    const state = memoryState(() => 1000);
    const id = await idOf(made({ caller }), state, compile(schema.parse(config)));
    const done = await decide(state, id, 'granted', OWNER, 'rules-1');
    expect(typeof done === 'string' ? done : done.state).toBe(wanted);
    // Whoever may not grant may still deny.
    if (wanted === 'self')
      expect(await decide(state, id, 'denied', OWNER, 'rules-1')).toMatchObject({ state: 'denied' });
  });

  it('bounds what waits, of one caller and of all', async () => {
    const state = memoryState(() => 1000);
    for (let n = 0; n < MAX_OWN; n++) await idOf(made({ args: { n } }), state);
    expect(await ask(made({ args: { n: MAX_OWN } }), state)).toMatchObject({ kind: 'stop', code: 'approval.full' });
    for (let n = MAX_OWN; n < MAX_ALL; n++) await idOf(made({ caller: { subject: `s${n}` } }), state);
    expect(await ask(made({ caller: { subject: 'last' } }), state)).toMatchObject({ code: 'approval.full' });
    const waiting = await all(state);
    expect(new Set(waiting.map(({ id }) => id)).size).toBe(MAX_ALL);
  });

  it('refuses what is too large to be shown to anyone', async () => {
    const call = made({ args: { text: 'x'.repeat(MAX_ARGS) } });
    expect(
      await ask(
        call,
        memoryState(() => 1000),
      ),
    ).toMatchObject({ kind: 'stop', code: 'approval.unavailable' });
  });

  it.each(['0s', '999ms', '25h', '10', 'soon'])('refuses `within: %s`', (within) => {
    expect(schema.safeParse({ within }).success).toBe(false);
  });
});

it('spends a grant at most once, whatever comes in between', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.boolean(), { minLength: 2, maxLength: 6 }),
      fc.array(fc.constantFrom('granted' as const, 'denied' as const), { minLength: 1, maxLength: 4 }),
      async (scheduler, sent, decisions) => {
        const base = memoryState(() => 1000);
        // A state elsewhere: every access takes its time, in any order.
        const far: State = Object.assign(Object.create(base) as State, {
          now: base.now,
          get: (space: string, key: string) => scheduler.schedule(Promise.resolve()).then(() => base.get(space, key)),
          swap: (...all: Parameters<State['swap']>) =>
            scheduler.schedule(Promise.resolve()).then(() => base.swap(...all)),
          scratch: (call: string, control: 'approval') => base.scratch(call, control),
        });
        let grants = 0;
        let passed = 0;
        const callers = sent.map(async (reaches, i) => {
          const call = made({ id: `C${i}` });
          for (let tries = 0; tries < 2; tries++) {
            if ((await ask(call, far)).kind !== 'pass') continue;
            if (reaches) passed++;
            await settle(call, far, { kind: reaches ? 'reply' : 'stop', sent: reaches });
            return;
          }
        });
        const people = decisions.map(async (decision) => {
          for (const { id } of await all(far)) {
            const done = await decide(far, id, decision, OWNER, 'rules-1');
            if (typeof done !== 'string' && done.state === 'granted') grants++;
          }
        });
        await scheduler.waitFor(Promise.all([...callers, ...people]));
        expect(passed).toBeLessThanOrEqual(grants);
        expect(new Set((await all(base)).map(({ id }) => id)).size).toBe((await all(base)).length);
      },
    ),
    { numRuns: Number(process.env['APPROVAL_RUNS'] ?? 200) },
  );
});
