/** Ways to a token. oauth4webapi speaks; `web` carries. All reject with OAuthFault. */
import * as oauth from 'oauth4webapi';
import type { Clock, Random } from '../../core/state.ts';
import type { Client, Registered } from './client.ts';
import { asFault, OAuthFault } from './fault.ts';
import { sendable, type Token } from './token.ts';
import type { Web } from './web.ts';

/** At whose door, as whom, over what. */
export interface At {
  readonly as: oauth.AuthorizationServer;
  readonly client: Client;
  readonly web: Web;
  readonly clock: Clock;
}

export interface For {
  readonly resource: string;
  readonly scopes: readonly string[];
}

const GRANT = 'urn:ietf:params:oauth:grant-type:';
const TYPE = 'urn:ietf:params:oauth:token-type:';
const ID_JAG_PROFILE = 'urn:ietf:params:oauth:grant-profile:id-jag';

/** RFC 6749, section 4.4. */
export function clientCredentials(at: At, to: For): Promise<Token> {
  return token(at, to, 'client credentials', async ({ as, client, web }) =>
    oauth.processClientCredentialsResponse(
      as,
      client.is,
      await oauth.clientCredentialsGrantRequest(as, client.is, client.auth, parameters(to), web.through),
    ),
  );
}

/** RFC 8693: the caller's token is the subject; who acts is us, by a statement that our key signs. */
export function exchange(
  at: At,
  to: For & { readonly audience?: string },
  subject: string,
  random: Random,
): Promise<Token> {
  return token(at, to, 'exchange', async ({ as, client, clock }) => {
    const actor = await client.assertion?.(as.issuer, clock(), random);
    return exchanged(at, 'access_token', subject, {
      ...parameters(to),
      ...(to.audience !== undefined && { audience: to.audience }),
      ...(actor !== undefined && { actor_token: actor, actor_token_type: `${TYPE}jwt` }),
    });
  });
}

/** The request for a token of the type `wanted` (RFC 8693, section 2.1). */
async function exchanged(
  { as, client, web }: At,
  wanted: 'access_token' | 'id-jag',
  subject: string,
  more: Readonly<Record<string, string>>,
): Promise<oauth.TokenEndpointResponse> {
  const sent = {
    ...more,
    subject_token: subject,
    subject_token_type: `${TYPE}access_token`,
    requested_token_type: `${TYPE}${wanted}`,
  };
  const grant = `${GRANT}token-exchange`;
  const response = await oauth.genericTokenEndpointRequest(as, client.is, client.auth, grant, sent, web.through);
  const got = await oauth.processGenericTokenEndpointResponse(as, client.is, response, {
    // What is no access token has no type of one (section 2.2.1).
    recognizedTokenTypes: { n_a() {} },
  });
  if (got['issued_token_type'] !== `${TYPE}${wanted}`) throw new OAuthFault('exchange: not what was asked for');
  return got;
}

/** Identity assertion grant of the enterprise-managed authorization of MCP: at the identity provider, then at `there`. */
export async function idJag(here: At, there: At, to: For, subject: string): Promise<Token> {
  const profiles = there.as['authorization_grant_profiles_supported'];
  if (!Array.isArray(profiles) || !profiles.includes(ID_JAG_PROFILE))
    throw new OAuthFault('the issuer of the server does not offer identity assertion grants', true);
  let assertion: string;
  try {
    const got = await exchanged(here, 'id-jag', subject, { ...parameters(to), audience: there.as.issuer });
    assertion = got.access_token;
  } catch (error) {
    throw asFault(error, 'identity assertion');
  }
  return token(there, to, 'identity assertion grant', async ({ as, client, web }) =>
    oauth.processGenericTokenEndpointResponse(
      as,
      client.is,
      await oauth.genericTokenEndpointRequest(
        as,
        client.is,
        client.auth,
        `${GRANT}jwt-bearer`,
        { ...parameters(to), assertion },
        web.through,
      ),
    ),
  );
}

/** A new token for an old one; the refresh token stays when the issuer sends no other. */
export async function refresh(at: At, old: Token): Promise<Token> {
  const to = { resource: old.resource, scopes: old.asked };
  const fresh = await token(at, to, 'refresh', async ({ as, client, web }) => {
    const options = { ...web.through, additionalParameters: { resource: old.resource } };
    const response = await oauth.refreshTokenGrantRequest(as, client.is, client.auth, old.refresh!, options);
    return oauth.processRefreshTokenResponse(as, client.is, response);
  });
  return {
    ...fresh,
    refresh: fresh.refresh ?? old.refresh!,
    scopes: fresh.scopes.length > 0 ? fresh.scopes : old.scopes,
  };
}

