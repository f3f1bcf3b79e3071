import type { Schema } from '@cedar-policy/cedar-wasm/nodejs';
import { describe, expect, it } from 'vitest';
import { judge, NAMES, Prepared, type Request } from '../../../src/controls/policy/prepared.ts';

const SCHEMA = {
  '': {
    entityTypes: { Caller: {}, Tool: {} },
    actions: {
      call: {
        appliesTo: {
          principalTypes: ['Caller'],
          resourceTypes: ['Tool'],
          context: { type: 'Record', attributes: { n: { type: 'Long', required: true } } },
        },
      },
    },
  },
} as Schema;
const request = (context: Request['context'] = { n: 1 }): Request => ({
  principal: { type: 'Caller', id: '-' },
  action: { type: 'Action', id: 'call' },
  resource: { type: 'Tool', id: 'x' },
  context,
  entities: [],
});
const PERMIT = 'permit(principal, action, resource);';
const allows = (policies: Record<string, string>, context?: Request['context']) =>
  new Prepared(policies, SCHEMA).ask(request(context));

describe('a decision', () => {
  it('names the policies by their own ids', () => {
    expect(allows({ 'b.cedar:1:1': PERMIT, 'policy[0].allow': PERMIT })).toEqual({
      allow: true,
      reasons: ['b.cedar:1:1', 'policy[0].allow'],
    });
  });
  it('is no, without a permit', () => expect(allows({})).toEqual({ allow: false, reasons: [] }));
  it('is no, when a forbid errors: Cedar alone would skip it and allow', () => {
    const forbid = 'forbid(principal, action, resource) when { context.missing };';
    expect(allows({ p: PERMIT, f: forbid })).toEqual({ allow: false, reasons: [], error: 'could not be evaluated: f' });
  });
  it('is no, when a permit errors beside one that holds', () => {
    const errs = 'permit(principal, action, resource) when { context.n * 9007199254740991 * 9007199254740991 > 0 };';
    expect(allows({ p: PERMIT, e: errs }, { n: 9007199254740991 })).toMatchObject({ allow: false });
  });
  it.each([
    ['a type that the schema does not have', { n: 'one' }],
    ['a missing attribute', {}],
    ['an attribute too many', { n: 1, m: 1 }],
  ])('is no, for a request with %s', (_, context) => {
    const decision = allows({ p: PERMIT }, context);
    expect(decision).toEqual({ allow: false, reasons: [], error: 'the request does not fit the policy schema' });
  });
  it('is no, for policies that do not parse', () => {
    expect(allows({ p: 'permit' })).toMatchObject({ allow: false, error: 'the policies could not be loaded' });
  });
  it('is no, for every answer that is not a clean allow', () => {
    expect(judge({ type: 'failure', errors: [], warnings: [] }).allow).toBe(false);
    const diagnostics = { reason: ['p'], errors: [{ policyId: 'f', error: {} as never }] };
    expect(judge({ type: 'success', response: { decision: 'allow', diagnostics }, warnings: [] })).toEqual({
      allow: false,
      reasons: [],
      error: 'could not be evaluated: f',
    });
  });
});

describe("the names of Cedar's caches", () => {
  it('can be shared by many snapshots without one answering for another', () => {
    const yes = new Prepared({ yes: PERMIT }, SCHEMA);
    for (let i = 1; i < NAMES; i++) new Prepared({}, SCHEMA);
    const no = new Prepared({ no: 'forbid(principal, action, resource);' }, SCHEMA);
    for (let i = 0; i < 3; i++) {
      expect(yes.ask(request())).toEqual({ allow: true, reasons: ['yes'] });
      expect(no.ask(request())).toEqual({ allow: false, reasons: ['no'] });
    }
  });
  it('hold nothing after a load that failed', () => {
    const yes = new Prepared({ yes: PERMIT }, SCHEMA);
    expect(yes.ask(request()).allow).toBe(true);
    for (let i = 1; i < NAMES; i++) new Prepared({}, SCHEMA);
    const broken = new Prepared({ no: 'forbid(principal, action, resource);' }, {
      '': { entityTypes: { Caller: { memberOfTypes: ['?'] } } },
    } as never);
    expect(broken.ask(request())).toMatchObject({ allow: false, error: 'the policies could not be loaded' });
    expect(yes.ask(request()).allow).toBe(true);
  });
});
