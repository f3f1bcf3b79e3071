/** The TLS listener, from the other end of real connections. */
import { X509Certificate } from 'node:crypto';
import { Agent, request } from 'node:https';
import { type AddressInfo, connect as connectPlain, createServer } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CertificateFault, type Credentials, credentials, type Pem } from '../../src/doors/certificate.ts';
import { type HttpDoor, type HttpOptions, serveHttp } from '../../src/doors/http.ts';
import type { TlsOptions } from '../../src/doors/secure.ts';
import { STRANGER_RULES } from '../../src/doors/strangers.ts';
import { sha256Hex } from '../../src/lib/bytes.ts';
import { Authority, type Pair } from '../net/pki.ts';
import { modern, raw } from './client.ts';
import { ALICE, type House, house, until } from './house.ts';

const NAME = 'gate.example';
let ca: Authority;
let foreign: Authority;
let pairs: Record<
  'first' | 'second' | 'other' | 'expired' | 'client' | 'client2' | 'stale' | 'stranger' | 'server',
  Pair
>;
beforeAll(() => {
  ca = new Authority();
  foreign = new Authority();
  pairs = {
    first: ca.issue(`DNS:${NAME},DNS:second.example`),
    second: ca.issue(`DNS:${NAME},DNS:third.example`),
    other: ca.issue('DNS:other.example'),
    expired: ca.issue(`DNS:${NAME}`, { days: -1 }),
    client: ca.issue('DNS:client', { client: true }),
    client2: foreign.issue('DNS:client', { client: true }),
    stale: ca.issue('DNS:client', { client: true, days: -1 }),
    stranger: ca.issue('DNS:client', { client: true, selfSigned: true }),
    server: ca.issue('DNS:client'),
  };
});
afterAll(() => {
  ca.remove();
  foreign.remove();
});

const bytes = (text: string) => Buffer.from(text);
function load(
  pair: Pair,
  { clients, host, at = Date.now() }: { clients?: string; host?: string; at?: number } = {},
): Credentials {
  return credentials(
    { cert: bytes(pair.cert), key: bytes(pair.key), ...(clients !== undefined && { clients: bytes(clients) }) },
    at,
    host,
  );
}

let inside: House;
let door: HttpDoor;
let port: number;
let current: Credentials;

async function start(clients: TlsOptions['clients'] = 'off', over: Partial<HttpOptions> = {}): Promise<void> {
  await door?.close(0);
  inside = house();
  current = load(pairs.first, { clients: ca.root.cert });
  door = await serveHttp({
    gate: inside.gate,
    host: '127.0.0.1',
    port: 0,
    ring: inside.ring,
    state: inside.state,
    strangers: { ...STRANGER_RULES, burst: 1e9 },
    tls: { current: () => current, clients },
    ...over,
  });
  port = Number(new URL(door.url).port);
}
beforeEach(() => start());
afterEach(() => door.close(0));

interface Shake {
  readonly socket?: TLSSocket;
  readonly error?: string;
}
/** Resolves when the handshake is over, and with `settled` when the other side had time to think again. */
function shake(options: ConnectionOptions = {}, settled = 60): Promise<Shake> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', servername: NAME, ca: ca.root.cert, ...options });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve({ error: error.code ?? error.message }));
    socket.once('close', () => resolve({ error: 'closed' }));
    socket.once('secureConnect', () => setTimeout(() => resolve({ socket }), settled));
  });
}
async function refused(options: ConnectionOptions): Promise<string | undefined> {
  const { socket, error } = await shake(options);
  socket?.destroy();
  return error;
}

interface Asked {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly socket: unknown;
}
/** One call, over a connection of `agent`. */
function call(
  options: { agent?: Agent; host?: string; servername?: string; auth?: string | undefined; cert?: Pair } = {},
): Promise<Asked> {
  const { headers, body } = modern(1, 'echo');
  const { agent = false, host = `${NAME}:${port}`, servername = NAME, cert } = options;
  const auth = 'auth' in options ? options.auth : ALICE;
  const text = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const req = request(
      {
        port,
        host: '127.0.0.1',
        path: '/files',
        method: 'POST',
        servername,
        ca: ca.root.cert,
        agent,
        checkServerIdentity: () => undefined,
        ...(cert && { cert: cert.cert, key: cert.key }),
        headers: {
          ...headers,
          host,
          ...(auth !== undefined && { authorization: auth }),
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'content-length': Buffer.byteLength(text),
        },
      },
      (res) => {
        let said = '';
        res.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
        res.on('end', () => resolve({ status: res.statusCode!, text: said, headers: res.headers, socket: res.socket }));
      },
    );
    req.on('error', reject).end(text);
  });
}
const codes = () => inside.attempts.map(({ code }) => code);

