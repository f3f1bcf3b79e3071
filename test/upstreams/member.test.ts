import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resultSlice } from '../../src/upstreams/member.ts';

const slice = (text: string, id = 5): string | undefined => {
  const bytes = Buffer.from(text);
  const found = resultSlice(bytes, id);
  return found && bytes.subarray(...found).toString();
};

describe('the bytes of a result', () => {
  it.each([
    ['{"jsonrpc":"2.0","id":5,"result":{"a":1}}', '{"a":1}'],
    ['{"id":5,"jsonrpc":"2.0","result":{}}', '{}'],
    ['{"result":{"a":{}},"jsonrpc":"2.0","id":5}', '{"a":{}}'],
    ['{"result":{"a":1},"id":5,"jsonrpc":"2.0"}', '{"a":1}'],
    ['{"jsonrpc":"2.0","result":{"a":1},"id":5}', '{"a":1}'],
    ['{"id":5,"result":{"a":1},"jsonrpc":"2.0"}', '{"a":1}'],
    [' { "jsonrpc" : "2.0" , "id" : 5 , "result" : { "a" : 1 } } \r', '{ "a" : 1 }'],
    // Look-alikes inside the value.
    ['{"result":{"a":"}","id":5},"jsonrpc":"2.0","id":5}', '{"a":"}","id":5}'],
    ['{"jsonrpc":"2.0","id":5,"result":{"x":"\\",\\"id\\":5}"}}', '{"x":"\\",\\"id\\":5}"}'],
    ['{"jsonrpc":"2.0","result":{"result":{"id":5},"jsonrpc":"2.0"},"id":5}', '{"result":{"id":5},"jsonrpc":"2.0"}'],
    // Written in ways that are left alone.
    ['{"jsonrpc":"2.0","id":5.0,"result":{}}', undefined],
    ['{"json\\u0072pc":"2.0","id":5,"result":{}}', undefined],
    ['{"result":{},"jsonrpc":"2.0","id":15}', undefined],
    [`{"jsonrpc":"2.0",${' '.repeat(200)}"id":5,"result":{}}`, undefined],
    ['{"jsonrpc":"2.0","id":5,"result":[1]}', undefined],
  ])('%s', (text, wanted) => expect(slice(text)).toBe(wanted));

  it('parse to the value, whatever the value and the order of members', () => {
    const value = fc.dictionary(fc.string(), fc.jsonValue({ depthSize: 'small' }));
    const order = fc.shuffledSubarray(['jsonrpc', 'id', 'result'], { minLength: 3 });
    fc.assert(
      fc.property(value, order, fc.nat(1e6), fc.constantFrom(undefined, 1, '\t'), (result, names, id, space) => {
        const members = { jsonrpc: '2.0', id, result } as Record<string, unknown>;
        const text = JSON.stringify(Object.fromEntries(names.map((name) => [name, members[name]])), null, space);
        const found = slice(text, id);
        expect(found).toBeDefined();
        expect(JSON.parse(found!)).toEqual(JSON.parse(JSON.stringify(result)));
      }),
    );
  });
});
