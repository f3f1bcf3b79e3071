import { describe, expect, it } from 'vitest';
import type { Call, Message, Target } from '../../../src/core/call.ts';
import type { Json, JsonObject } from '../../../src/lib/json/types.ts';
import { ask, handshake, hear, heard, pass, tell } from '../../../src/wire/eras/modern.ts';
import { frame, type RequestFrame } from '../../../src/wire/frame.ts';

const VERSION = 'io.modelcontextprotocol/protocolVersion';
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
const CLIENT = 'io.modelcontextprotocol/clientInfo';
const ENVELOPE = { [VERSION]: '2026-07-28', [CAPABILITIES]: {} };

const request = (method: string, params: JsonObject, meta: Json = ENVELOPE) =>
  frame(
    Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 3, method, params: { ...params, _meta: meta } })),
  ) as RequestFrame;
const said = (method: string, params: JsonObject, meta?: Json) => hear(request(method, params, meta));

const SERVED = ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26'];

describe('hear', () => {
  it.each<[string, JsonObject, JsonObject]>([
    ['tools/call', { name: 't', arguments: { a: 1 } }, { family: 'call', name: 't', args: { a: 1 } }],
    ['tools/call', { name: 't' }, { family: 'call', name: 't', args: {} }],
    ['prompts/get', { name: 'p', arguments: { a: 'x' } }, { family: 'get', name: 'p', args: { a: 'x' } }],
    ['resources/read', { uri: 'file:///a' }, { family: 'read', name: 'file:///a', args: {} }],
    ['tools/list', {}, { family: 'list', name: '', args: {} }],
    ['prompts/list', { cursor: 'c' }, { family: 'list', name: '', args: { cursor: 'c' } }],
    ['resources/list', {}, { family: 'list', name: '' }],
    ['resources/templates/list', {}, { family: 'list', name: '' }],
    ['server/discover', {}, { family: 'list', name: '', args: {} }],
    [
      'completion/complete',
      { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'a', value: '' } },
      { family: 'complete', name: 'p', args: { argument: { name: 'a', value: '' } } },
    ],
    [
      'completion/complete',
      {
        ref: { type: 'ref/resource', uri: 'f:///{x}' },
        argument: { name: 'x', value: 'v' },
        context: { arguments: { y: 'z' } },
      },
      { name: 'f:///{x}', args: { argument: { name: 'x', value: 'v' }, context: { arguments: { y: 'z' } } } },
    ],
  ])('%s %j', (method, params, expected) => {
    expect(said(method, params)).toMatchObject({ era: '2026-07-28', method, session: '-', ...expected });
  });

  it('takes claims and trace from the envelope', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const heardIt = said(
      'tools/list',
      {},
      { ...ENVELOPE, [CAPABILITIES]: { roots: {} }, [CLIENT]: { name: 'c' }, traceparent },
    );
    expect(heardIt).toMatchObject({
      claimed: { client: { name: 'c' }, capabilities: { roots: {} } },
      trace: { traceparent },
    });
  });

  it.each([
    'x',
    '00-00000000000000000000000000000000-b7ad6b7169203331-01',
    '00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01',
    '00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n',
  ])('ignores the trace %j', (traceparent) => {
    expect(said('tools/list', {}, { ...ENVELOPE, traceparent })).toMatchObject({ trace: {} });
  });

  it.each<[Json]>([
    [null],
    ['x'],
    [{}],
    [{ [VERSION]: '2026-07-28' }],
    [{ [CAPABILITIES]: {} }],
    [{ [VERSION]: 20260728, [CAPABILITIES]: {} }],
    [{ [VERSION]: '2026-07-28', [CAPABILITIES]: [] }],
    [{ ...ENVELOPE, [CLIENT]: 'x' }],
    [{ ...ENVELOPE, 'io.modelcontextprotocol/logLevel': 'loud' }],
  ])('refuses the envelope %j', (meta) => {
    expect(said('tools/list', {}, meta)).toEqual({ fault: 'frame.envelope', id: 3 });
  });

  it.each<[JsonObject, JsonObject]>([
    [{}, {}],
    [{ toolsListChanged: true, promptsListChanged: false }, { toolsListChanged: true }],
    [{ resourceSubscriptions: ['a:b', 'c:d', 'a:b'] }, { resourceSubscriptions: ['a:b', 'c:d'] }],
    [{ resourceSubscriptions: [] }, {}],
    [{ other: ['t'], resourcesListChanged: true }, { resourcesListChanged: true }],
  ])('reads the filter %j', (notifications, kept) => {
    expect(said('subscriptions/listen', { notifications })).toMatchObject({
      family: 'listen',
      name: '',
      args: { notifications: kept },
    });
  });

  it('reads which tasks to tell of, of a client that has tasks', () => {
    const tasks = { 'io.modelcontextprotocol/tasks': {} };
    const able = { ...ENVELOPE, [CAPABILITIES]: { extensions: tasks } };
    const ask = (taskIds: Json, meta: JsonObject = able) =>
      said('subscriptions/listen', { notifications: { taskIds } }, meta);
    expect(ask(['b', 'a', 'b'])).toMatchObject({ args: { notifications: { taskIds: ['b', 'a'] } } });
    expect(ask([])).toMatchObject({ args: { notifications: {} } });
    for (const bad of ['t', [''], [1], Array.from({ length: 17 }, (_, i) => `t${i}`)])
      expect(ask(bad)).toEqual({ fault: 'frame.params', id: 3 });
    const data = { requiredCapabilities: { extensions: tasks } };
    expect(ask(['a'], ENVELOPE)).toEqual({ fault: 'frame.capability', id: 3, data });
  });

  it.each<[JsonObject]>([
    [{}],
    [{ notifications: [] }],
    [{ notifications: { toolsListChanged: 1 } }],
    [{ notifications: { resourceSubscriptions: 'a:b' } }],
    [{ notifications: { resourceSubscriptions: [''] } }],
    [{ notifications: { resourceSubscriptions: Array.from({ length: 101 }, (_, i) => `a:${i}`) } }],
    [{ notifications: {}, more: 1 }],
  ])('refuses the filter of %j', (params) => {
    expect(said('subscriptions/listen', params)).toEqual({ fault: 'frame.params', id: 3 });
  });

  it('names the versions it has', () => {
    expect(said('tools/list', {}, { ...ENVELOPE, [VERSION]: '2030-01-01\u202e' })).toEqual({
      fault: 'frame.version',
      id: 3,
      data: { supported: SERVED, requested: '2030-01-01<U+202E>' },
    });
  });

  it.each([
    'initialize',
    'ping',
    'logging/setLevel',
    'tasks/list',
    'resources/subscribe',
    'resources/unsubscribe',
    'toString',
    '__proto__',
    'tools/Call',
  ])('does not know %s', (method) => expect(said(method, {})).toEqual({ fault: 'frame.method', id: 3 }));

  it.each<[string, JsonObject]>([
    ['tools/call', {}],
    ['tools/call', { name: '' }],
    ['tools/call', { name: 1 }],
    ['tools/call', { name: 'x'.repeat(1025) }],
    ['tools/call', { name: 't', arguments: [] }],
    ['tools/call', { name: 't', arguments: null }],
    ['tools/call', { name: 't', more: 1 }],
    ['tools/call', { name: 't', task: {} }],
    ['tools/call', { name: 't', inputResponses: [] }],
    ['tools/call', { name: 't', requestState: {} }],
    ['prompts/get', { name: 'p', arguments: { a: 1 } }],
    ['resources/read', {}],
    ['resources/read', { uri: '' }],
    ['resources/read', { uri: `f:${'x'.repeat(8192)}` }],
    ['tools/list', { cursor: 1 }],
    ['tools/list', { cursor: 'x'.repeat(4097) }],
    ['tools/list', { requestState: 'x' }],
    ['server/discover', { cursor: 'x' }],
    ['completion/complete', { argument: { name: 'a', value: '' } }],
    ['completion/complete', { ref: { type: 'ref/tool', name: 't' }, argument: { name: 'a', value: '' } }],
    ['completion/complete', { ref: { type: 'ref/prompt', name: '' }, argument: { name: 'a', value: '' } }],
    ['completion/complete', { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'a', value: 1 } }],
    ['completion/complete', { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'a', value: '', x: 1 } }],
    [
      'completion/complete',
      { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'a', value: '' }, context: { arguments: { a: 1 } } },
    ],
  ])('refuses %s %j', (method, params) => {
    expect(said(method, params)).toEqual({ fault: 'frame.params', id: 3 });
  });

  it('hears an answer to a question', () => {
    expect(said('tools/call', { name: 't', requestState: 's', inputResponses: { a: {} } })).toMatchObject({
      resume: { state: 's', answers: { a: {} } },
    });
    expect(said('tools/call', { name: 't', requestState: 's' })).toMatchObject({ resume: { state: 's', answers: {} } });
    expect(said('tools/call', { name: 't' })).not.toHaveProperty('resume');
  });
});

