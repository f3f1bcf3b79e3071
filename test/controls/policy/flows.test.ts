import { beforeEach, describe, expect, it } from 'vitest';
import { policy } from '../../../src/controls/policy/index.ts';
import { compile, flows, type Rules, schema, tasks } from '../../../src/controls/policy/rules.ts';
import { compileTasks } from '../../../src/controls/policy/tasks.ts';
import type { Call, Caller, Facts, Pinned, Result } from '../../../src/core/call.ts';
import { RulesFault } from '../../../src/core/rules.ts';
import type { State } from '../../../src/core/state.ts';
import type { Outcome } from '../../../src/core/verdict.ts';
import type { Json, JsonObject } from '../../../src/lib/json/types.ts';
import { memoryState } from '../../../src/store/memory.ts';
import { caller, callOf, pin } from './fixtures.ts';

const NOTHING: Facts = { reads: true, writes: false, destructive: false, executes: false, sendsOut: false };
const tool = (name: string, facts: Partial<Facts>, properties: JsonObject = {}): Pinned =>
  pin('tool', 'hub', name, { inputSchema: { type: 'object', properties } }, { ...NOTHING, ...facts });
const TEXT = { type: 'string' };

const TOOLS = {
  issue: tool('issue', { untrusted: true }),
  salary: tool('salary', { private: true }),
  plain: tool('plain', {}),
  write: tool('write', { writes: true }),
  comment: tool('comment', { writes: true, sendsOut: true }, { tenant: TEXT, text: TEXT, price: { type: 'integer' } }),
  shell: tool('shell', { executes: true }),
  wipe: tool('wipe', { destructive: true }),
};
type Name = keyof typeof TOOLS;
const ALL = Object.keys(TOOLS).map((name) => `hub.${name}`);
const LOCAL = caller({ how: 'local' });

let now = 0;
let state: State;
beforeEach(() => {
  now = 0;
  state = memoryState(() => now);
});

function rulesOf(more: { grant?: object; flows?: object; tasks?: object; cedar?: string } = {}): Rules {
  const cedar = more.cedar === undefined ? [] : [{ file: 'policies/a.cedar', text: more.cedar }];
  const pinned = Object.values(TOOLS);
  const own = compileTasks(tasks.parse(more.tasks), { pinned });
  return compile(
    schema.parse([{ to: { tenant: 'acme' }, allow: ALL, ...more.grant }]),
    { pinned, cedar },
    { flows: flows.parse(more.flows), tasks: own },
  );
}

const laneOf = (session: string) => JSON.stringify(['hub', 'acme', 'alice', [], session, '-']);
async function call(
  rules: Rules,
  name: Name,
  some: { args?: Json; who?: Caller; session?: string; flow?: string; sent?: boolean } = {},
) {
  const made = callOf(TOOLS[name], 'hub', some.who ?? LOCAL, {
    args: some.args ?? {},
    lane: laneOf(some.session ?? '-'),
    ...(some.flow !== undefined && { flow: some.flow }),
  });
  const verdict = (await policy.decide!(made, rules, state)) as {
    kind: string;
    code?: string;
    ask?: string;
    value?: { args: Json };
  };
  const sent = some.sent ?? (verdict.kind !== 'stop' && verdict.ask === undefined);
  await policy.settle!(made, { kind: sent ? 'reply' : 'stop', sent, taint: [] } as unknown as Outcome, rules, state);
  return { said: verdict.code ?? verdict.ask ?? verdict.kind, value: verdict.value?.args };
}
const said = async (...of: Parameters<typeof call>) => (await call(...of)).said;

