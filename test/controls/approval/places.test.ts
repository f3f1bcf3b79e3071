/** Who must agree, where a person is always asked, and what the asking client may say itself. */
import { describe, expect, it } from 'vitest';
import { all, bindingOf, decide } from '../../../src/controls/approval/book.ts';
import { approval } from '../../../src/controls/approval/index.ts';
import { compile, schema } from '../../../src/controls/approval/rules.ts';
import type { Brought, Call, Pinned } from '../../../src/core/call.ts';
import { RulesFault } from '../../../src/core/rules.ts';
import { memoryState } from '../../../src/store/memory.ts';
import { TOOL } from '../../core/fakes.ts';
import { view } from '../cases.ts';

type Facts = Partial<Pinned['facts']>;
const NOTHING = { reads: false, writes: false, destructive: false, executes: false, sendsOut: false };
const tool = (name: string, facts: Facts = {}): Pinned => ({
  ...TOOL,
  upstream: 'files',
  name,
  facts: { ...NOTHING, ...facts },
});
const PINNED = [tool('read', { reads: true }), tool('write', { writes: true }), tool('delete', { destructive: true })];
const UPSTREAMS = ['files', 'notes'];
const rulesOf = (config: object, pinned: readonly Pinned[] = PINNED) =>
  compile(schema.parse(config), { pinned, upstreams: UPSTREAMS });
const call = (target: Pinned, change: Partial<Call> = {}) =>
  view({ rulesId: 'rules-1', ...change, upstream: 'files', target });
const OWNER = { subject: 'local', by: 'root', groups: [], via: 'terminal' } as const;

describe('a place that is marked sensitive', () => {
  const RULES = rulesOf({ places: { files: { sensitive: true }, 'files.trusted': {}, notes: {} } }, []);
  it.each([
    ['writes', { writes: true }, 'ask'],
    ['destroys', { destructive: true }, 'ask'],
    ['executes what the arguments carry', { executes: true }, 'ask'],
    ['only reads', { reads: true }, 'pass'],
    ['sends out, but changes nothing', { sendsOut: true, reads: true }, 'pass'],
  ] as const)('asks a person for a tool that %s, whatever the grant says: %o -> %s', async (_, facts, wanted) => {
    const state = memoryState(() => 1000);
    const verdict = await approval.decide!(call(tool('any', facts)), RULES, state);
    expect(verdict.kind).toBe(wanted);
    if (wanted === 'ask') expect(await all(state)).toMatchObject([{ codes: ['approval.sensitive'] }]);
  });

  it('says why beside what else asked', async () => {
    const state = memoryState(() => 1000);
    await approval.decide!(call(tool('any', { writes: true }), { asked: ['policy.ask'] }), RULES, state);
    expect(await all(state)).toMatchObject([{ codes: ['policy.ask', 'approval.sensitive'] }]);
  });

  it('is not the place beside it', () => {
    expect(RULES.terms('notes', 'tool', 'write').sensitive).toBe(false);
    expect(RULES.terms('files', 'tool', 'any').sensitive).toBe(true);
  });
});

describe('the terms of a place', () => {
  const RULES = rulesOf({
    count: 2,
    approvers: ['sre'],
    places: { files: { approvers: ['owners'], sensitive: true }, 'files.write': { count: 3, sensitive: false } },
  });
  it.each([
    ['elsewhere', 'notes', 'x', { count: 2, approvers: ['sre'], sensitive: false }],
    ['of an upstream', 'files', 'read', { count: 2, approvers: ['owners'], sensitive: true }],
    ['of a tool, over those of its upstream', 'files', 'write', { count: 3, approvers: ['owners'], sensitive: false }],
  ])('%s', (_, upstream, name, wanted) => {
    expect(RULES.terms(upstream, 'tool', name)).toMatchObject(wanted);
  });

  it('of a tool are not those of a prompt of that name', () => {
    expect(RULES.terms('files', 'prompt', 'write')).toMatchObject({ count: 2 });
  });

  it.each([
    ['a place of no upstream', { fiels: { sensitive: true } }, 'there is no upstream `fiels`', 'did you mean `files`?'],
    ['a tool that is not reviewed', { 'files.wirte': {} }, 'not a reviewed tool', 'did you mean `files.write`?'],
    ['a client that answers for a whole upstream', { files: { via: 'client' } }, 'single tools', 'files.TOOL'],
    [
      'a client that answers for what destroys',
      { 'files.delete': { via: 'client' } },
      'destructive',
      'leave `via` out',
    ],
    ['a client, and not oneself', { 'files.write': { via: 'client', not: 'self' } }, 'exclude', 'keep one'],
  ])('may not be those of %s', (_, places, message, fix) => {
    const made = () => rulesOf({ places });
    expect(made).toThrow(RulesFault);
    try {
      made();
    } catch (error) {
      expect((error as RulesFault).message).toContain(message);
      expect((error as RulesFault).fix).toContain(fix);
      expect((error as RulesFault).path[0]).toBe('places');
    }
  });
});

