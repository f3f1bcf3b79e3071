import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/lib/json/types.ts';
import { ownBytes } from '../../src/upstreams/own-bytes.ts';

const bytesOf = (value: JsonObject) => Buffer.from(JSON.stringify(value));
const read = (bytes: Uint8Array | undefined) => bytes && JSON.parse(Buffer.from(bytes).toString());

describe('own bytes', () => {
  it.each([
    ['first', { resultType: 'complete', content: [] }, { content: [] }],
    ['last', { content: [], resultType: 'complete' }, { content: [] }],
    ['in the middle', { content: [], resultType: 'complete', _meta: {} }, undefined],
    ['nowhere', { content: [] }, undefined],
    ['alone', { resultType: 'complete' }, undefined],
    ['another kind', { resultType: 'input_required', content: [] }, undefined],
    ['inside the last text', { text: ',"resultType":"complete"' }, undefined],
    ['inside the last object', { a: 1, b: { c: 1, resultType: 'complete' } }, undefined],
    ['first, with what is kept', { resultType: 'complete', content: [], ttlMs: 1 }, undefined],
    ['first, with a scope', { resultType: 'complete', content: [], cacheScope: 'public' }, undefined],
    ['first, with content that is no object', { resultType: 'complete', structuredContent: [1] }, undefined],
    ['first, with content', { resultType: 'complete', structuredContent: { a: 1 } }, { structuredContent: { a: 1 } }],
  ])('%s', (_, value, expected) => {
    expect(read(ownBytes(value as JsonObject, bytesOf(value as JsonObject)))).toEqual(expected);
  });

  it('are the value without its kind, whatever it holds, or none', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.boolean(), (rest, first) => {
        const { resultType: _, ttlMs: _ttl, cacheScope: _scope, structuredContent: _content, ...members } = rest;
        const value = (
          first ? { resultType: 'complete', ...members } : { ...members, resultType: 'complete' }
        ) as JsonObject;
        const { resultType: _kind, ...expected } = JSON.parse(JSON.stringify(value));
        const own = ownBytes(value, bytesOf(value));
        if (own !== undefined) expect(read(own)).toEqual(expected);
      }),
    );
  });
});
