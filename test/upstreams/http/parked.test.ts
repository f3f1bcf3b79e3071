/** Servers over HTTP that ask while a call is open: in results of the newer revision, on streams of the older ones. */
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { Notification, Result, RpcError } from '../../../src/core/call.ts';
import type { JsonObject } from '../../../src/lib/json/types.ts';
import type { Asks } from '../../../src/wire/eras/asks.ts';
import {
  type Answering,
  type CallHow,
  ECHO,
  pause,
  type Site,
  type SiteOptions,
  site,
  textOf,
  type World,
  world,
} from './world.ts';

const ALL: Asks = { elicitation: ['form', 'url'], sampling: true, roots: true };
const able: CallHow = { capabilities: { elicitation: { form: {}, url: {} }, roots: {} } };
const FORM = { method: 'elicitation/create', params: { message: 'Name?', requestedSchema: { type: 'object' } } };
const YES = { action: 'accept', content: { name: 'Ann' } };
const RESERVED = 'io.modelcontextprotocol/';

const opened: { close(): Promise<void> }[] = [];
async function over(options: SiteOptions, change: Parameters<typeof world>[1] = {}): Promise<World & { at: Site }> {
  const at = await site(options);
  const made = world({ url: at.url }, { asks: ALL, ...change });
  opened.push(at, made.lanes);
  return { ...made, at };
}
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

function asked(answer: Result | RpcError): { state: string; requests: Record<string, any> } {
  if (answer.kind === 'error' || answer.value['resultType'] !== 'input_required')
    throw new Error(`not asked: ${JSON.stringify(answer)}`);
  return { state: answer.value['requestState'] as string, requests: answer.value['inputRequests'] as JsonObject };
}
function retry(answer: Result | RpcError, how: JsonObject = YES): CallHow {
  const { state, requests } = asked(answer);
  return { ...able, resume: { state, answers: Object.fromEntries(Object.keys(requests).map((id) => [id, how])) } };
}
const faults = ({ events }: World) =>
  events.flatMap(({ code, data }) => (code === 'event.protocol' ? [data.fault] : []));
const calls = ({ at }: { at: Site }) => at.of('tools/call').map(({ message }) => message);

describe('a server of 2026-07-28', () => {
  const asking = (value: (params: any) => JsonObject | undefined): SiteOptions => ({
    answer({ message, result }) {
      const made = message?.method === 'tools/call' && value(message.params);
      if (!made) return;
      result(made);
      return true;
    },
  });

  it('is told what its client can, cut to what is granted, and its state comes back byte for byte', async () => {
    const state = '{"a": "\u00e9\u{1f600} ", \n"b":1e0}';
    const made = await over(
      asking(({ requestState }) =>
        requestState === undefined
          ? { resultType: 'input_required', inputRequests: { name: FORM }, requestState: state }
          : undefined,
      ),
    );
    const first = await made.call({ text: 'hi' }, able);
    expect(asked(first)).toEqual({ state, requests: { name: FORM } });
    expect(textOf(await made.call({ text: 'hi' }, retry(first)))).toBe('hi');
    const [one, two] = calls(made);
    expect(one.params._meta[`${RESERVED}clientCapabilities`]).toEqual({
      elicitation: { form: {}, url: {} },
      roots: {},
    });
    expect(two.params).toMatchObject({ name: 'echo', arguments: { text: 'hi' }, inputResponses: { name: YES } });
    expect(Buffer.from(two.params.requestState)).toEqual(Buffer.from(state));
    expect(one.id).not.toBe(two.id);
    const state_only = { ...able, resume: { state: 's', answers: {} } };
    await made.call({}, state_only);
    expect(calls(made)[2].params).not.toHaveProperty('inputResponses');
  });
  it.each([
    ['nothing is granted', undefined, { inputRequests: { name: FORM } }],
    ['the client cannot', ALL, { inputRequests: { s: { method: 'sampling/createMessage', params: {} } } }],
    ['it says nothing', ALL, {}],
    ['it takes a state of ours', ALL, { requestState: 'doorward:parked:x' }],
  ] as const)('is refused when %s', async (_, asks, value) => {
    const made = await over(
      asking(() => ({ resultType: 'input_required', ...value }) as JsonObject),
      { asks: asks as Asks },
    );
    await expect(made.call({}, able)).rejects.toMatchObject({ code: 'upstream.asked' });
  });
});

