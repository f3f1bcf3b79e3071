import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { carrying } from '../../../src/controls/policy/handoffs/carry.ts';
import { parseInstant } from '../../../src/controls/policy/handoffs/until.ts';
import { policy } from '../../../src/controls/policy/index.ts';
import { compile, flows, type Rules, schema } from '../../../src/controls/policy/rules.ts';
import type { Caller, Facts, Handler, Pinned, Taint } from '../../../src/core/call.ts';
import type { Ended } from '../../../src/core/ended.ts';
import { RulesFault } from '../../../src/core/rules.ts';
import type { State } from '../../../src/core/state.ts';
import { shownTo } from '../../../src/inventory/sealed.ts';
import { memoryState } from '../../../src/store/memory.ts';
import { caller, callOf, pin } from './fixtures.ts';

const NOTHING: Facts = { reads: true, writes: false, destructive: false, executes: false, sendsOut: false };
const TEXT = { inputSchema: { type: 'object', properties: { text: { type: 'string' } } } };
const tool = (upstream: string, name: string, facts: Partial<Facts>): Pinned =>
  pin('tool', upstream, name, TEXT, { ...NOTHING, ...facts });

const TOOLS = {
  issue: tool('hub', 'issue', { untrusted: true }),
  salary: tool('hub', 'salary', { private: true }),
  send: tool('hub', 'send', { sendsOut: true }),
  billing: tool('bots', 'billing', { agent: 'billing' }),
  legal: tool('bots', 'legal', { agent: 'legal' }),
  write: tool('wiki', 'write', { writes: true }),
  read: tool('wiki', 'read', {}),
};
type Name = keyof typeof TOOLS;
const PLAIN = ['hub.issue', 'hub.salary', 'hub.send', 'wiki.read'];
const AGENTS = ['bots.billing', 'bots.legal', 'wiki.write'];
const UNTIL = Date.UTC(2027, 0, 1);
const agent = (id: string, tenant = 'acme', subject = 'ann'): Caller => caller({ tenant, subject, agent: [id] });
const planner = agent('planner');
const billing = agent('billing');

let now = 0;
let state: State;
beforeEach(() => {
  now = 0;
  state = memoryState(() => now);
});

function rulesOf(grants: readonly object[] = granted(), shared = new Set(['wiki']), cedar = '', table = {}): Rules {
  const own = cedar === '' ? [] : [{ file: 'policies/a.cedar', text: cedar }];
  const around = { flows: flows.parse(table) };
  return compile(schema.parse(grants), { pinned: Object.values(TOOLS), cedar: own, shared }, around);
}
function granted(): object[] {
  const agents = ['planner', 'billing', 'legal', 'other'];
  return [
    ...agents.flatMap((id) => ({ to: { agent: id }, allow: PLAIN })),
    ...agents.flatMap((id) => ({ to: { agent: id }, allow: AGENTS, until: '2026-12-31' })),
  ];
}

const laneOf = (session: string) => JSON.stringify(['hub', 'acme', 'ann', [], session, '-']);
/** One call to its far end, as the pipeline makes it; `during` runs while it is there. */
async function call(
  rules: Rules,
  who: Caller,
  name: Name,
  some: { at?: number; session?: string; during?: Handler; found?: Taint[] } = {},
): Promise<string> {
  const made = callOf(TOOLS[name], TOOLS[name].upstream, who, {
    at: some.at ?? 0,
    lane: laneOf(some.session ?? '-'),
  });
  const verdict = (await policy.decide!(made, rules, state)) as { kind: string; code?: string; ask?: string };
  const said = verdict.code ?? verdict.ask ?? verdict.kind;
  if (said !== 'pass') return said;
  const far: Handler = some.during ?? (() => ({ kind: 'result', value: {} }));
  const { handoffs } = rules.flows;
  const carried = handoffs && carrying(made, far, some.found ?? [], { ...rules.flows, handoffs }, state);
  await (carried ?? far)(made, { send: async () => {}, signal: new AbortController().signal });
  return said;
}

