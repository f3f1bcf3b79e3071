/**
 * The owner's side of `run --stdio`: a unix socket in the state folder, over which other stdio processes of the same
 * user reach the one gateway that owns the folder. Whoever calls this holds the owner lock.
 */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import type { Peer } from '../core/call.ts';
import { type Gate, type Identified, isCaller } from '../core/gate.ts';
import type { Maybe } from '../core/state.ts';
import type { JsonObject } from '../lib/json/types.ts';
import { Gather } from './gather.ts';
import { encodeWelcome, GOING, HELLO, type Hello, readHello, readQuestion, socketPath, type Why } from './hello.ts';
import { type Lines, serveLines } from './lines.ts';
import { type After, after as realAfter } from './timers.ts';

export interface BridgeOptions {
  readonly gate: Gate;
  /** The state folder. */
  readonly dir: string;
  readonly version: string;
  /** Digest of the configuration's path. */
  readonly config: string;
  /** The caller at this process's own stdin. */
  readonly who: () => Maybe<Identified>;
  /** Called once when `doorward run` asks for the folder. Absent: this owner keeps it. */
  readonly handOver?: () => void;
  /** Answers a question to the owner itself. Absent: nobody does. */
  readonly admin?: (question: JsonObject) => Promise<JsonObject>;
  /** Bridges at once. */
  readonly max?: number;
  readonly after?: After;
}

export interface BridgeDoor {
  /** The far end for a client of this very process: the same as a bridge, without the socket. */
  local(upstream: string): Duplex;
  /** Refuses newcomers, lets open calls end within `grace` milliseconds, then ends every connection. */
  close(how?: { readonly handover?: boolean; readonly grace?: number }): Promise<void>;
}

const LF = 10;
const PEER: Peer = Object.freeze({ listener: 'stdio', address: '-' });

export async function serveBridge(options: BridgeOptions): Promise<BridgeDoor> {
  const { gate, dir, after = realAfter, max = 64 } = options;
  const lines = new Map<Duplex, Lines>();
  const sockets = new Set<Socket>();
  let closing = false;
  let asked = false;

  function serve(stream: Duplex, route: string, who: () => Maybe<Identified>): void {
    const served = serveLines({ gate, input: stream, output: stream, route, who, peer: PEER });
    lines.set(stream, served);
    void served.ended.then(() => {
      lines.delete(stream);
      stream.end();
    });
  }

  async function greet(socket: Socket, hello: Hello | undefined): Promise<Why | undefined> {
    if (!hello) return 'hello';
    // The token first: nothing is told to a stranger.
    const evidence = bearer(hello.token);
    const caller = await gate.authenticate(evidence);
    if (!isCaller(caller)) {
      const code = typeof caller === 'string' ? caller : caller.code;
      gate.refuse({ id: gate.id(), at: gate.clock(), peer: PEER }, 'identity', code);
      return 'token';
    }
    // A halt must work whatever version asks for it.
    if (hello.want !== 'admin' && hello.version !== options.version) return 'version';
    if (hello.config !== options.config) return 'config';
    if (closing) return 'closing';
    if (hello.want === 'handover') {
      if (!options.handOver || asked) return 'busy';
      asked = true;
      socket.end(encodeWelcome());
      options.handOver();
      return;
    }
    if (hello.want === 'admin') {
      // Other credentials make calls; only the owner's own token decides about them.
      if (caller.how !== 'local') return 'token';
      if (!options.admin) return 'busy';
      socket.write(encodeWelcome());
      await answer(socket, options.admin, after);
      return;
    }
    if (!gate.snapshot().routes.has(hello.upstream)) return 'route';
    socket.write(encodeWelcome());
    serve(socket, hello.upstream, () => gate.authenticate(evidence));
    return;
  }

  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    if (sockets.size > max) return void socket.end(encodeWelcome('busy'));
    void firstLine(socket, after).then(async (line) => {
      if (!line) return socket.destroy();
      const why = await greet(socket, readHello(line));
      if (why) socket.end(encodeWelcome(why));
    });
  });

  const { path, done } = socketPath(dir);
  try {
    // What lies there was left by an owner that was killed: the lock says that it is gone.
    rmSync(path, { force: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(path, resolve);
    });
    chmodSync(path, 0o600);
  } catch (error) {
    server.close();
    done();
    throw error;
  }

  return {
    local(upstream) {
      const [near, far] = duplexPair();
      serve(far, upstream, options.who);
      return near;
    },
    async close({ handover = false, grace = 0 } = {}) {
      closing = true;
      // The path goes away with the listener, before the lock is given free: never a newer owner's socket.
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await Promise.all(
        [...lines].map(async ([stream, served]) => {
          if (stream.writable) stream.write(`${handover ? GOING.handover : GOING.closing}\n`);
          await served.close(grace);
        }),
      );
      for (const socket of sockets) if (!lines.has(socket)) socket.destroy();
      await closed;
      done();
    },
  };
}

/** One question of an admin, one answer. */
async function answer(socket: Socket, admin: NonNullable<BridgeOptions['admin']>, after: After): Promise<void> {
  const line = await firstLine(socket, after);
  const question = line && readQuestion(line);
  if (!question) return void socket.destroy();
  try {
    socket.end(`${JSON.stringify(await admin(question))}\n`);
  } catch {
    // No answer is one: whoever asked is told that nothing is known to be done.
    socket.destroy();
  }
}

function bearer(token: string) {
  return { peer: PEER, header: (name: string) => (name === 'authorization' ? `Bearer ${token}` : undefined) };
}

/** The first line of a socket, with what follows put back; undefined when it is late, too long or missing. */
function firstLine(socket: Socket, after: After): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const held = new Gather(HELLO.max);
    const end = (line?: Uint8Array, rest?: Uint8Array) => {
      stop();
      socket.off('data', onData).off('close', onEnd).off('end', onEnd);
      socket.pause();
      if (rest && rest.length > 0) socket.unshift(rest);
      resolve(line);
    };
    const onData = (chunk: Buffer) => {
      const at = chunk.indexOf(LF);
      if (!held.add(at < 0 ? chunk : chunk.subarray(0, at))) return end();
      if (at >= 0) end(held.take(), chunk.subarray(at + 1));
    };
    const onEnd = () => end();
    const stop = after(HELLO.within, onEnd);
    socket.on('data', onData).on('close', onEnd).on('end', onEnd).resume();
  });
}
