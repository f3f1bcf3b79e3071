/**
 * What one gateway gave to one caller, in the hands of another caller and at a second gateway with the same key ring.
 * Rows 16, 41, 70 and 82 of the catalogue: for a stranger it is like a thing that never was; nothing is replayed.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { events, http, INITIALIZE, legacy, META } from '../../doors/client.ts';
import { type Outside, outside } from '../../e2e/outside.ts';
import { OPEN_LIMITS, type Served, Site } from '../../e2e/site.ts';

const SERVER = join(import.meta.dirname, '../../fixtures/extensions/server.ts');
/** What makes a second gateway one that can open what the first sealed. */
const SHARED = ['keys.json', 'token', 'apikeys.json'];

let web: Outside;
const sites: Site[] = [];
const served: Served[] = [];
const tokens = { alice: '', bob: '' };
beforeAll(async () => {
  web = await outside(SERVER);
  const upstreams = { jobs: { ...web.block, extensions: ['tasks'], asks: { elicitation: ['form'] } } };
  const more = `${OPEN_LIMITS}identity: { keys: true }\n`;
  const [one, two] = [new Site({ upstreams, more }), new Site({ upstreams, more })];
  sites.push(one, two);
  one.reviewAll();
  const config = readFileSync(one.config, 'utf8');
  const [, grant] = /^policy: \[(.*)\]$/m.exec(config)!;
  const both = `policy: [${grant}, ${grant!.replace('"to":"local"', '"to":{"subject":"bob"}')}]`;
  for (const site of sites)
    writeFileSync(
      site.config,
      config.replace(/^policy:.*$/m, () => both),
    );
  tokens.bob = one.run('key', 'create', '--subject', 'bob').stdout.trim().split('\n').at(-1)!.trim();
  tokens.alice = one.token();
  cpSync(join(one.dir, 'doorward.lock'), join(two.dir, 'doorward.lock'));
  mkdirSync(join(two.dir, '.doorward'), { mode: 0o700 });
  // The first start makes the keys.
  served.push(await one.serve());
  for (const file of SHARED) cpSync(join(one.dir, '.doorward', file), join(two.dir, '.doorward', file));
  served.push(await two.serve());
}, 60_000);
afterAll(async () => {
  for (const one of served) await one.stop();
  web?.close();
  for (const site of sites) site.close();
});

const TASKS = { 'io.modelcontextprotocol/tasks': {} };
interface At {
  readonly gateway?: number;
  readonly who?: keyof typeof tokens;
}
const where = ({ gateway = 0, who = 'alice' }: At) => ({
  url: served[gateway]!.url,
  authorization: `Bearer ${tokens[who]}`,
});

