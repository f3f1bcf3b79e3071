import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../src/lib/json/types.ts';
import { PatternRefused, toRe2 } from '../../../src/lib/schema/ecma.ts';
import { FORMATS } from '../../../src/lib/schema/formats.ts';
import { compileSchema, judgeSchema, plain, pruner, SchemaRefused } from '../../../src/lib/schema/index.ts';
import { startMeter } from '../../../src/lib/schema/meter.ts';
import { linearPattern } from '../../../src/lib/schema/pattern.ts';

const strict = (schema: JsonObject) => compileSchema(schema, { strict: true });
const nested = (depth: number): JsonObject => (depth === 0 ? {} : { properties: { a: nested(depth - 1) } });
const raw = (digits: string): Json => (JSON as unknown as { rawJSON(text: string): Json }).rawJSON(digits);

describe('budgets of a schema', () => {
  it.each<readonly [string, JsonObject, string]>([
    ['size', { description: 'x'.repeat(65_536) }, 'schema.budget'],
    ['depth', nested(33), 'schema.budget'],
    ['subschemas', { anyOf: Array.from({ length: 1_000 }, () => ({})) }, 'schema.budget'],
    ['enum', { enum: Array.from({ length: 2_001 }, (_, i) => i) }, 'schema.budget'],
    ['patterns', { allOf: Array.from({ length: 101 }, () => ({ pattern: 'a' })) }, 'schema.budget'],
    ['a long pattern', { pattern: 'a'.repeat(2_049) }, 'schema.pattern'],
    ['a large pattern', { pattern: '(a{1,50}){1,50}' }, 'schema.pattern'],
    ['a remote reference', { $ref: 'https://example.com/x' }, 'schema.ref'],
    ['a file', { $ref: 'file:///etc/passwd' }, 'schema.ref'],
    ['a dangling reference', { $ref: '#/$defs/x' }, 'schema.ref'],
    ['a reference into nothing', { $ref: '#/constructor' }, 'schema.ref'],
    ['a reference to itself', { $ref: '#' }, 'schema.ref'],
    [
      'a circle of references',
      { $ref: '#/$defs/a', $defs: { a: { allOf: [{ $ref: '#/$defs/b' }] }, b: { $ref: '#/$defs/a' } } },
      'schema.ref',
    ],
    ['a dynamic reference', { $dynamicRef: '#x' }, 'schema.ref'],
    ['an address inside', { properties: { a: { $id: 'https://example.com/a' } } }, 'schema.ref'],
    ['another dialect', { $schema: 'https://example.com/dialect' }, 'schema.keyword'],
    ['draft 4', { $schema: 'http://json-schema.org/draft-04/schema#' }, 'schema.keyword'],
    ['__proto__', { properties: JSON.parse('{"__proto__":{}}') as JsonObject }, 'schema.keyword'],
    ['a type that is none', { type: 'any' }, 'schema.invalid'],
    ['properties that are none', { properties: 5 }, 'schema.invalid'],
    ['a subschema that is none', { items: 'x' }, 'schema.invalid'],
    ['draft 4 bounds', { minimum: 1, exclusiveMinimum: true }, 'schema.invalid'],
  ])('%s', (_, schema, rule) => {
    let thrown: unknown;
    try {
      strict(schema);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(SchemaRefused);
    expect((thrown as SchemaRefused).finding.rule).toBe(rule);
    expect(judgeSchema(schema)).toEqual([(thrown as SchemaRefused).finding]);
  });

  it('serves what is within', () => {
    for (const schema of [
      nested(32),
      { enum: Array.from({ length: 2_000 }, (_, i) => i) },
      { $schema: 'http://json-schema.org/draft-07/schema#' },
    ]) {
      expect(() => strict(schema)).not.toThrow();
    }
  });

  it('judges without refusing', () => {
    const findings = judgeSchema({
      'x-mcp-header': 'a',
      properties: {
        a: { maxlength: 3, format: 'path' },
        env: { type: 'object' },
        rows: { items: { additionalProperties: true, type: 'object' } },
        ref: { $ref: '#/$defs/d' },
      },
      $defs: { d: { properties: { any: {} } } },
    });
    expect(findings.map(({ rule, severity, at }) => `${severity} ${rule} ${at}`)).toEqual([
      'note schema.keyword /properties/a/maxlength',
      'note schema.format /properties/a/format',
      'open schema.open /a',
      'open schema.open /env',
      'open schema.open /rows',
      'open schema.open /rows/*',
      'open schema.open /ref/any',
    ]);
  });

  it('takes bounds beyond a double for the nearest one', () => {
    const compiled = strict({ type: 'integer', maximum: raw('18446744073709551615') });
    expect(compiled.check(2 ** 63)).toBeUndefined();
    expect(plain({ a: [raw('9007199254740993')] })).toEqual({ a: [9007199254740992] });
  });
});

describe('work of a check', () => {
  const time = (run: () => unknown): number => {
    // Of the processor: other tests run beside this one.
    const began = process.cpuUsage();
    run();
    return process.cpuUsage(began).user / 1000;
  };

  it('ends schemas that double', () => {
    const $defs: JsonObject = { n0: { const: 1 } };
    for (let i = 1; i < 40; i++)
      $defs[`n${i}`] = { anyOf: [{ $ref: `#/$defs/n${i - 1}` }, { allOf: [{ $ref: `#/$defs/n${i - 1}` }] }] };
    const compiled = strict({ $ref: '#/$defs/n39', $defs });
    let said: unknown;
    expect(time(() => (said = compiled.check(2)))).toBeLessThan(200);
    expect(said).toEqual({ kind: 'schema', detail: 'over the work budget' });
  });

  it('ends schemas that double with depth', () => {
    const node = {
      anyOf: Array.from({ length: 8 }, () => ({ properties: { a: { $ref: '#/$defs/n' } }, required: ['z'] })),
    };
    const compiled = strict({ $ref: '#/$defs/n', $defs: { n: node } });
    let value: Json = 1;
    for (let i = 0; i < 14; i++) value = { a: value };
    let said: unknown;
    expect(time(() => (said = compiled.check(value)))).toBeLessThan(500);
    expect(said).toHaveProperty('kind', 'schema');
  });

  it('finds doubles among 1,000 objects at once', () => {
    const compiled = compileSchema({ uniqueItems: true }, { strict: false });
    const items = Array.from({ length: 1_000 }, (_, i) => ({ a: { b: { c: [i] } } }));
    expect(time(() => compiled.check(items))).toBeLessThan(50);
    expect(compiled.check([...items, { a: { b: { c: [0] } } }])).toHaveProperty('kind', 'schema');
  });

  // One list of catastrophic inputs for every engine that foreign patterns and formats reach.
  const EVIL = [
    '^(a+)+$',
    '^([a-z0-9]{1,63}){1,10}$',
    '^(?:a+){1,50}$',
    '(a|aa)+$',
    '(.*)*x',
    '(x+x+)+y',
    '^(([a-z])+.)+[A-Z]([a-z])+$',
    '(a?){30}a{30}$',
    '^\\s*(.*?)\\s*$',
    '([a-zA-Z]+)*$',
    '(a|a?)+$',
  ];
  const FLOODS = [
    'a',
    'ab',
    'x',
    ' ',
    'a-',
    '.',
    '1',
    'a@',
    '::',
    '%41',
    '{a}',
    '(',
    '\\',
    'A=',
    'http://a.',
    'http://::',
    'a@a-',
  ];

  it.each(EVIL)('pattern %s', (pattern) => {
    const compiled = strict({ type: 'string', pattern });
    for (const flood of FLOODS) {
      const text = `${flood.repeat(8192 / flood.length).slice(0, 8191)}!`;
      expect([flood, time(() => compiled.check(text)) < 150]).toEqual([flood, true]);
    }
  });

  it('runs out of its budget instead of the time of others', () => {
    const compiled = strict({ type: 'array', items: { type: 'string', pattern: '^([a-z0-9]{1,63}){1,10}$' } });
    const texts = Array.from({ length: 400 }, () => 'a'.repeat(8191).concat('!'));
    let said: unknown;
    expect(time(() => (said = compiled.check(texts)))).toBeLessThan(300);
    expect(said).toEqual({ kind: 'pattern', detail: 'pattern over its work budget' });
    expect(compiled.check(['abc'])).toBeUndefined(); // a fresh meter each time
  });

  it.each([...FORMATS.keys()])('format %s', (format) => {
    const compiled = strict({ type: 'array', items: { type: 'string', format } });
    for (const flood of FLOODS) {
      for (const lead of ['', 'a@', 'http://', 'P', '2020-01-01T00:00:00.']) {
        const text = `${(lead + flood.repeat(4096)).slice(0, 4095)}!`;
        const texts = Array.from({ length: 200 }, () => text);
        expect([flood, lead, time(() => compiled.check(texts)) < 150]).toEqual([flood, lead, true]);
      }
    }
  });
});

describe('patterns of ECMA-262 in RE2', () => {
  it.each<readonly [string, readonly string[], readonly string[]]>([
    ['^\\d+$', ['123'], ['१', '']],
    ['^\\s$', [' ', '\u00a0', '\ufeff', '\u2028', '\v'], ['a', '\u200b']],
    ['^\\S$', ['a', '\u200b'], [' ', '\ufeff']],
    ['^\\w\\W$', ['a-', '_é'], ['é-']],
    ['^.$', ['a', '😀', '\u0085'], ['\n', '\r', '\u2028', '']],
    ['^[^]$', ['a', '\n', '😀'], ['']],
    ['a[]', [], ['a', '']],
    ['^\\u0041\\x42\\u{43}\\u{1F600}\\cJ$', ['ABC😀\n'], ['ABC']],
    ['^\\ud83d\\ude00$', ['😀'], []],
    ['^[\\w-.]+$', ['a-.b'], ['a b', ',']],
    ['^[a\\-z]+$', ['a-z'], ['b']],
    ['^[[:alpha:]]$', ['a]', ':]', '[]'], ['b', 'b]']],
    ['^[^\\d\\s]$', ['a'], ['1', ' ']],
    ['^[\\b]$', ['\b'], ['b']],
    ['\\bcat\\b', ['a cat'], ['cats']],
    ['^\\p{L}\\p{Letter}\\p{gc=Lu}$', ['éßÉ'], ['1ßÉ', 'ééé']],
    ['^\\p{Script=Greek}[\\p{sc=Cyrillic}]$', ['αж'], ['aж']],
    ['^\\P{L}[\\P{ASCII}]$', ['1é'], ['a1']],
    ['^\\p{ASCII}$', ['a'], ['é']],
    ['^(?<year>[0-9]{4})$', ['2026'], ['26']],
    ['^\\$\\.\\/\\-$', ['$./-'], []],
    ['^a{2}b{1,}c{0,1}$', ['aabbc'], ['ab']],
    ['a$', ['ba'], ['a\n', 'ab']],
    ['^\\0$', ['\0'], ['0']],
    ['^🐲*$', ['🐲🐲', ''], ['🐲a']],
  ])('%s', (pattern, yes, no) => {
    startMeter();
    const compiled = linearPattern(pattern);
    for (const text of yes) expect([text, compiled.test(text)]).toEqual([text, true]);
    for (const text of no) expect([text, compiled.test(text)]).toEqual([text, false]);
  });

  it.each([
    '(?=a)',
    '(?!a)',
    '(?<=a)',
    '(?<!a)b',
    '(a)\\1',
    '(?<n>a)\\k<n>',
    '(?i)a',
    '(?i:a)',
    '(?P<n>a)',
    '\\Qa\\E',
    '\\z',
    '\\A',
    '\\a',
    '\\ud83d',
    '\\u12',
    '\\x1',
    '\\u{110000}',
    '\\c1',
    '\\p{Emoji}',
    '\\p{Nope}',
    '\\p',
    '[a',
    'a\\',
    '(',
    '*a',
    '\\01',
  ])('refuses %s', (pattern) => {
    expect(() => linearPattern(pattern)).toThrow(PatternRefused);
  });

  it('agrees with V8 wherever both know the pattern', () => {
    const atom = fc.constantFrom(
      'a',
      'b',
      '.',
      '\\d',
      '\\w',
      '\\s',
      '\\S',
      '[ab]',
      '[^a]',
      '[\\d-]',
      '[^\\s]',
      '(a|b)',
      '(?:ab)',
      '\\u0061',
      '\\.',
      '\\n',
      '[\\]\\[]',
      '^',
      '$',
      '\\b',
      '\\p{L}',
      '\\P{Lu}',
    );
    const pattern = fc
      .array(fc.tuple(atom, fc.constantFrom('', '*', '+', '?', '{1,2}')), { maxLength: 5 })
      .map((parts) => parts.map(([a, q]) => (/^(?:\^|\$|\\b)$/.test(a) ? a : a + q)).join(''));
    const text = fc
      .array(fc.constantFrom('a', 'b', '1', ' ', '\n', 'é', '.', '-', ']', '\u2028', 'A', '😀'), { maxLength: 6 })
      .map((all) => all.join(''));
    fc.assert(
      fc.property(pattern, text, (source, subject) => {
        startMeter();
        expect(linearPattern(source).test(subject)).toBe(new RegExp(source, 'u').test(subject));
      }),
      { numRuns: 1000 },
    );
  });

  it('never lets one pattern stand for another: ajv keeps them by their text', () => {
    const compiled = strict({
      properties: { a: { type: 'string', pattern: '^a$' }, b: { type: 'string', pattern: '^b$' } },
    });
    expect(compiled.check({ a: 'a', b: 'b' })).toBeUndefined();
    expect(compiled.check({ b: 'a' })).toEqual({ kind: 'schema', detail: '/b pattern' });
    expect(new Set([linearPattern('a'), linearPattern('b')].map(String)).size).toBe(2);
  });

  it('ends for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (source) => {
        try {
          toRe2(source);
        } catch (error) {
          expect(error).toBeInstanceOf(PatternRefused);
        }
      }),
    );
  });
});