describe('what travels with a handoff', () => {
  it('reaches the agent that is called, in every session of it and for the time of the window', async () => {
    const rules = rulesOf();
    expect(await call(rules, billing, 'send')).toBe('pass');
    await call(rules, planner, 'issue');
    await call(rules, planner, 'billing');
    for (const session of ['-', 'a']) expect(await call(rules, billing, 'send', { session })).toBe('policy.flow');
    expect(await call(rules, agent('billing', 'acme', 'bob'), 'send')).toBe('policy.flow');
    expect(await call(rules, agent('legal'), 'send')).toBe('pass');
    now = 8 * 3_600_000 + 1;
    expect(await call(rules, billing, 'send')).toBe('pass');
  });

  it('is there before the agent hears of it', async () => {
    const rules = rulesOf();
    await call(rules, planner, 'issue');
    const said: string[] = [];
    const during: Handler = async () => {
      said.push(await call(rules, billing, 'send'));
      return { kind: 'result', value: {} };
    };
    await call(rules, planner, 'billing', { during });
    expect(said).toEqual(['policy.flow']);
  });

  it('is nothing where nothing was read, nor from a call that is refused', async () => {
    const rules = rulesOf();
    await call(rules, planner, 'billing');
    expect(await call(rules, billing, 'send')).toBe('pass');
    await call(rules, planner, 'issue');
    expect(await call(rules, planner, 'billing', { at: UNTIL })).toBe('policy.expired');
    expect(await call(rules, billing, 'send')).toBe('pass');
  });

  it('holds what screen suspected of the arguments', async () => {
    const rules = rulesOf();
    await call(rules, planner, 'billing', { found: ['injection-suspected'] });
    expect(await call(rules, billing, 'send')).toBe('policy.flow');
  });

  it('is told to the log when it comes back', async () => {
    const rules = rulesOf();
    await call(rules, billing, 'salary');
    const found: Taint[] = [];
    await call(rules, planner, 'billing', { found });
    expect(found).toEqual(['private-data']);
  });

  it('comes back with the answer, and with each message before it', async () => {
    for (const interim of [false, true]) {
      state = memoryState(() => now);
      const rules = rulesOf();
      const said: string[] = [];
      const during: Handler = async (_, io) => {
        await call(rules, billing, 'salary', { session: 'b' });
        if (interim) await io.send({ kind: 'notification', method: 'notifications/message', params: {} });
        said.push(await call(rules, planner, 'send'));
        return { kind: 'result', value: {} };
      };
      await call(rules, planner, 'billing', { during });
      expect([...said, await call(rules, planner, 'send')]).toEqual([interim ? 'policy.flow' : 'pass', 'policy.flow']);
      // What it reads for itself counts for its other tasks no more than before.
      expect(await call(rules, billing, 'send', { session: 'c' })).toBe('pass');
    }
  });

  it('goes on over a chain, and back', async () => {
    const rules = rulesOf();
    await call(rules, planner, 'issue');
    await call(rules, planner, 'billing');
    await call(rules, billing, 'legal');
    expect(await call(rules, agent('legal'), 'send')).toBe('policy.flow');
    state = memoryState(() => now);
    await call(rules, agent('legal'), 'salary');
    await call(rules, billing, 'legal');
    await call(rules, planner, 'billing');
    expect(await call(rules, planner, 'send')).toBe('policy.flow');
  });

  it('crosses no tenant', async () => {
    const rules = rulesOf();
    await call(rules, planner, 'issue');
    await call(rules, planner, 'billing');
    await call(rules, planner, 'write');
    const there = agent('billing', 'other');
    expect(await call(rules, there, 'send')).toBe('pass');
    await call(rules, there, 'read');
    expect(await call(rules, there, 'send')).toBe('pass');
    await call(rules, agent('planner', 'other'), 'billing');
    expect(await call(rules, agent('planner', 'other'), 'send')).toBe('pass');
  });

  it('cannot be told apart by names that look like two', async () => {
    const rules = rulesOf();
    await call(rules, agent('planner', 'acme","billing'), 'issue');
    await call(rules, agent('planner', 'acme","billing'), 'billing');
    expect(await call(rules, billing, 'send')).toBe('pass');
  });

  it('that cannot be kept goes nowhere', async () => {
    const rules = rulesOf();
    await call(rules, planner, 'issue');
    let reached = false;
    const full: State = Object.assign(Object.create(state), {
      put() {
        throw new Error('no room');
      },
      get: state.get.bind(state),
    });
    const made = callOf(TOOLS.billing, 'bots', planner, { lane: laneOf('-') });
    const { handoffs } = rules.flows;
    const far = carrying(
      made,
      () => ({ kind: 'result', value: {} }),
      [],
      { ...rules.flows, handoffs: handoffs! },
      full,
    );
    const ended = await Promise.resolve(
      far!(made, { send: async () => {}, signal: new AbortController().signal }),
    ).then(
      () => {
        reached = true;
      },
      (error: Ended) => error.code,
    );
    expect([reached, ended]).toEqual([false, 'internal.policy']);
  });
});