async function modern(at: At, method: string, params: Record<string, unknown>) {
  const { url, authorization } = where(at);
  const capabilities = { elicitation: {}, extensions: TASKS };
  const name = params['taskId'] ?? params['name'];
  const { status, text, json } = await http(url, {
    path: '/jobs',
    headers: {
      authorization,
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(name !== undefined && { 'mcp-name': String(name) }),
    },
    body: {
      jsonrpc: '2.0',
      id: 1,
      method,
      params: { ...params, _meta: { ...META, 'io.modelcontextprotocol/clientCapabilities': capabilities } },
    },
  });
  return { status, text, result: json['result'] as Record<string, any>, error: json['error'] as Record<string, any> };
}
function older(at: At, session: string, more: object = { body: legacy(1, 'greet', { name: 'x' }) }) {
  const { url, authorization } = where(at);
  const headers = { authorization, 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' };
  return http(url, { path: '/jobs', headers, ...more });
}
async function begin(at: At): Promise<string> {
  const { url, authorization } = where(at);
  const { headers } = await http(url, { path: '/jobs', headers: { authorization }, body: INITIALIZE });
  return String(headers['mcp-session-id']);
}
/** What can be told apart of an answer: never a reference. */
const plain = (text: string) => text.replace(/Reference [\w-]+/g, 'Reference');

describe.each([
  ['the same gateway', 0],
  ['a second gateway', 1],
])('at %s', (_where, gateway) => {
  const theirs: At = { gateway, who: 'bob' };
  const mine = { gateway };

  it("a session is its caller's alone", async () => {
    const session = await begin({});
    for (const how of [undefined, { method: 'DELETE' }]) {
      const [answer, never] = [await older(theirs, session, how), await older(theirs, 'never-was', how)];
      expect([answer.status, plain(answer.text)]).toEqual([404, plain(never.text)]);
    }
    const own = await older(mine, session);
    expect(JSON.stringify(own.text.startsWith('{') ? own.json : events(own.text))).toContain('Hello, x!');
  });

  it('a stream is opened by nobody else, and none goes on from an event of another', async () => {
    const session = await begin({});
    const { url, authorization } = where(theirs);
    const headers = { authorization, accept: 'text/event-stream', 'mcp-session-id': session };
    const never = await fetch(`${url}/jobs`, { headers: { ...headers, 'mcp-session-id': 'never-was' } });
    const stream = await fetch(`${url}/jobs`, { headers: { ...headers, 'last-event-id': `${session}/1` } });
    expect([stream.status, plain(await stream.text())]).toEqual([never.status, plain(await never.text())]);
    const quiet = new AbortController();
    const at = where(mine);
    const open = await fetch(`${at.url}/jobs`, {
      headers: { ...headers, authorization: at.authorization, 'last-event-id': '1' },
      signal: quiet.signal,
    });
    expect(open.status).toBe(200);
    setTimeout(() => quiet.abort(), 400);
    let said = '';
    try {
      for await (const chunk of open.body!) said += Buffer.from(chunk).toString();
    } catch {
      // We left.
    }
    expect(said).not.toMatch(/^(?:data|id):/m);
  });

  it("a task is its caller's alone", async () => {
    const { taskId } = (
      await modern({}, 'tools/call', { name: 'slow_compute', arguments: { seconds: 60, label: 'private' } })
    ).result;
    const never = await modern(theirs, 'tasks/get', { taskId: 'never-was' });
    for (const method of ['tasks/get', 'tasks/cancel']) {
      const answer = await modern(theirs, method, { taskId });
      expect([answer.status, plain(answer.text)]).toEqual([never.status, plain(never.text)]);
    }
    expect((await modern(mine, 'tasks/get', { taskId })).result).toMatchObject({ status: 'working', taskId });
  });

  it("a question is its caller's alone, for the call that was asked", async () => {
    const call = { name: 'test_tool_with_task', arguments: {} };
    const { requestState } = (await modern({}, 'tools/call', call)).result;
    const inputResponses = { user_name: { action: 'accept', content: { name: 'Mallory' } } };
    const answer = (at: At, over: object = {}) =>
      modern(at, 'tools/call', { ...call, inputResponses, requestState, ...over });
    const never = await answer(theirs, { requestState: 'never-was' });
    for (const bad of [await answer(theirs), await answer(mine, { name: 'greet' })])
      expect([bad.status, plain(bad.text)]).toEqual([never.status, plain(never.text)]);
    expect((await answer(mine)).result).toMatchObject({ resultType: 'task' });
    expect((await answer(mine)).error).toMatchObject({ code: -32602 });
  });

  it('what a caller ended, or what was forged, is over', async () => {
    const session = await begin(mine);
    expect((await older(mine, session, { method: 'DELETE' })).status).toBe(204);
    expect((await older(mine, session)).status).toBe(404);
    const { taskId } = (
      await modern({}, 'tools/call', { name: 'slow_compute', arguments: { seconds: 60, label: 'x' } })
    ).result;
    // One kind of sealed text opens as no other.
    const { requestState } = (await modern({}, 'tools/call', { name: 'test_tool_with_task', arguments: {} })).result;
    for (const other of [requestState, await begin({})])
      expect((await modern(mine, 'tasks/get', { taskId: other })).error).toMatchObject({ code: -32602 });
    expect((await older(mine, taskId)).status).toBe(404);
    expect(
      (
        await modern(mine, 'tools/call', {
          name: 'test_tool_with_task',
          arguments: {},
          inputResponses: {},
          requestState: taskId,
        })
      ).error,
    ).toMatchObject({ code: -32602 });
  });
});

it('both logs are whole', () => {
  for (const site of sites) expect(site.run('audit', 'verify').status).toBe(0);
});
