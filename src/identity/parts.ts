/** The parts of a JWT in compact form (RFC 7515 section 7.1), read strictly. Nothing is verified here. */
import { fromBase64url } from '../lib/bytes.ts';
import { parseJson } from '../lib/json/scan.ts';
import { isObject, type JsonObject } from '../lib/json/types.ts';

const LONGEST = 8_192;
const CAPS = { maxBytes: LONGEST, maxDepth: 8, maxString: LONGEST, maxMembers: 256 };

export interface Parts {
  readonly header: JsonObject;
  readonly payload: JsonObject;
}

/** Undefined for what is not three parts of which two are JSON objects without a name twice. */
export function jwtParts(token: string): Parts | undefined {
  const pieces = token.length > LONGEST ? [] : token.split('.', 4);
  if (pieces.length !== 3) return undefined;
  const [header, payload] = pieces.slice(0, 2).map((piece) => {
    const bytes = fromBase64url(piece);
    const parsed = bytes && parseJson(bytes, CAPS);
    return parsed?.ok && isObject(parsed.value) ? parsed.value : undefined;
  });
  return header && payload && { header, payload };
}

/**
 * Whether a token asks for what is not done where a plain bearer token is taken: an extension (RFC 7515 section 4.1.11,
 * RFC 7797), compression, or proof of a key (RFC 7800).
 */
export function demands({ header, payload }: Parts): boolean {
  const { crit, b64, zip } = header;
  return [crit, b64, zip, payload['cnf']].some((one) => one !== undefined);
}
