import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isObject, type Json, type JsonObject } from '../../../src/lib/json/types.ts';
import { compileSchema, SchemaRefused, type Strictness } from '../../../src/lib/schema/index.ts';

const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({ type: 'object', properties, ...more });
const text = { type: 'string' };
const branch = (...all: readonly (JsonObject | boolean)[]): JsonObject =>
  Object.fromEntries(['if', 'then', 'else'].map((keyword, i) => [keyword, all[i]!]));
const NODE = { $ref: '#/$defs/node' };

interface Row {
  readonly name: string;
  readonly schema: JsonObject | boolean;
  readonly additional?: readonly string[];
  readonly strict?: Strictness;
  readonly fits?: readonly Json[];
  readonly not?: readonly Json[];
}

const ROWS: readonly Row[] = [
  { name: 'a flat object', schema: object({ a: text }), fits: [{}, { a: 'x' }], not: [{ b: 1 }, { a: 'x', b: 1 }, []] },
  {
    name: 'nested objects and items',
    schema: object({ a: object({ b: text }), list: { type: 'array', items: object({ c: text }) } }),
    fits: [{ a: { b: '' }, list: [{ c: '' }] }],
    not: [{ a: { x: 1 } }, { list: [{ c: '', d: 1 }] }],
  },
  {
    name: 'the author opening names is not enough',
    schema: object({ a: text }, { additionalProperties: true }),
    not: [{ b: 1 }],
  },
  {
    name: 'a reviewed opening',
    schema: object({ a: text, m: object({ x: text }) }, { additionalProperties: true }),
    additional: [''],
    fits: [{ b: { c: 1 } }],
    not: [{ m: { y: 1 } }, { a: 1 }],
  },
  {
    name: 'a typed map, opened',
    schema: object({ env: { type: 'object', additionalProperties: text } }),
    additional: ['/env'],
    fits: [{ env: { A: 'x' } }],
    not: [{ env: { A: 1 } }, { other: 1 }],
  },
  {
    name: 'a typed map, not opened',
    schema: object({ env: { type: 'object', additionalProperties: text } }),
    not: [{ env: { A: 'x' } }],
  },
  {
    name: 'anything',
    schema: object({ v: {} }),
    fits: [{ v: 1 }, { v: [1, ['x']] }, { v: {} }],
    not: [{ v: { a: 1 } }, { v: [[{ a: 1 }]] }],
  },
  { name: 'anything, opened', schema: object({ v: {} }), additional: ['/v'], fits: [{ v: { a: { b: 1 } } }] },
  {
    name: 'an array of anything',
    schema: object({ v: { type: 'array' } }),
    fits: [{ v: [1, 'a', []] }],
    not: [{ v: [{ a: 1 }] }],
  },
  {
    name: 'names of all branches count together',
    schema: { allOf: [object({ a: text }), object({ b: text })] },
    fits: [{ a: '', b: '' }],
    not: [{ a: '', c: '' }],
  },
  {
    name: 'a branch that does not hold declares nothing',
    schema: { anyOf: [object({ a: text }, { required: ['a'] }), object({ b: text }, { required: ['b'] })] },
    fits: [{ a: '' }, { b: '' }],
    not: [
      { a: '', b: 1 },
      { a: '', c: 1 },
    ],
  },
  {
    name: 'a branch cannot open',
    schema: { anyOf: [object({ a: text }), { type: 'object', additionalProperties: true }, true] },
    not: [{ b: 1 }],
  },
  {
    name: 'items of branches',
    schema: object({ v: { anyOf: [{ items: text }, true] } }),
    fits: [{ v: ['a'] }, { v: [1] }],
    not: [{ v: [{ a: 1 }] }, { v: [1, { a: 1 }] }],
  },
  {
    name: 'not declares nothing',
    schema: { ...object({ a: text }), not: object({ b: text }, { required: ['b'] }) },
    fits: [{ a: '' }],
    not: [{ b: '' }, { b: 1 }],
  },
  {
    name: 'contains opens nothing',
    schema: object({ v: { type: 'array', contains: { type: 'object' } } }),
    fits: [{ v: [{}] }],
    not: [{ v: [1] }, { v: [{ a: 1 }] }],
  },
  {
    name: 'if, then, else',
    schema: {
      ...object({ kind: text }),
      ...branch(
        { properties: { kind: { const: 'f' } }, required: ['kind'] },
        { properties: { path: text }, required: ['path'] },
        { properties: { url: text } },
      ),
    },
    fits: [
      { kind: 'f', path: '' },
      { kind: 'x', url: '' },
    ],
    not: [{ kind: 'f' }, { kind: 'x', path: '' }, { kind: 'f', path: '', url: '' }],
  },
  {
    name: 'references, recursive',
    schema: { ...object({ tree: NODE }), $defs: { node: object({ v: text, next: NODE }) } },
    fits: [{ tree: { v: '', next: { next: {} } } }],
    not: [{ tree: { next: { x: 1 } } }, { tree: { x: 1 } }],
  },
  {
    name: 'an opening in a shared definition opens one place',
    schema: { ...object({ a: NODE, b: NODE }), $defs: { node: object({ m: { type: 'object' } }) } },
    additional: ['/a/m'],
    fits: [{ a: { m: { x: 1 } } }],
    not: [{ b: { m: { x: 1 } } }, { a: { x: 1 } }],
  },
  {
    name: 'any item',
    schema: object({ rows: { type: 'array', items: { type: 'object' } } }),
    additional: ['/rows/*'],
    fits: [{ rows: [{ x: 1 }] }],
  },
  {
    name: 'a pointer to a property as reference',
    schema: object({ a: object({ x: text }), b: { $ref: '#/properties/a' } }),
    fits: [{ b: { x: '' } }],
    not: [{ b: { y: '' } }],
  },
  {
    name: 'older drafts: tuples',
    schema: object({ v: { items: [text, object({ a: text })], additionalItems: text } }),
    fits: [{ v: ['', { a: '' }, ''] }],
    not: [{ v: [1] }, { v: ['', { b: 1 }] }, { v: ['', {}, 1] }],
  },
  {
    name: 'older drafts: dependencies',
    schema: object({ a: text, b: text }, { dependencies: { a: ['b'] } }),
    fits: [{ a: '', b: '' }],
    not: [{ a: '' }],
  },
  { name: 'inherited names are not there', schema: object({ toString: text }, { required: ['toString'] }), not: [{}] },
  {
    name: 'declared: silent levels are closed',
    strict: 'declared',
    schema: object({ a: object({ b: text }) }),
    not: [{ x: 1 }, { a: { x: 1 } }],
  },
  {
    name: 'declared: open levels stay',
    strict: 'declared',
    schema: object({ bag: { type: 'object' }, map: { type: 'object', additionalProperties: text } }),
    fits: [{ bag: { x: { y: 1 } }, map: { a: '' } }],
    not: [{ map: { a: 1 } }],
  },
  { name: 'code points', schema: { maxLength: 2, minLength: 2 }, fits: ['😀😀', 'ab'], not: ['😀', '😀a😀', 'abc'] },
  {
    name: 'unique items',
    schema: { uniqueItems: true },
    fits: [[1, '1', [1]]],
    not: [
      [{ a: [1] }, { a: [1] }],
      [1, 1.0],
    ],
  },
  {
    name: 'base64 over lines',
    schema: { type: 'string', format: 'byte' },
    fits: ['', 'QUJD'],
    not: ['QUJD\n<x>', 'QUJ', 'Q=JD'],
  },
];

