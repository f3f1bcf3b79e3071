/** Servers of older revisions that ask while a call is open, on pipes, in the real sandbox. */
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Call, Notification, Result, RpcError } from '../../src/core/call.ts';
import { Ended } from '../../src/core/ended.ts';
import type { JsonObject } from '../../src/lib/json/types.ts';
import { type CallsOptions, olderCalls } from '../../src/upstreams/calls.ts';
import { Parking } from '../../src/upstreams/parking.ts';
import type { Asks } from '../../src/wire/eras/asks.ts';
import { type CallHow, processesWith, type Setup, setup, textOf } from './world.ts';

const ALL: Asks = { elicitation: ['form', 'url'], sampling: true, roots: true };
const ABLE: JsonObject = { elicitation: { form: {}, url: {} }, sampling: {}, roots: { listChanged: true } };
const FORM = { method: 'elicitation/create', params: { message: 'Name?', requestedSchema: { type: 'object' } } };
const ROOTS = { method: 'roots/list' };
const LINK = { mode: 'url', elicitationId: 'e', url: 'https://a.example/', message: 'm' };
const SAMPLE = { method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } };
const YES = { action: 'accept', content: { name: 'Ann' } };

const opened: Setup[] = [];
type Change = Parameters<typeof setup>[1];
async function asking(change: Change = {}, ...args: string[]): Promise<Setup> {
  const made = await setup(['node', './servers/asking.ts', ...args], { asks: ALL, ...change });
  opened.push(made);
  return made;
}
/** The same servers for several tests: each test is a caller of its own, who shares nothing with others. */
const common = new Map<string, Promise<Setup>>();
let subjects = 0;
async function serving(asks: Asks | 'none' = ALL, version = '2025-11-25'): Promise<Setup> {
  const key = JSON.stringify([asks, version]);
  if (!common.has(key))
    common.set(key, setup(['node', './servers/asking.ts', version], asks === 'none' ? { limits } : { asks, limits }));
  const made = await common.get(key)!;
  const subject = `subject-${++subjects}`;
  const from = made.events.length;
  return {
    ...made,
    get events() {
      return made.events.slice(from);
    },
    call: (tool, args, how = {}) => made.call(tool, args, { subject, ...how }),
  };
}
const limits = { perSubject: 100, perUpstream: 100 };
afterAll(async () => {
  for (const made of common.values()) await (await made).lanes.close();
});
const able: CallHow = { capabilities: ABLE };
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** What the client is asked. */
function asked(answer: Result | RpcError): { state: string; requests: Record<string, any> } {
  if (answer.kind === 'error' || answer.value['resultType'] !== 'input_required')
    throw new Error(`not asked: ${JSON.stringify(answer)}`);
  return { state: answer.value['requestState'] as string, requests: answer.value['inputRequests'] as JsonObject };
}
/** The same answer to everything that was asked. */
function retry(answer: Result | RpcError, how: JsonObject = YES): CallHow {
  const { state, requests } = asked(answer);
  return { ...able, resume: { state, answers: Object.fromEntries(Object.keys(requests).map((id) => [id, how])) } };
}
async function heardBy(world: Setup, how: CallHow = able): Promise<{ heard: any[]; pid: number; level: string }> {
  return JSON.parse(textOf(await world.call('heard', {}, how)));
}
const faults = ({ events }: Setup) =>
  events.flatMap(({ code, data }) => (code === 'event.protocol' ? [data.fault] : []));

afterEach(async () => {
  for (const made of opened.splice(0)) await made.lanes.close();
});

