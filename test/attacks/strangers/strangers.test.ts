/**
 * What somebody without a credential, a browser page, or a sender of crooked requests gets from a running gateway.
 * Rows 1, 5, 21, 54, 67 and 84 of the catalogue of attacks: open endpoints, permissive CORS, hints that an identity
 * exists, lying lengths, DNS rebinding, request smuggling.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ask, http, modern, raw } from '../../doors/client.ts';
import { type Shop, shop } from '../shop-site.ts';

let at: Shop;
beforeAll(async () => {
  at = await shop('limits: { address: { minute: 1000000, burst: 1000000 } }\n');
});
afterAll(() => at?.close());

const order = modern(1, 'order', { article: 'x' });
const ask = (more: Ask = {}) =>
  http(at.served.url, {
    path: '/shop',
    body: JSON.stringify(order.body),
    ...more,
    headers: { ...order.headers, ...more.headers },
  });
const good = () => ({ authorization: `Bearer ${at.site.token()}` });

describe('without a credential', () => {
  const paths = [
    '/',
    '/shop',
    '/shop/',
    '/nothing',
    '/metrics',
    '/admin',
    '/.well-known/oauth-protected-resource',
    '/..%2f',
  ];
  it.each(paths)('%s opens to no method', async (path) => {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']) {
      const { status, text, headers } = await http(at.served.url, {
        path,
        method,
        ...(method === 'POST' && { body: JSON.stringify(order.body) }),
        headers: order.headers,
      });
      // A stranger who tries much is only told to wait.
      expect(status === 401 || status === 429).toBe(true);
      expect(text).not.toMatch(/shop|order|local/i);
      expect(JSON.stringify(headers)).not.toMatch(/shop|express|node/i);
    }
  });

  it('a wrong token is answered as none is, and as fast', async () => {
    // Where nobody has guessed before: who guesses much is told to wait.
    await at.close();
    at = await shop('limits: { address: { minute: 1000000, burst: 1000000 } }\n');
    const times: Record<string, number[]> = { none: [], wrong: [] };
    const heard = new Set<string>();
    for (let i = 0; i < 9; i++)
      for (const kind of ['none', 'wrong']) {
        const began = performance.now();
        const token = at.site.token().replace(/^./, (c) => (c === 'a' ? 'b' : 'a'));
        const { status, text } = await ask(kind === 'none' ? {} : { headers: { authorization: `Bearer ${token}` } });
        times[kind]!.push(performance.now() - began);
        heard.add(`${status} ${text.replaceAll(/[0-9A-HJKMNP-TV-Z]{26}/g, 'REF')}`);
      }
    expect(heard.size).toBe(1);
    const median = (of: number[]) => of.sort((a, b) => a - b)[Math.floor(of.length / 2)]!;
    expect(Math.abs(median(times['none']!) - median(times['wrong']!))).toBeLessThan(20);
  });
});

describe('a page or a name from elsewhere, with the token', () => {
  it.each(['https://evil.example', 'null', 'http://localhost.evil.example', 'http://127.0.0.1.evil.example'])(
    'origin %s is refused, preflight too',
    async (origin) => {
      const { status, headers } = await ask({ headers: { ...good(), origin } });
      expect([status, headers['access-control-allow-origin']]).toEqual([403, undefined]);
      const preflight = await http(at.served.url, {
        path: '/shop',
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST' },
      });
      expect(preflight.status).toBeGreaterThanOrEqual(400);
      expect(preflight.headers['access-control-allow-origin']).toBeUndefined();
    },
  );

  it.each(['evil.example', 'localhost.evil.example', '127.0.0.1.nip.io', '0.0.0.0'])(
    'host %s is refused',
    async (host) => {
      const { status, text } = await ask({ headers: { ...good(), host: `${host}:${at.port}` } });
      expect([status, text]).toEqual([421, '']);
    },
  );
});

describe('a crooked request, with the token', () => {
  const body = JSON.stringify(order.body);
  const head = (lines: readonly string[]) =>
    [
      'POST /shop HTTP/1.1',
      `Host: 127.0.0.1:${at.port}`,
      `Authorization: ${good().authorization}`,
      'Content-Type: application/json',
      'Accept: application/json, text/event-stream',
      'MCP-Protocol-Version: 2026-07-28',
      'Mcp-Method: tools/call',
      'Mcp-Name: order',
      ...lines,
      '',
      '',
    ].join('\r\n');

  it('is answered when it is straight', async () => {
    expect(await raw(at.port, head([`Content-Length: ${body.length}`]) + body, 1500)).toMatch(/^HTTP\/1\.1 200/);
  });

  const cases: Record<string, () => string> = {
    'both lengths': () =>
      `${head([`Content-Length: ${body.length}`, 'Transfer-Encoding: chunked'])}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    'two different lengths': () => head([`Content-Length: ${body.length}`, 'Content-Length: 5']) + body,
    'a negative length': () => head(['Content-Length: -1']) + body,
    'a length with a sign': () => head([`Content-Length: +${body.length}`]) + body,
    'a huge length': () => head(['Content-Length: 99999999999999999999']) + body,
    'a hidden encoding': () => `${head(['Transfer-Encoding : chunked'])}0\r\n\r\n`,
    'an unknown encoding': () => `${head(['Transfer-Encoding: chunked, gzip'])}0\r\n\r\n`,
    'a chunk that lies': () => `${head(['Transfer-Encoding: chunked'])}ffffffffffffffffff\r\n${body}\r\n0\r\n\r\n`,
    'a chunk of negative size': () => `${head(['Transfer-Encoding: chunked'])}-1\r\n${body}\r\n0\r\n\r\n`,
    'a folded header': () => head([`Content-Length: ${body.length}`, 'X-A: a', ' Authorization: Bearer b']) + body,
    'a bare LF': () => head([`Content-Length: ${body.length}`]).replaceAll('\r\n', '\n') + body,
    'a NUL in a header': () => head([`Content-Length: ${body.length}`, 'X-A: a\0b']) + body,
  };
  it.each(Object.entries(cases))('%s is refused, and nothing behind it is heard', async (_, make) => {
    const text = await raw(at.port, `${make()}GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:${at.port}\r\n\r\n`, 500);
    expect(text).toMatch(/^HTTP\/1\.1 (400|413|431|501)/);
    expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(text).not.toContain('article');
  });

  it('a length that promises more than comes brings nothing back', async () => {
    expect(await raw(at.port, head([`Content-Length: ${body.length + 500}`]) + body, 500)).toBe('');
  });
});