describe('a schema made strict', () => {
  it.each(ROWS)('$name', ({ schema, additional = [], strict = true, fits = [], not = [] }) => {
    const compiled = compileSchema(schema, { strict, exceptions: { additional } });
    for (const value of fits) expect([value, compiled.check(value)]).toEqual([value, undefined]);
    for (const value of not) expect([value, compiled.check(value)?.kind]).toEqual([value, 'schema']);
  });

  it('names place and keyword, never a value', () => {
    const compiled = compileSchema(object({ a: { type: 'object', additionalProperties: { type: 'number' } } }), {
      strict: true,
      exceptions: { additional: ['/a'] },
    });
    expect(compiled.check({ a: { 'k\u202e\n': 'secret' } })).toEqual({
      kind: 'schema',
      detail: '/a/k<U+202E><U+000A> type',
    });
  });

  it('refuses an exception that is no pointer', () => {
    expect(() => compileSchema(object({}), { strict: true, exceptions: { additional: ['a'] } })).toThrow(RangeError);
  });
});

const names = ['a', 'b', 'c'] as const;
const { schema: anySchema } = fc.letrec<{ schema: JsonObject | boolean }>((tie) => ({
  schema: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<JsonObject | boolean>(
      true,
      {},
      { type: 'object' },
      { type: 'array' },
      { type: 'number' },
      { $ref: '#/$defs/d' },
    ),
    fc.record({ properties: fc.dictionary(fc.constantFrom(...names), tie('schema'), { maxKeys: 2 }) }),
    fc.record({ properties: fc.record({ a: tie('schema') }), additionalProperties: tie('schema') }),
    fc.record({ items: tie('schema') }),
    fc.record({ prefixItems: fc.tuple(tie('schema')) }),
    fc.record({ contains: tie('schema') }),
    fc.record({ not: tie('schema') }),
    fc.record({ unevaluatedProperties: tie('schema') }),
    fc.tuple(tie('schema'), tie('schema'), tie('schema')).map((all) => branch(...all)),
    ...(['allOf', 'anyOf', 'oneOf'] as const).map((k) => fc.record({ [k]: fc.tuple(tie('schema'), tie('schema')) })),
  ) as fc.Arbitrary<JsonObject | boolean>,
}));
const { value: anyValue } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<Json>(1, 'x', null),
    fc.array(tie('value'), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom(...names, 'zz'), tie('value'), { maxKeys: 2 }),
  ),
}));

/** Whether the schema mentions a name at all: `zz` is declared by none, so a strict schema can never take it. */
function holds(value: Json, name: string): boolean {
  if (Array.isArray(value)) return value.some((item) => holds(item, name));
  return isObject(value) && (Object.hasOwn(value, name) || Object.values(value).some((member) => holds(member, name)));
}

describe('properties of strictness', () => {
  const runs = Number(process.env.DOORWARD_RUNS ?? 400);
  const compile = (root: JsonObject | boolean, strict: Strictness) => {
    try {
      return compileSchema(root, { strict });
    } catch (error) {
      if (error instanceof SchemaRefused) return undefined;
      throw error;
    }
  };

  it('what strict takes, the plain schema takes; and no undeclared name is taken at any level', {
    timeout: 300_000,
  }, () => {
    let taken = 0;
    const root = fc.record({ body: anySchema, d: anySchema }).map(({ body, d }) => ({ allOf: [body], $defs: { d } }));
    fc.assert(
      fc.property(root, fc.array(anyValue, { minLength: 8, maxLength: 8 }), (schema, values) => {
        const strict = compile(schema, true);
        const plain = compile(schema, false);
        expect(strict === undefined).toBe(plain === undefined);
        for (const value of values) {
          if (!strict || strict.check(value)) continue;
          taken++;
          expect(plain!.check(value)).toBeUndefined();
          expect(holds(value, 'zz')).toBe(false);
        }
      }),
      { numRuns: runs },
    );
    expect(taken).toBeGreaterThan(runs / 4);
  });
});
