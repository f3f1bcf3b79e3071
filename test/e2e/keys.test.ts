/** API keys through the running program: made by one process, known by another. */
import { randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issueKey, type Wanted } from '../../src/identity/issue.ts';
import { type KeyRecord, readKeys, writeKeys } from '../../src/identity/keyfile.ts';
import { readPrivate, replacePrivate } from '../../src/store/private.ts';
import { type Answer, http, INITIALIZE, META, modern } from '../doors/client.ts';
import { open } from '../gateway/listener.ts';
import { type Served, Site } from './site.ts';

const GRANTS = `policy:
  - { to: { tenant: acme, subject: ci }, allow: [tidy.echo, tidy.where, tidy.count] }
  - { to: { subject: busy }, allow: [tidy.echo] }
  - { to: { group: data, agent: bot, via: key }, allow: [tidy.count], when: { scopes: [count] } }
`;
let site: Site;
let served: Served;
let file: string;

beforeAll(async () => {
  site = new Site({ servers: { tidy: ['tidy.ts'] }, more: 'identity: { keys: true }\n' });
  expect(site.run('review', '--yes', '--no-grants').status).toBe(0);
  writeFileSync(site.config, readFileSync(site.config, 'utf8').replace('policy: []\n', GRANTS));
  file = join(site.dir, '.doorward/apikeys.json');
  served = await site.serve();
});
afterAll(async () => {
  await served?.stop();
  site?.close();
});

