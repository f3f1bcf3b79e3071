/**
 * A gRPC method that answers with a stream, over a unix socket: as much of gRPC over HTTP/2 as the SPIFFE Workload API
 * needs. No compression, one connection for each stream, caps on everything that the other end sends.
 */
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';

export interface StreamOptions {
  readonly socket: string;
  /** `/Service/Method`. */
  readonly method: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** The one request message. */
  readonly request: Uint8Array;
  /** Bytes of one message; a longer one ends the stream. */
  readonly maxMessage: number;
  /** Milliseconds to wait for the first message, and for each sign of life while there is nothing to say. */
  readonly within: number;
  readonly onMessage: (message: Uint8Array) => void;
  /** Once. `status` is that of gRPC where the server said one: 12 = it has no such method. */
  readonly onEnd: (why: string, status?: number) => void;
}

const PREFIX = 5;
/** Windows of HTTP/2: what may be under way unread. */
const WINDOW = 1 << 20;

export function openStream(options: StreamOptions): { close(): void } {
  const { socket, method, metadata, request, maxMessage, within, onMessage, onEnd } = options;
  let open = true;
  let status: number | undefined;
  const line = connect(socket).on('error', (error: NodeJS.ErrnoException) => end(error.code ?? 'failed'));
  const session = connectHttp2('http://localhost', {
    createConnection: () => line,
    settings: { enablePush: false, initialWindowSize: WINDOW },
    maxSessionMemory: 16,
  });
  // What serves keeps the process; what listens for news does not.
  session.unref();
  const end = (why: string): void => {
    if (!open) return;
    open = false;
    clearTimeout(patience);
    clearInterval(pulse);
    session.destroy();
    onEnd(why, status);
  };
  const patience = setTimeout(() => end('no answer in time'), within);
  // An agent that stopped would look like one that has nothing new.
  let answered = true;
  const pulse = setInterval(() => {
    if (!answered) return end('no sign of life');
    answered = false;
    if (!session.destroyed) session.ping(() => (answered = true));
  }, within);
  patience.unref();
  pulse.unref();

  session.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? 'failed'));
  session.on('close', () => end('closed'));
  const stream = session.request({
    ':method': 'POST',
    ':path': method,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...metadata,
  });
  const heard = (headers: Readonly<Record<string, unknown>>): void => {
    if (headers['grpc-status'] !== undefined) status = Number(headers['grpc-status']);
    if (headers[':status'] !== undefined && headers[':status'] !== 200) end(`HTTP ${Number(headers[':status'])}`);
  };
  let held: Buffer = Buffer.alloc(0);
  stream.on('response', heard);
  stream.on('trailers', heard);
  stream.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? 'failed'));
  stream.on('close', () => end(status === undefined ? 'closed' : `gRPC status ${status}`));
  stream.on('data', (chunk: Buffer) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    while (open && held.length >= PREFIX) {
      const length = held.readUInt32BE(1);
      if (held[0] !== 0) return end('compressed');
      if (length > maxMessage) return end('too large a message');
      if (held.length < PREFIX + length) return;
      const message = held.subarray(PREFIX, PREFIX + length);
      held = held.subarray(PREFIX + length);
      clearTimeout(patience);
      onMessage(message);
    }
  });
  const head = Buffer.alloc(PREFIX);
  head.writeUInt32BE(request.length, 1);
  stream.end(Buffer.concat([head, request]));
  return {
    close() {
      open = false;
      clearTimeout(patience);
      clearInterval(pulse);
      session.destroy();
    },
  };
}
