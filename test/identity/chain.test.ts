import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Caller } from '../../src/core/call.ts';
import type { Identified } from '../../src/core/gate.ts';
import { type ChainRules, chainOf, chains, withChain } from '../../src/identity/chain.ts';
import { LINKS } from '../../src/identity/links.ts';
import { Once } from '../../src/identity/once.ts';
import type { JsonObject } from '../../src/lib/json/types.ts';

const ISS = 'https://idp.example';
const KEY = 'k'.repeat(43);
const RULES = chains.parse({
  links: 3,
  agents: {
    planner: { clients: ['planner-prod'] },
    coder: { clients: ['coder-prod'], keys: [KEY] },
    tester: { clients: ['tester-prod'] },
    runner: { keys: [KEY] },
    far: { clients: ['far'], issuers: ['https://far.example'] },
  },
});
function caller(claims: JsonObject, more: Partial<Caller> = {}): Caller {
  return {
    tenant: 'acme',
    subject: 'alice',
    agent: ['planner-prod'],
    groups: [],
    scopes: [],
    issuer: ISS,
    how: 'jwt',
    strength: { amr: [] },
    credential: 'c',
    claims: { iss: ISS, sub: 'alice', client_id: 'planner-prod', ...claims },
    ...more,
  };
}
const why = (claims: JsonObject, more?: Partial<Caller>) => {
  const said = chainOf(caller(claims, more), RULES);
  return 'why' in said ? said.why : said;
};