describe('what a session has read', () => {
  it('needs a person for what sends out, executes, destroys or writes after untrusted content', async () => {
    const rules = rulesOf();
    for (const sink of ['comment', 'shell', 'wipe', 'write'] as const) expect(await said(rules, sink)).toBe('pass');
    expect(await said(rules, 'issue')).toBe('pass');
    for (const sink of ['comment', 'shell', 'wipe', 'write'] as const)
      expect(await said(rules, sink)).toBe('policy.flow');
    expect(await said(rules, 'plain')).toBe('pass');
    expect(await said(rules, 'issue')).toBe('pass');
  });

  it('counts for private data as well, and can be denied', async () => {
    const rules = rulesOf({ flows: { 'private-data': { sendsOut: 'deny', writes: 'pass' } } });
    await call(rules, 'salary');
    const made = callOf(TOOLS.comment, 'hub', LOCAL, { lane: laneOf('-') });
    expect(await policy.decide!(made, rules, state)).toMatchObject({
      kind: 'stop',
      code: 'policy.flow',
      detail: 'private-data -> sendsOut',
    });
    expect(await said(rules, 'write')).toBe('pass');
  });

  it('is that of one principal and one session, for the time of the window', async () => {
    const rules = rulesOf({ flows: { window: '1h' } });
    await call(rules, 'issue', { session: 'a' });
    expect(await said(rules, 'comment', { session: 'a' })).toBe('policy.flow');
    expect(await said(rules, 'comment', { session: 'b' })).toBe('pass');
    expect(await said(rules, 'comment', { session: 'a', who: caller({ subject: 'bob' }) })).toBe('pass');
    now = 3_600_001;
    expect(await said(rules, 'comment', { session: 'a' })).toBe('pass');
  });

  it('is that of one task where the client names it, and counts for whoever names none', async () => {
    const rules = rulesOf();
    await call(rules, 'issue', { flow: 'a' });
    expect(await said(rules, 'comment', { flow: 'a' })).toBe('policy.flow');
    expect(await said(rules, 'comment', { flow: 'b' })).toBe('pass');
    expect(await said(rules, 'comment')).toBe('policy.flow');
  });

  it('counts in 2026-07-28 for what the principal read in a session of an older revision', async () => {
    const rules = rulesOf();
    await call(rules, 'issue', { session: 'a' });
    expect(await said(rules, 'comment')).toBe('policy.flow');
    expect(await said(rules, 'comment', { flow: 'b' })).toBe('pass');
    expect(await said(rules, 'comment', { who: caller({ subject: 'bob' }) })).toBe('pass');
  });

  it('holds a suspected injection that screen found in an answer', async () => {
    const rules = rulesOf();
    const made = callOf(TOOLS.plain, 'hub', LOCAL, { lane: laneOf('-') });
    await policy.settle!(made, { kind: 'reply', taint: ['injection-suspected'] } as unknown as Outcome, rules, state);
    expect(await said(rules, 'write')).toBe('policy.flow');
  });

  it('can be accepted by a grant, taint by taint', async () => {
    const rules = rulesOf({ grant: { despite: ['untrusted-content'] } });
    await call(rules, 'issue');
    expect(await said(rules, 'comment')).toBe('pass');
    await call(rules, 'salary');
    expect(await said(rules, 'comment')).toBe('policy.flow');
  });

  it('is a fact that policies read', async () => {
    const cedar = `forbid (principal, action == Action::"call", resource == Tool::"hub.plain")
      when { context.taint.contains("private-data") };`;
    const rules = rulesOf({ cedar });
    expect(await said(rules, 'plain')).toBe('pass');
    await call(rules, 'salary');
    expect(await said(rules, 'plain')).toBe('policy.denied');
    expect(await said(rules, 'issue')).toBe('pass');
  });
});

