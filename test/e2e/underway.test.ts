/**
 * Calls that are under way when their key is revoked, their caller or server is halted, or their session ends: at their
 * server, while an older client is asked, and parked for a newer one.
 */
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CODES, type Code } from '../../src/core/codes/index.ts';
import { issueKey } from '../../src/identity/issue.ts';
import { type KeyRecord, readKeys, writeKeys } from '../../src/identity/keyfile.ts';
import { readPrivate, replacePrivate } from '../../src/store/private.ts';
import { type Answer, http, legacy, META, modern } from '../doors/client.ts';
import { type Listener, open } from '../gateway/listener.ts';
import { OPEN_LIMITS, type Served, Site } from './site.ts';

const FILE = join(import.meta.dirname, '../fixtures/servers/asking.ts');
const FILES = { read: readPrivate, replace: replacePrivate };
const ELICITS = { elicitation: { form: {} } };
const FORM = { type: 'object', properties: { name: { type: 'string' } } };
const ROUNDS = JSON.stringify([[{ method: 'elicitation/create', params: { message: 'Who?', requestedSchema: FORM } }]]);

let site: Site;
let served: Served;
let file: string;
beforeAll(async () => {
  const block = (era: string) => ({ run: ['node', './asking/asking.ts', era], asks: { elicitation: ['form'] } });
  site = new Site({
    upstreams: { older: block('2025-11-25'), newer: block('2026-07-28') },
    fill(dir) {
      mkdirSync(join(dir, 'asking'));
      cpSync(FILE, join(dir, 'asking/asking.ts'));
    },
    more: `${OPEN_LIMITS}identity: { keys: true }\n`,
  });
  expect(site.run('review', '--yes', '--no-grants').status).toBe(0);
  const tools = ['older', 'newer'].flatMap((name) => ['ask', 'slow', 'heard'].map((tool) => `${name}.${tool}`));
  const policy = `policy: ${JSON.stringify([{ to: { tenant: 'acme' }, allow: tools }])}`;
  writeFileSync(
    site.config,
    readFileSync(site.config, 'utf8').replace(/^policy:.*$/m, () => policy),
  );
  file = join(site.dir, '.doorward/apikeys.json');
  served = await site.serve();
}, 60_000);
afterAll(async () => {
  await served?.stop();
  site?.close();
});

const poll = (what: () => unknown) => expect.poll(what, { timeout: 10_000, interval: 20 });
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

let subjects = 0;
interface Person {
  readonly subject: string;
  /** Two keys of one subject: what one began the other can look at. */
  readonly keys: readonly [string, string];
}
async function person(): Promise<Person> {
  const subject = `p${++subjects}`;
  let records: readonly KeyRecord[] = readKeys(file, FILES);
  const [first, second] = [0, 1].map(() => {
    const issued = issueKey(records, { tenant: 'acme', subject }, 600_000, { at: Date.now(), random: randomBytes });
    records = issued.keys;
    return issued.key;
  }) as [string, string];
  writeKeys(file, records, FILES);
  await poll(() => served.said()).toContain(second.slice(3, 15));
  return { subject, keys: [first, second] };
}
function revoke(key: string): void {
  const records = readKeys(file, FILES).map((one) =>
    one.id === key.slice(3, 15) ? { ...one, revoked: Date.now() } : one,
  );
  writeKeys(file, records, FILES);
}
function halt(...args: string[]): void {
  const { status, stderr } = site.run('halt', ...args);
  expect(status, stderr).toBe(0);
}

