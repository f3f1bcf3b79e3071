import { describe, expect, it } from 'vitest';
import type { Call, Message, Target } from '../../../src/core/call.ts';
import type { JsonObject } from '../../../src/lib/json/types.ts';
import {
  ask,
  handshake,
  hear,
  heard,
  heardError,
  type LegacySession,
  listening,
  local,
  pass,
  tell,
} from '../../../src/wire/eras/legacy.ts';
import * as modern from '../../../src/wire/eras/modern.ts';
import { type LegacyEra, OVER_LINES } from '../../../src/wire/eras/versions.ts';
import { frame, type RequestFrame } from '../../../src/wire/frame.ts';

const session: LegacySession = {
  digest: 'd1',
  era: '2025-11-25',
  claimed: { client: { name: 'c' }, capabilities: {} },
};
const request = (method: string, params: JsonObject = {}) =>
  frame(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 3, method, params }))) as RequestFrame;

describe('hear', () => {
  const hello = { protocolVersion: '2024-11-05', capabilities: { roots: {} }, clientInfo: { name: 'c', version: '1' } };

  it('hears initialize as a discovery', () => {
    expect(hear(request('initialize', hello))).toEqual({
      era: '2025-11-25',
      method: 'server/discover',
      family: 'list',
      name: '',
      args: {},
      trace: {},
      session: '-',
      claimed: { client: { name: 'c', version: '1' }, capabilities: { roots: {} } },
    });
  });

  it.each<[asked: string, overHttp: string, overLines: string]>([
    ['2025-11-25', '2025-11-25', '2025-11-25'],
    ['2025-06-18', '2025-06-18', '2025-06-18'],
    ['2025-03-26', '2025-03-26', '2025-03-26'],
    ['2024-11-05', '2025-11-25', '2024-11-05'],
    ['2026-07-28', '2025-11-25', '2025-11-25'],
    ['2024-10-07', '2025-11-25', '2025-11-25'],
    ['constructor', '2025-11-25', '2025-11-25'],
  ])('asked for %s agrees on %s, over pipes on %s', (protocolVersion, overHttp, overLines) => {
    const asked = request('initialize', { ...hello, protocolVersion });
    expect(hear(asked)).toMatchObject({ era: overHttp });
    expect(hear(asked, undefined, OVER_LINES)).toMatchObject({ era: overLines });
    const told = tell('initialize', { kind: 'result', value: {} }, {}, overLines as LegacyEra);
    expect(told).toMatchObject({ result: { protocolVersion: overLines } });
  });

  it.each<[JsonObject]>([
    [{}],
    [{ ...hello, protocolVersion: 1 }],
    [{ ...hello, capabilities: [] }],
    [{ ...hello, clientInfo: null }],
  ])('refuses the introduction %j', (params) => {
    expect(hear(request('initialize', params))).toEqual({ fault: 'frame.params', id: 3 });
  });

  it('gives a call the claims of its session', () => {
    expect(
      hear(request('tools/call', { name: 't', arguments: { a: 1 }, task: { ttl: 1 }, _meta: { x: 1 } }), session),
    ).toEqual({
      era: '2025-11-25',
      method: 'tools/call',
      family: 'call',
      name: 't',
      args: { a: 1 },
      trace: {},
      session: 'd1',
      claimed: session.claimed,
    });
  });

  it.each(['resources/subscribe', 'resources/unsubscribe'])('knows %s', (method) => {
    expect(hear(request(method, { uri: 'a:b' }), session)).toMatchObject({ family: 'listen', name: 'a:b', args: {} });
  });

  it('hears a stream beside the requests as one that listens to every list', () => {
    expect(listening(session)).toMatchObject({
      method: 'subscriptions/listen',
      name: '',
      args: { notifications: { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true } },
      session: 'd1',
    });
  });

  it.each<[string, JsonObject, string]>([
    ['tools/call', { name: '' }, 'frame.params'],
    ['tools/call', { name: 't', requestState: 's' }, 'frame.params'],
    ['tools/call', { name: 't', _meta: 1 }, 'frame.params'],
    ['server/discover', {}, 'frame.method'],
    ['resources/subscribe', { uri: '' }, 'frame.params'],
    ['resources/subscribe', { uri: 'x', more: 1 }, 'frame.params'],
    ['subscriptions/listen', { notifications: {} }, 'frame.method'],
    ['constructor', {}, 'frame.method'],
  ])('refuses %s %j', (method, params, fault) => {
    expect(hear(request(method, params), session)).toEqual({ fault, id: 3 });
  });

  it('wants a session', () => {
    expect(hear(request('tools/list'))).toEqual({ fault: 'frame.session-missing', id: 3 });
  });

  it('knows what a door answers itself', () => {
    expect(local(request('ping'))).toEqual({});
    expect(local(request('logging/setLevel', { level: 'info' }))).toEqual({});
    expect(local(request('logging/setLevel', { level: 'loud' }))).toEqual({ fault: 'frame.params', id: 3 });
    expect(local(request('tools/list'))).toBeUndefined();
  });
});