describe('a chain of agents', () => {
  it.each<[string, JsonObject, string[], Partial<Caller>?]>([
    ['one', { act: { sub: 'planner' } }, ['planner']],
    [
      'three, outermost first',
      { act: { sub: 'planner', act: { sub: 'coder', act: { sub: 'tester' } } } },
      ['planner', 'coder', 'tester'],
    ],
    ['by a key', { act: { sub: 'runner' }, client_id: 'anything' }, ['runner'], { key: KEY }],
    ['by client and key', { act: { sub: 'coder' }, client_id: 'coder-prod' }, ['coder'], { key: KEY }],
    [
      'by the authorized party',
      { act: { sub: 'planner' }, client_id: undefined as never, azp: 'planner-prod' },
      ['planner'],
    ],
    ['with its issuer', { act: { sub: 'planner', iss: ISS } }, ['planner']],
    [
      'of another issuer',
      { act: { sub: 'planner', act: { sub: 'far', iss: 'https://far.example' } } },
      ['planner', 'far'],
    ],
    ['that may act', { act: { sub: 'planner' }, may_act: { sub: 'planner' } }, ['planner']],
    [
      'with its client',
      { act: { sub: 'planner', act: { sub: 'tester', client_id: 'tester-prod' } } },
      ['planner', 'tester'],
    ],
  ])('of %s', (_what, claims, expected, more) => expect(why(claims, more)).toEqual(expected));

  it.each<[string, JsonObject, string, Partial<Caller>?]>([
    ['a text', { act: 'planner' }, 'a link without a subject'],
    ['a list', { act: [{ sub: 'planner' }] }, 'a link without a subject'],
    ['null', { act: null }, 'a link without a subject'],
    ['a link without a subject', { act: { sub: 'planner', act: {} } }, 'a link without a subject'],
    ['a link without an outer one', { act: { act: { sub: 'planner' } } }, 'a link without a subject'],
    ['a subject that is a list', { act: { sub: ['planner'] } }, 'a link without a subject'],
    ['an empty subject', { act: { sub: '' } }, 'a link without a subject'],
    ['a subject that hides something', { act: { sub: 'planner\u200b' } }, 'a link without a subject'],
    ['an issuer that is none', { act: { sub: 'planner', iss: 1 } }, 'a link without a subject'],
    ['a client that is none', { act: { sub: 'planner', client_id: {} } }, 'a link without a subject'],
    [
      'four links',
      { act: { sub: 'planner', act: { sub: 'coder', act: { sub: 'tester', act: { sub: 'runner' } } } } },
      'too long',
    ],
    ['one agent twice', { act: { sub: 'planner', act: { sub: 'tester', act: { sub: 'planner' } } } }, 'a loop'],
    ['the subject as its own agent', { act: { sub: 'alice' } }, 'a loop'],
    ['the subject further in', { act: { sub: 'planner', act: { sub: 'alice' } } }, 'a loop'],
    ['an unknown agent', { act: { sub: 'stranger' } }, 'an agent that is not known'],
    [
      'an unknown agent further in',
      { act: { sub: 'planner', act: { sub: 'stranger' } } },
      'an agent that is not known',
    ],
    ['a name of every object', { act: { sub: 'toString' } }, 'an agent that is not known'],
    [
      'an agent of another issuer',
      { act: { sub: 'planner', iss: 'https://evil.example' } },
      'an agent of another issuer',
    ],
    ['a far agent named here', { act: { sub: 'planner', act: { sub: 'far' } } }, 'an agent of another issuer'],
    ['a forged outer link', { act: { sub: 'tester', act: { sub: 'planner' } } }, 'presented by another than the agent'],
    [
      'links in another order',
      { act: { sub: 'coder', act: { sub: 'planner' } } },
      'presented by another than the agent',
      { key: KEY },
    ],
    ['another client', { act: { sub: 'planner' }, client_id: 'tester-prod' }, 'presented by another than the agent'],
    ['no client', { act: { sub: 'planner' }, client_id: undefined as never }, 'presented by another than the agent'],
    [
      'the client alone where a key is due',
      { act: { sub: 'coder' }, client_id: 'coder-prod' },
      'presented by another than the agent',
    ],
    ['another key', { act: { sub: 'runner' } }, 'presented by another than the agent', { key: 'x'.repeat(43) }],
    [
      'another client further in',
      { act: { sub: 'planner', act: { sub: 'tester', client_id: 'coder-prod' } } },
      'another client than that of the agent',
    ],
    ['an agent that may not act', { act: { sub: 'planner' }, may_act: { sub: 'tester' } }, 'an agent that may not act'],
    [
      'an agent that may act elsewhere',
      { act: { sub: 'planner' }, may_act: { sub: 'planner', iss: 'https://x.example' } },
      'an agent that may not act',
    ],
    ['a permission that is none', { act: { sub: 'planner' }, may_act: 'planner' }, 'an agent that may not act'],
    ['none', {}, 'no agent'],
  ])('is not one with %s', (_what, claims, expected, more) => expect(why(claims, more)).toBe(expected));

  it('is read from whatever a token holds as known agents, or not at all', () => {
    const link = fc.letrec((tie) => ({
      act: fc.oneof(
        { maxDepth: 6 },
        fc.jsonValue({ maxDepth: 1 }),
        fc.record(
          { sub: fc.constantFrom('planner', 'coder', 'tester', 'far', 'x'), act: tie('act') },
          { requiredKeys: [] },
        ),
      ),
    })).act as fc.Arbitrary<never>;
    fc.assert(
      fc.property(link, (act) => {
        const said = chainOf(caller({ act }), RULES);
        if ('why' in said) return;
        expect(said[0]).toBe('planner');
        expect(said.length).toBeLessThanOrEqual(3);
        expect(new Set(said).size).toBe(said.length);
        for (const one of said) expect(Object.hasOwn(RULES.agents, one)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('callers by tokens', () => {
  const judge = (who: Identified, ...rules: (ChainRules | undefined)[]) =>
    withChain(
      () => who,
      () => (rules.length > 0 ? rules[0] : RULES),
      new Once(LINKS),
      Date.now,
    )({} as never);
  it('have the chain of their token', async () => {
    const who = caller({ act: { sub: 'planner', act: { sub: 'tester' } } });
    const ask = withChain(
      () => Promise.resolve(who),
      () => RULES,
      new Once(LINKS),
      Date.now,
    );
    const said = await ask({} as never);
    expect(said).toMatchObject({ subject: 'alice', agent: ['planner', 'tester'] });
    expect(await ask({} as never)).toBe(said);
    expect(judge(who, undefined)).toBe('identity.chain');
  });
  it('are not an agent by its name', () => {
    expect(judge(caller({ client_id: 'planner' }, { agent: ['planner'] }))).toBe('identity.chain');
    expect(judge(caller({}))).toMatchObject({ agent: ['planner-prod'] });
  });
  it('are others than those whom the operator names', () => {
    const key = caller({ act: { sub: 'x' } }, { how: 'key' });
    expect(judge(key)).toBe(key);
    expect(judge('identity.missing')).toBe('identity.missing');
  });
});
