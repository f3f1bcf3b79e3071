/** The webhook, against a receiver of this test: what it gets, that it can check it, and what it cannot hold up. */
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Approval } from '../../src/controls/approval/book.ts';
import { type NoticeConfig, schema } from '../../src/controls/approval/rules.ts';
import type { Call } from '../../src/core/call.ts';
import type { Log, Trail } from '../../src/core/ports.ts';
import { RulesFault } from '../../src/core/rules.ts';
import type { Outcome } from '../../src/core/verdict.ts';
import { noticeSpec, noticeTo, openNotices } from '../../src/gateway/notice.ts';
import { readPrivate } from '../../src/store/private.ts';

const KEY = Buffer.from('0123456789abcdef0123456789abcdef');
const WAITING = {
  id: 'K7QD',
  state: 'waiting',
  until: 1_000_000,
  tenant: 'local',
  subject: 'alice',
  agent: ['bot'],
  upstream: 'files',
  method: 'tools/call',
  thing: 'write_file',
  name: 'write_file',
  args: { password: 'in the arguments' },
  codes: ['policy.ask'],
  count: 2,
  approvers: ['sre'],
} as unknown as Approval;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Got {
  readonly headers: IncomingHttpHeaders;
  readonly url: string | undefined;
  readonly body: string;
}

