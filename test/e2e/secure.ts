/** A site behind TLS with callers of all kinds: the running program, and calls that bring what a test gives them. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { modern } from '../doors/client.ts';
import { Authority, type Pair } from '../net/pki.ts';
import { Site } from './site.ts';

export interface Sent {
  readonly cert?: Pair;
  /** Further certificates of the client's chain. */
  readonly chain?: readonly Pair[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Made of the request as it will be sent. */
  readonly sign?: (request: Signable) => Readonly<Record<string, string>>;
  readonly body?: string;
}
export interface Signable {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}
export interface Heard {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
}

export class SecureSite {
  readonly ca = new Authority();
  readonly site = new Site({ servers: { tidy: ['tidy.ts'] } });
  readonly #pristine: string;
  #stop: (() => Promise<void>) | undefined;
  #said = '';
  port = 0;

  constructor() {
    const pair = this.ca.issue('DNS:gate.example', { days: 40 });
    copyFileSync(pair.certFile, join(this.site.dir, 'tls.crt'));
    copyFileSync(pair.keyFile, join(this.site.dir, 'tls.key'));
    const reviewed = this.site.run('review', '--yes', '--no-grants');
    if (reviewed.status !== 0) throw new Error(reviewed.stderr);
    this.#pristine = readFileSync(this.site.config, 'utf8');
  }

  put(name: string, content: string | Uint8Array): string {
    const path = join(this.site.dir, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  /** `identity` and `policy` as YAML in one line; `listen` beside the files of TLS. */
  configure(identity: string, policy: string, tls = ''): void {
    const text = this.#pristine
      .replace(/listen: .*\n/, `listen: { port: 0, tls: { cert: ./tls.crt, key: ./tls.key${tls} } }\n`)
      .replace('policy: []\n', `policy: ${policy}\nidentity: ${identity}\n`);
    writeFileSync(this.site.config, text);
  }

  /** `port`: where it listens, when what it says is another address. */
  async start(port?: number): Promise<void> {
    const child = this.site.spawn('run');
    this.#said = '';
    for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk) => (this.#said += String(chunk)));
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    this.#stop = () => (child.kill('SIGTERM'), ended);
    await this.heard(/https:\/\/[a-z.]+(:\d+)?\//);
    this.port = port ?? Number(/https:\/\/[a-z.]+:(\d+)\//.exec(this.#said)![1]);
  }

  /** Waits until the program has said it, `times` over. */
  async heard(pattern: RegExp | string, times = 1): Promise<void> {
    const global = new RegExp(typeof pattern === 'string' ? pattern.replaceAll('.', '\\.') : pattern, 'g');
    for (const began = Date.now(); (this.#said.match(global) ?? []).length < times; ) {
      if (Date.now() - began > 15_000) throw new Error(`not heard: ${global}\n${this.#said}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  url(route = 'tidy'): string {
    return `https://gate.example:${this.port}/${route}`;
  }

  call({ cert, chain = [], headers = {}, sign, body }: Sent = {}): Promise<Heard> {
    const { headers: own, body: message } = modern(1, 'echo', { text: 'a' });
    const text = body ?? JSON.stringify(message);
    const all: Record<string, string> = {
      ...own,
      host: `gate.example:${this.port}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    };
    const more = sign?.({ method: 'POST', url: this.url(), headers: all, body: text }) ?? {};
    return this.send({ ...all, ...more }, text, cert, chain);
  }

  send(headers: Record<string, string>, body: string, cert?: Pair, chain: readonly Pair[] = []): Promise<Heard> {
    return new Promise((resolve, reject) => {
      request(
        {
          host: '127.0.0.1',
          port: this.port,
          path: '/tidy',
          method: 'POST',
          servername: 'gate.example',
          ca: this.ca.root.cert,
          agent: false,
          ...(cert && { cert: [cert, ...chain].map((one) => one.cert).join(''), key: cert.key }),
          headers,
        },
        (res) => {
          let said = '';
          res.on('data', (chunk) => (said += String(chunk)));
          res.on('end', () => resolve({ status: res.statusCode!, headers: res.headers, text: said }));
        },
      )
        .on('error', reject)
        .end(body);
    });
  }

  async status(sent?: Sent): Promise<number> {
    return (await this.call(sent)).status;
  }

  audit(): string {
    return this.site.run('audit', 'tail', '--json').stdout;
  }

  async stop(): Promise<void> {
    await this.#stop?.();
    this.#stop = undefined;
  }

  close(): void {
    this.site.close();
    this.ca.remove();
  }
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