/** Asks on the stream of the call, or on the one beside; `released` by what was asked. */
function older(where: 'own' | 'beside', more: SiteOptions = {}) {
  const open = new Map<string, Answering>();
  let beside: Answering | undefined;
  let slow: Answering | undefined;
  let next = 1;
  const options: SiteOptions = {
    era: 'legacy',
    ...more,
    answer(how) {
      const { message, req, event } = how;
      if (req.method === 'GET') {
        beside = how;
        event({ jsonrpc: '2.0', method: 'notifications/tools/nothing' });
        return true;
      }
      if (message && message.method === undefined) {
        const call = open.get(String(message.id));
        open.delete(String(message.id));
        const text = JSON.stringify(message.result ?? { refused: message.error.code });
        call?.event({ jsonrpc: '2.0', id: call.message.id, result: { content: [{ type: 'text', text }] } });
        call?.res.end();
        how.res.writeHead(202).end();
        return true;
      }
      if (message?.method !== 'tools/call') return;
      if (message.params.arguments.text === 'quick') return;
      if (message.params.arguments.text === 'slow') {
        slow = how;
        return true;
      }
      const id = `q${next++}`;
      open.set(id, how);
      const question = { jsonrpc: '2.0', id, ...FORM };
      if (where === 'own') event(question);
      else beside!.event(question);
      return true;
    },
  };
  return { options, open, finish: () => slow!.result({ content: [{ type: 'text', text: 'slow' }] }) };
}

