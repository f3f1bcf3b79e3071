/** Bytes of an answer as they come in: unpacked and counted (guarantee IS7). Nothing is collected here. */
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { NetFault } from './fault.ts';

/** Bytes of an unpacked body, and how many of them one packed byte may become. */
export interface BodyCaps {
  readonly body: number;
  readonly ratio: number;
}

/** Where unpacked bytes go. Exactly one of `end` and `fail` is called, once, last. */
export interface BodySink {
  data(chunk: Uint8Array): void;
  end(): void;
  fail(fault: NetFault): void;
}

/** How a body comes in. `push` answers false when the sender should wait until `drained`. */
export interface Inflow {
  push(chunk: Uint8Array): boolean;
  end(): void;
  /** Nothing is told any more. */
  stop(): void;
}

/** Below so many unpacked bytes the ratio means nothing. */
const RATIO_FLOOR = 1 << 18;

const CODINGS = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
} as const;

/** `accept-encoding` of every request. */
export const CODINGS_OFFERED = 'gzip, deflate, br';

/** Undefined for a coding that was not offered, or several at once. */
export function inflow(
  coding: string | undefined,
  caps: BodyCaps,
  sink: BodySink,
  drained: () => void,
): Inflow | undefined {
  const name = (coding ?? 'identity').trim().toLowerCase();
  let over = false;
  const finish = (fault?: NetFault) => {
    if (over) return;
    over = true;
    if (fault) sink.fail(fault);
    else sink.end();
  };
  let [packed, bytes] = [0, 0];
  const take = (chunk: Uint8Array) => {
    if (over) return;
    bytes += chunk.length;
    if (bytes > caps.body) return finish(new NetFault('size', `a body over ${caps.body} bytes`));
    if (bytes > RATIO_FLOOR && bytes > caps.ratio * packed) {
      return finish(new NetFault('size', `a body unpacks to more than ${caps.ratio} times its size`));
    }
    sink.data(chunk);
  };
  if (name === 'identity' || name === '') {
    return {
      push(chunk) {
        packed += chunk.length;
        take(chunk);
        return true;
      },
      end: () => finish(),
      stop: () => (over = true),
    };
  }
  if (!Object.hasOwn(CODINGS, name)) return undefined;
  const unpack = CODINGS[name as keyof typeof CODINGS]();
  const stop = () => {
    over = true;
    unpack.destroy();
  };
  unpack.on('data', (chunk: Buffer) => {
    take(chunk);
    if (over) unpack.destroy();
  });
  unpack.on('drain', drained);
  unpack.on('end', () => finish());
  unpack.on('error', () => finish(new NetFault('encoding', `not a ${name} body`)));
  return {
    push(chunk) {
      if (over) return true;
      packed += chunk.length;
      return unpack.write(chunk);
    },
    end() {
      if (!over) unpack.end();
    },
    stop,
  };
}
