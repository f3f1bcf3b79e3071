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

/** References are looked up each time, so that a rotated secret is the next one used. Rejects with OAuthFault. */
export async function clientOf(rules: ClientRules, as: oauth.AuthorizationServer, places: Places): Promise<Client> {
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
    return { is, auth: post ? oauth.ClientSecretPost(secret) : oauth.ClientSecretBasic(secret) };
  }
  return { is, auth: oauth.None() };
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
