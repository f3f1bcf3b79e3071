import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/lib/json/types.ts';
import type { RequestFrame } from '../../src/wire/frame.ts';
import { matchesBody, protocolHeaders } from '../../src/wire/headers.ts';
import { encode, mirror, paramHeaders } from '../../src/wire/mirror.ts';

const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
const of = (headers: string[]) =>
  Object.fromEntries(Array.from({ length: headers.length / 2 }, (_, i) => headers.slice(2 * i, 2 * i + 2)));

describe('mirror', () => {
  const schema = {
    properties: {
      text: { type: 'string', 'x-mcp-header': 'Text' },
      where: { properties: { deep: { type: 'boolean', 'x-mcp-header': 'Deep' } } },
      bad: { type: 'string', 'x-mcp-header': 'not a token: x' },
      items: { items: { properties: { hidden: { 'x-mcp-header': 'Hidden' } } } },
    },
  };
  const declared = paramHeaders(schema);

  it('names version, method, name and the annotated arguments', () => {
    const params = { name: 'echo', arguments: { text: 'a b', where: { deep: false }, bad: 'x' }, _meta };
    expect(of(mirror('tools/call', params, declared))).toEqual({
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'echo',
      'mcp-param-text': 'a b',
      'mcp-param-deep': 'false',
    });
  });

  it.each([
    ['tools/list', {}, undefined],
    ['prompts/get', { name: 'hello' }, 'hello'],
    ['resources/read', { uri: 'file:///a b' }, 'file:///a b'],
    ['completion/complete', { name: 'no' }, undefined],
  ])('of %s with %j names %s', (method, params, name) => {
    expect(of(mirror(method, params))['mcp-name']).toBe(name);
  });

  it.each([
    ['plain', 'plain'],
    ['a b\tc', '=?base64?YSBiCWM=?='],
    ['', '=?base64??='],
    [' padded', `=?base64?${btoa(' padded')}?=`],
    ['a\r\nb: c', `=?base64?${btoa('a\r\nb: c')}?=`],
    ['a\0b', `=?base64?${btoa('a\0b')}?=`],
    ['ü', '=?base64?w7w=?='],
    ['=?base64?YQ==?=', `=?base64?${btoa('=?base64?YQ==?=')}?=`],
  ])('writes %j as %j', (text, expected) => expect(encode(text)).toBe(expected));

  it('is what the other side of a hop takes for the same', () => {
    const value = fc.oneof(fc.string({ unit: 'binary' }), fc.boolean(), fc.integer(), fc.constant(null));
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), value, value, (name, text, deep) => {
        const args = { text, where: { deep } } as JsonObject;
        const params: JsonObject = { name, arguments: args, _meta };
        const headers = protocolHeaders(mirror('tools/call', params, declared));
        if (typeof headers === 'string') return expect(headers).toBe('');
        const frame = { kind: 'request', id: 1, method: 'tools/call', params } as unknown as RequestFrame;
        expect(
          matchesBody(headers, frame, new Map([...declared].filter(([key]) => key !== 'not a token: x'))),
        ).toBeUndefined();
      }),
    );
  });
});
