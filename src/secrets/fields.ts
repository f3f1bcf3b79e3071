/**
 * Single fields as compact JWEs (RFC 7516 section 7.1) that this gateway alone opens: `dir` with A256GCM (RFC 7518
 * sections 4.5, 5.3) and nothing else. The header of a key is one fixed text, compared byte for byte, so that there is
 * no algorithm to choose. Synchronous, as the controls that use it are (guarantee TR10).
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { FIELD, type FieldCipher } from '../core/fields.ts';
import type { Clock, Random } from '../core/state.ts';
import { base64url, equal, fromBase64url } from '../lib/bytes.ts';
import { parseJson, REPLY_CAPS } from '../lib/json/scan.ts';
import { isObject, type Json } from '../lib/json/types.ts';
import type { KeyRing } from '../lib/seal.ts';

const PURPOSE = 'doorward.field.1';
const IV = 12;
const TAG = 16;
/** Plain texts are filled up to a multiple of so many bytes: the length tells little. */
const BLOCK = 64;

/** What is inside. `p` may use it, at the upstreams `u`, before `x` (milliseconds since the epoch). */
interface Inside {
  readonly v: Json;
  readonly p: string;
  readonly u: readonly string[];
  readonly x: number;
}

export interface FieldWorld {
  readonly ring: KeyRing;
  readonly clock: Clock;
  readonly random: Random;
}

export function fieldCipher({ ring, clock, random }: FieldWorld): FieldCipher {
  return {
    seal(value, { principal, upstreams, until }) {
      const { kid, key } = ring.current();
      const header = headerOf(kid);
      const iv = random(IV);
      const cipher = createCipheriv('aes-256-gcm', keyOf(key), iv, { authTagLength: TAG });
      cipher.setAAD(Buffer.from(header));
      const inside: Inside = { v: value, p: principal, u: upstreams, x: until };
      const text = JSON.stringify(inside);
      const short = BLOCK - (Buffer.byteLength(text) % BLOCK);
      const sealed = Buffer.concat([cipher.update(text + ' '.repeat(short)), cipher.final()]);
      return `${header}..${base64url(iv)}.${base64url(sealed)}.${base64url(cipher.getAuthTag())}`;
    },

    open(text, { principal, upstream }) {
      const inside = read(ring, text);
      if (!inside) return { code: 'seal.unknown' };
      if (!equal(inside.p, principal) || !inside.u.includes(upstream)) return { code: 'seal.foreign' };
      return clock() < inside.x ? { value: inside.v } : { code: 'seal.expired' };
    },
  };
}

function read(ring: KeyRing, text: string): Inside | undefined {
  const [header = '', none, ...rest] = text.split('.');
  const [iv, sealed, tag, more] = rest.map(fromBase64url);
  const kid = kidOf(header);
  const key = kid === undefined ? undefined : ring.find(kid);
  if (!key || header !== headerOf(kid!) || none !== '' || !sealed || more || rest.length !== 3) return undefined;
  if (iv?.length !== IV || tag?.length !== TAG) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', keyOf(key), iv, { authTagLength: TAG });
  decipher.setAAD(Buffer.from(header));
  decipher.setAuthTag(tag);
  const plain = decipher.update(sealed);
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  // Only `seal` above writes under this key, so the text has the shape that it gave it.
  const parsed = parseJson(plain, REPLY_CAPS);
  return parsed.ok ? (parsed.value as unknown as Inside) : undefined;
}

function headerOf(kid: string): string {
  return base64url(Buffer.from(JSON.stringify({ alg: 'dir', enc: 'A256GCM', kid, typ: FIELD })));
}

function kidOf(header: string): string | undefined {
  const bytes = header.length > 256 ? undefined : fromBase64url(header);
  const parsed = bytes && parseJson(bytes, REPLY_CAPS);
  const kid = parsed?.ok && isObject(parsed.value) ? parsed.value['kid'] : undefined;
  return typeof kid === 'string' ? kid : undefined;
}

const derived = new WeakMap<Uint8Array, Uint8Array>();

/** A key for this purpose alone (RFC 5869): what is sealed for another opens here as nothing, and the other way round. */
function keyOf(key: Uint8Array): Uint8Array {
  let own = derived.get(key);
  if (!own) derived.set(key, (own = new Uint8Array(hkdfSync('sha256', key, '', PURPOSE, 32))));
  return own;
}