/** Waits until the gateway has told of a key for the `times`th time, or of another thing. */
async function told(text: string, times = 1): Promise<void> {
  for (const began = Date.now(); served.said().split(text).length <= times; ) {
    if (Date.now() - began > 10_000) throw new Error(`the gateway saw nothing:\n${served.said()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
/** The program, in a process of its own; what it printed. */
function run(...args: string[]): string {
  const { status, stdout, stderr } = site.run('key', ...args);
  if (status !== 0) throw new Error(stderr);
  return stdout.trim();
}
/** Keys made in one go, which is quicker; the last one must be good. */
async function make(...wishes: readonly (Partial<Wanted> & { life?: number })[]): Promise<string[]> {
  const files = { read: readPrivate, replace: replacePrivate };
  let keys: readonly KeyRecord[] = readKeys(file, files);
  const made = wishes.map(({ life = 60_000, ...who }) => {
    const issued = issueKey(keys, { tenant: 'acme', subject: 'ci', ...who }, life, {
      at: Date.now(),
      random: randomBytes,
    });
    keys = issued.keys;
    return issued.key;
  });
  writeKeys(file, keys, files);
  await told(idOf(made.at(-1)!));
  return made;
}
const idOf = (key: string) => key.slice(3, 15);

const bearer = (key: string | undefined) => (key === undefined ? {} : { authorization: `Bearer ${key}` });
function call(key: string | undefined, name = 'echo', args: object = { text: 'hello' }): Promise<Answer> {
  const { headers, body } = modern(1, name, args);
  return http(served.url, { path: '/tidy', headers: { ...headers, ...bearer(key) }, body });
}
async function listed(key: string): Promise<string[]> {
  const { json } = await http(served.url, {
    path: '/tidy',
    headers: { ...bearer(key), 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' },
    body: { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: META } },
  });
  return ((json.result as { tools?: { name: string }[] })?.tools ?? []).map(({ name }) => name).sort();
}

describe('a key', () => {
  it('is accepted by a running gateway, and stands in the log by its id alone', async () => {
    const key = run('create', '--tenant', 'acme', '--subject', 'ci');
    await told(idOf(key));
    expect((await call(key)).status).toBe(200);
    expect(await listed(key)).toEqual(['count', 'echo', 'where']);
    const entries = site.run('audit', 'tail', '-n', '100', '--json').stdout;
    expect(entries).toContain(
      `"tenant":"acme","who":{"subject":"ci","agent":[],"groups":[],"how":"key","issuer":"keys","credential":"${idOf(key)}"}`,
    );
    const kept = readdirSync(site.audit).map((name) => readFileSync(join(site.audit, name), 'latin1'));
    for (const text of [...kept, readFileSync(file, 'utf8'), served.said()]) expect(text).not.toContain(key.slice(16));
  });

  it('carries agent, groups and scopes as facts of their own', async () => {
    const full = { subject: 'x', groups: ['data'], agent: ['bot'], scopes: ['count'] };
    const keys = await make({ ...full, groups: [] }, { ...full, agent: [] }, { ...full, scopes: [] }, full);
    expect(await Promise.all(keys.map(listed))).toEqual([[], [], [], ['count']]);
  });

  it('that is good for some tools sees and calls no others, in both eras', async () => {
    const [key] = (await make({ tools: ['tidy.echo', 'tidy.fail'] })) as [string];
    expect(await listed(key)).toEqual(['echo']);
    expect((await call(key)).json).toMatchObject({ result: { content: [{ text: 'hello' }] } });
    const strip = ({ status, text }: Answer) => [status, text];
    const hidden = strip(await call(key, 'where', {}));
    // Granted to the caller, not good for the key: like a name that nobody ever heard of.
    expect(hidden).toEqual(strip(await call(key, 'nothing_like_it', {})));
    expect(hidden).toEqual(strip(await call(key, 'fail', {})));

    const begun = await http(served.url, { path: '/tidy', headers: bearer(key), body: INITIALIZE });
    const headers = {
      ...bearer(key),
      'mcp-session-id': String(begun.headers['mcp-session-id']),
      'mcp-protocol-version': '2025-11-25',
    };
    const body = { jsonrpc: '2.0', id: 2, method: 'tools/list' };
    const { json } = await http(served.url, { path: '/tidy', headers, body });
    expect((json.result as { tools: { name: string }[] }).tools.map(({ name }) => name)).toEqual(['echo']);
  });

  it('has a bucket for its subject: 20 at once, then 429', async () => {
    const [key, other] = (await make({ subject: 'busy' }, {})) as [string, string];
    const began = Date.now();
    let answer = await call(key);
    let good = 0;
    for (; answer.status === 200 && 'result' in answer.json && good < 60; answer = await call(key)) good++;
    expect(answer.status).toBe(429);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    // What flows back meanwhile is 100 in a minute.
    expect(good).toBeGreaterThanOrEqual(20);
    expect(good).toBeLessThanOrEqual(21 + (Date.now() - began) / 600);
    expect((await call(other)).status).toBe(200);
  });
});

describe('a rotated key', () => {
  it('is good beside the new one, and then no more', async () => {
    const [key] = (await make({})) as [string];
    const next = run('rotate', idOf(key), '--overlap', '4s');
    const until = Date.now() + 4000;
    await told(idOf(next));
    const both = [(await call(key)).status, (await call(next)).status];
    if (Date.now() < until - 500) expect(both).toEqual([200, 200]);
    await new Promise((resolve) => setTimeout(resolve, until - Date.now() + 50));
    expect([(await call(key)).status, (await call(next)).status]).toEqual([401, 200]);
  });
});

describe('a key that is not good', () => {
  it('is answered byte for byte like no such key', async () => {
    const [expired, elsewhere, closed, revoked, good] = (await make(
      { life: 1 },
      { addresses: ['192.0.2.0/24', '2001:db8::/32'] },
      { hours: `${otherDay()} 00:00-24:00 UTC` },
      {},
      {},
    )) as [string, string, string, string, string];
    run('revoke', idOf(revoked));
    await told(idOf(revoked), 2);
    const seen = new Map<string, string[]>();
    for (const [what, key] of Object.entries({
      unknown: `dw_000000000000_${'A'.repeat(43)}`,
      wrong: `${good.slice(0, 16)}${'A'.repeat(43)}`,
      expired,
      revoked,
      elsewhere,
      closed,
      malformed: good.slice(0, -1),
      none: undefined,
    })) {
      const { status, headers, text } = await call(key);
      const { date: _date, ...rest } = headers;
      const answer = JSON.stringify([status, rest, text]);
      seen.set(answer, [...(seen.get(answer) ?? []), what]);
    }
    expect(seen.size, JSON.stringify([...seen.values()])).toBe(1);
    expect([...seen.keys()][0]).toContain('401');
    expect((await call(good)).status).toBe(200);
  });
});

describe('a stream', () => {
  it('ends when its key is revoked, and no other does', async () => {
    const [key, other] = (await make({}, {})) as [string, string];
    const listen = (by: string) =>
      open(served.url, {
        method: 'POST',
        path: '/tidy',
        headers: {
          authorization: `Bearer ${by}`,
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': 'subscriptions/listen',
        },
        body: {
          jsonrpc: '2.0',
          id: 1,
          method: 'subscriptions/listen',
          params: { notifications: { toolsListChanged: true }, _meta: META },
        },
      });
    const [mine, theirs] = await Promise.all([listen(key), listen(other)]);
    expect([mine.status, theirs.status]).toEqual([200, 200]);
    run('revoke', idOf(key));
    for (const began = Date.now(); !mine.ended() && Date.now() - began < 10_000; )
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect([mine.ended(), theirs.ended()]).toEqual([true, false]);
    theirs.leave();
  });
});

describe('the file of keys', () => {
  it('refuses every key while others can read it, and nobody else', async () => {
    const [key] = (await make({})) as [string];
    chmodSync(file, 0o644);
    await told('event.keys-refused');
    expect((await call(key)).status).toBe(503);
    expect((await call(site.token())).status).not.toBe(503);
    chmodSync(file, 0o600);
    await told('event.keys ', served.said().split('event.keys ').length);
    expect((await call(key)).status).toBe(200);
  });

  it('is changed by two programs at once without a loss', async () => {
    const count = () => readKeys(file, { read: readPrivate }).length;
    const before = count();
    const codes = await Promise.all(
      [1, 2, 3].map(
        () =>
          new Promise<number | null>((resolve) => {
            site.spawn('key', 'create', '--subject', 'ci').once('exit', resolve);
          }),
      ),
    );
    const made = codes.filter((code) => code === 0).length;
    expect(made).toBeGreaterThan(0);
    expect(count() - before).toBe(made);
  });
});

/** A weekday that is not today, in whichever zone. */
function otherDay(): string {
  return new Date(Date.now() + 86_400_000 * 3).toUTCString().slice(0, 3);
}