describe("the asking client's own answer", () => {
  const WRITE = PINNED[1]!;
  const CLIENT = { places: { 'files.write': { via: 'client' } } };
  async function asked(config: object) {
    const state = memoryState(() => 1000);
    const rules = rulesOf(config);
    const first = call(WRITE, { asked: ['policy.ask'] });
    const said = await approval.decide!(first, rules, state);
    if (said.kind !== 'ask') throw new Error(said.kind);
    const { question } = said;
    const retry = async (answer: object | undefined, more: Partial<Brought> = {}) => {
      const brought = { kind: 'asked', id: question.id, ground: bindingOf(first), answer, ...more } as Brought;
      return approval.decide!(call(WRITE, { asked: ['policy.ask'], approval: brought }), rules, state);
    };
    return { state, question, retry };
  }
  const YES = { action: 'accept', content: { approve: true } };

  it('counts where the place says so, and is labelled as a claim', async () => {
    const { question, retry } = await asked(CLIENT);
    expect(question.client).toBe(true);
    expect(await retry(YES)).toMatchObject({ kind: 'pass', granted: { id: question.id, via: 'client-asserted' } });
    // Once: the same answer again is about another approval.
    expect((await retry(YES)).kind).toBe('ask');
  });

  it.each([
    ['declines', { action: 'decline' }],
    ['accepts, and says no', { action: 'accept', content: { approve: false } }],
  ])('denies when its person %s', async (_, answer) => {
    const { state, retry } = await asked(CLIENT);
    expect(await retry(answer)).toMatchObject({ kind: 'stop', code: 'approval.denied' });
    expect(await all(state)).toMatchObject([{ state: 'denied', via: 'client-asserted' }]);
  });

  it.each([
    ['it says nothing', undefined, {}],
    ['it was left', { action: 'cancel' }, {}],
    ['it is of another shape', { action: 'accept', content: { approve: 'true' } }, {}],
    ['it is for another approval', YES, { id: 'ZZZZ' }],
    ['it is for other arguments', YES, { ground: 'x' }],
  ])('leaves the call waiting when %s', async (_, answer, more) => {
    const { state, retry } = await asked(CLIENT);
    expect((await retry(answer, more)).kind).toBe('ask');
    expect(await all(state)).toMatchObject([{ state: 'waiting', agreed: [] }]);
  });

  it('is nothing where no place says so', async () => {
    const { state, question, retry } = await asked({});
    expect(question.client).toBeUndefined();
    expect((await retry(YES)).kind).toBe('ask');
    expect(await all(state)).toMatchObject([{ state: 'waiting', agreed: [] }]);
  });

  it('is one voice of two at most, and of no group', async () => {
    const two = await asked({ places: { 'files.write': { via: 'client', count: 2 } } });
    expect((await two.retry(YES)).kind).toBe('ask');
    expect((await two.retry(YES)).kind).toBe('ask');
    expect(await all(two.state)).toMatchObject([{ state: 'waiting', agreed: [{ via: 'client-asserted' }] }]);
    expect(await decide(two.state, two.question.id, 'granted', OWNER, 'rules-1')).toMatchObject({ state: 'granted' });
    const group = await asked({ approvers: ['sre'], ...CLIENT });
    expect((await group.retry(YES)).kind).toBe('ask');
    expect(await all(group.state)).toMatchObject([{ agreed: [] }]);
  });
});

describe('later rounds of a call', () => {
  const spent = (ground: string): Brought => ({ kind: 'spent', id: 'K7QD', ground, via: 'console' });
  const resume = { state: 'of the server', answers: { name: { action: 'accept' } } };
  const round = (change: Partial<Call> = {}) => call(PINNED[1]!, { asked: ['policy.ask'], resume, ...change });
  const ground = bindingOf(call(PINNED[1]!));
  const kind = async (made: ReturnType<typeof round>) =>
    (
      await approval.decide!(
        made,
        rulesOf({}),
        memoryState(() => 1000),
      )
    ).kind;

  it('inherit the grant that the first has spent', async () => {
    expect(await kind(round({ approval: spent(ground) }))).toBe('pass');
  });

  it.each([
    ['no grant', {}],
    ['a grant for something else', { approval: spent('x') }],
    ['other arguments', { approval: spent(ground), args: { other: 1 } }],
    ['other rules', { approval: spent(ground), rulesId: 'rules-2' }],
    ['an approval that only waits', { approval: { kind: 'asked', id: 'K7QD', ground } as const }],
  ])('ask for their own with %s', async (_, change) => {
    expect(await kind(round(change))).toBe('ask');
  });

  it('are no calls without answers: a spent grant is good for nothing else', async () => {
    expect(await kind(call(PINNED[1]!, { asked: ['policy.ask'], approval: spent(ground) }))).toBe('ask');
  });
});
