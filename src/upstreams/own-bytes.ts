/**
 * A modern result carries `resultType`, which the bytes of a Result leave out: the door adds its own. Where it stands
 * first or last it can be cut away without a walk through the text, which was proven before: one valid JSON object.
 */
import { isObject, type JsonObject } from '../lib/json/types.ts';

const FIRST = Buffer.from('{"resultType":"complete",');
const LAST = Buffer.from(',"resultType":"complete"}');
const [OPEN, CLOSE] = [0x7b, 0x7d];

/** `bytes` are those of `value` and ours to change. Undefined where they could not go out as they are. */
export function ownBytes(value: JsonObject, bytes: Uint8Array): Uint8Array | undefined {
  // Members that an older client may not see; its codec looks at the value alone.
  if (value['ttlMs'] !== undefined || value['cacheScope'] !== undefined) return undefined;
  if (value['structuredContent'] !== undefined && !isObject(value['structuredContent'])) return undefined;
  if (Object.keys(value).length < 2) return undefined;
  if (FIRST.equals(bytes.subarray(0, FIRST.length))) {
    const rest = bytes.subarray(FIRST.length - 1);
    rest[0] = OPEN;
    return rest;
  }
  // No string can end like this: a quote within one has a backslash before it.
  if (LAST.equals(bytes.subarray(bytes.length - LAST.length))) {
    const rest = bytes.subarray(0, bytes.length - LAST.length + 1);
    rest[rest.length - 1] = CLOSE;
    return rest;
  }
  return undefined;
}
