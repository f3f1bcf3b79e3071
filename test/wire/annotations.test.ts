import { expect, it } from 'vitest';
import { findingsOf } from '../../src/inventory/findings.ts';
import type { JsonObject } from '../../src/lib/json/types.ts';
import { annotationFaults } from '../../src/wire/annotations.ts';

const of = (properties: JsonObject, more: JsonObject = {}) => ({ type: 'object', properties, ...more });
const text = (header: unknown) => ({ type: 'string', 'x-mcp-header': header }) as JsonObject;

it.each<[what: string, schema: JsonObject, at: string[]]>([
  [
    'good ones',
    of({
      a: text('Region'),
      b: { type: 'integer', 'x-mcp-header': 'n' },
      c: { type: 'boolean', 'x-mcp-header': '!#$' },
    }),
    [],
  ],
  ['a deep one', of({ a: of({ b: of({ c: text('Deep') }) }) }), []],
  ['a property of that name', of({ 'x-mcp-header': { type: 'array' } }), []],
  [
    'none in a value',
    of({ a: { type: 'object', default: { 'x-mcp-header': 1 }, enum: [{ 'x-mcp-header': 'a b' }] } }),
    [],
  ],
  ['an empty name', of({ a: text('') }), ['/properties/a/x-mcp-header']],
  ['no text', of({ a: text(1) }), ['/properties/a/x-mcp-header']],
  ['a space', of({ a: text('My Region') }), ['/properties/a/x-mcp-header']],
  ['a colon', of({ a: text('Region:Primary') }), ['/properties/a/x-mcp-header']],
  ['a line end', of({ a: text('a\r\nX: y') }), ['/properties/a/x-mcp-header']],
  ['an umlaut', of({ a: text('Regi\u00f6n') }), ['/properties/a/x-mcp-header']],
  ['a number', of({ a: { type: 'number', 'x-mcp-header': 'N' } }), ['/properties/a/x-mcp-header']],
  ['an object', of({ a: { type: 'object', 'x-mcp-header': 'N' } }), ['/properties/a/x-mcp-header']],
  ['two types', of({ a: { type: ['string', 'null'], 'x-mcp-header': 'N' } }), ['/properties/a/x-mcp-header']],
  ['no type', of({ a: { 'x-mcp-header': 'N' } }), ['/properties/a/x-mcp-header']],
  ['the same twice', of({ a: text('Same'), b: of({ c: text('sAME') }) }), ['/properties/b/properties/c/x-mcp-header']],
  ['the root', { type: 'object', 'x-mcp-header': 'R' }, ['/x-mcp-header']],
  ['an item', of({ a: { type: 'array', items: text('I') } }), ['/properties/a/items/x-mcp-header']],
  ['a branch', of({ a: { oneOf: [{ type: 'null' }, text('B')] } }), ['/properties/a/oneOf/1/x-mcp-header']],
  ['below a branch', of({}, { allOf: [of({ a: text('B') })] }), ['/allOf/0/properties/a/x-mcp-header']],
  ['a definition', of({}, { $defs: { d: text('D') } }), ['/$defs/d/x-mcp-header']],
  ['a pattern', of({}, { patternProperties: { '^a': text('P') } }), ['/patternProperties/^a/x-mcp-header']],
])('%s', (_what, schema, at) => {
  expect(annotationFaults(schema).map((fault) => fault.at)).toEqual(at);
  const refused = findingsOf('tool', 't', { name: 't', inputSchema: schema }).filter((finding) => finding.refused);
  expect(refused.length > 0).toBe(at.length > 0);
});
