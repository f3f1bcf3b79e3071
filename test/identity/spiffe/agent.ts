/** A stand-in for a SPIFFE agent: the two bundle streams of the Workload API, over a real unix socket. */

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Bundles {
  /** Concatenated DER by trust domain id, and JWK sets likewise. */
  readonly x509: Readonly<Record<string, Uint8Array>>;
  readonly jwt: Readonly<Record<string, Uint8Array>>;
}

const varint = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...varint(n >>> 7)]);
const field = (number: number, value: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([number * 8 + 2, ...varint(value.length)]), value]);
export const message = (number: number, map: Readonly<Record<string, Uint8Array>>): Buffer =>
  Buffer.concat(
    Object.entries(map).map(([key, value]) =>
      field(number, Buffer.concat([field(1, Buffer.from(key)), field(2, value)])),
    ),
  );
export const framed = (bytes: Uint8Array, flag = 0): Buffer => {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
};

export class Agent {
  readonly dir = mkdtempSync(join(tmpdir(), 'doorward-spire-'));
  readonly socket = join(this.dir, 'agent.sock');
  readonly #server = createServer();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #streams = new Map<ServerHttp2Stream, 'x509' | 'jwt'>();
  #bundles: Bundles = { x509: {}, jwt: {} };
  /** How many streams were begun. */
  begun = 0;
  /** Without JWT bundles, as an agent that does not have the method. */
  old = false;
  /** Sent in place of bundles. */
  instead: Buffer | undefined;

  async listen(bundles: Bundles): Promise<void> {
    this.#bundles = bundles;
    this.#server.on('session', (session) => {
      this.#sessions.add(session);
      session.on('close', () => this.#sessions.delete(session)).on('error', () => {});
    });
    this.#server.on('stream', (stream, headers) => {
      this.begun++;
      stream.on('error', () => {}).on('close', () => this.#streams.delete(stream));
      const path = headers[':path'];
      const which = path === '/SpiffeWorkloadAPI/FetchX509Bundles' ? 'x509' : 'jwt';
      // The header that keeps requests forged through a browser or a proxy out (Workload API section 4).
      if (headers['workload.spiffe.io'] !== 'true') return this.#refuse(stream, 3);
      if (path !== '/SpiffeWorkloadAPI/FetchX509Bundles' && path !== '/SpiffeWorkloadAPI/FetchJWTBundles')
        return this.#refuse(stream, 12);
      if (which === 'jwt' && this.old) return this.#refuse(stream, 12);
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      this.#streams.set(stream, which);
      this.#send(stream, which);
    });
    await new Promise<void>((resolve) => this.#server.listen(this.socket, resolve));
  }

  put(bundles: Bundles): void {
    this.#bundles = bundles;
    for (const [stream, which] of this.#streams) this.#send(stream, which);
  }

  /** Cuts every connection. */
  drop(): void {
    for (const session of this.#sessions) session.destroy();
  }

  async close(): Promise<void> {
    this.drop();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.dir, { recursive: true, force: true });
  }

  #refuse(stream: ServerHttp2Stream, status: number): void {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': status }, { endStream: true });
  }

  #send(stream: ServerHttp2Stream, which: 'x509' | 'jwt'): void {
    const bytes =
      this.instead ?? framed(which === 'x509' ? message(2, this.#bundles.x509) : message(1, this.#bundles.jwt));
    // In two pieces: a message is what its length says, however it arrives.
    stream.write(bytes.subarray(0, 7));
    setImmediate(() => stream.write(bytes.subarray(7)));
  }
}
