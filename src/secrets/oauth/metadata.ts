/**
 * Who gives out tokens for a server: protected resource metadata (RFC 9728) and authorization server metadata (RFC 8414,
 * OpenID Connect Discovery), in the order that MCP prescribes. All of it is a stranger's word: names must be the names
 * that were asked for, and every URL is one that can be shown to a person and be called by us, or all is refused
 * (CVE-2025-6514 gave a URL of metadata to a shell).
 */
import type { AuthorizationServer } from 'oauth4webapi';
import { customFetch } from 'oauth4webapi';
import { destination, isFault } from '../../net/destination.ts';
import { asFault, OAuthFault } from './fault.ts';
import type { Web } from './web.ts';

export interface ResourceFacts {
  readonly resource: string;
  readonly issuers: readonly string[];
  readonly scopes: readonly string[];
}

/** Enough for every endpoint in use, nothing for a shell, a page or a terminal to act on. */
const URL_TEXT = /^https?:\/\/[A-Za-z0-9.[\]:-]{1,255}(\/[A-Za-z0-9._~/%:@,+=-]*)?(\?[A-Za-z0-9._~/%:@,+=&-]*)?$/;
const ENDPOINTS = [
  'authorization_endpoint',
  'token_endpoint',
  'registration_endpoint',
  'revocation_endpoint',
  'introspection_endpoint',
  'pushed_authorization_request_endpoint',
  'jwks_uri',
] as const;
const MAX_CHALLENGE = 4096;
/** RFC 6749, section 3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/;

/** A URL of metadata that may be called, or shown. Throws OAuthFault. */
export function endpoint(text: unknown, what: string, { options }: Web): URL {
  if (typeof text !== 'string' || text.length > 2048 || !URL_TEXT.test(text))
    throw new OAuthFault(`${what} is no URL to be used`);
  const made = destination({ url: text, private: options.private });
  if (isFault(made)) throw new OAuthFault(`${what}: ${made.fault}`);
  return made.url;
}

/** Parameters of a Bearer challenge (RFC 6750, section 3; RFC 9728, section 5.1). */
export function challengeOf(header: string | undefined): { metadata?: string; scopes?: string[]; error?: string } {
  const text = header?.slice(0, MAX_CHALLENGE) ?? '';
  const value = (name: string) => new RegExp(`[\\s,]${name}="([^"\\\\]{1,2048})"`, 'i').exec(text)?.[1];
  const [metadata, scope, error] = [value('resource_metadata'), value('scope'), value('error')];
  return {
    ...(metadata !== undefined && { metadata }),
    ...(scope !== undefined && {
      scopes: scope
        .split(' ')
        .filter((one) => SCOPE.test(one))
        .slice(0, 64),
    }),
    ...(error !== undefined && { error }),
  };
}

/**
 * The challenge of a server to who brings nothing: it leads to metadata that lie elsewhere, and names the scopes that are
 * needed (MCP, scope selection). Undefined where it has none, or cannot be asked.
 */
export async function challengeFrom(server: URL, { through }: Web): Promise<string | undefined> {
  try {
    const response = await through[customFetch](server.href, {
      method: 'POST',
      headers: { accept: 'application/json, text/event-stream', 'content-type': 'application/json' },
      // Changes nothing, wherever it is answered after all.
      body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
      challenge: true,
    });
    return response.status === 401 ? (response.headers.get('www-authenticate') ?? undefined) : undefined;
  } catch {
    return undefined;
  }
}

/** What the server says of itself. Rejects with OAuthFault when it says nothing, or something about another. */
export async function resourceFacts(server: URL, challenge: string | undefined, web: Web): Promise<ResourceFacts> {
  const { metadata } = challengeOf(challenge);
  const path = server.pathname === '/' ? '' : server.pathname;
  const known = `${server.origin}/.well-known/oauth-protected-resource`;
  const places = metadata !== undefined ? [metadata] : [...new Set([`${known}${path}`, known])];
  for (const place of places) {
    const url = endpoint(place, 'resource_metadata', web);
    // Another origin could speak for any server.
    if (url.origin !== server.origin) throw new OAuthFault('resource metadata at another origin');
    const said = await json(url, web);
    if (said === undefined) continue;
    const { resource, authorization_servers: issuers, scopes_supported: scopes } = said;
    if (typeof resource !== 'string' || !covers(resource, server))
      throw new OAuthFault('resource metadata of another resource');
    const strings = (list: unknown) =>
      Array.isArray(list) ? list.slice(0, 64).filter((one) => typeof one === 'string') : [];
    return { resource, issuers: strings(issuers), scopes: strings(scopes).filter((one) => SCOPE.test(one)) };
  }
  throw new OAuthFault('the server publishes no resource metadata');
}

/** A resource is the server itself, or a path above it. */
function covers(resource: string, server: URL): boolean {
  const url = URL.parse(resource);
  if (url === null || url.origin !== server.origin || url.search !== '' || url.hash !== '') return false;
  const above = url.pathname.endsWith('/') ? url.pathname : `${url.pathname}/`;
  return `${server.pathname}/`.startsWith(above);
}

/** Rejects with OAuthFault. */
export async function issuerFacts(issuer: string, web: Web): Promise<AuthorizationServer> {
  const url = endpoint(issuer, 'issuer', web);
  const path = url.pathname === '/' ? '' : url.pathname.replace(/\/$/, '');
  const known = (name: string) => new URL(`/.well-known/${name}${path}`, url);
  const places = [known('oauth-authorization-server'), known('openid-configuration')];
  if (path !== '') places.push(new URL(`${path}/.well-known/openid-configuration`, url));
  for (const place of places) {
    const said = await json(place, web);
    if (said === undefined) continue;
    if (said['issuer'] !== issuer) throw new OAuthFault('metadata of another issuer');
    for (const name of ENDPOINTS) if (said[name] !== undefined) endpoint(said[name], name, web);
    return said as unknown as AuthorizationServer;
  }
  throw new OAuthFault('the issuer publishes no metadata');
}

/** Undefined where there is nothing. */
async function json(url: URL, { through }: Web): Promise<Record<string, unknown> | undefined> {
  let response: Response;
  try {
    response = await through[customFetch](url.href, { method: 'GET', headers: { accept: 'application/json' } });
  } catch (error) {
    throw asFault(error, 'metadata');
  }
  if (response.status >= 400 && response.status < 500) return undefined;
  if (response.status !== 200) throw new OAuthFault(`metadata: HTTP ${response.status}`);
  try {
    const value: unknown = await response.json();
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw new OAuthFault('metadata that is no JSON object');
}
