/** What a stranger can send to the HTTP door, byte for byte. */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HTTP_LIMITS, type HttpDoor, type HttpOptions, serveHttp } from '../../src/doors/http.ts';
import { STRANGER_RULES } from '../../src/doors/strangers.ts';
import { http, modern, raw } from './client.ts';
import { ALICE, type House, house, until } from './house.ts';

let inside: House;
let door: HttpDoor;
let port: number;

async function start(over: Partial<HttpOptions> = {}): Promise<void> {
  await door?.close(0);
  inside = house();
  door = await serveHttp({
    gate: inside.gate,
    host: '127.0.0.1',
    port: 0,
    ring: inside.ring,
    state: inside.state,
    origins: ['https://page.example'],
    strangers: { ...STRANGER_RULES, burst: 1e9 },
    ...over,
  });
  port = Number(new URL(door.url).port);
}
beforeEach(() => start());
afterEach(() => door.close(0));

const CALL = JSON.stringify(modern(1, 'echo').body);
/** A request that would succeed, to be spoilt in one place. */
function good(over: Readonly<Record<string, string | undefined>> = {}, body = CALL): string {
  const headers: Record<string, string | undefined> = {
    Host: `127.0.0.1:${port}`,
    Authorization: ALICE,
    'Content-Type': 'application/json',
    Accept: 'application/json, text/event-stream',
    ...modern(1, 'echo').headers,
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: 'close',
    ...over,
  };
  const lines = Object.entries(headers).filter(([, value]) => value !== undefined);
  return `POST /files HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`;
}
const status = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0);
const body = (answer: string) => answer.slice(answer.indexOf('\r\n\r\n') + 4);

describe('authority', () => {
  it.each([
    ['127.0.0.1:PORT', 200],
    ['localhost:PORT', 200],
    ['LocalHost:PORT', 200],
    ['[::1]:PORT', 200],
    ['127.0.0.1', 421],
    ['127.0.0.1:1', 421],
    ['127.0.0.2:PORT', 421],
    ['evil.example:PORT', 421],
    ['localhost.evil.example:PORT', 421],
    ['127.0.0.1:PORT.evil.example', 421],
    ['localhost.:PORT', 421],
    ['2130706433:PORT', 421],
    ['0x7f.1:PORT', 421],
    ['user@127.0.0.1:PORT', 421],
    ['127.0.0.1:PORT, evil.example', 421],
    ['', 421],
  ])('answers %j with %i', async (host, expected) => {
    const answer = await raw(port, good({ Host: host.replace('PORT', String(port)) }), 150);
    expect(status(answer)).toBe(expected);
    if (expected === 421) expect(body(answer)).toBe('');
    if (expected === 421) expect(answer).not.toMatch(/www-authenticate|doorward|mcp/i);
  });

  it('refuses a second Host, whichever comes first', async () => {
    const twice = (a: string, b: string) =>
      raw(port, good().replace(/Host: .*\r\n/, `Host: ${a}\r\nHost: ${b}\r\n`), 150);
    expect(status(await twice('evil.example', `127.0.0.1:${port}`))).toBe(421);
    expect(status(await twice(`127.0.0.1:${port}`, 'evil.example'))).toBe(421);
    expect(status(await twice(`127.0.0.1:${port}`, `127.0.0.1:${port}`))).toBe(421);
  });

  it.each([
    ['an absolute target', 'POST http://evil.example/files HTTP/1.1', 421],
    ['an absolute target of a served name', 'POST http://127.0.0.1:PORT/files HTTP/1.1', 421],
    ['an authority target', 'CONNECT evil.example:443 HTTP/1.1', 0],
    ['an asterisk', 'OPTIONS * HTTP/1.1', 421],
    ['HTTP/0.9', 'GET /files', 400],
    ['HTTP/2 preface', 'PRI * HTTP/2.0', 400],
  ])('refuses %s', async (_what, line, expected) => {
    const request = good().replace('POST /files HTTP/1.1', line.replace('PORT', String(port)));
    expect(status(await raw(port, request, 150))).toBe(expected);
    expect(inside.calls).toHaveLength(0);
  });

  it('refuses a request without Host, in 1.1 and in 1.0', async () => {
    expect(status(await raw(port, good({ Host: undefined }), 150))).toBe(400);
    expect(status(await raw(port, good({ Host: undefined }).replace('HTTP/1.1', 'HTTP/1.0'), 150))).toBe(421);
    expect(inside.calls).toHaveLength(0);
  });
});