async function receiver(answers: (number | 'never')[]) {
  const got: Got[] = [];
  const server = createServer((req, res) => {
    let body = '';
    req.on('data', (chunk: Buffer) => (body += chunk.toString()));
    req.on('end', () => {
      got.push({ headers: req.headers, url: req.url, body });
      const status = answers.shift() ?? 200;
      if (status === 'never') return;
      res.writeHead(status, { location: 'http://127.0.0.1:1/elsewhere' }).end('x'.repeat(100));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { got, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?a=b` };
}

async function notices(url: string, found: () => Approval | undefined = () => WAITING) {
  const events: unknown[] = [];
  /** Milliseconds of each wait; they pass at once. */
  const waits: number[] = [];
  const made = openNotices({
    spec: { to: noticeTo({ url, key: 'env:K', private: ['127.0.0.0/8'] }, '/'), key: KEY },
    resolve: async () => [],
    clock: () => 400_500,
    log: { event: (code, data) => void events.push([code, data]) },
    find: async () => found(),
    page: (id) => `http://127.0.0.1:8809/approvals/${id}`,
    after(ms, run) {
      waits.push(ms);
      const timer = setTimeout(run, 1);
      return () => clearTimeout(timer);
    },
  });
  closers.push(() => made.close());
  const log = made.watch({ outcome: () => {} } as unknown as Log);
  const asks = (id = 'K7QD', call = '01CALL') => {
    const trail = [{ id: 'approval', way: 'in', verdict: { kind: 'ask', question: { id, codes: [] } } }] as Trail;
    void log.outcome({ id: call } as Call, trail, { kind: 'ask' } as Outcome);
  };
  return { events, waits, asks, log, close: made.close };
}

describe('the notice', () => {
  it('says who wants what, signed, with a link, and without arguments', async () => {
    const { got, url } = await receiver([204]);
    const { asks, events } = await notices(url);
    asks();
    await expect.poll(() => events).toEqual([['event.notice', { what: 'sent', approval: 'K7QD' }]]);
    const { headers, body, url: path } = got[0]!;
    expect(path).toBe('/hook?a=b');
    expect(JSON.parse(body)).toEqual({
      type: 'approval.waiting',
      timestamp: '1970-01-01T00:06:40.500Z',
      data: {
        id: 'K7QD',
        link: 'http://127.0.0.1:8809/approvals/K7QD',
        until: '1970-01-01T00:16:40.000Z',
        caller: { tenant: 'local', subject: 'alice', agent: ['bot'] },
        upstream: 'files',
        method: 'tools/call',
        name: 'write_file',
        why: ['policy.ask'],
        count: 2,
        approvers: ['sre'],
      },
    });
    const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = headers;
    expect([id, at]).toEqual(['01CALL', '400']);
    expect(signature).toBe(`v1,${createHmac('sha256', KEY).update(`01CALL.400.${body}`).digest('base64')}`);
  });

  it('is sent once for one approval, however often the call is made', async () => {
    const { got, url } = await receiver([]);
    const { asks, events } = await notices(url);
    for (let i = 0; i < 5; i++) asks('K7QD', `01CALL${i}`);
    asks('M2XF', '01OTHER');
    await expect.poll(() => events).toHaveLength(2);
    expect(got).toHaveLength(2);
  });

  it('is tried again when it fails, and given up in the end', async () => {
    const { got, url } = await receiver([500, 404, 302, 500, 503]);
    const { asks, events, waits } = await notices(url);
    asks();
    await expect
      .poll(() => events)
      .toEqual([['event.notice', { what: 'given up', approval: 'K7QD', why: 'status 503' }]]);
    expect(waits).toEqual([1000, 5000, 30_000, 120_000]);
    expect(got).toHaveLength(5);
    // Each try says the same under the same id.
    expect(new Set(got.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  });

  it('is not sent for what is decided already', async () => {
    const { got, url } = await receiver([500]);
    let looks = 0;
    const { asks, events } = await notices(url, () => ({ ...WAITING, state: looks++ === 0 ? 'waiting' : 'granted' }));
    asks();
    await expect.poll(() => looks).toBe(2);
    await new Promise((done) => setTimeout(done, 50));
    expect(got).toHaveLength(1);
    expect(events).toEqual([]);
  });

  it('names a resource as it was reviewed: the URI is of the caller', async () => {
    const { got, url } = await receiver([]);
    const { asks, events } = await notices(url, () => ({ ...WAITING, thing: 'db://{table}', name: 'db://salaries' }));
    asks();
    await expect.poll(() => events).toHaveLength(1);
    expect(got[0]!.body).toContain('db://{table}');
    expect(got[0]!.body).not.toContain('salaries');
  });

  it('holds up neither a call nor the end, even when nobody answers', async () => {
    const { got, url } = await receiver(Array.from({ length: 200 }, () => 'never' as const));
    const { asks, events, close } = await notices(url);
    const began = performance.now();
    for (let i = 0; i < 120; i++) asks(`K${i}`, `01CALL${i}`);
    expect(performance.now() - began).toBeLessThan(2000);
    expect(events).toHaveLength(20);
    expect(events[0]).toEqual(['event.notice', { what: 'too many', approval: 'K100' }]);
    await expect.poll(() => got.length).toBeGreaterThan(0);
    await close();
  });
});

describe('what a notice may be', () => {
  const dir = mkdtempSync(join(tmpdir(), 'doorward-notice-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const config = (text: string) => schema.parse({ notice: parse(text) as object }).notice as NoticeConfig;
  const spec = (text: string, env: Record<string, string> = {}) =>
    noticeSpec(config(text), dir, { files: { read: readPrivate }, env });

  it.each([
    ['{ url: "http://hooks.example/x", key: "env:K" }', ['approval', 'notice', 'url'], 'plaintext'],
    ['{ url: "https://169.254.169.254/x", key: "env:K" }', ['approval', 'notice', 'url'], 'not public'],
    ['{ url: "https://10.0.0.1/x", key: "env:K" }', ['approval', 'notice', 'url'], 'not public'],
    ['{ url: "https://me:pw@hooks.example/", key: "env:K" }', ['approval', 'notice', 'url'], 'name or a password'],
    ['{ url: "https://hooks.example/", key: "the key itself, by value" }', ['approval', 'notice', 'key'], 'by value'],
    ['{ url: "https://hooks.example/", key: "env:MISSING" }', ['approval', 'notice', 'key'], 'does not exist'],
    ['{ url: "https://hooks.example/", key: "env:SHORT" }', ['approval', 'notice', 'key'], '24 to 64 bytes'],
  ])('refuses %s', (text, path, message) => {
    try {
      spec(text, { K: KEY.toString(), SHORT: 'short' });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(RulesFault);
      expect((error as RulesFault).path).toEqual(path);
      expect((error as RulesFault).message).toContain(message);
      expect((error as RulesFault).message).not.toContain('the key itself');
    }
  });

  it('reads a key as it is, and as Standard Webhooks spells it', () => {
    writeFileSync(join(dir, 'key'), `whsec_${KEY.toString('base64')}\n`, { mode: 0o600 });
    expect(Buffer.from(spec('{ url: "https://hooks.example/", key: "file:key" }').key)).toEqual(KEY);
    expect(Buffer.from(spec('{ url: "https://hooks.example/", key: "env:K" }', { K: KEY.toString() }).key)).toEqual(
      KEY,
    );
  });
});