/** The answer of the authorization endpoint, checked against what was remembered before the redirect (RFC 9207). */
export function authorizationCode(
  at: At,
  to: For,
  answer: URLSearchParams,
  asked: { readonly state: string; readonly verifier: string; readonly redirect: string },
): Promise<Token> {
  return token(at, to, 'consent', async ({ as, client, web }) => {
    const checked = oauth.validateAuthResponse(as, client.is, answer, asked.state);
    const options = { ...web.through, additionalParameters: { resource: to.resource } };
    const { redirect, verifier } = asked;
    const response = await oauth.authorizationCodeGrantRequest(
      as,
      client.is,
      client.auth,
      checked,
      redirect,
      verifier,
      options,
    );
    return oauth.processAuthorizationCodeResponse(as, client.is, response);
  });
}

/** RFC 7009; false when the issuer offers no revocation. */
export async function revoke(at: At, { access, refresh: renewal }: Token): Promise<boolean> {
  const { as, client, web } = at;
  if (as.revocation_endpoint === undefined) return false;
  const give = async (value: string, hint: string) => {
    const options = { ...web.through, additionalParameters: { token_type_hint: hint } };
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client.is, client.auth, value, options));
  };
  try {
    if (renewal === undefined) await give(access, 'access_token');
    else {
      await give(renewal, 'refresh_token');
      // The grant is gone; what is left of a token that cannot be taken back ends in minutes (RFC 7009, section 2.2.1).
      await give(access, 'access_token').catch(() => {});
    }
    return true;
  } catch (error) {
    throw asFault(error, 'revocation');
  }
}

const PRINTABLE = /^[\x20-\x7e]{1,2048}$/;

/** RFC 7591: without a secret where the issuer lets us, since nothing in this place needs one with PKCE. */
export async function register(as: oauth.AuthorizationServer, redirect: string, web: Web): Promise<Registered> {
  const methods = as.token_endpoint_auth_methods_supported;
  const wanted = ['none', 'client_secret_basic', 'client_secret_post'].find((one) => methods?.includes(one)) ?? 'none';
  const wish = {
    client_name: 'Doorward',
    redirect_uris: [redirect],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: wanted,
    application_type: redirect.startsWith('http:') ? 'native' : 'web',
  };
  try {
    const response = await oauth.dynamicClientRegistrationRequest(as, wish, web.through);
    if (response.status !== 201 && response.status !== 200) {
      // Throws what the issuer says.
      await oauth.processDynamicClientRegistrationResponse(response);
    }
    return registeredIn((await response.json()) as Record<string, unknown> | null, wanted);
  } catch (error) {
    throw asFault(error, 'registration');
  }
}

/** The issuer may have put another method in the place of ours (RFC 7591, section 3.2.1). Throws OAuthFault. */
function registeredIn(said: Readonly<Record<string, unknown>> | null, wanted: string): Registered {
  const { client_id: id, client_secret: secret, client_secret_expires_at: ends } = said ?? {};
  const method = said?.['token_endpoint_auth_method'] ?? wanted;
  if (typeof id !== 'string' || !PRINTABLE.test(id)) throw new OAuthFault('registration: an id that cannot be used');
  if (method === 'none') return { id };
  if (method !== 'client_secret_basic' && method !== 'client_secret_post')
    throw new OAuthFault('registration: a way to prove who we are that is not supported');
  if (typeof secret !== 'string' || !PRINTABLE.test(secret))
    throw new OAuthFault('registration: a secret that cannot be used');
  const until = typeof ends === 'number' && ends > 0 ? { until: ends * 1000 } : {};
  return { id, secret, post: method === 'client_secret_post', ...until };
}

function parameters({ resource, scopes }: For): Record<string, string> {
  return { resource, ...(scopes.length > 0 && { scope: scopes.join(' ') }) };
}

async function token(
  at: At,
  { resource, scopes }: For,
  doing: string,
  ask: (at: At) => Promise<oauth.TokenEndpointResponse>,
): Promise<Token> {
  try {
    const got = await ask(at);
    if (got.token_type !== 'bearer') throw new OAuthFault(`${doing}: a kind of token that is not supported`);
    if (!sendable(got.access_token)) throw new OAuthFault(`${doing}: a token that no header can carry`);
    const obtained = at.clock();
    return {
      access: got.access_token,
      ...(got.refresh_token !== undefined && { refresh: got.refresh_token }),
      ...(got.expires_in !== undefined && { expires: obtained + got.expires_in * 1000 }),
      obtained,
      issuer: at.as.issuer,
      client: at.client.is.client_id,
      resource,
      asked: [...scopes],
      scopes: got.scope === undefined ? [...scopes] : got.scope.split(' ').filter(Boolean).slice(0, 128),
    };
  } catch (error) {
    throw asFault(error, doing);
  }
}