async function session(key: string, route: string): Promise<Record<string, string>> {
  const params = { protocolVersion: '2025-11-25', capabilities: ELICITS, clientInfo: { name: 't', version: '1' } };
  const body = { jsonrpc: '2.0', id: 'init', method: 'initialize', params };
  const { headers } = await http(served.url, { path: `/${route}`, headers: bearer(key), body });
  return { 'mcp-session-id': String(headers['mcp-session-id']), 'mcp-protocol-version': '2025-11-25' };
}
const asModern = (name: string, args: object, more: object = {}) => {
  const { headers, body } = modern(1, name, args) as { headers: Record<string, string>; body: any };
  const _meta = { ...META, 'io.modelcontextprotocol/clientCapabilities': ELICITS };
  return { headers, body: { ...body, params: { ...body.params, ...more, _meta } } };
};
interface At {
  readonly route: string;
  readonly key: string;
  /** Of a legacy session; without it the call is one of 2026-07-28. */
  readonly session?: Record<string, string>;
}
function call({ route, key, session }: At, name: string, args: object = {}, more: object = {}): Promise<Answer> {
  const { headers, body } = session
    ? { headers: session, body: legacy(name === 'heard' ? 'look' : 7, name, args) }
    : asModern(name, args, more);
  return http(served.url, { path: `/${route}`, headers: { ...headers, ...bearer(key) }, body });
}
/** A legacy call whose client is asked. */
function stream({ route, key, session: own }: At, text: string): Promise<Listener> {
  const body = legacy(7, 'ask', { rounds: ROUNDS, text });
  return open(served.url, { method: 'POST', path: `/${route}`, headers: { ...own, ...bearer(key) }, body });
}
const textOf = ({ json }: Answer) => (json as any).result?.content?.[0]?.text as string;
async function heard(at: At): Promise<any[]> {
  const answer = await call(at, 'heard');
  expect(answer.text).toContain('heard');
  return JSON.parse(textOf(answer)).heard;
}
const reached = (at: At, tool: string) =>
  poll(async () => (await heard(at)).some(({ params }) => params?.name === tool)).toBe(true);
/** Ids of the server's own requests that were answered with an error; nothing else was answered. */
async function refusals(at: At): Promise<unknown[]> {
  const answers = (await heard(at)).filter(({ method }) => method === undefined);
  for (const answer of answers) expect(answer).toMatchObject({ error: expect.anything() });
  return answers.map(({ id }) => id);
}
const log = () =>
  readdirSync(site.audit)
    .map((name) => readFileSync(join(site.audit, name), 'latin1'))
    .join('');
const entries = (): any[] =>
  log()
    .split('\n')
    .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
interface Way {
  readonly text: string;
  readonly code: Code;
  end(who: Person, at: At): Promise<void> | void;
  again?(who: Person, at: At): void;
}
const halting = (code: Code, what: (who: Person, at: At) => string): Way => ({
  text: 'This was halted by a person. Do not retry.',
  code,
  end: (who, at) => halt(what(who, at)),
  again: (who, at) => halt(what(who, at), '--resume'),
});
const WAYS = {
  'its key is revoked': {
    text: 'Your access ended while the call was open; what it had begun may be done.',
    code: 'run.revoked',
    end: ({ keys }) => revoke(keys[0]),
  },
  'its caller is halted': halting('halt.caller', ({ subject }) => `caller:${subject}`),
  'its server is halted': halting('halt.upstream', (_, { route }) => route),
  'its tool is halted': halting('halt.tool', (_, { route }) => `${route}.slow`),
  'its session is ended': {
    text: 'The call was cancelled.',
    code: 'run.cancelled',
    async end(_, { route, key, session: own }) {
      const headers = { ...own, ...bearer(key) };
      expect((await http(served.url, { method: 'DELETE', path: `/${route}`, headers })).status).toBe(204);
    },
  },
} satisfies Record<string, Way>;

const fixed = ({ text }: Way) => new RegExp(`^${text.replaceAll('.', '\\.')} Reference [0-9A-Z]{26}\\.$`);
/** The server was told to stop: it says so on its error stream. */
const told = ({ subject }: Person) => poll(log).toContain(`told to stop ${subject}"`);
async function began(era: string, route: string): Promise<{ who: Person; at: At; other: At }> {
  const who = await person();
  const own = era === 'legacy' ? { session: await session(who.keys[0], route) } : {};
  return { who, at: { route, key: who.keys[0], ...own }, other: { route, key: who.keys[1], ...own } };
}
/** Ends it, waits for `answered`, and lets things go on. */
async function ending(way: Way, who: Person, at: At, answered: Promise<unknown>): Promise<void> {
  await way.end(who, at);
  await answered;
  way.again?.(who, at);
}
/** What the log says with that code of a call of theirs. */
async function logged({ subject }: Person, code: Code): Promise<any> {
  const find = () => {
    const all = entries();
    const mine = new Set(all.flatMap(({ who, call }) => (who?.subject === subject ? [call] : [])));
    return all.find(
      (one) => [one.outcome?.code, one.code, one.data?.why].includes(code) && mine.has(one.call ?? one.data?.call),
    );
  };
  await poll(() => find() !== undefined).toBe(true);
  return find();
}
/** It came within a second of when the gateway knew. */
function expectSoon(end: any): void {
  const known = entries().findLast(({ code, seq }) => /^event\.(keys|halt)$/.test(code) && seq < end.seq);
  expect(Date.parse(end.at) - Date.parse(known.at)).toBeLessThan(1000);
}

