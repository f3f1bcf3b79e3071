/** TLS through the running program: certificates from files, renewed under open connections, and what must not start. */
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { modern } from '../doors/client.ts';
import { Authority, type Pair } from '../net/pki.ts';
import { Site } from './site.ts';

const TLS = 'tls: { cert: ./tls.crt, key: ./tls.key }';
const NAMED = 'bearer-only: tests have no certificates';
let ca: Authority;
let pairs: readonly [Pair, Pair];
let client: Pair;
let site: Site;
let pristine: string;

beforeAll(() => {
  ca = new Authority();
  pairs = [ca.issue('DNS:localhost,DNS:gate.example', { days: 40 }), ca.issue('DNS:gate.example', { days: 20 })];
  client = ca.issue('DNS:client', { client: true });
  site = new Site({ servers: { tidy: ['tidy.ts'] } });
  expect(site.run('review', '--yes', '--no-grants').status).toBe(0);
  pristine = readFileSync(site.config, 'utf8');
});
afterAll(() => {
  site?.close();
  ca?.remove();
});
beforeEach(() => put(pairs[0]));

function put({ certFile, keyFile }: Pair): void {
  copyFileSync(certFile, join(site.dir, 'tls.crt'));
  copyFileSync(keyFile, join(site.dir, 'tls.key'));
}
/** `listen` and further lines in place of those of the site; `risks` besides the one that the tests take. */
function configure(listen: string, more = '', risks = ''): void {
  const to = 'policy:\n  - { to: { subject: ci }, allow: [tidy.echo] }\n  - { to: local, allow: [tidy.echo] }\n';
  let text = pristine.replace(/listen: .*\n/, `listen: { ${listen} }\n`).replace('policy: []\n', to);
  const root = /unsafe: \{ (.*) \}/.exec(text)?.[1];
  text = text.replace(/unsafe: .*\n/, '');
  const taken = [root, risks].filter(Boolean).join(', ');
  writeFileSync(site.config, `${text}${more}${taken === '' ? '' : `unsafe: { ${taken} }\n`}`);
}