describe('a task', () => {
  const TRIAGE = {
    triage: {
      for: { agent: 'bot' },
      tools: ['hub.issue', 'hub.comment'],
      after: { 'hub.comment': ['hub.issue'] },
      args: { 'hub.comment': { text: { in: ['seen', 'fixed'] } } },
      otherwise: 'deny',
    },
  };
  const bot = caller({ agent: ['bot'] });
  const quiet = { 'untrusted-content': { sendsOut: 'pass', writes: 'pass' } };

  it.each([
    ['a tool of another task', 'shell', {}, 'policy.task'],
    ['a tool before the one that it follows', 'comment', { text: 'seen' }, 'policy.task'],
    ['its own tool', 'issue', {}, 'pass'],
  ] as const)('%s', async (_, name, args, expected) => {
    expect(await said(rulesOf({ tasks: TRIAGE }), name, { args, who: bot })).toBe(expected);
  });

  it('lets the chain go on in its order, with its arguments', async () => {
    const rules = rulesOf({ tasks: TRIAGE, flows: quiet });
    await call(rules, 'issue', { who: bot });
    expect(await said(rules, 'comment', { who: bot, args: { text: 'fixed' } })).toBe('pass');
    expect(await said(rules, 'comment', { who: bot, args: { text: 'see http://x' } })).toBe('policy.task');
    expect(await said(rules, 'comment', { who: bot, args: {} })).toBe('policy.task');
    expect(await said(rules, 'shell', { who: LOCAL })).toBe('pass');
  });

  it('does not count a call that another control stopped later, nor a completion', async () => {
    const rules = rulesOf({ tasks: TRIAGE, flows: quiet });
    const comment = () => said(rules, 'comment', { who: bot, args: { text: 'seen' } });
    await call(rules, 'issue', { who: bot, sent: false });
    expect(await comment()).toBe('policy.task');
    const completed = callOf(TOOLS.issue, 'hub', bot, { lane: laneOf('-'), family: 'complete' });
    await policy.settle!(completed, { sent: true, taint: [] } as unknown as Outcome, rules, state);
    expect(await comment()).toBe('policy.task');
    // Another agent of the same subject has a flow of its own, and without a task nothing is remembered of it.
    await call(rules, 'issue', { who: LOCAL });
    expect(await comment()).toBe('policy.task');
    await call(rules, 'issue', { who: bot });
    expect(await comment()).toBe('pass');
  });

  it('has no room that others can fill', async () => {
    const rules = rulesOf({ tasks: TRIAGE, flows: quiet });
    let puts = 0;
    const counted: State = Object.assign(Object.create(state), {
      put: (...of: Parameters<State['put']>) => {
        if (of[0] === 'task') puts++;
        return state.put(...of);
      },
    });
    for (const who of [LOCAL, bot]) {
      const made = callOf(TOOLS.issue, 'hub', who, { lane: laneOf('-') });
      await policy.settle!(made, { sent: true, taint: [] } as unknown as Outcome, rules, counted);
      expect(puts).toBe(who === bot ? 1 : 0);
    }
  });

  it('is named by the token, and an unknown name is no task at all', async () => {
    const rules = rulesOf({ tasks: { read: { tools: ['hub.issue'] } } });
    expect(await said(rules, 'issue', { who: caller({ claims: { task: 'read' } }) })).toBe('pass');
    expect(await said(rules, 'plain', { who: caller({ claims: { task: 'read' } }) })).toBe('policy.task');
    for (const task of ['other', ['read'], 1, 'constructor'])
      expect(await said(rules, 'issue', { who: caller({ claims: { task } as JsonObject }) })).toBe('policy.task');
  });

  it('leaves of a result what it needs, beside what the grant leaves', async () => {
    const results = { 'hub.plain': { drop: ['/name'] } };
    const rules = rulesOf({
      grant: { allow: ['hub.plain'], results: { keep: ['/id', '/name'] } },
      tasks: { lookup: { for: { agent: 'bot' }, tools: ['hub.plain'], results } },
    });
    const value = { structuredContent: { id: 7, name: 'Ann', more: 1 }, content: [] };
    const left = async (who: Caller) => {
      const made = callOf(TOOLS.plain, 'hub', who, { id: who === bot ? 'C1' : 'C2', lane: laneOf('-') });
      await policy.decide!(made, rules, state);
      const verdict = await policy.inspect!(made, { kind: 'result', value } as Result, rules, state);
      return (verdict as { value: Result }).value.value['structuredContent'];
    };
    expect(await left(bot)).toEqual({ id: 7 });
    expect(await left(LOCAL)).toEqual({ id: 7, name: 'Ann' });
    expect([...rules.minimised].map(({ name }) => name)).toEqual(['plain']);
  });

  it.each([
    [{ t: { tools: ['hub.plain'], results: { 'hub.shell': { keep: ['/a'] } } } }, ['t', 'results', 'hub.shell']],
    [{ t: { tools: ['hub.nothing'] } }, ['t', 'tools', 0]],
    [{ t: { tools: ['hub.issue'], after: { 'hub.shell': ['hub.issue'] } } }, ['t', 'after', 'hub.shell']],
    [{ t: { tools: ['hub.issue'], args: { 'hub.shell': {} } } }, ['t', 'args', 'hub.shell']],
  ])('names only what is reviewed and its own: %j', (config, path) => {
    expect(() => rulesOf({ tasks: config })).toThrow(RulesFault);
    try {
      rulesOf({ tasks: config });
    } catch (error) {
      expect((error as RulesFault).path).toEqual(path);
    }
  });
});

