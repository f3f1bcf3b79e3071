import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Grant } from '../../../src/controls/policy/grants.ts';
import { compile, compileWith, type Rules, schema } from '../../../src/controls/policy/rules.ts';
import type { Caller, Pinned } from '../../../src/core/call.ts';
import type { Json, JsonObject } from '../../../src/lib/json/types.ts';
import { caller, PINNED, thing } from './fixtures.ts';

const RUNS = Number(process.env['DOORWARD_PROPERTY_RUNS'] ?? 15);
const REQUESTS = 120;

const TENANTS = ['acme', 'zeta'];
const SUBJECTS = ['alice', 'bo', 'caller.tenant', '"; permit'];
const GROUPS = ['eng', 'data', 'e'];
const NAMES = ['files.read_text_file', 'files.write_file', 'warehouse.run_query', 'notes.prompt:weekly'];
const HOURS = 'Mon-Fri 07:00-19:00 UTC';
const TIMES = ['2026-11-20T12:00:00Z', '2026-11-20T20:00:00Z', '2026-11-22T12:00:00Z'].map((t) => Date.parse(t));
const pick = <T>(...from: readonly T[]) => fc.constantFrom(...from);

const callers: fc.Arbitrary<Caller> = fc
  .record({
    tenant: pick(...TENANTS),
    subject: pick(...SUBJECTS),
    groups: fc.subarray(GROUPS),
    scopes: fc.subarray(['read', 'write']),
    agent: pick<string[]>([], ['bot'], ['helper', 'bot']),
    how: pick<Caller['how']>('local', 'jwt', 'mtls'),
  })
  .map(caller);

