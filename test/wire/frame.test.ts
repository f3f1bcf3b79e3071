import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frame } from '../../src/wire/frame.ts';

const read = (text: string) => frame(Buffer.from(text));
const full = (members: string) => read(`{"jsonrpc":"2.0",${members}}`);

describe('frame', () => {
  it.each([
    ['"id":1,"method":"ping"', { kind: 'request', id: 1, method: 'ping', params: {} }],
    ['"id":"a","method":"m","params":{"x":[1]}', { kind: 'request', id: 'a', method: 'm', params: { x: [1] } }],
    ['"id":"","method":"m"', { kind: 'request', id: '' }],
    ['"id":-9007199254740991,"method":"m"', { kind: 'request', id: -9007199254740991 }],
    ['"method":"notifications/initialized"', { kind: 'notification', method: 'notifications/initialized', params: {} }],
    ['"id":1,"result":{}', { kind: 'response', id: 1, result: {} }],
    [
      '"id":1,"error":{"code":-1,"message":"x","data":[]}',
      { kind: 'response', error: { code: -1, message: 'x', data: [] } },
    ],
    ['"id":null,"error":{"code":-1,"message":"x"}', { kind: 'response', error: { code: -1, message: 'x' } }],
  ])('reads %s', (members, expected) => expect(full(members)).toMatchObject(expected));

  it('leaves out the id of a response that could not name one', () => {
    expect(full('"id":null,"error":{"code":-1,"message":"x"}')).not.toHaveProperty('id');
  });

  it('passes on the facts of the text', () => {
    const said = full('"id":1,"method":"m","params":{"x":12345678901234567890,"y":"\u00e9"}');
    expect(said).toMatchObject({ facts: { ascii: false, escapes: false, exact: false, depth: 2 } });
  });

  it.each([
    ['', 'frame.json'],
    ['{"jsonrpc":"2.0","id":1,"method":"m","method":"n"}', 'frame.json'],
    ['{"jsonrpc":"2.0","id":1,"method":"m"}{}', 'frame.json'],
    ['[]', 'frame.batch'],
    ['[{"jsonrpc":"2.0","id":1,"method":"ping"}]', 'frame.batch'],
    ['null', 'frame.request'],
    ['"ping"', 'frame.request'],
    ['12345678901234567890', 'frame.request'],
    ['{}', 'frame.request'],
  ])('refuses %j with %s and no id', (text, fault) => expect(read(text)).toEqual({ fault }));

  it.each([
    '"id":null,"method":"m"',
    '"id":1.5,"method":"m"',
    '"id":true,"method":"m"',
    '"id":{},"method":"m"',
    '"id":[1],"method":"m"',
    '"id":9007199254740992,"method":"m"',
    '"id":12345678901234567890,"method":"m"',
    `"id":"${'x'.repeat(257)}","method":"m"`,
    `"id":"${'\u00e9'.repeat(129)}","method":"m"`,
    '"result":{}',
    '"id":null,"result":{}',
  ])('refuses the id of {%s}', (members) => expect(full(members)).toEqual({ fault: 'frame.request' }));

  it.each([
    ['"id":7', 'frame.request'],
    ['"id":7,"method":1', 'frame.request'],
    ['"id":7,"method":""', 'frame.request'],
    [`"id":7,"method":"${'m'.repeat(129)}"`, 'frame.request'],
    ['"id":7,"method":"m","extra":1', 'frame.request'],
    ['"id":7,"method":"m","result":{}', 'frame.request'],
    ['"id":7,"method":"m","error":{"code":1,"message":""}', 'frame.request'],
    ['"id":7,"method":"m","params":[]', 'frame.params'],
    ['"id":7,"method":"m","params":null', 'frame.params'],
    ['"id":7,"method":"m","params":12345678901234567890', 'frame.params'],
    ['"id":7,"result":{},"error":{"code":1,"message":""}', 'frame.request'],
    ['"id":7,"result":[]', 'frame.request'],
    ['"id":7,"result":{},"params":{}', 'frame.request'],
    ['"id":7,"error":{"code":"1","message":""}', 'frame.request'],
    ['"id":7,"error":{"code":1}', 'frame.request'],
    ['"id":7,"error":"x"', 'frame.request'],
  ])('refuses {%s} with %s and names the id', (members, fault) => {
    expect(full(members)).toEqual({ fault, id: 7 });
  });

  it.each(['{"id":7,"method":"m"}', '{"jsonrpc":"1.0","id":7,"method":"m"}', '{"jsonrpc":2.0,"id":7,"method":"m"}'])(
    'wants JSON-RPC 2.0: %s',
    (text) => expect(read(text)).toEqual({ fault: 'frame.request', id: 7 }),
  );

  it('reads back what it is given', () => {
    const id = fc.oneof(fc.maxSafeInteger(), fc.string({ maxLength: 80 }));
    const params = fc.dictionary(fc.string(), fc.jsonValue());
    fc.assert(
      fc.property(id, fc.string({ minLength: 1, maxLength: 40 }), params, (id, method, params) => {
        const text = JSON.stringify({ jsonrpc: '2.0', id, method, params });
        const said = read(text);
        if ('fault' in said) {
          expect(text).toMatch(/__proto__/);
          return;
        }
        expect(JSON.parse(JSON.stringify(said))).toMatchObject(JSON.parse(JSON.stringify({ id, method, params })));
      }),
    );
  });
});