describe('origin', () => {
  it.each([
    ['https://page.example', 200],
    ['https://page.example:443', 403],
    ['http://page.example', 403],
    ['https://page.example.evil.example', 403],
    ['https://evil.example', 403],
    ['HTTPS://PAGE.EXAMPLE', 403],
    ['null', 403],
    ['', 403],
    ['https://page.example, https://evil.example', 403],
  ])('answers %j with %i', async (origin, expected) => {
    const answer = await raw(port, good({ Origin: origin }), 150);
    expect(status(answer)).toBe(expected);
    const allow = /access-control-allow-origin: (.*)\r/i.exec(answer)?.[1];
    expect(allow).toBe(expected === 200 ? 'https://page.example' : undefined);
  });

  it('refuses two origins, of which one is listed', async () => {
    const two = good().replace('\r\n\r\n', '\r\nOrigin: https://page.example\r\nOrigin: https://page.example\r\n\r\n');
    expect(status(await raw(port, two, 150))).toBe(403);
  });

  it('answers a preflight of a listed page only, without a credential', async () => {
    const ask = (origin: string) =>
      http(door.url, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST', 'content-type': undefined, accept: undefined },
      });
    const yes = await ask('https://page.example');
    expect([yes.status, yes.headers['access-control-allow-origin']]).toEqual([204, 'https://page.example']);
    expect(yes.headers['access-control-allow-credentials']).toBeUndefined();
    for (const origin of ['https://evil.example', 'null']) {
      const no = await ask(origin);
      expect(no.status).toBe(403);
      expect(Object.keys(no.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });

  it('is closed until a page is named', async () => {
    await start({ origins: [] });
    expect(status(await raw(port, good({ Origin: `http://127.0.0.1:${port}` }), 150))).toBe(403);
    // The origin of such a URL is `null`, which every sandboxed page has too.
    await start({ origins: ['data:text/html,x'] });
    expect(status(await raw(port, good({ Origin: 'null' }), 150))).toBe(403);
  });
});

describe('without a caller', () => {
  it('answers every path, method, body and reason with the same bytes', async () => {
    const seen = new Set<string>();
    const paths = [
      '/',
      '/files',
      '/nope',
      '/files/',
      '/healthz/',
      '/../etc',
      '/.well-known/x',
      '/files?token=x',
      '/%00',
    ];
    const tokens = [
      undefined,
      'Bearer wrong-wrong-wrong-wrong',
      'Basic eDp5',
      ALICE.slice(0, -1),
      `${ALICE}x`,
      '',
      `${ALICE}, ${ALICE}`,
    ];
    for (const path of paths) {
      for (const method of ['POST', 'GET', 'DELETE', 'PUT', 'OPTIONS']) {
        for (const authorization of method === 'POST' ? tokens : [undefined]) {
          const answer = await raw(
            port,
            `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${authorization === undefined ? '' : `Authorization: ${authorization}\r\n`}Connection: close\r\n\r\n`,
          );
          expect(status(answer)).toBe(401);
          seen.add(answer.replace(/Date: .*\r\n/, '').replace(/"[^"]*Reference[^"]*"/, ''));
        }
      }
    }
    expect(seen.size).toBe(1);
    expect([...seen][0]).toContain('WWW-Authenticate: Bearer\r\n');
    expect(inside.calls).toHaveLength(0);
    expect(new Set(inside.attempts.map((a) => a.stage))).toEqual(new Set(['identity']));
  });

  it('takes no two credentials, even if both are good', async () => {
    const twice = good().replace('\r\n\r\n', `\r\nAuthorization: ${ALICE}\r\n\r\n`);
    expect(status(await raw(port, twice, 150))).toBe(401);
  });

  it('says whether it is up, and nothing else', async () => {
    const answer = await http(door.url, { path: '/healthz', method: 'GET' });
    expect([answer.status, answer.text]).toEqual([200, 'up\n']);
    expect((await http(door.url, { path: '/healthz' })).status).toBe(401);
    expect((await http(door.url, { path: '/healthz', method: 'GET', headers: { host: 'evil.example' } })).status).toBe(
      421,
    );
    expect(inside.calls).toHaveLength(0);
  });

  it('does not ask for a body that it will not read', async () => {
    const request = good(
      { Authorization: 'Bearer wrong-wrong-wrong-wrong', Expect: '100-continue', Connection: undefined },
      '',
    );
    const answer = await raw(port, request.replace('Content-Length: 0', 'Content-Length: 1000000'), 150);
    expect(answer).toMatch(/^HTTP\/1\.1 401/);
    expect(answer).toMatch(/connection: close/i);
    const asked = await raw(port, good({ Expect: '100-continue' }), 150);
    expect(asked).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200/);
  });

  it('limits an address by its failures, but not who signs in from it', async () => {
    let now = 0;
    await start({ strangers: STRANGER_RULES, gate: { ...house().gate, clock: () => now } });
    const wrong = { headers: { authorization: 'Bearer wrong-wrong-wrong-wrong' }, body: CALL };
    const right = () =>
      http(door.url, { ...modern(1, 'echo'), headers: { ...modern(1, 'echo').headers, authorization: ALICE } });
    for (let i = 0; i < 10; i++) expect((await http(door.url, wrong)).status).toBe(401);
    const over = await http(door.url, wrong);
    expect([over.status, over.headers['retry-after']]).toEqual([429, '1']);
    // Another process of the same address is not locked out by it; a stranger without any credential is.
    expect((await right()).status).toBe(200);
    expect((await http(door.url, { body: CALL })).status).toBe(429);
    now = 1000;
    for (let i = 0; i < 100; i++) expect((await right()).status).toBe(200);
  });

  it('listens on loopback only', async () => {
    for (const host of ['0.0.0.0', '::', '192.0.2.1', '']) {
      await expect(
        serveHttp({ gate: inside.gate, host, port: 0, ring: inside.ring, state: inside.state }),
      ).rejects.toThrow(/refusing/);
    }
  });
});

describe('framing', () => {
  const SMUGGLED = 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';
  const without = () => good({ 'Content-Length': undefined }, '').slice(0, -2);
  it.each<[string, () => string]>([
    ['two lengths', () => `${without()}Content-Length: 5\r\nContent-Length: 6\r\n\r\n${CALL}`],
    ['two equal lengths', () => `${without()}Content-Length: 5\r\nContent-Length: 5\r\n\r\n${CALL}`],
    ['a list of lengths', () => `${without()}Content-Length: 5, 5\r\n\r\n${CALL}`],
    ['a signed length', () => `${without()}Content-Length: +5\r\n\r\n${CALL}`],
    ['a negative length', () => `${without()}Content-Length: -5\r\n\r\n${CALL}`],
    ['a hexadecimal length', () => `${without()}Content-Length: 0x5\r\n\r\n${CALL}`],
    ['a length over 64 bits', () => `${without()}Content-Length: 18446744073709551617\r\n\r\n${CALL}`],
    [
      'length and chunks',
      () => `${without()}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    ],
    [
      'chunks and length',
      () => `${without()}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    ],
    ['two codings', () => `${without()}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`],
    ['chunked twice', () => `${without()}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['chunked, chunked', () => `${without()}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`],
    ['an unknown coding', () => `${without()}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
    ['gzip, chunked', () => `${without()}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ['a tab before the colon', () => `${without()}Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n`],
    ['a space before the colon', () => `${without()}Content-Length : 5\r\n\r\nhello`],
    ['a folded header', () => `${without()}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n`],
    ['bare line feeds', () => good().replaceAll('\r\n', '\n')],
    ['a bare carriage return', () => good().replace('\r\nAccept', '\rAccept')],
    ['a null in a header', () => good({ 'X-A': 'a\0b' })],
    [
      'a chunk size over 64 bits',
      () => `${without()}Transfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n`,
    ],
    ['a signed chunk size', () => `${without()}Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n`],
    ['chunks ended by a line feed', () => `${without()}Transfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n`],
    ['an upgrade', () => good({ Upgrade: 'h2c', Connection: 'Upgrade, HTTP2-Settings', 'HTTP2-Settings': '' })],
    ['a websocket', () => good({ Upgrade: 'websocket', Connection: 'Upgrade' })],
    ['a method that is none', () => good().replace('POST', 'PO ST')],
    ['garbage', () => '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS here\r\n\r\n'],
  ])('refuses %s', async (_what, make) => {
    const answer = await raw(port, make(), 150);
    expect(answer.match(/HTTP\/1\.1 /g) ?? []).toHaveLength(1);
    expect([400, 413]).toContain(status(answer));
    expect(inside.calls).toHaveLength(0);
  });

  it('answers one connection in order, whatever the bodies hold', async () => {
    const tricky = JSON.stringify(modern(1, 'echo', { text: SMUGGLED }).body);
    const answer = await raw(port, good({ Connection: undefined }, tricky) + good(), 500);
    expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    expect(inside.calls).toHaveLength(2);
  });

  it('keeps the connection after a refusal only where it knows its end', async () => {
    const small = await raw(port, good({ Authorization: undefined, Connection: undefined }) + good(), 300);
    expect(small.match(/HTTP\/1\.1 (\d+)/g)).toEqual(['HTTP/1.1 401', 'HTTP/1.1 200']);
    const chunked = `${good({ Authorization: undefined, 'Content-Length': undefined, 'Transfer-Encoding': 'chunked', Connection: undefined }, '')}5\r\nhello\r\n0\r\n\r\n`;
    const closed = await raw(port, chunked + good(), 300);
    expect(closed.match(/HTTP\/1\.1 (\d+)/g)).toEqual(['HTTP/1.1 401']);
    expect(closed).toMatch(/connection: close/i);
  });
});

describe('the slow and the huge', () => {
  const quick = { ...HTTP_LIMITS, headWithin: 100, requestWithin: 400 };

  it('cuts off headers over the cap', async () => {
    expect(status(await raw(port, good({ 'X-A': 'a'.repeat(20_000) }), 150))).toBe(400);
    const many = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`X${i}`, 'a']));
    expect(status(await raw(port, good(many), 150))).toBe(400);
    expect(inside.calls).toHaveLength(0);
  });

  it('sees a repeated header behind a thousand others', async () => {
    const many = Array.from({ length: 1500 }, (_, i) => `a${i}:\r\n`).join('');
    const late = good().replace('\r\n\r\n', `\r\n${many}Host: evil.example\r\n\r\n`);
    expect(status(await raw(port, late, 150))).toBe(421);
  });

  it('cuts off a head that does not end, and a connection that says nothing', async () => {
    await start({ http: quick });
    const began = performance.now();
    const [half, mute] = await Promise.all([raw(port, 'POST /files HTTP/1.1\r\nHost: a', 3000), raw(port, '', 3000)]);
    expect(performance.now() - began).toBeLessThan(1500);
    expect([status(half), status(mute)]).toEqual([408, 408]);
  });

  it('cuts off a body that does not come', async () => {
    await start({ body: { max: 1000, within: 50 } });
    const answer = await raw(port, good({ 'Content-Length': '900' }, '{'), 2000);
    expect(status(answer)).toBe(408);
    expect(inside.attempts.map((a) => a.code)).toEqual(['door.slow']);
    const drip = good({ 'Content-Length': undefined, 'Transfer-Encoding': 'chunked' }, '1\r\n{\r\n');
    expect(status(await raw(port, drip, 2000))).toBe(408);
  });

  it('refuses a body over the cap, declared or not, and lets the client read why', async () => {
    await start({ body: { max: 1000, within: 5000 } });
    const big = 'x'.repeat(3_000_000);
    const declared = await http(door.url, { headers: { authorization: ALICE }, body: big });
    expect(declared.status).toBe(413);
    const chunks = `${good({ 'Content-Length': undefined, 'Transfer-Encoding': 'chunked' }, '')}${'ff\r\n'.concat('x'.repeat(255), '\r\n').repeat(50)}`;
    expect(status(await raw(port, chunks, 1500))).toBe(413);
    expect(inside.attempts.map((a) => a.code)).toEqual(['door.too-large', 'door.too-large']);
    expect(inside.calls).toHaveLength(0);
  });

  it('reads on for a moment after it refused, so that the answer is not lost to a reset', async () => {
    const socket = connect(port, '127.0.0.1');
    let [text, ended] = ['', 0];
    socket
      .on('error', () => {})
      .on('data', (chunk) => {
        text += chunk;
      });
    socket.on('end', () => {
      ended = performance.now();
    });
    socket.write(good({ Authorization: undefined, Connection: undefined, 'Content-Length': '3000000' }, ''));
    await until(() => text.includes('authentication required'));
    const answered = performance.now();
    socket.write('x'.repeat(100_000));
    await until(() => ended > 0);
    expect(ended - answered).toBeGreaterThan(200);
    socket.destroy();
  });

  it('does not read the body of a stranger for ever', async () => {
    const socket = connect(port, '127.0.0.1');
    let closed = false;
    socket
      .on('error', () => {})
      .on('close', () => {
        closed = true;
      });
    socket.write(good({ Authorization: undefined, 'Content-Length': '4000000' }, ''));
    const drip = setInterval(() => socket.write('x'), 20);
    await until(() => closed);
    clearInterval(drip);
  });

  it('takes a bounded number of connections', async () => {
    await start({ http: { ...HTTP_LIMITS, connections: 3 } });
    const sockets = Array.from({ length: 6 }, () => connect(port, '127.0.0.1').on('error', () => {}));
    let closed = 0;
    for (const socket of sockets) socket.on('close', () => closed++);
    await until(() => closed === 3);
    for (const socket of sockets) socket.destroy();
  });

  it('lives through random bytes', async () => {
    for (let i = 0; i < 50; i++) await raw(port, randomBytes(1 + i * 20), 30);
    expect((await http(door.url, { path: '/healthz', method: 'GET' })).status).toBe(200);
    expect(inside.calls).toHaveLength(0);
  });
});

describe('with a caller', () => {
  const ask = (over: Parameters<typeof http>[1]) => {
    const base = modern(1, 'echo');
    return http(door.url, { ...base, ...over, headers: { ...base.headers, authorization: ALICE, ...over.headers } });
  };

  it.each(['/nope', '/', '/files/', '/files/x', '//files', '/%66iles', '/files%00', '/FILES', '/healthz'])(
    'finds nothing at %s',
    async (path) => {
      const answer = await ask({ path });
      expect([answer.status, answer.json.error]).toEqual([404, { code: -31003, message: 'not found' }]);
    },
  );

  it('reads no query', async () => expect((await ask({ path: '/files?route=nope' })).status).toBe(200));

  it.each(['GET', 'PUT', 'PATCH', 'HEAD', 'TRACE'])('offers no %s', async (method) => {
    const answer = await ask({ method, body: '', headers: { 'content-type': undefined } });
    expect([answer.status, answer.headers.allow]).toEqual([405, 'POST, DELETE']);
  });

  it.each<[number, Record<string, string | undefined>]>([
    [200, { 'content-type': 'application/json; charset=utf-8' }],
    [200, { 'content-type': 'Application/JSON;charset="UTF-8"' }],
    [415, { 'content-type': undefined }],
    [415, { 'content-type': 'text/plain' }],
    [415, { 'content-type': 'application/json; charset=utf-7' }],
    [415, { 'content-type': 'application/json-seq' }],
    [415, { 'content-type': 'application/x-www-form-urlencoded' }],
    [415, { 'content-type': 'application/json; charset=utf-8; boundary=x' }],
    [415, { 'content-encoding': 'gzip' }],
    [415, { 'content-encoding': 'identity' }],
    [406, { accept: undefined }],
    [406, { accept: 'application/json' }],
    [406, { accept: 'text/event-stream' }],
    [406, { accept: 'text/html, application/jsonx, text/event-streams' }],
    [200, { accept: 'text/event-stream;q=0.5, Application/JSON' }],
  ])('answers %i to %j', async (expected, headers) => expect((await ask({ headers })).status).toBe(expected));

  it('never lets an answer be stored or sniffed', async () => {
    for (const over of [{}, { path: '/nope' }, { headers: { authorization: undefined } }, { headers: { host: 'x' } }]) {
      const { headers } = await ask(over);
      expect([headers['cache-control'], headers['x-content-type-options']]).toEqual(['no-store', 'nosniff']);
      expect(headers['x-powered-by'] ?? headers.server).toBeUndefined();
    }
  });
});