describe('tell', () => {
  const result = (value: JsonObject): Message => ({ kind: 'result', value });

  it('says of what kind a result is', () => {
    expect(tell('tools/call', result({ content: [] }))).toEqual({ result: { resultType: 'complete', content: [] } });
    expect(tell('tools/call', result({ resultType: 'input_required', inputRequests: {} }))).toEqual({
      result: { resultType: 'input_required', inputRequests: {} },
    });
  });

  it.each([
    [{}, 0],
    [{ ttlMs: 5, cacheScope: 'public' }, 0],
    [{ ttlMs: -1 }, 0],
    [{ ttlMs: 1.5 }, 0],
  ])('lets nothing be shared: %j', (value, ttlMs) => {
    const private_ = { resultType: 'complete', ttlMs, cacheScope: 'private' };
    expect(tell('tools/list', result({ tools: [], ...value }))).toEqual({ result: { tools: [], ...private_ } });
    expect(tell('server/discover', result({ capabilities: {}, supportedVersions: ['x'], ...value }))).toEqual({
      result: { capabilities: {}, supportedVersions: SERVED, ...private_ },
    });
  });

  it('does not change the result it was given', () => {
    const value = Object.freeze({ tools: [] });
    expect(() => tell('tools/list', result(value))).not.toThrow();
  });

  it.each([
    [-32002, -32602],
    [-32042, -32603],
    [-32603, -32603],
    [-31050, -31050],
  ])('tells error %d as %d', (code, told) => {
    expect(tell('tools/call', { kind: 'error', code, message: 'm' })).toEqual({ error: { code: told, message: 'm' } });
  });

  it('tells only what was asked for on the way', () => {
    const progress: Message = {
      kind: 'notification',
      method: 'notifications/progress',
      params: { progress: 1, progressToken: 99 },
    };
    expect(tell('tools/call', progress, { progressToken: 'mine' })).toEqual({
      method: 'notifications/progress',
      params: { progress: 1, progressToken: 'mine' },
    });
    expect(tell('tools/call', progress)).toBeUndefined();
    const log = (level: string): Message => ({
      kind: 'notification',
      method: 'notifications/message',
      params: { level, data: 'x' },
    });
    expect(tell('tools/call', log('error'))).toBeUndefined();
    expect(tell('tools/call', log('info'), { logLevel: 'warning' })).toBeUndefined();
    expect(tell('tools/call', log('loud'), { logLevel: 'debug' })).toBeUndefined();
    expect(tell('tools/call', log('error'), { logLevel: 'warning' })).toMatchObject({ params: { level: 'error' } });
    expect(
      tell('tools/call', { kind: 'notification', method: 'notifications/elicitation', params: {} }),
    ).toBeUndefined();
  });

  it('puts the kind into bytes that go out as they came', () => {
    const bytes = Buffer.from('{ "content":[]}');
    const value = { content: [], resultType: 'complete' };
    const parts = pass('tools/call', { kind: 'result', value, bytes })!;
    expect(JSON.parse(parts.map(String).join(''))).toEqual(value);
    expect(pass('tools/call', { kind: 'result', value })).toBeUndefined();
    expect(pass('resources/read', { kind: 'result', value, bytes })).toBeUndefined();
  });
});

