/**
 * Load over raw sockets: `clients` keep-alive connections, each with one request in flight. The request is prepared
 * bytes and the reply is only measured (Content-Length, or the last chunk), so that the generator costs little beside what it measures.
 */
import { connect, type Socket } from 'node:net';

export interface Load {
  readonly port: number;
  readonly clients: number;
  readonly requests: number;
  /** Whole HTTP request for the nth call. */
  readonly request: (n: number) => Buffer;
}

export interface Loaded {
  readonly seconds: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly bytes: number;
}

const LAST_CHUNK = Buffer.from('0\r\n\r\n');
const HEAD_END = Buffer.from('\r\n\r\n');

/** Whether a chunked body ends here: nothing but a last chunk ends so, for no payload holds CR or LF after a 0. */
function endsChunked(chunk: Buffer): boolean {
  return chunk.length >= LAST_CHUNK.length && chunk.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK);
}

export async function load({ port, clients, requests, request }: Load): Promise<Loaded> {
  const times: number[] = [];
  let next = 0;
  let bytes = 0;
  const started = performance.now();
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true });
      let began = 0;
      let head: Buffer = Buffer.alloc(0);
      let missing = -1;
      const send = (): void => {
        if (next >= requests) return void socket.end(() => resolve());
        began = performance.now();
        missing = -1;
        head = Buffer.alloc(0);
        socket.write(request(next++));
      };
      socket.on('connect', send);
      socket.on('error', reject);
      socket.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (missing < 0) {
          head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
          const end = head.indexOf(HEAD_END);
          if (end < 0) return;
          const text = head.toString('latin1', 0, end);
          if (!text.startsWith('HTTP/1.1 200'))
            return reject(new Error(`unexpected reply: ${head.toString('latin1').slice(0, 300)}`));
          const length = /content-length: (\d+)/i.exec(text);
          if (!length && !/transfer-encoding: chunked/i.test(text)) return reject(new Error('the reply has no length'));
          missing = length ? Number(length[1]) - (head.length - end - 4) : Infinity;
        } else missing -= chunk.length;
        // One request in flight: nothing follows the last chunk.
        if (missing === Infinity && endsChunked(chunk)) missing = 0;
        if (missing > 0) return;
        times.push(performance.now() - began);
        send();
      });
    });
  await Promise.all(Array.from({ length: Math.min(clients, requests) }, one));
  times.sort((a, b) => a - b);
  const at = (q: number) => times[Math.min(times.length - 1, Math.floor(times.length * q))] ?? 0;
  return { seconds: (performance.now() - started) / 1000, p50: at(0.5), p99: at(0.99), bytes };
}
