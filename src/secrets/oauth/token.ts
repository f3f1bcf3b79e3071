/** One token for one server, as an issuer gave it out. */
import { z } from 'zod';
import { fromBase64url } from '../../lib/bytes.ts';

const strings = z.array(z.string().max(256)).max(128);
export const schema = z.strictObject({
  access: z.string().min(1).max(65_536),
  refresh: z.string().min(1).max(65_536).optional(),
  /** Milliseconds since the epoch; absent when the issuer did not say. */
  expires: z.number().optional(),
  obtained: z.number(),
  issuer: z.string(),
  /** Our name there. */
  client: z.string(),
  resource: z.string(),
  /** What was asked for, and what was given. */
  asked: strings,
  scopes: strings,
});
export type Token = z.infer<typeof schema>;

export interface Wanted {
  readonly resource: string;
  readonly audience: string;
  readonly scopes: readonly string[];
  readonly issuer?: string;
}

/** Why a token is not one for this use; asked before each (guarantee SE5). Undefined: it is. */
export function unfit(token: Token, { resource, audience, scopes, issuer }: Wanted): string | undefined {
  if (token.resource !== resource) return 'the token is for another resource';
  if (issuer !== undefined && token.issuer !== issuer) return 'the token is of another issuer';
  const missing = scopes.find((scope) => !token.scopes.includes(scope) && !token.asked.includes(scope));
  if (missing !== undefined) return 'the token was not asked for with these scopes';
  const said = audienceOf(token.access);
  if (said !== undefined && !said.includes(audience) && !said.includes(resource))
    return 'the token is for another audience';
  return undefined;
}

/** `aud` of a token that is a JWT; not verified: that is up to the server. Undefined where there is none to see. */
export function audienceOf(access: string): readonly string[] | undefined {
  const [, body, signature, more] = access.split('.', 4);
  const bytes = signature !== undefined && more === undefined ? fromBase64url(body!) : undefined;
  if (!bytes) return undefined;
  try {
    const { aud } = JSON.parse(Buffer.from(bytes).toString()) as { aud?: unknown };
    if (typeof aud === 'string') return [aud];
    return Array.isArray(aud) ? aud.filter((one) => typeof one === 'string') : undefined;
  } catch {
    return undefined;
  }
}

/** RFC 6750, section 2.1. */
const B64TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/** Whether it can stand in a header. */
export function sendable(access: string): boolean {
  return B64TOKEN.test(access);
}
