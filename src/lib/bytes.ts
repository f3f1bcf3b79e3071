/** Bytes and their spellings. SHA-256 is the only hash of the house. */
import { hash, timingSafeEqual } from 'node:crypto';

const BASE64URL = /^[A-Za-z0-9_-]*$/;

/** RFC 4648 section 5, without padding. */
export function base64url(bytes: Uint8Array): string {
  return view(bytes).toString('base64url');
}

/** Strict: one text for one value. Padding, white space, the `+/` alphabet and stray trailing bits are undefined. */
export function fromBase64url(text: string): Uint8Array | undefined {
  if (!BASE64URL.test(text) || text.length % 4 === 1) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}

/** Lower case. */
export function hex(bytes: Uint8Array): string {
  return view(bytes).toString('hex');
}

/** 32 bytes; a string counts as UTF-8. */
export function sha256(data: Uint8Array | string): Uint8Array {
  return hash('sha256', data, 'buffer');
}

/** 64 lower-case hex digits; a string counts as UTF-8. */
export function sha256Hex(data: Uint8Array | string): string {
  return hash('sha256', data, 'hex');
}

/** Takes the same time wherever the difference lies. The length is not hidden. */
export function equal(a: Uint8Array | string, b: Uint8Array | string): boolean {
  const [x, y] = [typeof a === 'string' ? Buffer.from(a) : a, typeof b === 'string' ? Buffer.from(b) : b];
  return x.length === y.length && timingSafeEqual(x, y);
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