describe('a question within a call', () => {
  it('goes to the client, and the answer goes on with the same call', async () => {
    const world = await serving();
    const notes: Notification[] = [];
    const args = { rounds: [[FORM], [ROOTS, SAMPLE]] };
    const first = await world.call('ask', args, { ...able, notes });
    expect(asked(first).requests).toEqual({ 'ask-1': FORM });
    expect(notes.map(({ method }) => method)).toEqual(['notifications/progress']);
    const second = await world.call('ask', args, retry(first));
    expect(Object.values(asked(second).requests)).toEqual([{ ...ROOTS, params: {} }, SAMPLE]);
    expect(asked(second).state).not.toBe(asked(first).state);
    expect(JSON.parse(textOf(await world.call('ask', args, retry(second, { roots: [] }))))).toEqual([
      YES,
      { roots: [] },
      { roots: [] },
    ]);
    const { heard } = await heardBy(world);
    expect(heard.filter(({ params }) => params?.name === 'ask')).toHaveLength(1);
    expect(heard.find(({ method }) => method === 'initialize').params.capabilities).toEqual({
      elicitation: { form: {}, url: {} },
      sampling: {},
      roots: {},
    });
    expect(faults(world)).toEqual([]);
  });
  it('is none where the request cannot be answered with one', async () => {
    const asked: boolean[] = [];
    const ask: CallsOptions['ask'] = async (_method, _params, { questions }) => {
      asked.push(questions !== undefined);
      return { kind: 'error', code: -32042, message: 'm', data: { elicitations: [LINK] } };
    };
    const parking = new Parking({ timers: { set: () => 0, clear() {} }, random: (n) => new Uint8Array(n), onEnd() {} });
    const greeting = { version: '2025-11-25', capabilities: {} };
    const calls = olderCalls({ greeting, client: {}, offered: { elicitation: { url: {} } }, parking, ask });
    const io = { send: async () => {}, signal: new AbortController().signal };
    const target = { kind: 'prompt', name: 'p' };
    const call = (method: string) => ({ method, target, args: {}, caller: {}, lane: '[]' }) as unknown as Call;
    expect(await calls.make(call('completion/complete'), io)).toMatchObject({ kind: 'error', code: -32603 });
    expect(await calls.make(call('prompts/get'), io)).toMatchObject({ value: { resultType: 'input_required' } });
    expect(asked).toEqual([false, true]);
  });
  it('may be answered in parts', async () => {
    const world = await serving();
    const args = { rounds: [[FORM, ROOTS]] };
    const first = await world.call('ask', args, able);
    const resume = { state: asked(first).state, answers: { 'ask-2': { roots: [] }, 'ask-9': YES } };
    const second = await world.call('ask', args, { ...able, resume });
    expect(Object.keys(asked(second).requests)).toEqual(['ask-1']);
    expect(JSON.parse(textOf(await world.call('ask', args, retry(second))))).toEqual([YES, { roots: [] }]);
  });
  it('that the server gives up, or answers itself, still ends the call', async () => {
    const world = await serving();
    const early = { params: FORM.params, ms: 400 };
    const first = await world.call('early', early, able);
    await pause(600);
    expect(textOf(await world.call('early', early, retry(first)))).toBe('without an answer');
    const second = await world.call('withdraw', early, able);
    await pause(500);
    expect(textOf(await world.call('withdraw', early, retry(second)))).toBe('withdrawn');
    // The answer came too late for a question that was withdrawn.
    expect((await heardBy(world)).heard.filter(({ method }) => method === undefined)).toEqual([]);
  });
});

describe('what is not granted', () => {
  it.each([
    ['by nobody', 'none', ABLE, FORM, -32601],
    ['by the operator', { ...ALL, elicitation: [] }, ABLE, FORM, -32601],
    ['by the client', ALL, { roots: {} }, SAMPLE, -32601],
    ['in this mode', ALL, { elicitation: {} }, { ...FORM, params: { mode: 'url', url: 'x', message: 'm' } }, -32602],
    ['by the protocol', ALL, ABLE, { method: 'tools/call', params: {} }, -32601],
  ] as const)('%s is refused, and told', async (_, asks, capabilities, request, code) => {
    const world = await serving(asks as Asks);
    const answer = await world.call('ask', { rounds: [[request]] }, { capabilities: capabilities as JsonObject });
    expect(JSON.parse(textOf(answer))).toEqual([{ refused: code }]);
    expect(faults(world)).toEqual(['unasked']);
  });
  it.each([
    ['2025-06-18', FORM, undefined],
    ['2025-06-18', { ...FORM, params: { mode: 'url', url: 'x', message: 'm' } }, -32602],
    ['2025-03-26', FORM, -32601],
    ['2025-03-26', ROOTS, undefined],
    ['2024-11-05', SAMPLE, undefined],
  ] as const)('in %s is refused there: %j', async (version, request, code) => {
    const world = await serving(ALL, version);
    const answer = await world.call('ask', { rounds: [[request]] }, able);
    if (code === undefined) expect(Object.values(asked(answer).requests)).toHaveLength(1);
    else expect(JSON.parse(textOf(answer))).toEqual([{ refused: code }]);
  });
  it('is a question while several calls are open, since it names none', async () => {
    const world = await serving();
    const other = world.call('slow', { ms: 300 }, able);
    await pause(50);
    const answer = await world.call('ask', { rounds: [[FORM]] }, able);
    expect(JSON.parse(textOf(answer))).toEqual([{ refused: -32601 }]);
    expect(faults(world)).toEqual(['ambiguous']);
    expect(textOf(await other)).toBe('slow');
  });
});

