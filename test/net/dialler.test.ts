import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { Dialler } from '../../src/net/dialler.ts';
import { NetFault } from '../../src/net/fault.ts';
import { exchange, faultOf, type Listening, LOOPBACK, names, serve, serveRaw, target, using } from './world.ts';

const open: Listening[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});
const kept = async (server: Promise<Listening>) => {
  const made = await server;
  open.push(made);
  return made;
};
const here = (port: number, path = '/') => target({ url: `http://127.0.0.1:${port}${path}`, private: LOOPBACK });
const nobody = names({});

describe('an exchange', () => {
  it('brings status, headers and body', async () => {
    const { port } = await kept(
      serve((req, res) => {
        res.writeHead(201, { 'x-own': 'yes' });
        req.pipe(res);
      }),
    );
    const got = await using(here(port), nobody, (d) => exchange(d, { body: 'hello' }));
    expect([got.status, got.head.header('x-own'), got.body.toString()]).toEqual([201, 'yes', 'hello']);
  });

  it('sends what it was told and nothing of its own but host, encoding and length', async () => {
    const { port } = await kept(serve((req, res) => res.end(JSON.stringify(req.rawHeaders))));
    const got = await using(here(port), nobody, (d) => exchange(d, { body: 'x', headers: ['accept', 'a/b'] }));
    const raw = JSON.parse(got.body.toString()) as string[];
    expect(raw.filter((_, i) => i % 2 === 0).map((n) => n.toLowerCase())).toEqual([
      'host',
      'connection',
      'accept-encoding',
      'accept',
      'content-length',
    ]);
  });

  it('keeps the connection for the next one', async () => {
    const server = await kept(serve((_, res) => res.end('ok')));
    await using(here(server.port), nobody, async (d) => {
      for (let i = 0; i < 50; i++) await exchange(d);
    });
    // The next exchange may begin before the last connection has been put back.
    expect(server.accepted()).toBeLessThanOrEqual(2);
  });

  it('that is given up closes its connection within 100 ms', async () => {
    let closed = 0;
    const { port } = await kept(
      serve((req, res) => {
        res.writeHead(200);
        res.write('x');
        req.socket.on('close', () => (closed = performance.now()));
      }),
    );
    await using(here(port), nobody, async (d) => {
      const failed: NetFault[] = [];
      const abort = d.send(
        { method: 'POST', path: '/', headers: [] },
        { head() {}, data() {}, end() {}, fail: (f) => failed.push(f) },
      );
      await new Promise((done) => setTimeout(done, 50));
      const at = performance.now();
      abort();
      abort();
      await new Promise((done) => setTimeout(done, 100));
      expect(closed - at).toBeGreaterThan(0);
      expect(failed).toHaveLength(1);
    });
  });

  it('that was given up before it began is never sent', async () => {
    let asked = 0;
    const { port } = await kept(serve((_, res) => res.end(String(++asked))));
    await using(here(port), nobody, async (d) => {
      const failed: NetFault[] = [];
      d.send(
        { method: 'POST', path: '/', headers: [] },
        { head() {}, data() {}, end() {}, fail: (f) => failed.push(f) },
      )();
      expect(failed.map(({ unsent }) => unsent)).toEqual([true]);
      expect((await exchange(d)).body.toString()).toBe('1');
    });
  });

  it('after close fails', async () => {
    const { port } = await kept(serve((_, res) => res.end()));
    const dialler = new Dialler(here(port), { resolve: nobody });
    await dialler.close();
    expect(await faultOf(exchange(dialler))).toMatch(/^closed/);
  });

  it('ends with the fault that its receiver throws', async () => {
    const { port } = await kept(serve((_, res) => res.end('x')));
    await using(here(port), nobody, async (d) => {
      const failed = await new Promise<NetFault>((fail) =>
        d.send(
          { method: 'GET', path: '/', headers: [] },
          {
            head() {
              throw new NetFault('protocol', 'mine');
            },
            data() {},
            end() {},
            fail,
          },
        ),
      );
      expect(failed.message).toBe('mine');
    });
  });

  it('follows no redirect', async () => {
    const other = await kept(serve((_, res) => res.end('reached')));
    for (const status of [301, 302, 303, 307, 308]) {
      const server = await kept(
        serve((_, res) => res.writeHead(status, { location: `http://127.0.0.1:${other.port}/` }).end()),
      );
      const got = await using(here(server.port), nobody, (d) => exchange(d, { body: 'secret' }));
      expect(got.status).toBe(status);
    }
    expect(other.accepted()).toBe(0);
  });
});

