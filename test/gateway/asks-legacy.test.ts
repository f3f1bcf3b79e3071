/** Questions to clients of older revisions: requests on the stream of their call, answers posted to their session. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/lib/json/types.ts';
import { http } from '../doors/client.ts';
import { ABLE, type Asked, asking, form, page, ROOTS, SAMPLE } from './asking.ts';
import { type Listener, open } from './listener.ts';

let world: Asked;
beforeAll(async () => {
  world = await asking({ questions: { max: 3, within: 1500 } });
});
beforeEach(() => {
  world.calls.length = world.log.length = world.attempts.length = 0;
  Object.assign(world.plans, {
    name: { rounds: [{ who: form() }] },
    twice: { rounds: [{ who: form() }, { where: form({ city: { type: 'string' } }) }] },
    all: { rounds: [{ model: SAMPLE, roots: ROOTS, page: page('https://accounts.example.com/x') }] },
    nothing: { rounds: [{}] },
    endless: { rounds: Array.from({ length: 20 }, () => ({ who: form() })) },
  });
});
afterAll(() => world?.close());

const poll = (what: () => unknown) => expect.poll(what, { timeout: 3000, interval: 5 });
const NAME = { action: 'accept', content: { name: 'Ann' } };

async function session(who = 'alice', capabilities: JsonObject = ABLE, version = '2025-11-25'): Promise<string> {
  const params = { protocolVersion: version, capabilities, clientInfo: { name: 'test', version: '1' } };
  const body = { jsonrpc: '2.0', id: 'init', method: 'initialize', params };
  return String((await http(world.url, { headers: { authorization: who }, body })).headers['mcp-session-id']);
}
const headers = (id: string, who: string) => ({ authorization: who, 'mcp-session-id': id });
async function begin(id: string, plan: string, who = 'alice', call: string | number = 7): Promise<Listener> {
  const body = { jsonrpc: '2.0', id: call, method: 'tools/call', params: { name: 'ask', arguments: { plan } } };
  return open(world.url, { method: 'POST', path: '/files', headers: headers(id, who), body });
}
/** What a client posts: a response, or a notification. */
async function post(id: string, message: object, who = 'alice'): Promise<number> {
  const body = { jsonrpc: '2.0', ...message };
  return (await http(world.url, { headers: headers(id, who), body })).status;
}
async function question(call: Listener, at = 0): Promise<any> {
  await poll(() => call.messages.length).toBeGreaterThan(at);
  return call.messages[at];
}
const last = async (call: Listener): Promise<any> => {
  await poll(() => call.ended()).toBe(true);
  return call.messages.at(-1);
};
const said = (answer: any) => JSON.parse(answer.result.content[0].text);

