/** OAuth as configured now: issuers and their keys kept up to date, and exchanged with the configuration. */
import type { Caller } from '../core/call.ts';
import type { Log } from '../core/ports.ts';
import { RulesFault } from '../core/rules.ts';
import type { Clock, Random, State } from '../core/state.ts';
import type { Kind } from '../identity/chooser.ts';
import { Address } from '../identity/oauth/address.ts';
import { OAuth } from '../identity/oauth/index.ts';
import { type Issuer, Issuers } from '../identity/oauth/issuers.ts';
import { Remote } from '../identity/oauth/remote.ts';
import { compile, type IssuerRules } from '../identity/oauth/rules.ts';
import type { JsonObject } from '../lib/json/types.ts';
import type { KeyRing } from '../lib/seal.ts';
import { type Resolve, systemResolve } from '../net/connect.ts';
import { type Places, parseReference, resolveReference } from '../secrets/references.ts';
import { eachSecret, located } from './prepare.ts';
import type { Site } from './site.ts';

export interface OAuthWiring extends Places {
  readonly clock: Clock;
  readonly random: Random;
  readonly ring: KeyRing;
  readonly state: Pick<State, 'take' | 'swap'>;
  readonly log: Log;
  /** Hears which callers are known no more: what they hold open must end. */
  readonly ended: (which: (caller: Caller) => boolean) => void;
  readonly resolve?: Resolve;
}

export interface OAuthSite {
  readonly kind: Kind;
  /** The metadata document at a path (RFC 9728). */
  document(path: string): JsonObject | undefined;
  /** Values of WWW-Authenticate for a call that lacks a scope: all that it needs. */
  insufficient(route: string, scopes: readonly string[], error?: string): readonly string[];
  /** Follows the configuration. */
  use(site: Site): void;
  /** The origin under which clients reach the listener. */
  listening(url: string): void;
  close(): Promise<void>;
}

/** Milliseconds between two looks at what is due. */
const LOOK = 10_000;
/** Milliseconds between two entries about one issuer. */
const QUIET = 60_000;

interface Open {
  readonly site: Site;
  readonly issuers: Issuers;
  readonly oauth: OAuth;
  address: Address | undefined;
}

/** Throws ConfigError when a secret of ours is not there. Later that lets nobody in by introspection until it is. */
export function openOAuth(first: Site, wiring: OAuthWiring): OAuthSite {
  const { clock, log, ended } = wiring;
  const since = clock();
  const told = new Map<string, number>();
  let url: string | undefined;
  const secretOf = (reference: string, { dir }: Site) => resolveReference(parseReference(reference, dir), wiring);
  const { oauth: begun } = first.config.identity;
  try {
    if (begun) eachSecret(begun, (reference) => secretOf(reference, first));
  } catch (error) {
    throw error instanceof RulesFault ? located(first, error) : error;
  }
  let open = make(first);
  const timer = setInterval(() => open?.issuers.look(), LOOK);
  timer.unref();

  function make(site: Site): Open | undefined {
    const { oauth: config } = site.config.identity;
    if (!config) return undefined;
    const issuers = new Issuers({
      rules: compile(config, site.dir),
      remote: (rules) => new Remote(rules, wiring.resolve ?? systemResolve),
      clock,
      secret: ({ introspection }) => secretOf(introspection!.secret, site),
      onGone: (issuer) => gone(issuer),
      onFault: tell,
    });
    const oauth = new OAuth({ ...wiring, config, issuers, since, address: () => made.address });
    const made: Open = { site, issuers, oauth, address: addressOf(site) };
    issuers.look();
    return made;
  }

  function addressOf({ config }: Site): Address | undefined {
    const { oauth } = config.identity;
    if (url === undefined || !oauth) return undefined;
    const routes = [...Object.keys(config.upstreams), ...Object.keys(config.bundles)];
    return new Address({
      config: oauth,
      origin: url,
      only: routes.length === 1 ? routes[0] : undefined,
      // Trust bundles of workloads vouch for clients as well as an authority of one's own.
      certificates:
        config.listen.tls !== undefined && (config.listen.tls.clients ?? config.identity.spiffe) !== undefined,
    });
  }

  function gone(issuer: Issuer): void {
    log.event('event.issuer', { issuer: issuer.rules.issuer, why: 'keys were withdrawn' });
    ended(
      ({ how, issuer: of, credential }) =>
        how === 'jwt' && of === issuer.rules.issuer && open?.oauth.isOver(credential, issuer) === true,
    );
  }

  function tell({ issuer }: IssuerRules, error: unknown): void {
    const now = clock();
    if (now - (told.get(issuer) ?? -QUIET) < QUIET) return;
    told.set(issuer, now);
    log.event('event.issuer', { issuer, why: error instanceof Error ? error.message : 'cannot be asked' });
  }

  return {
    kind: {
      authenticate: (evidence) => open?.oauth.authenticate(evidence),
      challenge: (evidence) => open?.oauth.challenge(evidence) ?? [],
    },
    document: (path) => open?.address?.document(path),
    insufficient: (route, scopes, error = 'insufficient_scope') => open?.address?.challenge(route, error, scopes) ?? [],
    use(site) {
      const before = open;
      const same = JSON.stringify(before?.site.config.identity.oauth) === JSON.stringify(site.config.identity.oauth);
      if (same && before) {
        before.address = addressOf(site);
        return;
      }
      open = make(site);
      void before?.issuers.close();
    },
    listening(at) {
      url = new URL(at).origin;
      if (open) open.address = addressOf(open.site);
    },
    async close() {
      clearInterval(timer);
      await open?.issuers.close();
    },
  };
}