describe('arguments that a caller does not decide', () => {
  const only = { allow: ['hub.comment'] };

  it('are set to facts about the caller, whatever was given', async () => {
    const rules = rulesOf({ grant: { ...only, set: { tenant: 'caller.tenant' } } });
    for (const args of [{ text: 'x' }, { text: 'x', tenant: 'other' }])
      expect((await call(rules, 'comment', { args })).value).toEqual({ text: 'x', tenant: 'acme' });
    expect(await call(rules, 'comment', { args: { tenant: 'acme' } })).toEqual({ said: 'pass', value: undefined });
  });

  it('keep the demand for a person', async () => {
    const rules = rulesOf({ grant: { allow: [], ask: ['hub.comment'], set: { tenant: 'caller.tenant' } } });
    const made = callOf(TOOLS.comment, 'hub', LOCAL, { args: { tenant: 'x' }, lane: laneOf('-') });
    expect(await policy.decide!(made, rules, state)).toMatchObject({ kind: 'edit', ask: 'policy.ask' });
  });

  it('are refused where the grant says never', async () => {
    const rules = rulesOf({ grant: { ...only, never: ['price'] } });
    expect(await said(rules, 'comment', { args: { price: 0 } })).toBe('policy.never');
    expect(await said(rules, 'comment', { args: { text: 'x' } })).toBe('pass');
  });

  it('hold for what a completion says was filled in before, and are not completed themselves', async () => {
    const prompt = pin('prompt', 'hub', 'ask', {
      arguments: ['argument', 'tenant', 'price', 'topic'].map((name) => ({ name })),
    });
    const own = compile(
      schema.parse([
        { to: 'local', allow: ['hub.prompt:ask'], set: { tenant: 'caller.tenant' }, never: ['price', 'argument'] },
      ]),
      { pinned: [prompt], cedar: [] },
    );
    const complete = async (name: string, before?: Json) => {
      const args = { argument: { name, value: 'a' }, ...(before !== undefined && { context: { arguments: before } }) };
      const made = callOf(prompt, 'hub', LOCAL, { family: 'complete', args });
      return (await policy.decide!(made, own, state)) as { kind: string; code?: string; value?: { args: Json } };
    };
    for (const before of [undefined, {}, { tenant: 'other' }])
      expect((await complete('topic', before)).value).toEqual({
        args: { argument: { name: 'topic', value: 'a' }, context: { arguments: { tenant: 'acme' } } },
      });
    expect(await complete('topic', { tenant: 'acme' })).toEqual({ kind: 'pass' });
    for (const name of ['tenant', 'price', 'argument'])
      expect(await complete(name)).toMatchObject({ kind: 'stop', code: 'policy.never', detail: name });
    expect(await complete('topic', { price: '1' })).toMatchObject({ code: 'policy.never' });
  });

  it.each([
    [{ set: { nobody: 'caller.tenant' } }, 'nobody'],
    [{ never: ['nobody'] }, 'nobody'],
    [{ set: { tenant: 'caller.shoe' } }, 'caller.shoe'],
  ])('must exist: %j', (more, word) => {
    expect(() => rulesOf({ grant: { ...only, ...more } })).toThrow(word);
  });
});