describe('towards an upstream', () => {
  const client = { name: 'doorward', version: '0' };
  const call = (method: string, target: Partial<Target>, more: Partial<Call> = {}) =>
    ({ method, target, args: {}, ...more }) as Call;

  it('asks with an envelope of its own', () => {
    const { method, params } = ask(call('tools/call', { kind: 'tool', name: 't' }, { args: { a: 1 } }), client);
    expect({ method, params }).toEqual({
      method: 'tools/call',
      params: { name: 't', arguments: { a: 1 }, _meta: { ...ENVELOPE, [CLIENT]: client } },
    });
    const again = ask(
      call('tools/call', { kind: 'tool', name: 't' }, { resume: { state: 's', answers: { q: {} } } }),
      client,
    );
    expect(again.params).toMatchObject({ requestState: 's', inputResponses: { q: {} } });
    const loud = ask(call('tools/call', { kind: 'tool', name: 't' }, { logLevel: 'warning' }), client);
    expect(loud.params['_meta']).toMatchObject({ 'io.modelcontextprotocol/logLevel': 'warning' });
    expect(handshake(client)).toEqual({
      method: 'server/discover',
      params: { _meta: { ...ENVELOPE, [CLIENT]: client } },
    });
  });

  it('is understood by its own ear', () => {
    const { method, params } = ask(
      call('resources/read', { kind: 'template', name: 'f:///{x}', uri: 'f:///1' }),
      client,
    );
    expect(hear({ kind: 'request', id: 1, method, params, facts: {} as never })).toMatchObject({ name: 'f:///1' });
  });

  it('hears only kinds that it knows', () => {
    expect(heard('tools/call', { content: [] })).toEqual({
      kind: 'result',
      value: { content: [], resultType: 'complete' },
    });
    expect(heard('tools/call', { resultType: 'input_required' })).toMatchObject({ kind: 'result' });
    expect(heard('tools/list', { resultType: 'input_required' })).toMatchObject({ kind: 'error', code: -32603 });
    expect(heard('tools/call', { resultType: 'task' })).toMatchObject({ kind: 'error' });
    expect(heard('tools/call', { resultType: 7 })).toMatchObject({ kind: 'error' });
  });
});