const to = fc.oneof(
  fc.constant('local' as const),
  fc.record({ subject: pick(...SUBJECTS) }),
  fc.record({ tenant: pick(...TENANTS) }),
  fc.record({ group: pick(...GROUPS), tenant: pick(...TENANTS) }),
  fc.record({ agent: pick('bot', 'helper') }),
);
const when = fc.record(
  {
    hours: fc.constant(HOURS),
    scopes: fc.subarray(['read', 'write'], { minLength: 1 }),
    args: fc.record(
      {
        tenant: pick<Json>('caller.tenant', 'acme', 'x'),
        limit: pick<Json>({ max: 5 }, { min: 2 }, 3),
        mode: pick<Json>('dry', { in: ['dry', 'live'] }),
        tables: fc.constant<Json>({ in: ['a', 'b'] }),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);
/** Grants for one thing each, so that conditions on arguments can be given where they fit; no two alike. */
const configs: fc.Arbitrary<Grant[]> = fc
  .uniqueArray(
    fc
      .record({ to, name: pick(...NAMES), word: pick('allow', 'ask'), when: fc.option(when, { nil: {} as never }) })
      .map(({ to, name, word, when }) => {
        const { args, ...rest } = when;
        const fits = name === 'warehouse.run_query' && args ? { ...rest, args } : rest;
        return { to, [word]: [name], when: fits };
      }),
    {
      minLength: 3,
      maxLength: 8,
      selector: (row) => JSON.stringify([row.to, row.when, Object.values(row)]).replaceAll('ask', 'allow'),
    },
  )
  .filter((rows) => {
    const once = rows.map((row) => JSON.stringify([row.to, row.when, 'allow' in row ? row['allow'] : row['ask']]));
    return new Set(once).size === once.length;
  })
  .map((rows) => schema.parse(rows));

const fitting: fc.Arbitrary<JsonObject> = fc.record(
  {
    tenant: pick<Json>('acme', 'zeta', 'x'),
    sql: pick<Json>('s', 't'),
    limit: pick<Json>(-1, 0, 2, 3, 5, 6),
    mode: pick<Json>('dry', 'live'),
    tables: pick<Json>([], ['a'], ['b', 'a'], ['a', 'c']),
  },
  { requiredKeys: ['tenant', 'sql'] },
) as fc.Arbitrary<JsonObject>;
const wild = fc.record(
  { tenant: fc.jsonValue(), limit: fc.jsonValue(), mode: fc.jsonValue(), tables: fc.jsonValue() },
  { requiredKeys: [] },
) as fc.Arbitrary<JsonObject>;

interface Ask {
  who: Caller;
  what: Pinned;
  args: JsonObject;
  at: number;
}
const asks = (args: fc.Arbitrary<JsonObject>): fc.Arbitrary<Ask> =>
  fc.record({ who: callers, what: pick(...NAMES, 'github.create_issue').map(thing), args, at: pick(...TIMES) });
const many = (args: fc.Arbitrary<JsonObject>) => fc.array(asks(args), { minLength: REQUESTS, maxLength: REQUESTS });

const call = (rules: Rules, { who, what, args, at }: Ask) =>
  rules.may('call', who, what, { args, at, upstream: what.upstream });
const list = (rules: Rules, { who, what, at }: Ask) => rules.may('list', who, what, { at, upstream: what.upstream });
const rulesOf = (config: Grant[], cedar = '') =>
  compile(config, { pinned: PINNED, cedar: [{ file: 'a', text: cedar }] });

/** What a grant means, said a second time and without Cedar. */
function holds(row: Grant, { who, what, args, at }: Ask, action: 'list' | 'call'): boolean {
  const name = what.kind === 'tool' ? `${what.upstream}.${what.name}` : `${what.upstream}.${what.kind}:${what.name}`;
  if (![...row.allow, ...row.ask].includes(name)) return false;
  if (row.to === 'local' ? who.how !== 'local' : !isWho(row.to, who)) return false;
  if (row.when?.scopes?.some((scope) => !who.scopes.includes(scope))) return false;
  if (row.when?.hours && at !== TIMES[0]) return false;
  if (action === 'list') return true;
  return Object.entries(row.when?.args ?? {}).every(([path, rule]) => {
    const value = args[path];
    if (value === undefined) return false;
    if (typeof rule !== 'object') return value === (rule === 'caller.tenant' ? who.tenant : rule);
    if ('in' in rule) return [value].flat().every((item) => (rule.in as Json[]).includes(item as Json));
    return (value as number) >= (rule.min ?? 0) && (value as number) <= (rule.max ?? Infinity);
  });
}
function isWho(to: Exclude<Grant['to'], 'local'>, who: Caller): boolean {
  return (
    (to.subject === undefined || to.subject === who.subject) &&
    (to.tenant === undefined || to.tenant === who.tenant) &&
    (to.agent === undefined || to.agent === who.agent[0]) &&
    (to.group === undefined || who.groups.includes(to.group))
  );
}

/** A chain may do what each of its agents may do, taken for itself. */
const links = (one: Ask): Ask[] =>
  one.who.agent.length < 2 ? [one] : one.who.agent.map((link) => ({ ...one, who: { ...one.who, agent: [link] } }));

describe('policy, over random grants and requests', () => {
  it('answers as the grants say, denies all else, and lists what can be called', { timeout: 60_000 }, () => {
    const seen = { allow: 0, deny: 0, ask: 0 };
    fc.assert(
      fc.property(configs, many(fitting), (config, requests) => {
        const rules = rulesOf(config);
        for (const one of requests) {
          const mine = links(one).map((link) => config.filter((row) => holds(row, link, 'call')));
          const allow = mine.every((rows) => rows.length > 0);
          const answer = call(rules, one);
          const said = { allow: answer.allow, ask: answer.ask };
          expect(said).toEqual({ allow, ask: allow && mine.flat().some((row) => row.ask.length > 0) });
          expect(answer.error).toBeUndefined();
          const listed = links(one).every((link) => config.some((row) => holds(row, link, 'list')));
          expect(list(rules, one).allow).toBe(listed);
          seen[said.ask ? 'ask' : said.allow ? 'allow' : 'deny']++;
        }
      }),
      { numRuns: RUNS },
    );
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(10);
  });

  it('gives one answer with and without a cache', { timeout: 60_000 }, () => {
    const cedar =
      'forbid(principal, action == Action::"call", resource) when { context.args has limit && context.args.limit > 4 };' +
      'forbid(principal, action, resource) when { principal.groups.containsAny(["e"]) && principal.tenant == "zeta" };' +
      'forbid(principal == Caller::"acme/bo", action, resource) unless { context.hours["Mon-Fri 07:00-19:00 UTC"] };';
    let failed = 0;
    fc.assert(
      fc.property(configs, many(fc.oneof(fitting, wild)), (config, requests) => {
        const context = { pinned: PINNED, cedar: [{ file: 'a', text: cedar }] };
        const kept = compile(config, context);
        const fresh = compileWith(config, context, { get: () => undefined, set: () => {} });
        for (const one of [...requests, ...requests]) {
          const answer = call(kept, one);
          expect(answer).toEqual(call(fresh, one));
          expect(list(kept, one)).toEqual(list(fresh, one));
          if (answer.allow) expect(list(kept, one).allow).toBe(true);
          if (answer.error !== undefined) failed++;
          // A forbid that cannot read its argument denies; one that holds wins.
          const { limit } = one.args;
          if (limit !== undefined && !(Number.isSafeInteger(limit) && (limit as number) <= 4)) {
            const reads = ['files.read_text_file', 'warehouse.run_query'].includes(
              `${one.what.upstream}.${one.what.name}`,
            );
            if (reads && one.what.name === 'run_query' && limit !== null) expect(answer.allow).toBe(false);
          }
          if (one.who.groups.includes('e') && one.who.tenant === 'zeta') expect(answer.allow).toBe(false);
        }
      }),
      { numRuns: RUNS },
    );
    expect(failed).toBeGreaterThan(0);
  });

  it('lets nobody pass as another, whatever the text of their name', { timeout: 60_000 }, () => {
    const bidi = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }).filter((name) => !bidi.test(name));
    fc.assert(
      fc.property(text, text, (granted, asked) => {
        const rules = rulesOf(schema.parse([{ to: { subject: granted }, allow: ['files.read_text_file'] }]));
        const passes = (subject: string) =>
          call(rules, { who: caller({ subject }), what: thing('files.read_text_file'), args: {}, at: 0 }).allow;
        expect(passes(granted)).toBe(true);
        for (const other of [asked, `${granted} `, granted.slice(1), `"${granted}"`]) {
          expect(passes(other)).toBe(other === granted);
        }
      }),
      { numRuns: RUNS * 2 },
    );
  });

  it('takes no broken text for the character that stands for it', () => {
    const rules = rulesOf(schema.parse([{ to: { subject: 'a\ufffd' }, allow: ['files.read_text_file'] }]));
    const one = { what: thing('files.read_text_file'), args: {}, at: 0 };
    expect(call(rules, { ...one, who: caller({ subject: 'a\ufffd' }) }).allow).toBe(true);
    expect(call(rules, { ...one, who: caller({ subject: 'a\ud800' }) })).toMatchObject({ allow: false });
    expect(schema.safeParse([{ to: { subject: 'a\ud800' }, allow: ['files.x'] }]).success).toBe(false);
  });
});