describe('an older server', () => {
  it.each(['own', 'beside'] as const)('asks on its %s stream, and the same request goes on', async (where) => {
    const made = await over(older(where).options);
    await made.call({ text: 'quick' }, able);
    await expect.poll(() => made.at.heard.filter(({ http }) => http === 'GET')).toHaveLength(1);
    await pause(20);
    const first = await made.call({ text: 'x' }, able);
    expect(asked(first).requests).toEqual({ 'ask-1': FORM });
    expect(JSON.parse(textOf(await made.call({ text: 'x' }, retry(first))))).toEqual(YES);
    expect(calls(made).filter(({ params }) => params.arguments.text === 'x')).toHaveLength(1);
    expect(made.at.of('initialize').map(({ message }) => message.params.capabilities)).toEqual([able.capabilities]);
  });
  it('is answered per call where the stream tells whose question it is, however many are open', async () => {
    const made = await over(older('own').options);
    const parked = await Promise.all([1, 2, 3].map((n) => made.call({ text: `x${n}` }, able)));
    for (const [i, one] of [...parked.entries()].reverse())
      expect(
        JSON.parse(textOf(await made.call({ text: `x${i + 1}` }, retry(one, { action: 'accept', content: { i } })))),
      ).toEqual({ action: 'accept', content: { i } });
  });
  it('is refused beside the streams while several calls are open', async () => {
    const server = older('beside');
    const made = await over(server.options);
    await made.call({ text: 'quick' }, able);
    await expect.poll(() => made.at.heard.filter(({ http }) => http === 'GET')).toHaveLength(1);
    await pause(20);
    const [one, two] = [made.call({ text: 'slow' }, able), made.call({ text: 'x' }, able)];
    expect(JSON.parse(textOf(await two))).toEqual({ refused: -32601 });
    expect(faults(made)).toContain('ambiguous');
    server.finish();
    expect(textOf(await one)).toBe('slow');
  });
  it('never puts the question of one caller to another', async () => {
    const made = await over(older('own').options);
    const [a, b] = await Promise.all(['a', 'b'].map((subject) => made.call({ text: 'x' }, { ...able, subject })));
    await expect(made.call({ text: 'x' }, { ...retry(a!), subject: 'b' })).rejects.toMatchObject({
      code: 'upstream.gone',
    });
    expect(JSON.parse(textOf(await made.call({ text: 'x' }, { ...retry(b!), subject: 'b' })))).toEqual(YES);
    expect(JSON.parse(textOf(await made.call({ text: 'x' }, { ...retry(a!), subject: 'a' })))).toEqual(YES);
    expect(made.at.sessions.size).toBe(2);
  });
  it('that is killed while a call is parked ends it, and is not called again', async () => {
    const server = older('own');
    const made = await over(server.options);
    const first = await made.call({ text: 'x' }, able);
    for (const { res } of server.open.values()) (res as ServerResponse).destroy();
    await pause(50);
    await expect(made.call({ text: 'x' }, retry(first))).rejects.toMatchObject({ code: 'upstream.lost' });
    expect(calls(made)).toHaveLength(1);
  });
  it('that does not take an answer loses the call, at once', async () => {
    const { options } = older('own');
    const made = await over({
      ...options,
      answer(how) {
        if (how.message?.result === undefined) return options.answer!(how);
        how.res.writeHead(500).end();
        return true;
      },
    });
    const first = await made.call({ text: 'x' }, able);
    await expect(made.call({ text: 'x' }, retry(first))).rejects.toMatchObject({ code: 'upstream.lost' });
    await expect.poll(() => made.at.of('notifications/cancelled')).toHaveLength(1);
    expect(calls(made)).toHaveLength(1);
  });
  it('is told when nobody answers in time', async () => {
    const made = await over(older('own').options, { parked: 40 });
    const first = await made.call({ text: 'x' }, able);
    await expect.poll(() => made.at.of('notifications/cancelled')).toHaveLength(1);
    await expect(made.call({ text: 'x' }, retry(first))).rejects.toMatchObject({ code: 'upstream.gone' });
    await expect.poll(() => made.at.heard.filter(({ message }) => message?.error)).toHaveLength(1);
  });
  it.each([
    ['2025-03-26', 'stream'],
    ['2025-03-26', 'body'],
    ['2025-06-18', 'stream'],
    ['2025-06-18', 'body'],
  ])('of %s may answer in a batch only where there are some: %s', async (version, where) => {
    const made = await over({
      era: 'legacy',
      version,
      answer({ message, event, json, res }) {
        if (message?.method !== 'tools/call') return;
        const batch = [
          { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: message.id, progress: 1 } },
          { jsonrpc: '2.0', id: message.id, result: { content: [{ type: 'text', text: 'in a batch' }] } },
        ];
        if (where === 'body') json(batch);
        else {
          event(batch);
          res.end();
        }
        return true;
      },
    });
    const notes: Notification[] = [];
    const call = made.call({}, { ...able, notes });
    if (version === '2025-03-26') {
      expect(textOf(await call)).toBe('in a batch');
      expect(notes).toHaveLength(1);
    } else await expect(call).rejects.toMatchObject({ code: where === 'body' ? 'upstream.protocol' : 'upstream.lost' });
  });
  it('before 2025-06-18 promises no structure, whatever it lists', async () => {
    const outputSchema = { type: 'object', properties: {} };
    const made = await over({ era: 'legacy', version: '2025-03-26', tools: () => [{ ...ECHO, outputSchema }] });
    expect(textOf(await made.call())).toBe('hello');
    expect(made.drifts).toEqual([]);
  });
  it.each([
    ['2025-11-25', '2025-11-25'],
    ['2025-06-18', '2025-06-18'],
    ['2025-03-26', undefined],
  ])('of %s is sent the version %s in headers', async (version, header) => {
    const made = await over({ era: 'legacy', version });
    expect(textOf(await made.call())).toBe('hello');
    expect(made.at.of('tools/call')[0]!.headers['mcp-protocol-version']).toBe(header);
  });
});