describe('a question while another call is parked', () => {
  it('is of the one that the server works on', async () => {
    const world = await serving();
    const first = await world.call('ask', { rounds: [[FORM]] }, able);
    const other = await world.call('ask', { rounds: [[SAMPLE]] }, able);
    expect(Object.values(asked(other).requests)).toEqual([SAMPLE]);
    expect(JSON.parse(textOf(await world.call('ask', { rounds: [[FORM]] }, retry(first))))).toEqual([YES]);
    expect(JSON.parse(textOf(await world.call('ask', { rounds: [[SAMPLE]] }, retry(other, { role: 'x' }))))).toEqual([
      { role: 'x' },
    ]);
  });
});

describe('a parked call', () => {
  const args = { rounds: [[FORM]] };

  it('is only its own caller’s, and only for the same call', async () => {
    const world = await asking();
    const how = retry(await world.call('ask', args, able));
    for (const [tool, other, more] of [
      ['ask', args, { subject: 'b' }],
      ['ask', args, { session: 's' }],
      ['ask', { rounds: [[SAMPLE]] }, {}],
      ['echo', args, {}],
    ] as [string, JsonObject, CallHow][])
      await expect(world.call(tool, other, { ...how, ...more })).rejects.toMatchObject({ code: 'upstream.gone' });
    expect(JSON.parse(textOf(await world.call('ask', args, how)))).toEqual([YES]);
    await expect(world.call('ask', args, how)).rejects.toMatchObject({ code: 'upstream.gone' });
    expect((await heardBy(world)).heard.filter(({ params }) => params?.name === 'ask')).toHaveLength(1);
  });
  it('ends when nobody answers, and the server hears of it', async () => {
    const world = await asking({ parked: 50, limits: { idle: 100_000 } });
    const how = retry(await world.call('ask', args, able));
    await expect.poll(async () => JSON.stringify((await heardBy(world)).heard)).toContain('notifications/cancelled');
    await expect(world.call('ask', args, how)).rejects.toMatchObject({ code: 'upstream.gone' });
    const { heard } = await heardBy(world);
    expect(world.events.filter(({ code }) => code === 'event.parked').map(({ data }) => data)).toEqual([
      { upstream: 'under-test', call: expect.stringMatching(/^call-/), why: 'nobody answered in time' },
    ]);
    expect(heard.filter(({ params }) => params?.name === 'ask')).toHaveLength(1);
    expect(heard).toContainEqual({ jsonrpc: '2.0', id: 'q1', error: { code: -32603, message: 'no answer' } });
  });
  it('ends with its server, clearly, and is not made again', async () => {
    const mark = `parked-${process.pid}`;
    const world = await asking({ limits: { backoff: 1 } }, '2025-11-25', mark);
    const how = retry(await world.call('ask', args, able));
    for (const pid of processesWith(mark)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Went with its parent.
      }
    }
    await expect.poll(() => world.events.filter(({ data }) => data.what === 'end').length).toBe(2);
    await expect(world.call('ask', args, how)).rejects.toMatchObject({ code: 'upstream.lost' });
    const after = await heardBy(world);
    expect(after.heard.filter(({ params }) => params?.name === 'ask')).toEqual([]);
  });
  it('of another process is gone, and starts nothing', async () => {
    const [one, two] = [await asking(), await asking()];
    const how = retry(await one.call('ask', args, able));
    const before = two.events.length;
    await expect(two.call('ask', args, how)).rejects.toMatchObject({ code: 'upstream.gone' });
    expect(two.events).toHaveLength(before);
    await expect(
      two.call('ask', args, { ...able, resume: { state: 'a state of nobody', answers: {} } }),
    ).rejects.toMatchObject({ code: 'upstream.gone' });
  });
  it('keeps its lane, also that of a tool that executes code, until it is over', async () => {
    const world = await asking({ limits: { idle: 30 } });
    for (const executes of [false, true]) {
      const first = await world.call('ask', args, { ...able, executes });
      await pause(100);
      expect(JSON.parse(textOf(await world.call('ask', args, { ...retry(first), executes })))).toEqual([YES]);
    }
    await expect.poll(() => world.events.filter(({ data }) => data.what === 'end').length).toBe(3);
  });
  it('gives its lane to who needs one, after those that are idle', async () => {
    const world = await asking({ limits: { perUpstream: 2 } });
    const how = retry(await world.call('ask', args, { ...able, subject: 'a' }));
    await world.call('echo', { text: 'idle' }, { ...able, subject: 'b' });
    await world.call('echo', { text: 'x' }, { ...able, subject: 'c' });
    const slow = world.call('slow', { ms: 1_000 }, { ...able, subject: 'c' });
    await world.call('echo', { text: 'x' }, { ...able, subject: 'd' });
    await expect(world.call('ask', args, { ...how, subject: 'a' })).rejects.toMatchObject({ code: 'upstream.lost' });
    expect(textOf(await slow)).toBe('slow');
  });
  it('is cancelled at the server with the request that answers it', async () => {
    const world = await asking();
    const rounds = [[FORM], [FORM]];
    const cancel = new AbortController();
    const how = retry(await world.call('ask', { rounds }, able));
    const send = async () => cancel.abort(new Ended('cancel', 'run.cancelled'));
    await expect(world.call('ask', { rounds }, { ...how, signal: cancel.signal, send })).rejects.toMatchObject({
      code: 'run.cancelled',
    });
    await expect
      .poll(async () => JSON.stringify(await world.call('heard', {}, able)))
      .toContain('notifications/cancelled');
  });
});

