import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { input } from '../../../src/controls/input/index.ts';
import { compile, schema } from '../../../src/controls/input/rules.ts';
import type { Pinned } from '../../../src/core/call.ts';
import { RulesFault } from '../../../src/core/rules.ts';
import type { Verdict } from '../../../src/core/verdict.ts';
import type { Json, JsonObject } from '../../../src/lib/json/types.ts';
import { callOf, caseFiles, scratchOnly, view } from '../cases.ts';

const state = scratchOnly();

describe.each(caseFiles(import.meta.dirname))('input, $file', (file) => {
  it.each(file.cases)('$name', (made) => {
    const rules = compile(schema.parse({ ...file.config, ...made.config }), file);
    expect(input.decide!(callOf(file, made), rules, state)).toMatchObject(made.expect);
  });
});

function tool(inputSchema: Json, more: Partial<Pinned> = {}): Pinned {
  const facts = { reads: true, writes: false, destructive: false, executes: false, sendsOut: false };
  return {
    kind: 'tool',
    upstream: 'files',
    name: 't',
    digest: '',
    descriptor: { name: 't', inputSchema },
    facts,
    exceptions: {},
    ...more,
  };
}
const defaults = schema.parse(undefined);

describe('rules of input', () => {
  it('has the defaults of the guarantee', () => expect(defaults).toEqual({ string: 8192, items: 1000, depth: 15 }));
  it.each([{ string: 8193 }, { items: 0 }, { depth: 16 }, { strings: 1 }])('cannot be loosened: %j', (config) => {
    expect(schema.safeParse(config).success).toBe(false);
  });

  it.each<readonly [string, Json, Partial<Pinned>]>([
    ['a remote reference', { $ref: 'https://example.com/a' }, {}],
    ['a pattern without linear time', { properties: { a: { type: 'string', pattern: '(a)\\1' } } }, {}],
    ['no schema', 'none', {}],
    ['an exception that is no pointer', { type: 'object' }, { exceptions: { additional: ['a'] } }],
  ])('stops the start for %s', (_, inputSchema, more) => {
    expect(() => compile(defaults, { pinned: [tool(inputSchema, more)] })).toThrow(RulesFault);
  });

  it('refuses what it has no schema for', () => {
    const rules = compile(defaults, { pinned: [] });
    expect(input.decide!(view({ target: tool({}), args: {} }), rules, state)).toMatchObject({
      kind: 'stop',
      code: 'input.schema',
    });
  });

  it('asks again after an edit', () => {
    const pin = tool({ type: 'object', properties: { a: { type: 'string', maxLength: 3 } } });
    const rules = compile(defaults, { pinned: [pin] });
    expect(rules.refit(view({ target: pin, args: { a: 'abc' } }))).toBeUndefined();
    expect(rules.refit(view({ target: pin, args: { a: 'redacted' } }))).toBe('input.misfit');
    expect(rules.refit(view({ target: pin, args: { b: 'x' } }))).toBe('input.misfit');
    expect(rules.refit(view({ target: { kind: 'route', name: 'files' }, family: 'list', args: {} }))).toBeUndefined();
  });

  it('says where, and never what', () => {
    const pin = tool({ type: 'object', properties: { a: { type: 'array', items: { type: 'number' } } } });
    const rules = compile(defaults, { pinned: [pin] });
    const secret = 'hunter2hunter2';
    const all: JsonObject[] = [
      { a: [secret] },
      { a: secret },
      { [secret]: secret },
      { a: [`${secret}\u200b`] },
      { a: { [secret]: 1 } },
    ];
    for (const args of all) {
      const said = input.decide!(view({ target: pin, args }), rules, state) as Verdict<unknown>;
      expect(said.kind).toBe('stop');
      expect(JSON.stringify(said)).not.toContain(secret);
    }
  });

  it('holds its limits for any value', () => {
    const pin = tool(
      { type: 'object' },
      { exceptions: { additional: ['', '/*', '/*/*', '/*/*/*', '/*/*/*/*'], digits: [''] } },
    );
    const rules = compile({ string: 6, items: 3, depth: 3 }, { pinned: [pin] });
    const within = (value: unknown, depth: number): boolean => {
      if (typeof value === 'string') return Buffer.byteLength(value) <= 6;
      if (typeof value !== 'object' || value === null) return true;
      const members = Array.isArray(value) ? value : [...Object.keys(value), ...Object.values(value)];
      const count = Array.isArray(value) ? value.length : members.length / 2;
      return depth <= 3 && count <= 3 && members.every((member) => within(member, depth + 1));
    };
    const value = fc.dictionary(fc.string({ maxLength: 3 }), fc.jsonValue({ maxDepth: 4 }), { maxKeys: 4 });
    let sized = 0;
    fc.assert(
      fc.property(value, (args) => {
        const said = input.decide!(view({ target: pin, args: args as JsonObject }), rules, state) as Verdict<unknown>;
        const over = said.kind === 'stop' && said.code === 'input.size';
        if (over) sized++;
        // Hidden characters may be found first; a size is never called over when it is not.
        if (over) expect(within(args, 1)).toBe(false);
        else if (said.kind === 'pass') expect(within(args, 1)).toBe(true);
      }),
      { numRuns: 2000 },
    );
    expect(sized).toBeGreaterThan(50);
  });
});
