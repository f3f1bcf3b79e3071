/** Who we are at an issuer: a key that signs for us, a shared secret, or a public name alone. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { importPKCS8, SignJWT } from 'jose';
import * as oauth from 'oauth4webapi';
import { base64url } from '../../lib/bytes.ts';
import type { ClientRules } from '../credential/rules.ts';
import { type Places, resolveReference } from '../references.ts';
import { OAuthFault } from './fault.ts';

export interface Client {
  readonly is: oauth.Client;
  readonly auth: oauth.ClientAuth;
  /** A statement of our own name, signed by our key (RFC 7523); undefined without one. */
  assertion?(issuer: string, at: number, random: (n: number) => Uint8Array): Promise<string>;
}

/** What an issuer gave us at registration. */
export interface Registered {
  readonly id: string;
  /** Where the issuer wants one, and whether in the form instead of a header. */
  readonly secret?: string;
  readonly post?: boolean;
  /** When the secret ends, in milliseconds since the epoch. */
  readonly until?: number;
}

/**
 * References are looked up each time, so that a rotated secret is the next one used. `registered`: what the issuer gave
 * us, where no configuration says who we are. Rejects with OAuthFault.
 */
export async function clientOf(
  rules: ClientRules,
  as: oauth.AuthorizationServer,
  places: Places,
  registered?: Registered,
): Promise<Client> {
  const is: oauth.Client = { client_id: rules.id };
  if (rules.key) {
    const { alg, kid } = rules;
    const key = await importKey(resolveReference(rules.key, places), alg);
    return {
      is,
      auth: oauth.PrivateKeyJwt(kid === undefined ? key : { key, kid }),
      assertion: (issuer, at, random) =>
        new SignJWT()
          .setProtectedHeader({ alg, typ: 'JWT', ...(kid !== undefined && { kid }) })
          .setIssuer(rules.id)
          .setSubject(rules.id)
          .setAudience(issuer)
          .setJti(base64url(random(16)))
          .setIssuedAt(Math.floor(at / 1000))
          .setExpirationTime(Math.floor(at / 1000) + 60)
          .sign(key),
    };
  }
  if (rules.secret) {
    const secret = resolveReference(rules.secret, places);
    const methods = as.token_endpoint_auth_methods_supported;
    const post = methods !== undefined && !methods.includes('client_secret_basic');
    return { is, auth: byName(secret, post) };
  }
  if (registered?.secret !== undefined) return { is, auth: byName(registered.secret, registered.post === true) };
  return { is, auth: oauth.None() };
}

function byName(secret: string, post: boolean): oauth.ClientAuth {
  return post ? oauth.ClientSecretPost(secret) : basic(secret);
}

/** RFC 6749, section 2.3.1. The library also encodes `-`, `.` and `_`, which no form does and not every issuer undoes. */
function basic(secret: string): oauth.ClientAuth {
  return (_as, { client_id: id }, _body, headers) => {
    const pair = [id, secret].map((one) => new URLSearchParams([['', one]]).toString().slice(1)).join(':');
    headers.set('authorization', `Basic ${Buffer.from(pair).toString('base64')}`);
  };
}

/** PEM (PKCS #8, SEC 1, PKCS #1) or JWK. */
async function importKey(text: string, alg: string): Promise<oauth.CryptoKey> {
  try {
    let key: KeyObject;
    if (text.trimStart().startsWith('{')) key = createPrivateKey({ key: JSON.parse(text), format: 'jwk' });
    else key = createPrivateKey(text);
    return (await importPKCS8(key.export({ type: 'pkcs8', format: 'pem' }).toString(), alg)) as oauth.CryptoKey;
  } catch {
    throw new OAuthFault(`our key is no private key for ${alg}`);
  }
}