interface Running {
  readonly port: number;
  said(): string;
  heard(text: string): Promise<void>;
  stop(): Promise<void>;
}
let running: Running | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});
async function run(): Promise<Running> {
  const child = site.spawn('run');
  let said = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk: Buffer) => (said += chunk));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const wait = async (pattern: RegExp | string) => {
    for (const began = Date.now(); !(typeof pattern === 'string' ? said.includes(pattern) : pattern.test(said)); ) {
      if (child.exitCode !== null || Date.now() - began > 15_000) throw new Error(said);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const stop = () => (child.kill('SIGTERM'), ended);
  running = { port: 0, said: () => said, heard: wait, stop };
  await wait(/https:\/\/[a-z.]+:\d+\//);
  return (running = { ...running, port: Number(/https:\/\/[a-z.]+:(\d+)\//.exec(said)![1]) });
}

function call(port: number, token: string, cert?: Pair): Promise<number> {
  const { headers, body } = modern(1, 'echo', { text: 'a' });
  return new Promise((resolve, reject) => {
    request(
      {
        host: '127.0.0.1',
        port,
        path: '/tidy',
        method: 'POST',
        servername: 'gate.example',
        ca: ca.root.cert,
        agent: false,
        ...(cert && { cert: cert.cert, key: cert.key }),
        headers: {
          ...headers,
          host: `gate.example:${port}`,
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
      },
      (res) => res.resume().on('end', () => resolve(res.statusCode!)),
    )
      .on('error', reject)
      .end(JSON.stringify(body));
  });
}
function shake(port: number): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, servername: 'gate.example', ca: ca.root.cert }, () =>
      resolve(socket),
    ).on('error', reject);
  });
}
const key = () => site.run('key', 'create', '--subject', 'ci').stdout.trim();

describe('certificate files', () => {
  it('are followed: new ones at once, bad ones not at all, and nothing is cut', async () => {
    configure(`port: 0, ${TLS}`);
    const { port, heard } = await run();
    expect(await call(port, site.token())).toBe(200);
    const open = await shake(port);
    expect(open.getPeerX509Certificate()!.toString()).toBe(pairs[0].cert);

    put(pairs[1]);
    await heard('event.certificate ');
    const next = await shake(port);
    expect(next.getPeerX509Certificate()!.toString()).toBe(pairs[1].cert);
    next.destroy();

    copyFileSync(pairs[0].keyFile, join(site.dir, 'tls.key'));
    await heard('event.certificate-refused');
    const last = await shake(port);
    expect(last.getPeerX509Certificate()!.toString()).toBe(pairs[1].cert);
    last.destroy();

    const answer = new Promise<string>((resolve) => open.once('data', (chunk) => resolve(chunk.toString())));
    open.write(`GET /healthz HTTP/1.1\r\nHost: gate.example:${port}\r\n\r\n`);
    expect(await answer).toContain('up\n');
    open.destroy();
  });

  it('are looked at by doctor', () => {
    configure(`port: 0, ${TLS}`);
    const lines = () =>
      (
        JSON.parse(site.run('doctor', '--json').stdout) as { lines: { what: string; state: string; text: string }[] }
      ).lines
        .filter(({ what }) => what.startsWith('certificate'))
        .map(({ what, state }) => `${state} ${what}`);
    put(ca.issue('DNS:gate.example', { days: 2 }));
    chmodSync(join(site.dir, 'tls.key'), 0o644);
    expect(lines()).toEqual(['high certificate-ends', 'high certificate-key']);
  });

  it('stop the start when they cannot be used', () => {
    configure(`port: 0, ${TLS}`);
    copyFileSync(pairs[1].keyFile, join(site.dir, 'tls.key'));
    const { status, stderr } = site.run('run');
    expect(status).toBe(2);
    expect(stderr).toMatch(/doorward\.yaml:\d+:\d+: the key does not belong to the certificate/);
  });
});

describe('off loopback', () => {
  it.each<[what: string, listen: string, more: string, why: RegExp]>([
    ['nothing', 'host: 0.0.0.0, port: 0', '', /without TLS and identities beside the local token/],
    ['TLS and keys', `host: 0.0.0.0, port: 0, ${TLS}`, 'identity: { keys: true }\n', /with a key or token alone/],
  ])('does not start with %s', (_what, listen, more, why) => {
    configure(listen, more);
    const { status, stderr } = site.run('run');
    expect(status).toBe(2);
    expect(stderr).toMatch(why);
  });

  it('takes keys and not the local token, with that risk named', async () => {
    configure(`host: 0.0.0.0, port: 0, ${TLS}`, 'identity: { keys: true }\n', NAMED);
    const good = key();
    const { port, said } = await run();
    expect(await call(port, good)).toBe(200);
    expect(await call(port, site.token())).toBe(401);
    expect(said()).toContain('whoever steals one is that caller');
  });

  it('takes keys over client certificates, and nobody without one', async () => {
    const authorities = join(site.dir, 'clients.pem');
    copyFileSync(ca.root.certFile, authorities);
    const mutual = 'tls: { cert: ./tls.crt, key: ./tls.key, clients: ./clients.pem, required: true }';
    configure(`host: 0.0.0.0, port: 0, ${mutual}`, 'identity: { keys: true }\n');
    const good = key();
    const { port } = await run();
    expect(await call(port, good, client)).toBe(200);
    expect(await call(port, site.token(), client)).toBe(401);
    await expect(call(port, good)).rejects.toThrow();
    const entries = site.run('audit', 'tail', '--json').stdout;
    expect(entries).toMatch(/"cert":"[0-9a-f]{64}"/);
    expect(entries).toContain('door.tls');
  });
});
