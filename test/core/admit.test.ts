import { describe, expect, it } from 'vitest';
import { admit, attempt, isCall, refit } from '../../src/core/admit.ts';
import { refusal } from '../../src/core/answer.ts';
import { CODES } from '../../src/core/codes/index.ts';
import { CALLER, call, entry, snapshot, TOOL } from './fakes.ts';

describe('admit', () => {
  it('makes a frozen, serialisable call of the three things known', () => {
    const made = call({ args: { path: 'a' } });
    expect(Object.isFrozen(made)).toBe(true);
    expect(JSON.parse(JSON.stringify(made))).toEqual(made);
    expect(made).toMatchObject({
      tenant: 't',
      upstream: 'files',
      family: 'call',
      rulesId: 'rules-1',
      args: { path: 'a' },
      asked: [],
      taint: [],
    });
  });

  it.each([
    ['an unknown name', entry({ name: 'nope' }), snapshot(), 'inventory.unknown'],
    ['a held name', entry({ name: 'read' }), snapshot({ held: ['read'] }), 'inventory.held'],
    [
      'a name the caller may not list',
      entry(),
      snapshot({ may: () => ({ allow: false, ask: false, reasons: [] }) }),
      'inventory.hidden',
    ],
    ['an unknown route', entry({}, { route: 'other' }), snapshot(), 'door.route'],
  ] as const)('makes an attempt of %s', (_what, made, snap, code) => {
    const got = admit(made, snap);
    expect(isCall(got)).toBe(false);
    expect(got).toMatchObject({ stage: 'inventory', code });
  });

  it('answers unknown, held and hidden byte for byte alike', () => {
    const texts = (['inventory.unknown', 'inventory.held', 'inventory.hidden'] as const).map((code) => [
      JSON.stringify(refusal(code, 'ID1')),
      CODES[code].http,
    ]);
    expect(new Set(texts.map(String)).size).toBe(1);
  });

  it('asks `list`, never `call`, and without arguments', () => {
    const asked: unknown[] = [];
    admit(
      entry({ args: { secret: 1 } }),
      snapshot({
        may: (action, _c, _t, facts) => (asked.push(action, facts), { allow: true, ask: false, reasons: [] }),
      }),
    );
    expect(asked).toEqual(['list', { at: 1000, upstream: 'files' }]);
  });

  it('escapes and cuts the name it keeps of an attempt', () => {
    const made = attempt(entry(), 'inventory', 'inventory.unknown', `a\u202e\n\u001b[31m${'x'.repeat(500)}`);
    expect(made.name).toMatch(/^a<U\+202E><U\+000A><U\+001B>\[31mx+\.\.\.$/);
    expect(Buffer.byteLength(made.name!)).toBeLessThanOrEqual(131);
  });

  it('gives each principal a lane of its own, and each call of a tool that executes code', () => {
    const lane = (caller = CALLER, session = '-', executes = false, id = 'ID1') =>
      (
        admit(
          entry({ session }, { caller, id }),
          snapshot({ pinned: [{ ...TOOL, facts: { ...TOOL.facts, executes } }] }),
        ) as { lane: string }
      ).lane;
    const lanes = [
      lane(),
      lane({ ...CALLER, subject: 'bob' }),
      lane({ ...CALLER, tenant: 'u' }),
      lane({ ...CALLER, agent: ['x'] }),
      lane(CALLER, 's1'),
      lane(CALLER, '-', true, 'A'),
      lane(CALLER, '-', true, 'B'),
    ];
    expect(new Set(lanes).size).toBe(lanes.length);
    expect(lane()).toBe(lane(CALLER, '-', false, 'ID2'));
  });

  it('changes the inputs of a call and nothing else', () => {
    const made = call({ args: { a: 1 } });
    const other = refit(made, { a: 2 });
    expect({ ...other, args: made.args }).toEqual(made);
    expect(Object.isFrozen(other)).toBe(true);
  });
});
