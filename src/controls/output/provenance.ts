/**
 * Where a result comes from, signed, so that it can be shown later and elsewhere (guarantee OU8): which reviewed thing
 * answered which call, when, with which content, and whether it left as the server wrote it.
 */
import type { CallView } from '../../core/call.ts';
import { canonical, digest } from '../../lib/json/canonical.ts';
import { isObject, type JsonObject } from '../../lib/json/types.ts';
import { iso } from '../../lib/time.ts';

export const PROVENANCE = 'dev.doorward/provenance';

/** Answers a base64url signature of the text. */
export type Sign = (text: string) => string;

/** Over these members of a result, those of them that it has. */
const CONTENT = ['content', 'structuredContent', 'contents', 'messages', 'isError'] as const;

/** `said` is the exact text that is signed; `content` in it is a digest over the members above, in canonical form. */
export function withProvenance(call: CallView, value: JsonObject, edited: boolean, at: number, sign: Sign): JsonObject {
  const { target, upstream, id } = call;
  const content: JsonObject = {};
  for (const member of CONTENT) if (value[member] !== undefined) content[member] = value[member];
  const said = canonical({
    v: 1,
    call: id,
    at: iso(at),
    upstream,
    kind: target.kind,
    name: target.kind !== 'route' && target.uri !== undefined ? target.uri : target.name,
    ...(target.kind !== 'route' && { pin: target.digest }),
    content: digest(content),
    edited,
  });
  const meta = isObject(value['_meta']) ? value['_meta'] : {};
  return { ...value, _meta: { ...meta, [PROVENANCE]: { said, signature: sign(said) } } };
}
