import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitsForm, shapedForm } from '../../../src/controls/asks/form.ts';
import { asks, MAX_ROUNDS } from '../../../src/controls/asks/index.ts';
import { compile, schema } from '../../../src/controls/asks/rules.ts';
import type { CallView, Opened, Result } from '../../../src/core/call.ts';
import type { RulesFault } from '../../../src/core/rules.ts';
import type { Json, JsonObject } from '../../../src/lib/json/types.ts';
import { type Case, callOf, caseFiles, scratchOnly } from '../cases.ts';

interface AskCase extends Case {
  readonly asks?: JsonObject;
  readonly capabilities?: JsonObject;
  readonly local?: boolean;
  readonly message?: string;
  readonly asked?: Opened['asked'];
  readonly fault?: string;
}

const ALL = { elicitation: ['form', 'url'], hosts: ['accounts.example.com'], sampling: true, roots: true };
const ABLE = { elicitation: { form: {}, url: {} }, sampling: { tools: {} }, roots: {} };
const NAMED: Opened['asked'] = {
  q: {
    kind: 'form',
    schema: {
      type: 'object',
      properties: { name: { type: 'string', maxLength: 10 }, age: { type: 'integer', minimum: 0, maximum: 150 } },
      required: ['name'],
    },
  },
};
const rulesOf = (granted: JsonObject, local = false) =>
  compile({ asks: new Map([['files', schema.parse(granted)]]), local });
const opened = (asked: Opened['asked'], round = 1): Opened => ({ asked, round, ticket: 't' });

/** `$form`, `$page` and `$ask` are questions with one request, `q`. */
function resultOf({ result = {}, message = 'Please' }: AskCase): Result {
  const { $form, $page, $ask, params } = result;
  let request: Json | undefined;
  if ($form) {
    const requestedSchema = { type: 'object', properties: $form };
    request = { method: 'elicitation/create', params: { message, requestedSchema } };
  }
  if ($page) request = { method: 'elicitation/create', params: { mode: 'url', message, url: $page } };
  if ($ask) request = { method: $ask, ...(params && { params }) };
  return {
    kind: 'result',
    value: request ? { resultType: 'input_required', inputRequests: { q: request } } : result,
  };
}

describe.each(caseFiles(import.meta.dirname))('asks, $file', (file) => {
  it.each(file.cases as readonly AskCase[])('$name', (made) => {
    const call = { ...callOf(file, made), claimed: { capabilities: made.capabilities ?? ABLE } } as CallView;
    const rules = rulesOf(made.asks ?? ALL, made.local);
    const { answers, fault } = made;
    const resume = answers && { answers, ...(fault ? { fault } : { opened: opened(made.asked ?? NAMED) }) };
    const said = made.result
      ? asks.inspect!(call, resultOf(made), rules, scratchOnly())
      : asks.decide!(resume ? { ...call, resume } : call, rules, scratchOnly());
    expect(said).toMatchObject(made.expect);
    // What is left out must be gone.
    if (made.name.includes('left out')) expect(JSON.stringify(said)).not.toMatch(/pattern|allServers|metadata/);
  });
});

describe('asks', () => {
  it('stops a server after eight rounds', () => {
    const file = caseFiles(import.meta.dirname)[0]!;
    const result = resultOf({ name: '', expect: { kind: 'pass' }, result: { $form: { city: { type: 'string' } } } });
    const at = (round: number) => {
      const call = { ...callOf(file, file.cases[0]!), claimed: { capabilities: ABLE } } as CallView;
      const resume = { answers: {}, opened: opened(NAMED, round) };
      return asks.inspect!({ ...call, resume }, result, rulesOf(ALL), scratchOnly());
    };
    expect(at(MAX_ROUNDS - 1)).toEqual({ kind: 'pass' });
    expect(at(MAX_ROUNDS)).toMatchObject({ kind: 'stop', code: 'asks.rounds' });
  });

  it.each([
    [{ elicitation: ['url'] }, ['upstreams', 'files', 'asks']],
    [{ elicitation: ['form'], hosts: ['a.example'] }, ['upstreams', 'files', 'asks', 'hosts']],
    [{ elicitation: ['url'], hosts: ['a.example', '1.2.3.4.5'] }, ['upstreams', 'files', 'asks', 'hosts', 1]],
  ])('refuses %j at the start, with its place', (granted, path) => {
    let fault: unknown;
    try {
      rulesOf(granted);
    } catch (error) {
      fault = error;
    }
    expect((fault as RulesFault).path).toEqual(path);
  });

  it.each(['*', '*.example.com', 'HTTPS://x', 'a.example/path', 'a b', ''])('takes no host %j', (host) => {
    expect(schema.safeParse({ elicitation: ['url'], hosts: [host] }).success).toBe(false);
  });

  it('grants nothing by default', () => {
    expect(schema.parse({})).toEqual({ elicitation: [], hosts: [], sampling: false, roots: false });
  });

  it('takes a form as it is or with less, and fits what fits', () => {
    const field = fc.oneof(
      fc.record(
        { type: fc.constant('string'), maxLength: fc.nat(20), pattern: fc.string() },
        { requiredKeys: ['type'] },
      ),
      fc.record({ type: fc.constant('boolean'), x: fc.json() }, { requiredKeys: ['type'] }),
      fc.record({ type: fc.constant('integer'), minimum: fc.integer({ min: -9, max: 0 }) }, { requiredKeys: ['type'] }),
    );
    const names = fc.string({ minLength: 1, maxLength: 9 }).filter((name) => name !== '__proto__');
    const forms = fc.dictionary(names, field, { maxKeys: 8 });
    fc.assert(
      fc.property(forms, (properties) => {
        const kept = shapedForm({ type: 'object', properties, required: Object.keys(properties) } as JsonObject)!;
        expect(shapedForm(kept)).toBe(kept);
        const content = Object.fromEntries(
          Object.entries(properties).map(([name, { type }]) => [
            name,
            { string: '', boolean: true, integer: 0 }[type]!,
          ]),
        );
        expect(fitsForm(content, kept)).toBe(true);
        expect(fitsForm({ ...content, 'not asked for': 1 }, kept)).toBe(false);
        const [first] = Object.keys(content);
        if (first !== undefined) expect(fitsForm({ ...content, [first]: null }, kept)).toBe(false);
      }),
    );
  });
});