describe('protocol', () => {
  it('is TLS 1.3 with AES-256-GCM and the post-quantum hybrid', async () => {
    const { socket } = await shake();
    expect(socket!.getProtocol()).toBe('TLSv1.3');
    expect(socket!.getCipher().name).toBe('TLS_AES_256_GCM_SHA384');
    expect((socket!.getEphemeralKeyInfo() as { name: string }).name).toBe('X25519MLKEM768');
    socket!.destroy();
    expect(inside.attempts).toEqual([]);
  });

  it('takes X25519 from clients without the hybrid', async () => {
    const { socket } = await shake({ ecdhCurve: 'X25519' });
    expect((socket!.getEphemeralKeyInfo() as { name: string }).name).toBe('X25519');
    socket!.destroy();
  });

  it.each<[string, ConnectionOptions]>([
    ['TLS 1.2', { maxVersion: 'TLSv1.2' }],
    ['TLS 1.0', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }],
    ['AES-128', { ciphers: 'TLS_AES_128_GCM_SHA256' }],
    ['ChaCha20', { ciphers: 'TLS_CHACHA20_POLY1305_SHA256' }],
    ['P-256', { ecdhCurve: 'P-256' }],
    ['another protocol', { ALPNProtocols: ['h2'] }],
  ])('refuses a client that has only %s', async (_what, options) => {
    expect(await refused(options)).toBeTruthy();
    await until(() => codes().includes('door.tls'));
    expect(inside.attempts[0]).toMatchObject({ stage: 'door', code: 'door.tls', peer: { address: '127.0.0.1' } });
  });

  it('answers nothing to plain HTTP', async () => {
    const answer = await raw(port, `GET /healthz HTTP/1.1\r\nHost: ${NAME}:${port}\r\n\r\n`);
    expect(answer).not.toContain('HTTP');
    await until(() => codes().includes('door.tls'));
  });

  it('resumes nothing', async () => {
    const { socket } = await shake();
    const session = await new Promise<Buffer>((resolve) => {
      const held = socket!.getSession();
      if (held) resolve(held);
      else socket!.once('session', resolve);
    });
    socket!.destroy();
    const again = await shake({ session });
    expect(again.socket?.isSessionReused() ?? false).toBe(false);
    again.socket?.destroy();
  });

  it('counts handshakes that never end', async () => {
    await start('off', {
      http: { head: 16_384, headWithin: 80, requestWithin: 1000, idle: 1000, connections: 10 },
    });
    const socket = connectPlain(port, '127.0.0.1');
    await new Promise((resolve) => socket.once('close', resolve).on('error', () => {}));
    await until(() => codes().includes('door.tls'));
  });

  it('cuts off an address that is over its bucket before any handshake', async () => {
    await start('off', { strangers: { burst: 3, perSecond: 0.001, addresses: 16 } });
    for (let i = 0; i < 4; i++) await refused({ servername: 'wrong.example' });
    await until(() => inside.attempts.length === 4);
    expect(await refused({})).toBeTruthy();
    expect(inside.attempts.length).toBe(4);
  });

  it('closes while handshakes are open', async () => {
    const socket = connectPlain(port, '127.0.0.1').on('error', () => {});
    await new Promise((resolve) => socket.once('connect', resolve));
    const began = performance.now();
    await door.close(0);
    expect(performance.now() - began).toBeLessThan(1000);
    socket.destroy();
  });
});

describe('names', () => {
  it.each([[''], ['wrong.example'], ['example'], [`x.${NAME}`], [`${NAME}.evil.example`], ['localhost']])(
    'shows no certificate to a client that asks for %j',
    async (servername) => {
      let shown: unknown;
      const { error } = await shake({ servername, checkServerIdentity: (_name, cert) => void (shown = cert) });
      expect(error).toBe('ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE');
      expect(shown).toBeUndefined();
    },
  );

  it('does not care for the case of a name', async () => {
    expect((await call({ servername: 'Gate.EXAMPLE' })).status).toBe(200);
  });

  it.each<[servername: string, host: string, status: number]>([
    [NAME, `${NAME}:PORT`, 200],
    [NAME, `GATE.example:PORT`, 200],
    ['second.example', 'second.example:PORT', 200],
    ['second.example', `${NAME}:PORT`, 421],
    [NAME, 'second.example:PORT', 421],
    [NAME, NAME, 421],
    [NAME, `${NAME}:1`, 421],
    [NAME, `127.0.0.1:PORT`, 421],
    [NAME, `localhost:PORT`, 421],
    [NAME, 'evil.example:PORT', 421],
  ])('for a connection to %s answers Host %s with %i', async (servername, host, status) => {
    const answer = await call({ servername, host: host.replace('PORT', String(port)) });
    expect(answer.status).toBe(status);
    if (status === 421) expect(answer.text).toBe('');
    if (status === 421) expect(Object.keys(answer.headers)).not.toContain('www-authenticate');
  });

  it('serves the public URL and nothing else', async () => {
    const free = await new Promise<number>((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => {
        const { port: found } = server.address() as AddressInfo;
        server.close(() => resolve(found));
      });
    });
    await start('off', { publicUrl: `https://${NAME}`, identities: true, port: free });
    port = free;
    current = load(pairs.first, { host: NAME });
    expect(door.url).toBe(`https://${NAME}`);
    for (const host of [NAME, `${NAME}:443`]) expect((await call({ host })).status).toBe(200);
    expect((await call({ host: `${NAME}:${free}` })).status).toBe(421);
    expect(await refused({ servername: 'second.example' })).toBeTruthy();
  });
});