describe('a call that is at its server', () => {
  it.each([
    ['legacy', 'older', 'its key is revoked'],
    ['modern', 'newer', 'its key is revoked'],
    ['modern', 'older', 'its caller is halted'],
    ['legacy', 'newer', 'its tool is halted'],
    ['legacy', 'older', 'its session is ended'],
    ['legacy', 'newer', 'its session is ended'],
  ] as const)('from a %s client, at the %s server, ends when %s', { timeout: 30_000 }, async (era, route, name) => {
    const way: Way = WAYS[name];
    const { who, at, other } = await began(era, route);
    const answer = call(at, 'slow', { ms: 120_000, text: who.subject });
    await reached(other, 'slow');
    const bystander = (await began(era, route)).at;
    const theirs = call(bystander, 'slow', { ms: 800 });
    await ending(way, who, at, answer);
    const { status, json } = await answer;
    expect(status).toBe(200);
    expect(json['result']).toMatchObject({ isError: true });
    expect(textOf(await answer)).toMatch(fixed(way));
    await told(who);
    const end = await logged(who, way.code);
    expect(end.outcome).toMatchObject({ code: way.code, sent: true });
    if (name !== 'its session is ended') expectSoon(end);
    if (name !== 'its tool is halted') expect(textOf(await theirs)).toBe('slow');
  });
});

describe('a call whose legacy client is asked', () => {
  it.each([
    ['older', 'its key is revoked'],
    ['newer', 'its key is revoked'],
    ['older', 'its caller is halted'],
    ['older', 'its session is ended'],
  ] as const)('by the %s server ends when %s', { timeout: 30_000 }, async (route, name) => {
    const way: Way = WAYS[name];
    const { who, at, other } = await began('legacy', route);
    const open = await stream(at, who.subject);
    await poll(() => open.messages.length).toBe(1);
    const question = open.messages[0]!['id'];
    const over = poll(() => open.ended()).toBe(true);
    await ending(way, who, at, over);
    const code: Code = name === 'its session is ended' ? 'asks.unanswered' : way.code;
    expect(open.messages.slice(1)).toEqual([
      { jsonrpc: '2.0', method: 'notifications/cancelled', params: expect.objectContaining({ requestId: question }) },
      expect.objectContaining({ id: 7, error: expect.objectContaining({ code: CODES[code].rpc }) }),
    ]);
    // The older server has waited all the time; the newer one holds nothing.
    if (route === 'older') {
      await told(who);
      if (name !== 'its session is ended') expect(await refusals(other)).toEqual(['q1']);
    }
    const end = await logged(who, code);
    if (name !== 'its session is ended') expectSoon(end);
    const late = { jsonrpc: '2.0', id: question, result: { action: 'accept', content: { name: 'Eve' } } };
    const headers = { ...other.session, ...bearer(other.key) };
    expect((await http(served.url, { path: `/${route}`, headers, body: late })).status).not.toBe(202);
  });
});

describe('a parked call', () => {
  it.each(['its key is revoked', 'its caller is halted', 'its server is halted'] as const)(
    'ends when %s, and its answer reaches nobody',
    { timeout: 30_000 },
    async (name) => {
      const way: Way = WAYS[name];
      const { who, at, other } = await began('modern', 'older');
      const asked = await call(at, 'ask', { rounds: ROUNDS, text: who.subject });
      const { requestState, inputRequests } = asked.json['result'] as any;
      expect(Object.keys(inputRequests)).toEqual(['ask-1']);
      await ending(way, who, at, told(who));
      expectSoon(await logged(who, way.code));
      expect(await refusals(other)).toEqual(['q1']);
      const inputResponses = { 'ask-1': { action: 'accept', content: { name: 'Eve' } } };
      const retry = await call(other, 'ask', { rounds: ROUNDS, text: who.subject }, { requestState, inputResponses });
      expect(textOf(retry)).toMatch(/^The question that this answers is no longer open\. Make the call again\./);
      expect(await refusals(other)).toEqual(['q1']);
    },
  );
});

