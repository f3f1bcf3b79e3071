/** What the tests of this room share: servers on loopback, destinations, one exchange as a promise. */
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import type { Server as TlsServer } from 'node:tls';
import type { Resolve } from '../../src/net/connect.ts';
import { type Destination, type DestinationConfig, destination, isFault } from '../../src/net/destination.ts';
import { type Caps, Dialler, type Head, type Outgoing } from '../../src/net/dialler.ts';
import { NetFault } from '../../src/net/fault.ts';

export interface Listening {
  readonly port: number;
  /** Connections that were accepted. */
  accepted(): number;
  /** From now on another certificate. */
  swap(pair: { readonly cert: string; readonly key: string }): void;
  close(): Promise<void>;
}

export async function serve(listener: RequestListener, tls?: ServerOptions, host = '127.0.0.1'): Promise<Listening> {
  return listen(tls ? createTlsServer(tls, listener) : createServer(listener), host);
}

/** Bytes as they are: what no HTTP server would send. */
export function serveRaw(handle: (socket: Socket) => void): Promise<Listening> {
  return listen(createTcpServer(handle) as unknown as Server, '127.0.0.1');
}

async function listen(server: Server, host: string): Promise<Listening> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  server.on('connection', (socket) => {
    accepted++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((done) => server.listen(0, host, done));
  return {
    port: (server.address() as AddressInfo).port,
    accepted: () => accepted,
    swap: ({ cert, key }) => (server as unknown as TlsServer).setSecureContext({ cert, key }),
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

export const LOOPBACK = ['127.0.0.0/8'];

export function target(config: DestinationConfig): Destination {
  const made = destination(config);
  if (isFault(made)) throw new Error(made.fault);
  return made;
}

/** A resolver of fixed answers. */
export function names(answers: Readonly<Record<string, readonly string[]>>): Resolve {
  return async (host) => {
    const found = answers[host];
    if (found === undefined) throw new Error('ENOTFOUND');
    return found;
  };
}

export interface Exchanged {
  readonly status: number;
  readonly head: Head;
  readonly body: Buffer;
}

export function exchange(dialler: Dialler, request: Partial<Outgoing> = {}, caps?: Partial<Caps>): Promise<Exchanged> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let head: Head | undefined;
    dialler.send(
      { method: 'POST', path: '/', headers: [], ...request, ...(caps && { caps }) },
      {
        head: (got) => void (head = got),
        data: (chunk) => void chunks.push(chunk),
        end: () => resolve({ status: head!.status, head: head!, body: Buffer.concat(chunks) }),
        fail: reject,
      },
    );
  });
}

/** The reason of the fault that `work` ends with; anything else fails the test. */
export async function faultOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof NetFault) return `${error.reason}: ${error.message}`;
    throw error;
  }
  throw new Error('it did not fail');
}

export async function using<T>(to: Destination, resolve: Resolve, work: (dialler: Dialler) => Promise<T>): Promise<T> {
  const dialler = new Dialler(to, { resolve, connectLimit: 2_000 });
  try {
    return await work(dialler);
  } finally {
    await dialler.close();
  }
}