describe('a new certificate', () => {
  it('is used at the next handshake, and open connections go on', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const before = await call({ agent });
    current = load(pairs.second);
    const after = await call({ agent });
    expect([before.status, after.status]).toEqual([200, 200]);
    expect(after.socket).toBe(before.socket);
    agent.destroy();
    const { socket } = await shake();
    expect(socket!.getPeerX509Certificate()!.toString()).toBe(pairs.second.cert);
    socket!.destroy();
    // Names follow the certificate.
    expect(await refused({ servername: 'second.example' })).toBeTruthy();
    expect((await call({ servername: 'third.example', host: `third.example:${port}` })).status).toBe(200);
  });

  it.each<[string, () => Credentials, keyof Pem, RegExp]>([
    ['another key', () => load({ ...pairs.first, key: pairs.second.key }), 'key', /does not belong/],
    ['no certificate', () => load({ ...pairs.first, cert: 'nothing' }), 'cert', /no certificate in PEM/],
    [
      'a cut one',
      () => load({ ...pairs.first, cert: pairs.first.cert.replace(/\n[^-]{10}/, '\n') }),
      'cert',
      /no certificate/,
    ],
    ['no key', () => load({ ...pairs.first, key: pairs.first.cert }), 'key', /no private key/],
    ['an expired one', () => load(pairs.expired), 'cert', /has expired/],
    ['one of tomorrow', () => load(pairs.first, { at: Date.now() - 3 * 86_400_000 }), 'cert', /not valid yet/],
    ['one for another name', () => load(pairs.other, { host: NAME }), 'cert', /not for gate.example/],
    ['one for no name', () => load(ca.issue('IP:127.0.0.1')), 'cert', /no DNS name/],
    ['one for a wildcard alone', () => load(ca.issue('DNS:*.example')), 'cert', /no DNS name/],
    ['no client authority', () => load(pairs.first, { clients: '' }), 'clients', /no certificate/],
  ])('is refused when it is %s', (_what, made, file, why) => {
    let fault: unknown;
    try {
      made();
    } catch (error) {
      fault = error;
    }
    expect(fault).toBeInstanceOf(CertificateFault);
    expect(fault).toMatchObject({ file, message: expect.stringMatching(why) });
    expect(JSON.stringify([(fault as Error).message, (fault as CertificateFault).fix])).not.toContain('MI');
  });

  it('covers a public name by a wildcard', () => {
    const host = 'gate.team.example';
    expect([...load(ca.issue('DNS:*.team.example'), { host }).hosts]).toEqual([host]);
  });
});