describe('tell', () => {
  const result = (value: JsonObject): Message => ({ kind: 'result', value });

  it('leaves out what came later', () => {
    const value = Object.freeze({
      resultType: 'complete',
      ttlMs: 1,
      cacheScope: 'private',
      tools: [],
      nextCursor: 'n',
    });
    expect(tell('tools/list', result(value))).toEqual({ result: { tools: [], nextCursor: 'n' } });
  });

  it('answers initialize with the version that was agreed on', () => {
    const serverInfo = { name: 'files', version: '1' };
    const found = {
      resultType: 'complete',
      supportedVersions: ['2026-07-28'],
      capabilities: { tools: {} },
      instructions: 'read',
      _meta: { 'io.modelcontextprotocol/serverInfo': serverInfo },
    };
    expect(tell('initialize', result(found))).toEqual({
      result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo, instructions: 'read' },
    });
    expect(tell('initialize', result({}))).toMatchObject({
      result: { capabilities: {}, serverInfo: { name: 'doorward' } },
    });
    expect(tell('initialize', { kind: 'error', code: -31070, message: 'm' })).toEqual({
      error: { code: -31070, message: 'm' },
    });
  });

  it('keeps structured content an object', () => {
    expect(tell('tools/call', result({ content: [], structuredContent: [1] }))).toEqual({
      result: { content: [{ type: 'text', text: '[1]' }] },
    });
    const bytes = Buffer.from('{"content":[],"structuredContent":[1]}');
    const value = { content: [], structuredContent: [1], resultType: 'complete' };
    expect(pass('tools/call', { kind: 'result', value, bytes })).toBeUndefined();
    expect(tell('tools/call', result({ content: [], structuredContent: { a: 1 } }))).toEqual({
      result: { content: [], structuredContent: { a: 1 } },
    });
    const tools = [
      { name: 'a', outputSchema: { type: 'array' } },
      { name: 'b', outputSchema: { type: 'object' } },
    ];
    expect(tell('tools/list', result({ tools }))).toEqual({ result: { tools: [{ name: 'a' }, tools[1]] } });
  });

  it('lets bytes out as they came', () => {
    const bytes = Buffer.from('{"content":[]}');
    expect(pass('tools/call', { kind: 'result', value: { content: [], resultType: 'complete' }, bytes })).toEqual([
      bytes,
    ]);
    expect(pass('tools/call', { kind: 'result', value: { content: [] } })).toBeUndefined();
  });
});

describe('towards an upstream', () => {
  const call = (method: string, target: Partial<Target>, args: JsonObject = {}) => ({ method, target, args }) as Call;

  it.each<[Call, JsonObject]>([
    [call('tools/call', { kind: 'tool', name: 't' }, { a: 1 }), { name: 't', arguments: { a: 1 } }],
    [call('prompts/get', { kind: 'prompt', name: 'p' }, { a: 'x' }), { name: 'p', arguments: { a: 'x' } }],
    [call('resources/read', { kind: 'resource', name: 'f:///a' }), { uri: 'f:///a' }],
    [call('resources/read', { kind: 'template', name: 'f:///{x}', uri: 'f:///1' }), { uri: 'f:///1' }],
    [call('resources/list', { kind: 'route', name: 'r' }, { cursor: 'c' }), { cursor: 'c' }],
    [call('tools/list', { kind: 'route', name: 'r' }), {}],
    [
      call('completion/complete', { kind: 'prompt', name: 'p' }, { argument: { name: 'a', value: 'v' } }),
      { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'a', value: 'v' } },
    ],
    [
      call('completion/complete', { kind: 'template', name: 'f:///{x}' }, { argument: { name: 'x', value: 'v' } }),
      { ref: { type: 'ref/resource', uri: 'f:///{x}' }, argument: { name: 'x', value: 'v' } },
    ],
  ])('asks %j', (said, params) => {
    expect(ask(said)).toEqual({ method: said.method, params });
    expect(hear(request(said.method, params), session)).not.toHaveProperty('fault');
  });

  it('introduces itself without capabilities', () => {
    expect(handshake({ name: 'doorward', version: '1' })).toEqual({
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'doorward', version: '1' } },
    });
    expect(() => ask(call('server/discover', { kind: 'route', name: 'r' }))).toThrow();
    expect(() => ask(call('x', { kind: 'route', name: 'r' }))).toThrow();
  });

  it('hears results as complete', () => {
    const bytes = Buffer.from('{"content":[]}');
    expect(heard('tools/call', { content: [] }, bytes)).toEqual({
      kind: 'result',
      value: { content: [], resultType: 'complete' },
      bytes,
    });
    expect(heard('tools/call', {}, Buffer.from('{}'))).toEqual({ kind: 'result', value: { resultType: 'complete' } });
  });

  it.each(['resultType', 'ttlMs', 'cacheScope'])('lets no %s of an upstream through, in value or bytes', (name) => {
    const value = { content: [], [name]: 'input_required' };
    const result = heard('tools/call', value, Buffer.from(JSON.stringify(value)));
    expect(result).toEqual({ kind: 'result', value: { content: [], resultType: 'complete' } });
    expect(modern.pass('tools/call', result)).toBeUndefined();
  });

  it('gives both eras the same bytes', () => {
    const result = heard('tools/call', { content: [] }, Buffer.from('{"content":[]}'));
    const text = (parts: readonly (string | Uint8Array)[] | undefined) => JSON.parse(parts!.map(String).join(''));
    expect({ result: text(modern.pass('tools/call', result)) }).toEqual(modern.tell('tools/call', result));
    expect({ result: text(pass('tools/call', result)) }).toEqual(tell('tools/call', result));
  });

  it.each([
    [-32002, -32602],
    [-32700, -32603],
    [-32600, -32603],
    [-32020, -32603],
    [-32021, -32603],
    [-32022, -32603],
    [-32042, -32603],
    [-32601, -32601],
    [-32602, -32602],
    [42, 42],
  ])('hears error %d as %d', (code, inner) => {
    expect(heardError({ kind: 'error', code, message: 'm' }).code).toBe(inner);
  });
});
