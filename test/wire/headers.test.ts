import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frame, type RequestFrame } from '../../src/wire/frame.ts';
import { type Headers, matchesBody, type ParamHeaders, protocolHeaders } from '../../src/wire/headers.ts';

const META =
  '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}';
const request = (method: string, params = '') =>
  frame(
    Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"${method}","params":{${params}${params && ','}${META}}}`),
  ) as RequestFrame;
const call = (args: string) => request('tools/call', `"name":"t","arguments":${args}`);
const read = (...raw: string[]) => protocolHeaders(raw);
const good = (...raw: string[]) => read(...raw) as Headers;
const sentinel = (text: string) => `=?base64?${Buffer.from(text).toString('base64')}?=`;

describe('protocolHeaders', () => {
  it('reads the protocol headers whatever their case', () => {
    expect(
      read('MCP-Protocol-Version', '2026-07-28', 'mcp-METHOD', ' tools/call\t', 'Mcp-Name', 't', 'X', '1', 'x', '2'),
    ).toEqual({
      version: '2026-07-28',
      method: 'tools/call',
      name: 't',
      session: undefined,
      params: new Map(),
    });
    expect(good('Mcp-Session-Id', 's', 'Mcp-Param-Region', 'eu', 'MCP-PARAM-N', '1')).toMatchObject({
      session: 's',
      params: new Map([
        ['region', 'eu'],
        ['n', '1'],
      ]),
    });
  });

  it.each([
    'MCP-Protocol-Version',
    'Mcp-Method',
    'Mcp-Name',
    'Mcp-Session-Id',
    'Mcp-Param-Region',
    'Authorization',
    'DPoP',
    'Host',
    'Origin',
    'Content-Type',
    'Content-Length',
  ])('refuses two of %s', (name) => {
    expect(read(name, 'a', 'Accept', '*/*', name.toLowerCase(), 'a')).toBe('door.headers');
  });

  it.each(['a\0b', 'a\nb', 'a\rb', '\x1b[2J', 'caf\u00e9', '\x7f', 'x'.repeat(8193)])(
    'refuses the value %j',
    (value) => {
      expect(read('Mcp-Name', value)).toBe('door.headers');
      expect(read('Mcp-Param-X', value)).toBe('door.headers');
      expect(read('X-Other', value)).not.toBe('door.headers');
    },
  );

  it('refuses a flood of parameters', () => {
    const many = (n: number) => Array.from({ length: n }, (_, i) => [`Mcp-Param-${i}`, '1']).flat();
    expect(read(...many(64))).not.toBe('door.headers');
    expect(read(...many(65))).toBe('door.headers');
  });

  it('decodes what headers cannot carry', () => {
    expect(good('Mcp-Name', sentinel('caf\u00e9'))).toMatchObject({ name: 'caf\u00e9' });
    expect(good('Mcp-Name', '=?base64??=')).toMatchObject({ name: '' });
    expect(good('Mcp-Name', '=?base64?YQ==')).toMatchObject({ name: '=?base64?YQ==' });
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
        expect(good('Mcp-Name', sentinel(text), 'Mcp-Param-A', sentinel(text))).toMatchObject({
          name: text,
          params: new Map([['a', text]]),
        });
      }),
    );
  });

  it.each(['YQ', 'YQ=', 'YR==', 'Y Q==', 'YQ==YQ==', 'YWJj_-', '/w==', '7aCA'])('refuses =?base64?%s?=', (coded) => {
    expect(read('Mcp-Name', `=?base64?${coded}?=`)).toBe('frame.header-mismatch');
    expect(read('Mcp-Param-X', `=?base64?${coded}?=`)).toBe('frame.header-mismatch');
  });
});

describe('matchesBody', () => {
  const base = ['MCP-Protocol-Version', '2026-07-28'];
  const check = (said: RequestFrame, ...raw: string[]) => matchesBody(good(...raw), said) ?? 'ok';

  it.each([
    ['tools/list', '', ['Mcp-Method', 'tools/list'], 'ok'],
    ['tools/list', '', [], 'frame.header-mismatch'],
    ['tools/list', '', ['Mcp-Method', 'Tools/List'], 'frame.header-mismatch'],
    ['tools/call', '"name":"t"', ['Mcp-Method', 'tools/call', 'Mcp-Name', 't'], 'ok'],
    ['tools/call', '"name":"t"', ['Mcp-Method', 'tools/call'], 'frame.header-mismatch'],
    ['tools/call', '"name":"t"', ['Mcp-Method', 'tools/call', 'Mcp-Name', 'T'], 'frame.header-mismatch'],
    ['tools/call', '"name":"t"', ['Mcp-Method', 'tools/list', 'Mcp-Name', 't'], 'frame.header-mismatch'],
    ['tools/call', '"name":"t","uri":"u"', ['Mcp-Method', 'tools/call', 'Mcp-Name', 'u'], 'frame.header-mismatch'],
    ['tools/call', '"name":7', ['Mcp-Method', 'tools/call', 'Mcp-Name', '7'], 'frame.header-mismatch'],
    ['prompts/get', '"name":"p"', ['Mcp-Method', 'prompts/get', 'Mcp-Name', 'q'], 'frame.header-mismatch'],
    ['resources/read', '"uri":"file:///a"', ['Mcp-Method', 'resources/read', 'Mcp-Name', 'file:///a'], 'ok'],
    ['resources/read', '"uri":"file:///a"', ['Mcp-Method', 'resources/read'], 'frame.header-mismatch'],
    ['tools/call', '"name":"caf\u00e9"', ['Mcp-Method', 'tools/call', 'Mcp-Name', sentinel('caf\u00e9')], 'ok'],
  ])('%s {%s} with %j: %s', (method, params, raw, expected) => {
    expect(check(request(method, params), ...base, ...raw)).toBe(expected);
  });

  it('wants the version of the body', () => {
    const said = request('tools/list');
    expect(check(said, 'Mcp-Method', 'tools/list')).toBe('frame.header-mismatch');
    expect(check(said, 'MCP-Protocol-Version', '2025-11-25', 'Mcp-Method', 'tools/list')).toBe('frame.header-mismatch');
  });

  it('compares on a notification only what is there', () => {
    const said = frame(Buffer.from(`{"jsonrpc":"2.0","method":"notifications/x","params":{${META}}}`)) as never;
    expect(matchesBody(good(), said)).toBeUndefined();
    expect(matchesBody(good('Mcp-Method', 'notifications/y'), said)).toBe('frame.header-mismatch');
  });

  const declared: ParamHeaders = new Map([
    ['region', ['region']],
    ['deep', ['a', 'b']],
  ]);
  it.each([
    ['{}', [], 'ok'],
    ['{"region":null}', [], 'ok'],
    ['{"region":"eu"}', ['Mcp-Param-Region', 'eu'], 'ok'],
    ['{"region":"eu"}', [], 'frame.header-mismatch'],
    ['{"region":"eu"}', ['Mcp-Param-Region', 'EU'], 'frame.header-mismatch'],
    ['{}', ['Mcp-Param-Region', 'eu'], 'frame.header-mismatch'],
    ['{"region":null}', ['Mcp-Param-Region', 'null'], 'frame.header-mismatch'],
    ['{"region":""}', ['Mcp-Param-Region', '=?base64??='], 'ok'],
    ['{"region":true}', ['Mcp-Param-Region', 'true'], 'ok'],
    ['{"region":true}', ['Mcp-Param-Region', '1'], 'frame.header-mismatch'],
    ['{"region":42}', ['Mcp-Param-Region', '42'], 'ok'],
    ['{"region":42}', ['Mcp-Param-Region', '42.0'], 'ok'],
    ['{"region":42}', ['Mcp-Param-Region', '042'], 'frame.header-mismatch'],
    ['{"region":42}', ['Mcp-Param-Region', '0x2a'], 'frame.header-mismatch'],
    ['{"region":42}', ['Mcp-Param-Region', '4.2e1'], 'frame.header-mismatch'],
    ['{"region":12345678901234567890}', ['Mcp-Param-Region', '12345678901234567890'], 'ok'],
    ['{"region":12345678901234567890}', ['Mcp-Param-Region', '12345678901234567891'], 'frame.header-mismatch'],
    ['{"region":["eu"]}', ['Mcp-Param-Region', 'eu'], 'frame.header-mismatch'],
    ['{"a":{"b":"x"}}', ['Mcp-Param-Deep', 'x'], 'ok'],
    ['{"a":{"b":"x"}}', [], 'frame.header-mismatch'],
    ['{"a":[{"b":"x"}]}', ['Mcp-Param-Deep', 'x'], 'frame.header-mismatch'],
    ['{}', ['Mcp-Param-Unknown', 'x'], 'ok'],
  ])('arguments %s with %j: %s', (args, raw, expected) => {
    const headers = good(...base, 'Mcp-Method', 'tools/call', 'Mcp-Name', 't', ...raw);
    expect(matchesBody(headers, call(args), declared) ?? 'ok').toBe(expected);
  });

  it('does not find arguments on prototypes', () => {
    const headers = good(...base, 'Mcp-Method', 'tools/call', 'Mcp-Name', 't');
    const paths: ParamHeaders = new Map([['x', ['constructor', 'name']]]);
    expect(matchesBody(headers, call('{}'), paths)).toBeUndefined();
  });
});