describe('a question to a legacy client', () => {
  it('comes as a request on the stream of its call, and the answer goes on with it', async () => {
    const id = await session();
    const call = await begin(id, 'name');
    const asked = await question(call);
    expect(asked).toEqual({
      jsonrpc: '2.0',
      id: expect.stringMatching(/^dw-[\w-]{24}$/),
      method: 'elicitation/create',
      params: { mode: 'form', ...(form().params as object) },
    });
    expect(await post(id, { id: asked.id, result: NAME })).toBe(202);
    const answer = await last(call);
    expect([answer.id, said(answer)]).toEqual([7, { who: NAME }]);
    expect(answer.result.requestState ?? answer.result.resultType).toBe(undefined);
    expect(world.calls.map(({ resume }) => resume?.state)).toEqual([undefined, 'at#1']);
    expect(world.log.map(({ parent }) => parent)).toEqual([undefined, undefined, world.log[1]!.call]);
  });

  it('may have several rounds', async () => {
    const id = await session();
    const call = await begin(id, 'twice');
    await post(id, { id: (await question(call)).id, result: NAME });
    const next = await question(call, 1);
    expect(next.params.requestedSchema.properties).toEqual({ city: { type: 'string' } });
    const city = { action: 'accept', content: { city: 'Bern' } };
    await post(id, { id: next.id, result: city });
    expect(said(await last(call))).toEqual({ where: city });
  });

  it('of several kinds comes at once, a page with an id of its own', async () => {
    const id = await session();
    const call = await begin(id, 'all');
    await question(call, 2);
    const [model, roots, opened] = call.messages as any[];
    expect([model.method, roots.method]).toEqual(['sampling/createMessage', 'roots/list']);
    expect(opened.params).toEqual({
      mode: 'url',
      message: 'Sign in',
      url: 'https://accounts.example.com/x',
      elicitationId: expect.stringMatching(/^[\w-]{22}$/),
    });
    const spoke = { role: 'assistant', model: 'm', content: { type: 'text', text: 'Hi.' } };
    await post(id, { id: opened.id, result: { action: 'accept' } });
    await post(id, { id: roots.id, result: { roots: [] } });
    expect(call.ended()).toBe(false);
    await post(id, { id: model.id, result: spoke });
    expect(said(await last(call))).toEqual({ model: spoke, roots: { roots: [] }, page: { action: 'accept' } });
  });

  it('of 2025-06-18 has no mode', async () => {
    const id = await session('alice', { elicitation: {} }, '2025-06-18');
    const call = await begin(id, 'name');
    expect((await question(call)).params).toEqual(form().params);
    call.leave();
  });

  it('that it cannot be asked is an error in band', async () => {
    const id = await session('alice', {});
    const call = await begin(id, 'name');
    await poll(() => call.ended()).toBe(true);
    expect(call.status).toBe(200);
    expect(JSON.parse(call.raw()).error).toMatchObject({
      code: -32600,
      data: { requiredCapabilities: { elicitation: { form: {} } } },
    });
  });

  it('may be only a state, which it never sees', async () => {
    const call = await begin(await session(), 'nothing');
    await poll(() => call.ended()).toBe(true);
    expect(JSON.parse(call.raw()).result.content[0].text).toBe('{}');
  });

  it('ends after eight rounds', async () => {
    const id = await session();
    const call = await begin(id, 'endless');
    for (let round = 0; round < 8; round++) {
      await post(id, { id: (await question(call, round)).id, result: NAME });
    }
    expect((await last(call)).result.isError).toBe(true);
    expect(world.log.at(-1)!.code).toBe('asks.rounds');
    expect(call.messages).toHaveLength(9);
  });

  it('that is turned away by an error counts as cancelled', async () => {
    const id = await session();
    const call = await begin(id, 'name');
    await post(id, { id: (await question(call)).id, error: { code: -1, message: 'no' } });
    expect(said(await last(call))).toEqual({ who: { action: 'cancel' } });
  });

  it('to its model that ends in an error ends the call, and takes the others back', async () => {
    const id = await session();
    const call = await begin(id, 'all');
    await question(call, 2);
    const [model, ...others] = call.messages as any[];
    await post(id, { id: model.id, error: { code: -1, message: 'no' } });
    expect(await last(call)).toMatchObject({ id: 7, error: { code: -31166 } });
    const taken = call.messages.filter(({ method }) => method === 'notifications/cancelled') as any[];
    expect(taken.map(({ params }) => params.requestId)).toEqual(others.map(({ id: one }) => one));
    expect(await post(id, { id: others[0].id, result: { roots: [] } })).toBe(400);
    expect(world.attempts).toEqual(['asks.unanswered', 'frame.request']);
    expect(world.calls).toHaveLength(1);
  });
});

