/**
 * Extensions through the running program. Tasks: what begins one, what its handle is good for, and what it lets through.
 * Apps: gone unless both sides may use them, and then bounded.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { http, META } from '../doors/client.ts';
import { type Listener, open } from '../gateway/listener.ts';
import { type Outside, outside } from './outside.ts';
import { OPEN_LIMITS, type Served, Site } from './site.ts';

const SERVER = join(import.meta.dirname, '../fixtures/extensions/server.ts');
const APPS = 'io.modelcontextprotocol/ui';
const MIME = 'text/html;profile=mcp-app';
const TASKS = 'io.modelcontextprotocol/tasks';

let web: Outside;
let site: Site;
let served: Served;
let other: string;
beforeAll(async () => {
  web = await outside(SERVER);
  const block = { ...web.block, extensions: ['tasks'], asks: { elicitation: ['form'] } };
  site = new Site({
    upstreams: {
      jobs: block,
      plain: web.block,
      pages: {
        ...web.block,
        extensions: ['apps'],
        apps: { domains: ['https://tiles.example'], permissions: ['geolocation'] },
      },
    },
    more: `${OPEN_LIMITS}identity: { keys: true }\n`,
  });
  site.reviewAll();
  const all = readFileSync(site.config, 'utf8');
  const [, grant] = /^policy: \[(.*)\]$/m.exec(all)!;
  const same = grant!.replace('"to":"local"', '"to":{"subject":"bob"}');
  writeFileSync(
    site.config,
    all.replace(/^policy:.*$/m, () => `policy: [${grant}, ${same}]`),
  );
  const made = site.run('key', 'create', '--subject', 'bob');
  if (made.status !== 0) throw new Error(made.stderr);
  other = made.stdout.trim().split('\n').at(-1)!.trim();
  served = await site.serve();
}, 60_000);
afterAll(async () => {
  await served?.stop();
  web?.close();
  site?.close();
});

interface How {
  readonly declare?: boolean;
  readonly apps?: boolean;
  readonly route?: string;
  readonly token?: string;
  readonly headers?: Record<string, string>;
}
async function ask(method: string, params: Record<string, unknown>, how: How = {}) {
  const { declare = true, apps = false, route = 'jobs', token = site.token(), headers = {} } = how;
  const capabilities = {
    elicitation: {},
    extensions: { ...(declare && { [TASKS]: {} }), ...(apps && { [APPS]: { mimeTypes: [MIME] } }) },
  };
  const name = params['taskId'] ?? params['name'] ?? params['uri'];
  const { status, json } = await http(served.url, {
    path: `/${route}`,
    headers: {
      authorization: `Bearer ${token}`,
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(name !== undefined && { 'mcp-name': String(name) }),
      ...headers,
    },
    body: {
      jsonrpc: '2.0',
      id: 1,
      method,
      params: { ...params, _meta: { ...META, 'io.modelcontextprotocol/clientCapabilities': capabilities } },
    },
  });
  return { status, result: json['result'] as Record<string, any>, error: json['error'] as Record<string, any> };
}
const call = (name: string, args: object = {}, how: How = {}) => ask('tools/call', { name, arguments: args }, how);
const begin = async (name: string, args: object = {}, how: How = {}) =>
  String((await call(name, args, how)).result['taskId']);
async function until(taskId: string, wanted: string): Promise<Record<string, any>> {
  for (const began = Date.now(); ; ) {
    const { result, error } = await ask('tasks/get', { taskId });
    if (error || result['status'] === wanted) return result ?? error;
    if (Date.now() - began > 10_000) throw new Error(JSON.stringify(result));
    await new Promise((go) => setTimeout(go, 50));
  }
}

describe('a task', () => {
  it('gets a handle of ours, and its result by it', async () => {
    const { result } = await call('slow_compute', { seconds: 0.3, label: 'x' });
    expect(result).toMatchObject({ resultType: 'task', status: 'working', ttlMs: 60_000, pollIntervalMs: 200 });
    expect(result['taskId']).not.toContain('task-');
    expect(result).not.toHaveProperty('requestState');
    const { taskId } = result;
    expect((await ask('tasks/get', { taskId })).result).toMatchObject({
      resultType: 'complete',
      taskId,
      status: 'working',
      statusMessage: 'at it',
    });
    expect(await until(taskId, 'completed')).toMatchObject({
      taskId,
      result: { content: [{ type: 'text', text: 'computed x' }] },
    });
  });

  it('is not begun for a client that did not declare it, nor where it is not let through', async () => {
    expect((await call('slow_compute', { seconds: 5 }, { declare: false })).result).toMatchObject({
      resultType: 'complete',
    });
    expect((await call('slow_compute', { seconds: 5 }, { route: 'plain' })).result).toMatchObject({
      resultType: 'complete',
    });
    const required = { requiredCapabilities: { extensions: { [TASKS]: {} } } };
    for (const method of ['tasks/get', 'tasks/cancel'])
      expect(await ask(method, { taskId: 'x' }, { declare: false })).toMatchObject({
        status: 400,
        error: { code: -32021, data: required },
      });
    expect(await call('failing_job', {}, { declare: false })).toMatchObject({
      status: 400,
      error: { code: -32021, data: required },
    });
  });

  it('is cancelled', async () => {
    const taskId = await begin('slow_compute', { seconds: 60, label: 'x' });
    expect((await ask('tasks/cancel', { taskId })).result).toEqual({ resultType: 'complete' });
    expect(await until(taskId, 'cancelled')).toMatchObject({ taskId, status: 'cancelled' });
  });

  it('asks, and takes answers to what it asked alone', async () => {
    const taskId = await begin('multi_input');
    const asked = await until(taskId, 'input_required');
    expect(Object.keys(asked['inputRequests'])).toEqual(['one', 'two']);
    expect(asked).not.toHaveProperty('requestState');
    const yes = { action: 'accept', content: { name: 'b' } };
    const update = (inputResponses: object) => ask('tasks/update', { taskId, inputResponses });
    expect((await update({ one: yes })).result).toEqual({ resultType: 'complete' });
    const left = await until(taskId, 'input_required');
    expect(Object.keys(left['inputRequests'])).toEqual(['two']);
    expect((await update({ two: { action: 'accept', content: { name: { deep: 1 } } } })).error).toMatchObject({
      code: -32602,
    });
    await until(taskId, 'input_required');
    expect((await update({ two: yes })).result).toEqual({ resultType: 'complete' });
    expect(await until(taskId, 'completed')).toMatchObject({ result: { content: [{ text: 'both' }] } });
  });

  it('passes what a result passes', async () => {
    const leak = await begin('leaky', { what: 'key AKIAQWERTYUIOPASDFGH' });
    expect(JSON.stringify(await until(leak, 'completed'))).not.toContain('AKIAQWERTYUIOPASDFGH');
    const hidden = await begin('leaky', { what: 'hello there' });
    expect(await until(hidden, 'completed')).toMatchObject({ status: 'completed' });
    const good = await begin('typed', { sum: 3 });
    expect(await until(good, 'completed')).toMatchObject({ result: { structuredContent: { sum: 3 } } });
    const bad = await begin('typed', { sum: 'x' });
    expect((await ask('tasks/get', { taskId: bad })).error['message']).toMatch(/promised shape/);
    const failed = await begin('protocol_error_job');
    const { error } = await until(failed, 'failed');
    expect(error['message']).toMatch(/^The tool failed/);
    expect(JSON.stringify(error)).not.toContain('/srv');
  });
});

describe('a stream', () => {
  function follow(taskIds: readonly string[], { token = site.token(), route = 'jobs', declare = true }: How = {}) {
    const capabilities = { elicitation: {}, ...(declare && { extensions: { [TASKS]: {} } }) };
    const _meta = { ...META, 'io.modelcontextprotocol/clientCapabilities': capabilities };
    const method = 'subscriptions/listen';
    return open(served.url, {
      method: 'POST',
      path: `/${route}`,
      headers: { authorization: `Bearer ${token}`, 'mcp-protocol-version': '2026-07-28', 'mcp-method': method },
      body: { jsonrpc: '2.0', id: 'f', method, params: { notifications: { taskIds }, _meta } },
    });
  }
  const poll = (what: () => unknown) => expect.poll(what, { timeout: 10_000, interval: 20 });
  const states = ({ messages }: Listener) =>
    (messages as any[]).flatMap(({ method, params }) => (method === 'notifications/tasks' ? [params] : []));

  it('tells what becomes of a task, as tasks/get would, and ends with the last', async () => {
    const [slow, hidden] = [
      await begin('slow_compute', { seconds: 0.5, label: 'x' }),
      await begin('leaky', { what: 'key AKIAQWERTYUIOPASDFGH' }),
    ];
    const stream = await follow([slow, 'task-1', hidden]);
    await poll(() => stream.ended()).toBe(true);
    const [first, ...others] = stream.messages as any[];
    const tag = { 'io.modelcontextprotocol/subscriptionId': 'f' };
    expect(first).toMatchObject({
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications: { taskIds: [slow, hidden] }, _meta: tag },
    });
    const of = (id: string) => states(stream).filter(({ taskId }) => taskId === id);
    expect(of(slow).map(({ status }) => status)).toEqual(['working', 'completed']);
    const { resultType: _, ...now } = (await ask('tasks/get', { taskId: slow })).result;
    expect(of(slow)[1]).toEqual({ ...now, _meta: tag });
    expect(now).toMatchObject({ result: { content: [{ text: 'computed x' }] } });
    expect(of(hidden).map(({ status }) => status)).toEqual(['completed']);
    expect(stream.raw()).not.toContain('AKIAQWERTYUIOPASDFGH');
    expect(others.at(-1)).toMatchObject({ id: 'f', result: { resultType: 'complete' } });
  });

  it('puts what a task asks, and takes no answer itself', async () => {
    const taskId = await begin('confirm_delete', { filename: 'a' });
    const stream = await follow([taskId]);
    await poll(() => states(stream).length).toBe(1);
    expect(states(stream)[0]).toMatchObject({
      status: 'input_required',
      inputRequests: { confirm: expect.anything() },
    });
    const inputResponses = { confirm: { action: 'accept', content: { confirm: true } } };
    expect((await ask('tasks/update', { taskId, inputResponses })).result).toEqual({ resultType: 'complete' });
    await poll(() => states(stream).at(-1).status).toBe('completed');
    await poll(() => stream.ended()).toBe(true);
  });

  it('tells nobody else, and says of the tasks of others what it says of none', async () => {
    const taskId = await begin('slow_compute', { seconds: 60, label: 'x' });
    for (const how of [{ token: other }, { route: 'plain' }]) {
      const [theirs, none] = await Promise.all([follow([taskId], how), follow(['task-1'], how)]);
      await poll(() => theirs.ended() && none.ended()).toBe(true);
      expect(theirs.raw()).toBe(none.raw());
      expect(states(theirs)).toEqual([]);
    }
    const unable = await follow([taskId], { declare: false });
    await poll(() => unable.ended()).toBe(true);
    expect([unable.status, JSON.parse(unable.raw()).error.code]).toEqual([400, -32021]);
  });
});

describe('a handle', () => {
  it.each<[string, (taskId: string) => [Record<string, unknown>, How]]>([
    ['of another caller', (taskId) => [{ taskId }, { token: other }]],
    ['at another route', (taskId) => [{ taskId }, { route: 'plain' }]],
    ["the server's own", () => [{ taskId: 'task-1' }, {}]],
    [
      'with one letter changed',
      (taskId) => [{ taskId: `${taskId.slice(0, -9)}${taskId.at(-9) === 'A' ? 'B' : 'A'}${taskId.slice(-8)}` }, {}],
    ],
  ])('%s is like one that nobody knows', async (_what, how) => {
    const taskId = await begin('slow_compute', { seconds: 60, label: 'secret label' });
    const [params, by] = how(taskId);
    const unknown = await ask('tasks/get', { taskId: 'never-was' }, by);
    const plain = ({ status, error }: typeof unknown) => [
      status,
      error['code'],
      String(error['message']).replace(/Reference.*/, ''),
    ];
    for (const method of ['tasks/get', 'tasks/cancel'])
      expect(plain(await ask(method, params, by))).toEqual(plain(unknown));
    expect(plain(await ask('tasks/update', { ...params, inputResponses: {} }, by))).toEqual(plain(unknown));
    expect((await ask('tasks/get', { taskId })).result).toMatchObject({ status: 'working' });
  });

  it('is mirrored in a header', async () => {
    const taskId = await begin('slow_compute', { seconds: 60, label: 'x' });
    expect((await ask('tasks/get', { taskId }, { headers: { 'mcp-name': 'other' } })).error).toMatchObject({
      code: -32020,
    });
  });

  it.each([
    ['its tool is no longer granted', '"jobs.slow_compute",'],
    ['tasks are no longer let through', '"extensions":["tasks"],'],
  ])('is worth nothing once %s', async (_what, words) => {
    const taskId = await begin('slow_compute', { seconds: 60, label: 'x' });
    const before = readFileSync(site.config, 'utf8');
    expect(before).toContain(words);
    writeFileSync(site.config, before.replaceAll(words, ''));
    const state = async () => {
      const { result, error } = await ask('tasks/get', { taskId });
      return error?.['code'] ?? result['status'];
    };
    await expect.poll(state, { timeout: 10_000 }).toBe(-32602);
    writeFileSync(site.config, before);
    await expect.poll(state, { timeout: 10_000 }).toBe('working');
  });
});