describe('whoever may know of something', () => {
  const WHO = ['planner', 'billing', 'legal'] as const;
  const ops = fc.array(
    fc.record({
      who: fc.constantFrom(...WHO),
      tenant: fc.constantFrom('acme', 'globex'),
      does: fc.constantFrom<Name>('issue', 'salary', 'billing', 'legal', 'write', 'read'),
    }),
    { maxLength: 12 },
  );

  it('is asked before it sends, and nobody else is', async () => {
    const quiet = { 'untrusted-content': { writes: 'pass' }, 'private-data': { writes: 'pass' } };
    const rules = rulesOf(undefined, undefined, '', quiet);
    await fc.assert(
      fc.asyncProperty(ops, async (all) => {
        state = memoryState(() => now);
        // Who tells whom, and nothing of marks: both ends of a call know what either knew.
        const known = new Map<string, Set<string>>();
        const of = (tenant: string, place: string) => {
          const at = `${tenant} ${place}`;
          return known.get(at) ?? known.set(at, new Set()).get(at)!;
        };
        for (const { who, tenant, does } of all) {
          expect(await call(rules, agent(who, tenant), does)).toBe('pass');
          const mine = of(tenant, who);
          if (does === 'issue' || does === 'salary') mine.add(does);
          else {
            const there = of(tenant, does === 'write' || does === 'read' ? 'wiki' : does);
            if (does !== 'read') for (const one of mine) there.add(one);
            for (const one of there) mine.add(one);
          }
        }
        for (const tenant of ['acme', 'globex'])
          for (const who of WHO)
            expect([tenant, who, await call(rules, agent(who, tenant), 'send')]).toEqual([
              tenant,
              who,
              of(tenant, who).size > 0 ? 'policy.flow' : 'pass',
            ]);
      }),
      { numRuns: 60 },
    );
  });
});

describe('what lies in a shared upstream', () => {
  it('marks its readers with what its writers had read, and readers mark nothing', async () => {
    const rules = rulesOf();
    await call(rules, planner, 'issue');
    await call(rules, planner, 'read');
    await call(rules, agent('other'), 'read');
    expect(await call(rules, agent('other'), 'send')).toBe('pass');
    // A writer after an untrusted text needs a person; one that may, leaves its mark.
    expect(await call(rules, planner, 'write')).toBe('policy.flow');
    const despite = rulesOf(granted().map((row) => ({ ...row, despite: ['untrusted-content'] })));
    await call(despite, planner, 'write');
    await call(rules, agent('other'), 'read', { session: 'a' });
    expect(await call(rules, agent('other'), 'send', { session: 'a' })).toBe('policy.flow');
    expect(await call(rules, agent('other'), 'send', { session: 'b' })).toBe('pass');
  });

  it('is no store where nobody says so', async () => {
    const rules = rulesOf(undefined, new Set());
    await call(rules, planner, 'issue', { session: 'a' });
    await call(rules, planner, 'write', { session: 'a' });
    await call(rules, agent('other'), 'read');
    expect(await call(rules, agent('other'), 'send')).toBe('pass');
  });
});