describe('an answer', () => {
  it.each<[string, (id: string, asked: any) => Promise<number>, number]>([
    ['of another caller in the session', (id, { id: to }) => post(id, { id: to, result: NAME }, 'bob'), 404],
    [
      'of another caller in a session of its own',
      async (_, { id: to }) => post(await session('bob'), { id: to, result: NAME }, 'bob'),
      400,
    ],
    [
      'in another session of the same caller',
      async (_, { id: to }) => post(await session(), { id: to, result: NAME }),
      400,
    ],
    ['to a number', (id) => post(id, { id: 1, result: NAME }), 400],
    ['to what was never asked', (id) => post(id, { id: `dw-${'A'.repeat(24)}`, result: NAME }), 400],
    ['to nothing', (id) => post(id, { error: { code: 1, message: 'x' } }), 400],
    [
      'without a session',
      async (_, { id: to }) =>
        (await http(world.url, { headers: { authorization: 'alice' }, body: { jsonrpc: '2.0', id: to, result: NAME } }))
          .status,
      400,
    ],
    [
      'in the newer revision',
      async (id, { id: to }) =>
        (
          await http(world.url, {
            headers: { ...headers(id, 'alice'), 'mcp-protocol-version': '2026-07-28' },
            body: { jsonrpc: '2.0', id: to, result: NAME },
          })
        ).status,
      400,
    ],
  ])('%s answers nothing', async (_, attack, status) => {
    const id = await session();
    const call = await begin(id, 'name');
    const asked = await question(call);
    expect(await attack(id, asked)).toBe(status);
    expect(call.ended()).toBe(false);
    expect(world.calls).toHaveLength(1);
    await post(id, { id: asked.id, result: NAME });
    expect(said(await last(call))).toEqual({ who: NAME });
  });

  it('counts once', async () => {
    const id = await session();
    const call = await begin(id, 'name');
    const asked = await question(call);
    const all = await Promise.all(Array.from({ length: 8 }, () => post(id, { id: asked.id, result: NAME })));
    expect(all.toSorted()).toEqual([202, ...Array(7).fill(400)]);
    await last(call);
    expect(world.calls).toHaveLength(2);
  });

  it('that is huge is not kept until the others come', async () => {
    const id = await session();
    const call = await begin(id, 'all');
    await question(call, 2);
    const [model] = call.messages as any[];
    const content = { type: 'text', text: 'x'.repeat(300_000) };
    expect(await post(id, { id: model.id, result: { role: 'assistant', model: 'm', content } })).toBe(202);
    expect(await last(call)).toMatchObject({ error: { code: -31166 } });
  });

  it('is judged as arguments are', async () => {
    const id = await session();
    for (const [result, code] of [
      [{ action: 'accept', content: { name: 'A\u200bnn' } }, 'input.invisible'],
      [{ action: 'accept', content: { name: 'x'.repeat(9000) } }, 'input.size'],
      [{ action: 'accept', content: { other: 'x' } }, 'asks.answers'],
    ] as const) {
      const call = await begin(id, 'name');
      await post(id, { id: (await question(call)).id, result });
      const { result: told, error } = await last(call);
      expect([told?.isError ?? error.code, world.log.at(-1)!.code]).toEqual([told ? true : -32602, code]);
    }
    expect(world.calls).toHaveLength(3);
  });
});

