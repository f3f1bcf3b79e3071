/** The body of one request: bounded in bytes and in time (guarantee TR7). */
import type { IncomingMessage } from 'node:http';
import type { Code } from '../core/codes/index.ts';
import { Gather } from './gather.ts';
import type { After } from './timers.ts';

export interface BodyLimits {
  /** Bytes. */
  readonly max: number;
  /** Milliseconds for the whole body. */
  readonly within: number;
}

export const BODY_LIMITS: BodyLimits = { max: 4 * 1024 * 1024, within: 10_000 };

/** Whether a declared length is over the cap, so that nothing of such a body is read. */
export function tooLong(length: string | undefined, max: number): boolean {
  // llhttp has proved it to be digits; a number too big for a double compares as over.
  return length !== undefined && Number(length) > max;
}

/** The bytes, or why there are none. `gone` = the client left. The stream is left paused after a code. */
export function readBody(req: IncomingMessage, limits: BodyLimits, after: After): Promise<Uint8Array | Code | 'gone'> {
  return new Promise((resolve) => {
    const body = new Gather(limits.max);
    const done = (end: Uint8Array | Code | 'gone') => {
      stop();
      req.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone);
      if (typeof end === 'string') req.on('error', () => {}).pause();
      resolve(end);
    };
    const onData = (chunk: Buffer) => {
      if (!body.add(chunk)) done('door.too-large');
    };
    const onEnd = () => done(body.take());
    const onGone = () => done('gone');
    const stop = after(limits.within, () => done('door.slow'));
    req.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone);
  });
}

/** Whether a request carries a body at all (RFC 9112 section 6.3). */
export function hasBody(req: IncomingMessage): boolean {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
}