describe('packed bodies', () => {
  const text = JSON.stringify(Array.from({ length: 500 }, (_, i) => ({ id: i, name: `row ${i * 7919}` })));
  it.each([
    ['gzip', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['br', brotliCompressSync(text)],
    ['identity', Buffer.from(text)],
  ])('%s is unpacked', async (coding, bytes) => {
    const { port } = await kept(serve((_, res) => res.writeHead(200, { 'content-encoding': coding }).end(bytes)));
    expect((await using(here(port), nobody, (d) => exchange(d))).body.toString()).toBe(text);
  });

  const zeros = Buffer.alloc(64 << 20);
  it.each([
    ['gzip', gzipSync(zeros)],
    ['br', brotliCompressSync(zeros, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } })],
    ['deflate', deflateSync(zeros)],
  ])('a %s bomb ends early, in flat memory', async (coding, bytes) => {
    const { port } = await kept(serve((_, res) => res.writeHead(200, { 'content-encoding': coding }).end(bytes)));
    const before = process.memoryUsage().rss;
    let received = 0;
    const fault = await using(
      here(port),
      nobody,
      (d) =>
        new Promise<NetFault>((fail, end) =>
          d.send(
            { method: 'POST', path: '/', headers: [], caps: { body: 32 << 20 } },
            { head() {}, data: (chunk) => void (received += chunk.length), end: () => end(new Error('passed')), fail },
          ),
        ),
    );
    expect(fault.reason).toBe('size');
    expect(received).toBeLessThan(33 << 20);
    expect(process.memoryUsage().rss - before).toBeLessThan(128 << 20);
  });

  it('a bomb below the size cap ends by its ratio', async () => {
    const { port } = await kept(
      serve((_, res) => res.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(3 << 20)))),
    );
    expect(await using(here(port), nobody, (d) => faultOf(exchange(d)))).toMatch(/^size: a body unpacks/);
  });

  it.each([
    ['gzip', Buffer.from('no gzip at all')],
    ['gzip', gzipSync(text).subarray(0, 100)],
    ['br', Buffer.from([0xff, 0xff, 0xff])],
    ['zstd', Buffer.from('x')],
    ['gzip, gzip', gzipSync(gzipSync(text))],
    ['compress', Buffer.from('x')],
    ['toString', Buffer.from('x')],
  ])('%s that is none is refused', async (coding, bytes) => {
    const { port } = await kept(serve((_, res) => res.writeHead(200, { 'content-encoding': coding }).end(bytes)));
    expect(await using(here(port), nobody, (d) => faultOf(exchange(d)))).toMatch(/^encoding/);
  });
});

describe('hostile answers', () => {
  it.each([
    [
      'a body without end',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n',
      '10000\r\n' + 'x'.repeat(65_536) + '\r\n',
      /^size/,
    ],
    ['headers without end', 'HTTP/1.1 200 OK\r\n', `x-filler: ${'y'.repeat(1000)}\r\n`, /^size/],
    ['informational answers without end', '', 'HTTP/1.1 103 Early Hints\r\n\r\n', /^protocol/],
  ])('%s', async (_, first, again, expected) => {
    const { port } = await kept(
      serveRaw((socket) => {
        socket.once('data', () => {
          socket.write(first);
          const more = () => {
            while (!socket.destroyed && socket.write(again));
          };
          socket.on('drain', more);
          more();
        });
      }),
    );
    expect(await using(here(port), nobody, (d) => faultOf(exchange(d)))).toMatch(expected);
  });

  it.each([
    ['a declared length over the cap', 'HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n', /^size/],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx', /^(protocol|lost)/],
    [
      'length and chunks',
      'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      /^(protocol|lost)/,
    ],
    ['a control character in a header', 'HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 0\r\n\r\n', /^(protocol|lost)/],
    ['a bare line feed in a header', 'HTTP/1.1 200 OK\nx: 1\n\n', /^(protocol|lost)/],
    [
      'two encodings',
      'HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-encoding: br\r\n\r\nx',
      /^(protocol|encoding)/,
    ],
    ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', /^(protocol|lost)/],
    ['an end in the middle', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc', /^lost/],
    ['nothing', '', /^lost/],
    ['an upgrade', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n', /^(protocol|lost)/],
  ])('%s', async (_, text, expected) => {
    const { port } = await kept(serveRaw((socket) => socket.once('data', () => socket.end(text))));
    expect(await using(here(port), nobody, (d) => faultOf(exchange(d)))).toMatch(expected);
  });

  it.each([
    ['headers that do not come', (write: (text: string) => void) => write('HTTP/1.1 200 OK\r\n'), { head: 300 }],
    [
      'a body that stops',
      (write: (text: string) => void) => write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc'),
      { idle: 300 },
    ],
    [
      'a body that drips',
      (write: (text: string) => void) => {
        write('HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n');
        setInterval(() => write('x'), 50).unref();
      },
      { total: 400 },
    ],
  ])('%s', async (_, act, caps) => {
    const { port } = await kept(
      serveRaw((socket) => socket.once('data', () => act((text) => void socket.write(text)))),
    );
    const at = performance.now();
    expect(await using(here(port), nobody, (d) => faultOf(exchange(d, {}, caps)))).toMatch(/^time/);
    expect(performance.now() - at).toBeLessThan(2500);
  });

  it('a second answer on the connection never becomes the answer to the next request', async () => {
    const answer = (text: string) => `HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
    const { port } = await kept(
      serveRaw((socket) => socket.on('data', () => socket.write(answer('own') + answer('planted')))),
    );
    await using(here(port), nobody, async (d) => {
      for (let i = 0; i < 5; i++) {
        const got = await exchange(d).then(
          (ok) => ok.body.toString(),
          () => 'refused',
        );
        expect(['own', 'refused']).toContain(got);
      }
    });
  });
});