describe('a wait', () => {
  it('is longer than a call may be quiet, or last', async () => {
    const strict = await asking({ limits: { idle: 100, hard: 200 } });
    const before = world;
    world = strict;
    try {
      strict.plans.name = { rounds: [{ who: form() }] };
      const id = await session();
      const call = await begin(id, 'name');
      const asked = await question(call);
      await new Promise((resolve) => setTimeout(resolve, 400));
      await post(id, { id: asked.id, result: NAME });
      expect(said(await last(call))).toEqual({ who: NAME });
    } finally {
      world = before;
      await strict.close();
    }
  });

  it('ends in time, with an error and the question taken back', async () => {
    const id = await session();
    const call = await begin(id, 'name');
    const asked = await question(call);
    const [, taken, answer] = (await last(call), call.messages) as any[];
    expect(taken).toMatchObject({ method: 'notifications/cancelled', params: { requestId: asked.id } });
    expect(answer).toMatchObject({ id: 7, error: { code: -31166 } });
  });

  it('ends when the client cancels its call', async () => {
    const id = await session();
    const call = await begin(id, 'name');
    const asked = await question(call);
    expect(await post(id, { method: 'notifications/cancelled', params: { requestId: 7 } })).toBe(202);
    await last(call);
    expect(await post(id, { id: asked.id, result: NAME })).toBe(400);
    expect(world.attempts[0]).toBe('run.cancelled');
    // The id is free again.
    (await begin(id, 'plain')).leave();
  });

  it('ends when the client goes away', async () => {
    const id = await session();
    const call = await begin(id, 'name');
    const asked = await question(call);
    call.leave();
    await poll(() => world.attempts).toEqual(['run.cancelled']);
    expect(await post(id, { id: asked.id, result: NAME })).toBe(400);
    expect(world.calls).toHaveLength(1);
  });

  it('ends with its session', async () => {
    const id = await session();
    const call = await begin(id, 'name');
    const asked = await question(call);
    expect((await http(world.url, { method: 'DELETE', headers: headers(id, 'alice') })).status).toBe(204);
    expect(await last(call)).toMatchObject({ error: { code: -31166 } });
    expect(await post(id, { id: asked.id, result: NAME })).toBe(404);
  });

  it('ends with the credential', async () => {
    world.callers['short'] = { ...world.callers['alice']!, expires: Date.now() + 400 };
    const id = await session('short');
    const call = await begin(id, 'name', 'short');
    await question(call);
    expect(await last(call)).toMatchObject({ error: { code: -31166 } });
    expect(world.calls).toHaveLength(1);
  });

  it('of one caller leaves room to others, and has a bound', async () => {
    const id = await session();
    const held = await Promise.all([1, 2, 3].map((call) => begin(id, 'name', 'alice', call)));
    await Promise.all(held.map((call) => question(call)));
    const over = await begin(id, 'name', 'alice', 4);
    await poll(() => over.ended()).toBe(true);
    expect(JSON.parse(over.raw()).error.code).toBe(-31165);
    const bob = await session('bob');
    const other = await begin(bob, 'name', 'bob');
    await post(bob, { id: (await question(other)).id, result: NAME }, 'bob');
    expect(said(await last(other))).toEqual({ who: NAME });
    for (const call of held) await post(id, { id: (await question(call)).id, result: NAME });
    for (const call of held) await last(call);
    const free = await begin(id, 'name');
    await question(free);
    free.leave();
  });

  it('leaves nothing behind, however it ends', async () => {
    const ends: ((id: string, call: Listener, asked: any) => unknown)[] = [
      (id, _, { id: to }) => post(id, { id: to, result: NAME }),
      (id, _, { id: to }) => post(id, { id: to, error: { code: -1, message: 'no' } }),
      (id) => post(id, { method: 'notifications/cancelled', params: { requestId: 7 } }),
      (_, call) => call.leave(),
      (id) => http(world.url, { method: 'DELETE', headers: headers(id, 'alice') }),
      (id, call, { id: to }) => (call.leave(), post(id, { id: to, result: NAME })),
      (id, _, { id: to }) =>
        Promise.all([
          post(id, { id: to, result: NAME }),
          post(id, { method: 'notifications/cancelled', params: { requestId: 7 } }),
        ]),
    ];
    for (let round = 0; round < 3; round++) {
      for (const end of ends) {
        const id = await session();
        const call = await begin(id, ['name', 'twice', 'all'][round]!);
        await end(id, call, await question(call));
        call.leave();
      }
    }
    // The bound is three: if anything were still held, one of these would be refused.
    const id = await session();
    await new Promise((done) => setTimeout(done, 100));
    const held = await Promise.all([1, 2, 3].map((call) => begin(id, 'name', 'alice', call)));
    const asked = await Promise.all(held.map((call) => question(call)));
    expect(asked.map(({ method }) => method)).toEqual(Array(3).fill('elicitation/create'));
    for (const call of held) call.leave();
  });
});
