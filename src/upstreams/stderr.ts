/** A server's error stream on its way to the log: capped, cut into lines, secrets out, control characters visible (AU6). */
import type { Readable } from 'node:stream';
import { escapeText } from '../lib/text.ts';

/** Redacts a byte stream; may hold a tail back until more comes. */
export interface Redactor {
  push(chunk: Uint8Array): Uint8Array | string;
  /** What was held back. */
  end(): Uint8Array | string;
}

export interface StderrOptions {
  readonly redactor: () => Redactor;
  readonly clock: () => number;
  /** One piece of the stream, escaped; `dropped` bytes were left out since the last piece. */
  readonly log: (text: string, dropped: number) => void;
  /** Bytes kept in a minute. */
  readonly perMinute?: number;
}

const MINUTE = 60_000;
const PER_MINUTE = 64 * 1024;
/** One entry of the log. */
const PIECE = 4096;

/** Reads to the end: a full pipe would stop the server. */
export function watchStderr(stream: Readable, { redactor, clock, log, perMinute = PER_MINUTE }: StderrOptions): void {
  const redact = redactor();
  let [window, kept, dropped] = [clock(), 0, 0];
  const tell = (clean: Uint8Array | string) => {
    const text = typeof clean === 'string' ? clean : Buffer.from(clean).toString('utf8');
    for (let at = 0; at < text.length; at += PIECE) {
      const piece = text.slice(at, at + PIECE).replace(/\n$/, '');
      if (piece === '') continue;
      log(escapeText(piece, 4 * PIECE), dropped);
      dropped = 0;
    }
  };
  stream.on('error', () => {});
  stream.on('data', (chunk: Buffer) => {
    if (clock() - window >= MINUTE) [window, kept] = [clock(), 0];
    const room = Math.max(0, perMinute - kept);
    const part = chunk.subarray(0, room);
    kept += part.length;
    dropped += chunk.length - part.length;
    if (part.length > 0) tell(redact.push(part));
  });
  stream.on('end', () => {
    tell(redact.end());
    if (dropped > 0) log('', dropped);
  });
  stream.resume(); // it was paused while nobody listened
}