describe('a grant for another agent', () => {
  const to = { agent: 'planner' };
  it('holds until its end, and says so afterwards', async () => {
    const rules = rulesOf();
    expect(await call(rules, planner, 'billing', { at: UNTIL - 1 })).toBe('pass');
    expect(await call(rules, planner, 'billing', { at: UNTIL })).toBe('policy.expired');
    expect(rules.may('list', planner, TOOLS.billing, { at: UNTIL, upstream: 'bots' }).allow).toBe(true);
  });

  it('gives way to another one that has not ended', async () => {
    const later = { to: { agent: 'planner', subject: 'ann' }, allow: AGENTS, until: '2027-02-01T10:00Z' };
    const rules = rulesOf([...granted(), later]);
    expect(await call(rules, planner, 'billing', { at: UNTIL })).toBe('pass');
    expect(await call(rules, planner, 'billing', { at: Date.UTC(2027, 1, 1, 10) })).toBe('policy.expired');
  });

  it('that names a subject alone is for who acts in person', async () => {
    const rules = rulesOf([{ to: { subject: 'ann' }, allow: AGENTS, until: '2027-01-01' }]);
    const ann = caller({ subject: 'ann' });
    for (const name of ['billing', 'write'] as const) {
      expect(await call(rules, ann, name)).toBe('pass');
      expect(await call(rules, agent('planner'), name)).toBe('policy.denied');
    }
  });

  it('needs each link of a chain to have one', async () => {
    const rules = rulesOf();
    const chain = (...links: string[]) => caller({ agent: links });
    expect(await call(rules, chain('planner', 'other'), 'billing')).toBe('pass');
    expect(await call(rules, chain('planner', 'stranger'), 'billing')).toBe('policy.denied');
  });

  it.each([
    ['no end', { to, allow: ['bots.billing'] }, 'a grant for it must end'],
    ['no end, asking a person', { to, ask: ['bots.billing'] }, 'a grant for it must end'],
    ['no end, where others read', { to, allow: ['wiki.write'] }, 'writes where other agents read'],
    ['nobody, where others read', { to: { tenant: 'acme' }, allow: ['wiki.write'], until: '2027-01-01' }, 'names who'],
    ['a wildcard', { to, allow: ['bots.*'], until: '2027-01-01' }, 'wildcard'],
    ['a tenant', { to: { tenant: 'acme' }, allow: ['bots.billing'], until: '2027-01-01' }, 'names who may reach it'],
    ['a group', { to: { group: 'bots' }, allow: ['bots.billing'], until: '2027-01-01' }, 'names who may reach it'],
    ['a way in', { to: { via: 'key' }, allow: ['bots.billing'], until: '2027-01-01' }, 'names who may reach it'],
  ])('is refused with %s', (_, grant, word) => {
    let fault: unknown;
    try {
      rulesOf([grant]);
    } catch (error) {
      fault = error;
    }
    expect(fault).toBeInstanceOf(RulesFault);
    expect((fault as RulesFault).message).toContain(word);
    expect((fault as RulesFault).path.slice(0, 2)).toEqual(['policy', 0]);
    expect((fault as RulesFault).fix).not.toBe('');
  });

  it('is any grant, where it only reads what others wrote, or where nobody shares', () => {
    expect(() => rulesOf([{ to: { tenant: 'acme' }, allow: ['wiki.read'] }])).not.toThrow();
    expect(() => rulesOf([{ to: { tenant: 'acme' }, allow: ['wiki.write'] }], new Set())).not.toThrow();
  });

  const both = 'action in [Action::"list", Action::"call"]';
  const permit = (head: string, when: string) =>
    `${head} permit (principal, ${both}, resource == Tool::"bots.billing") when { ${when} };`;
  const named = 'principal has agent && principal.agent == "planner"';

  it('in Cedar ends by an annotation', async () => {
    const rules = rulesOf([], new Set(), permit('@until("2026-12-31")', named));
    expect(await call(rules, planner, 'billing', { at: UNTIL - 1 })).toBe('pass');
    expect(await call(rules, planner, 'billing', { at: UNTIL })).toBe('policy.expired');
  });

  it.each([
    ['no end', permit('', named), 'must end'],
    ['no end, where others read', permit('', named).replace('bots.billing', 'wiki.write'), 'must end'],
    ['an end that is none', permit('@until("soon")', named), 'not a day'],
    ['nobody named', permit('@until("2026-12-31")', 'principal.tenant == "acme"'), 'names who may reach it'],
    ['an end of a forbid', '@until("2026-12-31") forbid (principal, action, resource);', '@until on a forbid'],
  ])('in Cedar is refused with %s', (_, cedar, word) => {
    expect(() => rulesOf([], new Set(['wiki']), cedar)).toThrow(word);
  });
});

