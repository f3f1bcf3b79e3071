/** Texts that travel as base64: `blob` of a resource, `data` of an attachment. Pictures and archives are left alone. */
import { isUtf8 } from 'node:buffer';
import type { Slices } from '../../core/slices.ts';
import { type Fingerprint, redacting, type Sought } from '../../detect/secrets.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** False proves that no blob is in this JSON text. */
export function hasBlob(bytes: Uint8Array): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return buffer.includes('"blob"', 0, 'latin1') || buffer.includes('"data"', 0, 'latin1');
}

/** Redacts inside each blob that is a text, and encodes it again. */
export function* blobs(
  value: JsonObject,
  fingerprint: Fingerprint,
  sought: Sought,
): Slices<{ value: JsonObject; found: readonly string[]; overflow: boolean }> {
  const found: string[] = [];
  let overflow = false;

  function* opened(item: Json): Slices<Json> {
    if (!isObject(item)) return item;
    let out = item;
    for (const name of ['blob', 'data']) {
      const blob = item[name];
      if (typeof blob !== 'string') continue;
      const clean = yield* decoded(blob);
      if (clean !== blob) out = { ...out, [name]: clean };
    }
    for (const name of ['resource', 'content']) {
      const inner = item[name];
      const clean = inner === undefined ? inner : yield* opened(inner);
      if (clean !== inner) out = { ...out, [name]: clean! };
    }
    return out;
  }

  function* decoded(blob: string): Slices<string> {
    if (blob.length < 16 || !BASE64.test(blob)) return blob;
    const bytes = Buffer.from(blob, 'base64');
    if (!isUtf8(bytes) || bytes.includes(0)) return blob;
    yield;
    const done = yield* redacting(bytes.toString('utf8'), fingerprint, undefined, sought);
    overflow ||= done.overflow;
    if (done.found.length === 0) return blob;
    found.push(...done.found.map(({ rule }) => rule));
    return Buffer.from(done.text, 'utf8').toString('base64');
  }

  let changed = value;
  for (const list of ['content', 'contents', 'messages']) {
    const items = value[list];
    if (!Array.isArray(items)) continue;
    const clean: Json[] = [];
    for (const item of items) clean.push(yield* opened(item));
    if (clean.some((item, i) => item !== items[i])) changed = { ...changed, [list]: clean };
  }
  return { value: changed, found, overflow };
}
