/**
 * Keys that callers bring for a server (guarantee SE7): two people who share one API key of Doorward, each with a key of
 * their own for the server behind, whose sessions and streams it keeps apart by those keys.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { http, modern } from '../doors/client.ts';
import { type Answering, type Site as Server, site as serve } from '../upstreams/http/world.ts';
import { OPEN_LIMITS, type Served, Site } from './site.ts';

const ECHO = {
  name: 'echo',
  description: 'Says it again',
  inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
};

let server: Server;
let site: Site;
let served: Served;
let key = '';
/** What was shown in each session of the server, and with each call. */
const shown = new Map<string, Set<string>>();
const wrong: string[] = [];
const held: Answering[] = [];

function answer(how: Answering): boolean {
  const { req, message } = how;
  const by = req.headers.authorization ?? '-';
  const session = req.headers['mcp-session-id'];
  if (typeof session === 'string') shown.set(session, (shown.get(session) ?? new Set()).add(by));
  if (message?.method === 'tools/call') {
    const { text } = message.params.arguments as { text: string };
    if (by !== `Bearer key-of-${text.split(' ')[0]}`) wrong.push(`${text} by ${by}`);
    if (text.endsWith('held')) return held.push(how), true;
  }
  return false;
}

beforeAll(async () => {
  server = await serve({ era: 'legacy', answer, tools: () => [ECHO] });
  const credential = { caller: { header: 'X-Own-Key' }, review: 'file:./review', private: ['127.0.0.0/8'] };
  const own = { url: server.url, private: ['127.0.0.0/8'], credential };
  site = new Site({ servers: {}, upstreams: { own }, more: `${OPEN_LIMITS}identity: { keys: true }\n` });
  writeFileSync(`${site.dir}/review`, 'review', { mode: 0o600 });
  // The server is in this process, which must go on meanwhile.
  const review = site.spawn('review', '--yes', '--no-grants');
  expect(await new Promise((done) => review.once('exit', done))).toBe(0);
  const text = readFileSync(site.config, 'utf8');
  writeFileSync(site.config, text.replace(/^policy: .*$/m, 'policy: [{ to: { subject: team }, allow: [own.echo] }]'));
  key = site.run('key', 'create', '--subject', 'team').stdout.trim();
  served = await site.serve();
}, 60_000);
afterAll(async () => {
  await served?.stop();
  site?.close();
  await server?.close();
});

function asked(who: string, what: string) {
  const { headers, body } = modern(1, 'echo', { text: `${who} ${what}` });
  return { headers: { ...headers, authorization: `Bearer ${key}`, 'x-own-key': `key-of-${who}` }, body };
}
const call = (who: string, what: string) => http(served.url, { path: '/own', ...asked(who, what) });

it('are shown for who brought them alone: in the call, in its session, and when it is cancelled', async () => {
  for (const who of ['ana', 'bo', 'ana', 'cy']) expect((await call(who, 'first')).text, who).toContain(`${who} first`);

  const { headers, body } = asked('ana', 'held');
  const open = request(`${served.url}/own`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
  }).on('error', () => {});
  open.end(JSON.stringify(body));
  await until(() => held.length === 1);
  expect((await call('bo', 'meanwhile')).text).toContain('bo meanwhile');
  open.destroy();
  const cancelled = () => server.of('notifications/cancelled');
  await until(() => cancelled().length === 1);
  expect(cancelled()[0]!.headers.authorization).toBe('Bearer key-of-ana');

  expect(wrong).toEqual([]);
  // Every session of the server was that of one key.
  expect([...shown.values()].map((keys) => keys.size)).toEqual([...shown].map(() => 1));
  expect(new Set([...shown.values()].flatMap((keys) => [...keys])).size).toBeGreaterThanOrEqual(3);
  // Without one there is none to borrow.
  const none = await http(served.url, {
    path: '/own',
    ...asked('ana', 'none'),
    headers: { ...asked('ana', 'none').headers, 'x-own-key': '' },
  });
  expect(none.text).not.toContain('ana none');
  expect(site.run('audit', 'tail', '--json').stdout).not.toContain('key-of-');
});

async function until(done: () => boolean): Promise<void> {
  for (const began = Date.now(); !done(); ) {
    if (Date.now() - began > 5_000) throw new Error('not in time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