it.each([
  ['2026-12-31', Date.UTC(2027, 0, 1)],
  ['2028-02-29', Date.UTC(2028, 2, 1)],
  ['2026-12-31T18:00Z', Date.UTC(2026, 11, 31, 18)],
  ['2026-12-31T18:00:30Z', Date.UTC(2026, 11, 31, 18, 0, 30)],
  ...[
    '2027-02-29',
    '2026-13-01',
    '2026-12-31T24:00Z',
    '2026-12-31T18:00',
    '2026-12-31T18:00+01:00',
    '1',
    'soon',
    '',
  ].map((text) => [text, undefined] as const),
] as const)('`until: %s`', (text, ms) => {
  expect(parseInstant(text)).toBe(ms);
});

describe('an argument that travels sealed', () => {
  const properties = { card: { type: 'string' }, by: { type: 'object', properties: { ssn: { type: 'string' } } } };
  const descriptor = { name: 'charge', inputSchema: { type: 'object', properties } };
  const seal = { arguments: ['/card', '/by/ssn'], require: true };
  const charge = shownTo({ ...tool('pay', 'charge', {}), descriptor, seal });
  const rules = (args: object, cedar = '') =>
    compile(
      schema.parse([{ to: 'local', allow: ['pay.charge'], ...(Object.keys(args).length > 0 && { when: { args } }) }]),
      {
        pinned: [charge],
        cedar: cedar === '' ? [] : [{ file: 'policies/a.cedar', text: cedar }],
      },
    );
  const forbid = (path: string) =>
    `forbid (principal, action == Action::"call", resource == Tool::"pay.charge") when { ${path} };`;

  it('is nothing that a grant or a policy could read: it would never apply', () => {
    expect(() => rules({})).not.toThrow();
    for (const name of ['card', 'by.ssn']) expect(() => rules({ [name]: 'x' })).toThrow('no one type');
    for (const path of [
      'context.args has card && context.args.card == "x"',
      'context.args has by && context.args.by has ssn && context.args.by.ssn == "x"',
    ])
      expect(() => rules({}, forbid(path))).toThrow('policies cannot read');
  });

  it('has no name where any name may be sealed', () => {
    const open = { ...descriptor.inputSchema, additionalProperties: { type: 'string' } };
    const any = shownTo({ ...charge, descriptor: { ...descriptor, inputSchema: open }, seal: { arguments: ['/*'] } });
    const row = { to: 'local', allow: ['pay.charge'], when: { args: { card: 'x' } } };
    expect(() => compile(schema.parse([row]), { pinned: [any], cedar: [] })).toThrow('no one type');
  });
});