describe('pruning', () => {
  const schema: JsonObject = {
    allOf: [{ properties: { a: { $ref: '#/$defs/n' } } }, { patternProperties: { '^x-': {} } }],
    properties: {
      list: { items: { properties: { k: {} } } },
      bag: { type: 'object' },
      map: { additionalProperties: { properties: { v: {} } } },
      pair: { prefixItems: [{ properties: { l: {} } }] },
    },
    $defs: { n: { properties: { n: { $ref: '#/$defs/n' } } } },
  };
  const prune = pruner(schema);

  it.each<readonly [Json, Json]>([
    [{ a: { n: { n: { z: 1 } }, z: 1 }, z: 1 }, { a: { n: { n: {} } } }],
    [{ 'x-any': { z: 1 }, y: 1 }, { 'x-any': { z: 1 } }],
    [{ list: [{ k: 1, z: 1 }, 1, { z: 1 }] }, { list: [{ k: 1 }, 1, {}] }],
    [{ bag: { z: 1 } }, { bag: { z: 1 } }],
    [{ map: { any: { v: 1, z: 1 } } }, { map: { any: { v: 1 } } }],
    [{ pair: [{ l: 1, z: 1 }, { z: 1 }] }, { pair: [{ l: 1 }, { z: 1 }] }],
    ['text', 'text'],
  ])('%j', (value, expected) => {
    const before = JSON.stringify(value);
    expect(prune(value)).toEqual(expected);
    expect(JSON.stringify(value)).toBe(before);
  });

  it('answers the same object when nothing goes', () => {
    const value = { a: { n: {} }, list: [{ k: 1 }] };
    expect(prune(value)).toBe(value);
  });
});