describe('a link that must be followed first (-32042)', () => {
  it('is a question, and the call is taken for the first time after it', async () => {
    const world = await serving();
    const first = await world.call('link', {}, able);
    expect(asked(first).requests).toEqual({
      'link-1': {
        method: 'elicitation/create',
        params: { mode: 'url', url: 'https://a.example/', message: 'Sign in' },
      },
    });
    await expect(world.call('link', {}, retry(first, { action: 'decline' }))).rejects.toMatchObject({
      code: 'upstream.declined',
    });
    expect(textOf(await world.call('link', {}, retry(first, { action: 'accept' })))).toBe('linked');
  });
  it('is an error where it is not granted', async () => {
    const world = await serving({ ...ALL, elicitation: ['form'] });
    expect(await world.call('link', {}, able)).toMatchObject({ kind: 'error', code: -32603 });
  });
});

it('clients that can do different things have lanes of their own', async () => {
  const world = await serving();
  const [one, two] = [await heardBy(world), await heardBy(world, { capabilities: { roots: {} } })];
  expect(one.heard[0].method === 'initialize' || one.heard[1].method === 'initialize').toBe(true);
  expect(two.heard.find(({ method }) => method === 'initialize').params.capabilities).toEqual({ roots: {} });
});

it('the lowest level of log messages that a call of the lane wanted is set at the server', async () => {
  const world = await serving();
  expect((await heardBy(world)).level).toBe('none set');
  for (const [logLevel, set] of [
    ['warning', 'warning'],
    ['error', 'warning'],
    ['debug', 'debug'],
  ] as const)
    expect((await heardBy(world, { ...able, logLevel })).level).toBe(set);
  const notes: Notification[] = [];
  await world.call('log', { text: 'hello' }, { ...able, notes });
  expect(notes.map(({ params }) => params['data'])).toEqual(['hello']);
});