describe('fields of a result', () => {
  const data = {
    id: 7,
    name: 'Ann',
    contact: { email: 'a@b.c', phone: '1' },
    rows: [{ sum: 1, note: 'x' }, { sum: 2 }],
  };
  async function fields(results: object, value: JsonObject): Promise<JsonObject> {
    const rules = rulesOf({ grant: { allow: ['hub.plain'], results } });
    const made: Call = callOf(TOOLS.plain, 'hub', LOCAL, { lane: laneOf('-') });
    await policy.decide!(made, rules, state);
    const verdict = await policy.inspect!(made, { kind: 'result', value } as Result, rules, state);
    return verdict.kind === 'edit' ? (verdict.value as Result).value : value;
  }
  const both = (structuredContent: Json) => ({
    structuredContent,
    content: [{ type: 'text', text: JSON.stringify(structuredContent) }],
  });

  it.each([
    [{ keep: ['/id', '/rows/*/sum'] }, { id: 7, rows: [{ sum: 1 }, { sum: 2 }] }],
    [{ keep: ['/contact/email'] }, { contact: { email: 'a@b.c' } }],
    [{ keep: ['/nothing'] }, {}],
    [{ drop: ['/contact', '/rows/*/note'] }, { id: 7, name: 'Ann', rows: [{ sum: 1 }, { sum: 2 }] }],
    [{ mask: ['/contact/*'] }, { ...data, contact: { email: '***', phone: '***' } }],
    [{ keep: ['/contact'], mask: ['/contact/email'] }, { contact: { email: '***', phone: '1' } }],
  ])('%j', async (results, left) => {
    expect(await fields(results, both(data))).toEqual(both(left));
  });

  it('are withheld where they cannot be told apart', async () => {
    const value = {
      content: [
        { type: 'text', text: 'Ann, a@b.c' },
        { type: 'image', data: 'AA==', mimeType: 'image/png' },
      ],
    };
    const left = JSON.stringify(await fields({ drop: ['/email'] }, value));
    expect(left).not.toContain('a@b.c');
    expect(left).not.toContain('AA==');
    expect(await fields({ drop: ['/email'], text: 'pass' }, value)).toEqual(value);
  });

  it('of an error are treated like any other, and its words pass where the grant says so', async () => {
    const error = { isError: true, ...both(data) };
    expect(await fields({ keep: ['/id'] }, error)).toEqual({ isError: true, ...both({ id: 7 }) });
    const words = {
      isError: true,
      content: [
        { type: 'text', text: 'no such row' },
        { type: 'image', data: 'AA==', mimeType: 'image/png' },
      ],
    };
    expect(JSON.stringify(await fields({ keep: ['/id'] }, words))).not.toContain('no such row');
    const told = JSON.stringify(await fields({ keep: ['/id'], text: 'errors' }, words));
    expect(told).toContain('no such row');
    expect(told).not.toContain('AA==');
    const plain = { content: words.content };
    expect(JSON.stringify(await fields({ keep: ['/id'], text: 'errors' }, plain))).not.toContain('no such row');
  });

  it('do not leave in what has no fields: metadata of the result and of its blocks', async () => {
    const value = {
      _meta: { email: 'a@b.c' },
      structuredContent: { id: 1 },
      content: [{ type: 'text', text: '{"id":1}', _meta: { email: 'a@b.c' } }],
    };
    expect(await fields({ drop: ['/email'] }, value)).toEqual(both({ id: 1 }));
  });

  it.each([pin('prompt', 'hub', 'ask'), pin('resource', 'hub', 'file:///a'), pin('template', 'hub', 'file:///{a}')])(
    'are those of tools alone: a grant for a $kind cannot name them',
    (thing) => {
      const row = { to: 'local', allow: [`hub.${thing.kind}:${thing.name}`], results: { keep: ['/id'] } };
      try {
        compile(schema.parse([row]), { pinned: [thing], cedar: [] });
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(RulesFault);
        expect((error as RulesFault).path).toEqual(['policy', 0, 'results']);
        expect((error as RulesFault).message).toContain(thing.kind);
      }
    },
  );

  it('of a text with two of one name are withheld', async () => {
    const value = { content: [{ type: 'text', text: '{"email":"a@b.c","email":"d@e.f","id":1}' }] };
    expect(JSON.stringify(await fields({ drop: ['/email'] }, value))).not.toContain('@');
  });
});
