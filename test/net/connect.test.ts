import { copyFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { Dialler } from '../../src/net/dialler.ts';
import { Authority } from './pki.ts';
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

const ca = new Authority();
const foreign = new Authority();
afterAll(() => {
  ca.remove();
  foreign.remove();
});
const good = ca.issue('DNS:mcp.example.test,IP:127.0.0.1');
const NAME = 'mcp.example.test';
const here = names({ [NAME]: ['127.0.0.1'] });
const to = (port: number, tls: object = {}, host = NAME) =>
  target({ url: `https://${host}:${port}/`, private: LOOPBACK, tls: { ca: ca.root.certFile, ...tls } });
const hello = (pair: { cert: string; key: string }, more = {}) =>
  kept(serve((req, res) => res.end((req.socket as TLSSocket).getProtocol()), { ...pair, ...more }));

describe('TLS', () => {
  it('1.3 with a verified chain and name is taken', async () => {
    const { port } = await hello(good);
    expect((await using(to(port), here, (d) => exchange(d))).body.toString()).toBe('TLSv1.3');
  });

  it('an address is verified as an address', async () => {
    const { port } = await hello(good);
    expect((await using(to(port, {}, '127.0.0.1'), here, (d) => exchange(d))).status).toBe(200);
    const other = await hello(ca.issue('DNS:127.0.0.1,DNS:mcp.example.test'));
    expect(await using(to(other.port, {}, '127.0.0.1'), here, (d) => faultOf(exchange(d)))).toMatch(/^tls/);
  });

  const wrong = {
    expired: ca.issue(`DNS:${NAME}`, { days: -1 }),
    'for another name': ca.issue('DNS:other.example.test'),
    'for a wildcard one level up': ca.issue('DNS:*.test'),
    'self-signed': ca.issue(`DNS:${NAME}`, { selfSigned: true }),
    'of another authority': foreign.issue(`DNS:${NAME}`),
    'for clients only': ca.issue(`DNS:${NAME}`, { client: true }),
  };
  it.each(Object.entries(wrong))('a certificate that is %s is refused, and nothing is sent', async (_, pair) => {
    let asked = 0;
    const { port } = await kept(serve((_req, res) => res.end(String(++asked)), pair));
    expect(await using(to(port), here, (d) => faultOf(exchange(d, { body: 'secret' })))).toMatch(/^tls/);
    expect(asked).toBe(0);
  });

  it('an authority that the machine knows is not asked when one is named, and the other way round', async () => {
    const { port } = await hello(good);
    const strange = target({ url: `https://${NAME}:${port}/`, private: LOOPBACK });
    expect(await using(strange, here, (d) => faultOf(exchange(d)))).toMatch(/^tls/);
  });

  it('1.2 is refused', async () => {
    const { port } = await hello(good, { maxVersion: 'TLSv1.2' });
    expect(await using(to(port), here, (d) => faultOf(exchange(d)))).toMatch(/^tls/);
  });

  it('no TLS at all is refused', async () => {
    const { port } = await kept(serve((_, res) => res.end('plain')));
    expect(await using(to(port), here, (d) => faultOf(exchange(d)))).toMatch(/^tls/);
  });

  it('a pinned key is taken, another one of the same authority is not', async () => {
    const { port } = await hello(good);
    expect((await using(to(port, { pin: [good.pin] }), here, (d) => exchange(d))).status).toBe(200);
    const other = ca.issue(`DNS:${NAME}`);
    expect((await using(to(port, { pin: [other.pin, good.pin] }), here, (d) => exchange(d))).status).toBe(200);
    expect(await using(to(port, { pin: [other.pin] }), here, (d) => faultOf(exchange(d)))).toMatch(/^tls: the key/);
  });

  it('a pin does not replace the verification', async () => {
    const pair = wrong['self-signed'];
    const { port } = await hello(pair);
    expect(await using(to(port, { pin: [pair.pin] }), here, (d) => faultOf(exchange(d)))).toMatch(/^tls/);
  });

  it('a client certificate is shown where one is named', async () => {
    const client = ca.issue('DNS:gateway.test', { client: true });
    const { port } = await kept(
      serve((req, res) => res.end((req.socket as TLSSocket).getPeerCertificate().subjectaltname ?? 'none'), {
        ...good,
        ca: ca.root.cert,
        requestCert: true,
        rejectUnauthorized: true,
      }),
    );
    const mine = { cert: client.certFile, key: client.keyFile };
    expect((await using(to(port, mine), here, (d) => exchange(d))).body.toString()).toBe('DNS:gateway.test');
    expect(await using(to(port), here, (d) => faultOf(exchange(d)))).toMatch(/^(tls|lost|protocol)/);
  });

  it('files are read again when they change, and a missing one ends connections', async () => {
    const file = join(ca.dir, 'live.crt');
    copyFileSync(foreign.root.certFile, file);
    const { port } = await kept(serve((_, res) => res.writeHead(200, { connection: 'close' }).end('ok'), good));
    await using(to(port, { ca: file }), here, async (d) => {
      expect(await faultOf(exchange(d))).toMatch(/^tls/);
      writeFileSync(`${file}.new`, ca.root.cert);
      renameSync(`${file}.new`, file);
      expect((await exchange(d)).status).toBe(200);
      renameSync(file, `${file}.gone`);
      expect(await faultOf(exchange(d))).toMatch(/^tls: own files: ENOENT/);
      writeFileSync(file, 'not a certificate');
      expect(await faultOf(exchange(d))).toMatch(/^tls/);
    });
  });

  it('a certificate that is swapped in mid-life is met at the next connection', async () => {
    const server = await kept(serve((_, res) => res.writeHead(200, { connection: 'close' }).end('ok'), good));
    await using(to(server.port), here, async (d) => {
      expect((await exchange(d)).status).toBe(200);
      server.swap(foreign.issue(`DNS:${NAME}`));
      expect(await faultOf(exchange(d))).toMatch(/^tls/);
      server.swap(ca.issue(`DNS:${NAME}`));
      expect((await exchange(d)).status).toBe(200);
    });
  });
});

describe('a name', () => {
  it('is resolved once for a connection, and not again while that lives', async () => {
    let asked = 0;
    // Rebinding: harmless when it is checked, the metadata service at every later look.
    const rebinding = async () => [asked++ === 0 ? '127.0.0.1' : '169.254.169.254'];
    const { port } = await hello(good);
    await using(to(port), rebinding, async (d) => {
      for (let i = 0; i < 3; i++) {
        expect((await exchange(d)).status).toBe(200);
        await new Promise((done) => setImmediate(done));
      }
    });
    expect(asked).toBe(1);
  });

  it('that leads elsewhere later is refused then', async () => {
    const { port } = await kept(serve((_, res) => res.writeHead(200, { connection: 'close' }).end('ok'), good));
    let asked = 0;
    const rebinding = async () => [asked++ === 0 ? '127.0.0.1' : '169.254.169.254'];
    await using(to(port), rebinding, async (d) => {
      expect((await exchange(d)).status).toBe(200);
      expect(await faultOf(exchange(d))).toMatch(/^address: the name leads to 169\.254\.169\.254/);
    });
  });

  it('with a dead address first is reached at its second', async () => {
    const { port } = await hello(good);
    const two = names({ [NAME]: ['127.0.0.9', '127.0.0.1'] });
    expect((await using(to(port), two, (d) => exchange(d))).status).toBe(200);
  });

  it('that does not resolve, or not in time, fails', async () => {
    expect(await using(to(1), names({}), (d) => faultOf(exchange(d)))).toMatch(/^resolve/);
    const never = () => new Promise<string[]>(() => {});
    const dialler = new Dialler(to(1), { resolve: never, connectLimit: 100 });
    expect(await faultOf(exchange(dialler))).toMatch(/^time/);
    await dialler.close();
  });
});

describe('a connection', () => {
  it('that nobody takes fails as such, and the request counts as unsent', async () => {
    const server = await serve((_, res) => res.end());
    await server.close();
    await using(to(server.port), here, async (d) => {
      await expect(exchange(d)).rejects.toMatchObject({ reason: 'connect', unsent: true });
    });
  });

  it('whose handshake hangs ends in time', async () => {
    const { port } = await kept(serveRaw(() => {}));
    const dialler = new Dialler(to(port), { resolve: here, connectLimit: 200 });
    expect(await faultOf(exchange(dialler))).toMatch(/^time/);
    await dialler.close();
  });

  it('that comes back after a failure is used again', async () => {
    let up = false;
    const { port } = await hello(good);
    const flaky = async () => {
      if (!up) throw new Error('SERVFAIL');
      return ['127.0.0.1'];
    };
    await using(to(port), flaky, async (d) => {
      expect(await faultOf(exchange(d))).toMatch(/^resolve/);
      up = true;
      expect((await exchange(d)).status).toBe(200);
    });
  });
});
