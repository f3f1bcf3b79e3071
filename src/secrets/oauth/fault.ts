/** Why no token was had. The message is for the log: it quotes nothing but error codes of the registry of OAuth. */
import { AuthorizationResponseError, ResponseBodyError } from 'oauth4webapi';
import { NetFault } from '../../net/fault.ts';

export class OAuthFault extends Error {
  override readonly name = 'OAuthFault';
  /** The issuer said no to the grant itself: asking again is no use. */
  readonly final: boolean;
  /** The issuer does not know us, or not for this: who we are there has to be said anew. */
  readonly unknown: boolean;
  constructor(message: string, final = false, unknown = false) {
    super(message);
    [this.final, this.unknown] = [final, unknown];
  }
}

/** Codes of RFC 6749, section 5.2, and its extensions. */
const CODE = /^[a-z_]{1,64}$/;
const FINAL: ReadonlySet<string> = new Set([
  'invalid_grant',
  'invalid_scope',
  'access_denied',
  'invalid_target',
  'unauthorized_client',
]);

const UNKNOWN: ReadonlySet<string> = new Set(['invalid_client', 'unauthorized_client']);

/** Bodies and causes of the library hold tokens: nothing of them is kept. */
export function asFault(error: unknown, doing: string): OAuthFault {
  if (error instanceof OAuthFault) return error;
  if (error instanceof NetFault) return new OAuthFault(`${doing}: ${error.reason}: ${error.message}`);
  if (error instanceof ResponseBodyError || error instanceof AuthorizationResponseError) {
    const code = CODE.test(error.error) ? error.error : 'an error';
    return new OAuthFault(`${doing}: the issuer says ${code}`, FINAL.has(code), UNKNOWN.has(code));
  }
  const code = (error as { code?: unknown }).code;
  return new OAuthFault(`${doing}: ${typeof code === 'string' && /^[A-Z_]{1,64}$/.test(code) ? code : 'failed'}`);
}
