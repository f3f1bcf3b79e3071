/**
 * Where a gateway is as clients know it: from its configuration, never from what a request says. Metadata of a resource
 * (RFC 9728) and challenges are functions of the path that was asked for and of nothing else, so that they tell nobody
 * which routes there are (guarantee TR6).
 */
import type { JsonObject } from '../../lib/json/types.ts';
import { resourceOf } from '../origin.ts';
import { PROOF_ALGORITHMS } from './proof.ts';
import type { OAuthConfig } from './rules.ts';

const WELL_KNOWN = '/.well-known/oauth-protected-resource';
/** What a route can be called, whether or not there is one. */
const ROUTE = /^[a-z][a-z0-9-]{0,31}$/;

export interface AddressOptions {
  readonly config: OAuthConfig;
  /** Origin under which clients reach the listener. */
  readonly origin: string;
  /** The only route, when there is but one: then the metadata of the origin itself are those of it. */
  readonly only?: string | undefined;
  /** Whether the listener asks for client certificates. */
  readonly certificates: boolean;
}

export class Address {
  readonly #options: AddressOptions;

  constructor(options: AddressOptions) {
    this.#options = options;
  }

  /** The audience that a token for this route has. */
  resource(route: string): string {
    return resourceOf(this.#options, route);
  }

  /** The metadata document at this path; undefined when none is there. */
  document(path: string): JsonObject | undefined {
    if (!path.startsWith(WELL_KNOWN)) return undefined;
    const rest = path.slice(WELL_KNOWN.length);
    const route = rest === '' || rest === '/' ? this.#options.only : rest.slice(1);
    if (route === undefined || !ROUTE.test(route) || (rest !== '' && rest[0] !== '/')) return undefined;
    const { config, certificates } = this.#options;
    const { issuers, baseline, require } = config;
    return {
      resource: this.resource(route),
      authorization_servers: issuers.map(({ issuer }) => issuer),
      bearer_methods_supported: ['header'],
      ...(baseline.length > 0 && { scopes_supported: baseline }),
      dpop_signing_alg_values_supported: [...PROOF_ALGORITHMS],
      // With certificates either binding will do, so that neither is required of all.
      ...(require === 'bound' && !certificates && { dpop_bound_access_tokens_required: true }),
      ...(certificates && { tls_client_certificate_bound_access_tokens: true }),
    };
  }

  /** Values of WWW-Authenticate: `Bearer` first, which is all that some clients look for. */
  challenge(route: string, error?: string, scopes: readonly string[] = this.#options.config.baseline): string[] {
    const { origin } = this.#options;
    const scope = scopes.length > 0 ? [`scope="${scopes.join(' ')}"`] : [];
    const place = ROUTE.test(route) ? `/${route}` : '';
    const parts = [
      ...(error === undefined ? [] : [`error="${error}"`]),
      `resource_metadata="${origin}${WELL_KNOWN}${place}"`,
      ...scope,
    ].join(', ');
    return [`Bearer ${parts}`, `DPoP algs="${PROOF_ALGORITHMS.join(' ')}", ${parts}`];
  }
}