describe('an app', () => {
  const listed = async (how: How) => {
    const tools = (await ask('tools/list', {}, how)).result['tools'] as Record<string, any>[];
    const resources = (await ask('resources/list', {}, how)).result['resources'] as Record<string, any>[];
    return [tools.find(({ name }) => name === 'show_map')!['_meta'], resources.map(({ uri }) => uri)];
  };

  it('is there where the operator and the client let it be', async () => {
    const both = { route: 'pages', apps: true };
    const { result } = await ask('server/discover', {}, both);
    expect(result['capabilities']['extensions']).toEqual({ [APPS]: { mimeTypes: [MIME] } });
    const _meta = { ui: { resourceUri: 'ui://map/view', visibility: ['model', 'app'] } };
    expect(await listed(both)).toEqual([_meta, ['doc://a', 'ui://map/view']]);
    const read = await ask('resources/read', { uri: 'ui://map/view' }, both);
    expect(read.result['contents'][0]).toMatchObject({ mimeType: MIME, text: '<p>' });
    expect(read.result['contents'][0]['_meta']['ui']).toEqual({
      csp: { connectDomains: ['https://tiles.example'], frameDomains: [] },
      permissions: { geolocation: {} },
      prefersBorder: true,
    });
  });

  it.each<[string, How]>([
    ['the operator', { route: 'plain', apps: true }],
    ['the client', { route: 'pages' }],
  ])('is gone where %s does not', async (_who, how) => {
    expect(await listed(how)).toEqual([undefined, ['doc://a']]);
    for (const uri of ['ui://map/view', 'UI://map/view', 'ui://other'])
      expect((await ask('resources/read', { uri }, how)).error).toMatchObject({ code: -32602 });
    const { result } = await call('show_map', {}, how);
    expect(result['content'][0]['resource']).toEqual({
      uri: 'ui://map/view',
      mimeType: 'text/plain',
      text: '<p>',
      _meta: { kept: 1 },
    });
    expect(result).not.toHaveProperty('_meta');
  });
});