describe('client certificates', () => {
  const shown = (pair: Pair) => ({ cert: pair.cert, key: pair.key });

  it('are facts of the connection, and sign nobody in', async () => {
    await start('optional');
    expect((await call({ cert: pairs.client })).status).toBe(200);
    const { tls, authority } = inside.calls[0]!.peer;
    const { raw: der } = new X509Certificate(pairs.client.cert);
    expect(tls).toEqual({ protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', fingerprint: sha256Hex(der) });
    expect(authority).toBe(NAME);
    expect((await call({ cert: pairs.client, auth: undefined })).status).toBe(401);
    expect((await call()).status).toBe(200);
    expect(inside.calls[1]!.peer.tls).not.toHaveProperty('fingerprint');
  });

  const BAD = ['client2', 'stale', 'stranger', 'server'] as const;
  it.each(BAD.flatMap((name) => [['optional', name] as const, ['required', name] as const]))(
    'when %s refuse one that does not verify: %s',
    async (mode, name) => {
      await start(mode);
      await expect(call({ cert: pairs[name] })).rejects.toThrow();
      await until(() => codes().includes('door.tls'));
      expect(inside.attempts[0]!.peer.address).toBe('127.0.0.1');
      expect(inside.calls).toEqual([]);
    },
  );

  it('when required refuse a client without one, and take a good one', async () => {
    await start('required');
    await expect(call()).rejects.toThrow();
    await until(() => codes().includes('door.tls'));
    expect((await call({ cert: pairs.client })).status).toBe(200);
  });

  it('that were not asked for are not looked at', async () => {
    expect((await call({ cert: pairs.client2 })).status).toBe(200);
    expect(inside.calls[0]!.peer.tls).not.toHaveProperty('fingerprint');
  });

  it('count no longer on an open connection when their authority goes', async () => {
    await start('required');
    const { socket } = await shake(shown(pairs.client));
    const ask = async () => {
      const answer = new Promise<string>((resolve) => socket!.once('data', (chunk) => resolve(chunk.toString())));
      socket!.write(`GET /healthz HTTP/1.1\r\nHost: ${NAME}:${port}\r\n\r\n`);
      return answer;
    };
    expect(await ask()).toMatch(/^HTTP\/1.1 200/);
    current = load(pairs.first, { clients: foreign.root.cert });
    const ended = new Promise((resolve) => socket!.once('close', resolve));
    expect(await ask()).toMatch(/^HTTP\/1.1 421 [^]*\r\nConnection: close\r\nContent-Length: 0\r\n/);
    expect(codes()).toEqual(['door.certificate']);
    await ended;
    await expect(call({ cert: pairs.client })).rejects.toThrow();
    expect((await call({ cert: pairs.client2 })).status).toBe(200);
  });

  it('count no longer on an open connection when their time is over', async () => {
    let now = Date.now();
    inside = house();
    await door.close(0);
    door = await serveHttp({
      gate: { ...inside.gate, clock: () => now },
      host: '127.0.0.1',
      port: 0,
      ring: inside.ring,
      state: inside.state,
      tls: { current: () => current, clients: 'optional' },
    });
    port = Number(new URL(door.url).port);
    const { socket } = await shake(shown(pairs.client));
    now += 3 * 86_400_000;
    const answer = new Promise<string>((resolve) => socket!.once('data', (chunk) => resolve(chunk.toString())));
    socket!.write(`GET /healthz HTTP/1.1\r\nHost: ${NAME}:${port}\r\n\r\n`);
    expect(await answer).toMatch(/^HTTP\/1.1 421 /);
    expect(codes()).toEqual(['door.certificate']);
  });
});

describe('a listener that others can reach', () => {
  const tls = () => ({ current: () => current, clients: 'off' as const });
  it.each<[string, () => Partial<HttpOptions>, string]>([
    ['nothing', () => ({}), 'without TLS and identities beside the local token'],
    ['identities alone', () => ({ identities: true }), 'without TLS'],
    ['TLS alone', () => ({ tls: tls() }), 'without identities beside the local token'],
    ['TLS and optional client certificates', () => ({ tls: { ...tls(), clients: 'optional' } }), 'without identities'],
  ])('is refused with %s', async (_what, over, why) => {
    for (const host of ['0.0.0.0', '::', '192.0.2.1', '127.0.0.2']) {
      const { tls: _none, ...options } = { tls: undefined, ...over() };
      const listening = serveHttp({
        gate: inside.gate,
        port: 0,
        ring: inside.ring,
        state: inside.state,
        host,
        ...options,
        ...(over().tls && { tls: over().tls! }),
      });
      await expect(listening).rejects.toThrow(why);
    }
  });

  it.each<[string, Partial<HttpOptions>]>([
    ['identities', { identities: true }],
    ['required client certificates', {}],
  ])('listens with TLS and %s', async (_what, over) => {
    await start('identities' in over ? 'off' : 'required', { host: '0.0.0.0', ...over });
    expect((await call({ cert: pairs.client })).status).toBe(200);
  });

  it('counts as reachable when its public name is not of this machine', async () => {
    await expect(start('off', { publicUrl: `https://${NAME}` })).rejects.toThrow(/refusing/);
    await start('off');
  });
});

describe('without a good credential', () => {
  it('can answer as at a wrong name', async () => {
    await start('off', { unauthenticated: 'misdirected' });
    const answers = [
      await call({ host: 'wrong.example' }),
      await call({ auth: undefined }),
      await call({ auth: 'Bearer wrong-wrong-wrong-wrong' }),
    ];
    const seen = answers.map(({ status, text, headers }) => {
      const { date: _date, ...rest } = headers;
      return JSON.stringify([status, text, rest]);
    });
    expect(new Set(seen).size).toBe(1);
    expect(answers[0]!.status).toBe(421);
    expect(codes()).toEqual(['door.authority', 'identity.missing', 'identity.invalid']);
  });
});