describe('a body that comes after its key was revoked', () => {
  /** The gateway asks for the body once its sender has signed in; it is sent when `first` is over. */
  function slowly(at: At, headers: Record<string, string>, body: object, first: () => Promise<void>): Promise<Answer> {
    const text = JSON.stringify(body);
    const sent = {
      ...headers,
      ...bearer(at.key),
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'content-length': String(Buffer.byteLength(text)),
      expect: '100-continue',
    };
    return new Promise((resolve, reject) => {
      const req = request(`${served.url}/${at.route}`, { method: 'POST', headers: sent, agent: false }, (res) => {
        let said = '';
        res.setEncoding('utf8').on('data', (chunk: string) => {
          said += chunk;
        });
        res.on('end', () =>
          resolve({ status: res.statusCode!, headers: {}, text: said, json: said === '' ? {} : JSON.parse(said) }),
        );
      });
      req.on('continue', () => void first().then(() => req.end(text)));
      req.on('error', reject).flushHeaders();
    });
  }
  const known = (key: string) => poll(() => served.said()).toContain(`"ended":["${key.slice(3, 15)}"]`);

  it('makes no call', { timeout: 30_000 }, async () => {
    const { at, other } = await began('modern', 'older');
    const { headers, body } = asModern('slow', { ms: 1 });
    const answer = await slowly(at, headers, body, async () => {
      revoke(at.key);
      await known(at.key);
    });
    expect(textOf(answer)).toMatch(fixed(WAYS['its key is revoked']));
    expect((await heard(other)).filter(({ params }) => params?.name === 'slow')).toEqual([]);
  });

  it('is no answer to what another key of its owner was asked', { timeout: 30_000 }, async () => {
    const { at, other } = await began('legacy', 'older');
    const open = await stream(at, 'x');
    await poll(() => open.messages.length).toBe(1);
    const result = { action: 'accept', content: { name: 'Eve' } };
    const body = { jsonrpc: '2.0', id: open.messages[0]!['id'], result };
    const late = slowly(other, other.session!, body, async () => {
      revoke(other.key);
      await known(other.key);
    });
    await poll(() => open.ended()).toBe(true);
    expect(open.messages.at(-1)).toMatchObject({ id: 7, result: { isError: true } });
    expect(await refusals(at)).toEqual(['q1']);
    await late.catch(() => {});
  });
});

it('what was ended or answered stays so after a restart', { timeout: 30_000 }, async () => {
  const { at, other } = await began('legacy', 'older');
  const headers = { ...at.session, ...bearer(at.key) };
  expect((await http(served.url, { method: 'DELETE', path: '/older', headers })).status).toBe(204);
  const newer: At = { route: 'newer', key: at.key };
  const asked = await call(newer, 'ask', { rounds: ROUNDS });
  const { requestState } = asked.json['result'] as any;
  const inputResponses = { q0: { action: 'accept', content: { name: 'Ann' } } };
  const answer = () => call(newer, 'ask', { rounds: ROUNDS }, { requestState, inputResponses });
  expect(textOf(await answer())).toContain('Ann');
  await served.stop();
  served = await site.serve();
  for (const key of [at.key, other.key]) {
    const again = await call({ ...at, key }, 'heard');
    expect([again.status, again.json['error']]).toEqual([404, expect.anything()]);
  }
  expect((await answer()).json['error']).toMatchObject({ code: -32602, message: 'invalid request state' });
});

it('a reload that takes no keys any more ends the calls of all who came by one', { timeout: 30_000 }, async () => {
  const { at, other } = await began('legacy', 'older');
  const answer = call(at, 'slow', { ms: 120_000 });
  await reached(other, 'slow');
  const text = readFileSync(site.config, 'utf8');
  writeFileSync(site.config, text.replace('identity: { keys: true }', 'identity: { keys: false }'));
  expect(textOf(await answer)).toMatch(fixed(WAYS['its key is revoked']));
  writeFileSync(site.config, text);
});
