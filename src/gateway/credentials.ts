/** Credentials of callers at the servers of a site: rules as configured now, secrets from the vault, all events to the log. */
import type { Caller } from '../core/call.ts';
import { type Evidence, type Identified, isCaller } from '../core/gate.ts';
import type { Clock, Maybe, Random } from '../core/state.ts';
import type { Json } from '../lib/json/types.ts';
import { type Resolve, systemResolve } from '../net/connect.ts';
import type { Offer } from '../secrets/credential/consented.ts';
import type { Credential } from '../secrets/credential/credential.ts';
import { Credentials } from '../secrets/credential/credentials.ts';
import type { CredentialRules } from '../secrets/credential/rules.ts';
import type { PrivateFiles } from '../secrets/private.ts';
import type { Vault } from '../secrets/vault/vault.ts';
import type { UpstreamRules } from '../upstreams/rules.ts';

export interface CredentialOptions {
  readonly vault: Vault;
  readonly files: Pick<PrivateFiles, 'read'>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly upstreams: () => ReadonlyMap<string, UpstreamRules>;
  /** Who asks where no call is behind: the operator. */
  readonly local: Caller;
  readonly onEvent: (data: Readonly<Record<string, Json>>) => void;
  readonly offer?: Offer;
  readonly resolve?: Resolve;
}

export interface SiteCredentials {
  readonly all: Credentials;
  readonly random: Random;
  rules(upstream: string): CredentialRules | undefined;
  of(upstream: string, caller: Caller | undefined): Credential | undefined;
  /**
   * Tells apart what callers of one sign-in bring themselves, and nothing of it: no session or connection of a server is for
   * two of them (guarantee SE7). Undefined where the principal says all.
   */
  own(upstream: string, caller: Caller): string | undefined;
  /** Remembers what a caller brought that a server behind needs, before the door forgets it. */
  hearing(authenticate: (evidence: Evidence) => Maybe<Identified>): (evidence: Evidence) => Maybe<Identified>;
}

export function siteCredentials(options: CredentialOptions): SiteCredentials {
  const { vault, files, env, clock, random, upstreams, local, onEvent, offer, resolve = systemResolve } = options;
  const places = { files, env, vault: (name: string) => vault.get('secret', '*', name)?.toString() };
  const all = new Credentials({ vault, places, resolve, clock, random, onEvent, ...(offer && { offer }) });
  const rules = (upstream: string) => rulesOf(upstreams().get(upstream));

  // What to look for in a request; once for each set of rules.
  let wanted: { of: object; headers: readonly string[]; tokens: boolean } | undefined;
  function hear(evidence: Evidence, said: Identified): Identified {
    const now = upstreams();
    if (wanted?.of !== now) wanted = { of: now, ...wantedBy(now) };
    if (!isCaller(said)) return said;
    let caller = said;
    for (const name of wanted.headers) {
      const brought = evidence.header(name);
      if (brought === undefined) continue;
      // One key may sign in for many people: what each request brings is for that request alone.
      if (caller === said) caller = Object.freeze({ ...said });
      all.inbound.bring(caller, name, brought);
    }
    if (wanted.tokens && FROM_ISSUERS.has(caller.how)) {
      const token = /^(?:Bearer|DPoP) +(\S+)$/i.exec(evidence.header('authorization') ?? '')?.[1];
      if (token !== undefined) all.inbound.bring(caller, 'token', token);
    }
    return caller;
  }

  return {
    all,
    random,
    rules,
    of(upstream, caller) {
      const found = rules(upstream);
      if (!found) return undefined;
      const { review } = found;
      const own =
        caller === undefined && review ? { ...found, way: { kind: 'secret', secret: review } as const } : found;
      return all.of(upstream, own, caller ?? local);
    },
    own(upstream, caller) {
      const way = rules(upstream)?.way;
      return way?.kind === 'caller' ? all.inbound.mark(caller, way.from) : undefined;
    },
    hearing: (authenticate) => (evidence) => {
      const said = authenticate(evidence);
      return said instanceof Promise ? said.then((known) => hear(evidence, known)) : hear(evidence, said);
    },
  };
}

/** Credentials that an issuer gave out, and another issuer may know: never our own token or keys. */
const FROM_ISSUERS: ReadonlySet<Caller['how']> = new Set<Caller['how']>(['jwt', 'introspection']);

function wantedBy(upstreams: ReadonlyMap<string, UpstreamRules>): { headers: readonly string[]; tokens: boolean } {
  const ways = [...upstreams.values()].map((one) => rulesOf(one)?.way);
  return {
    headers: [...new Set(ways.flatMap((way) => (way?.kind === 'caller' ? [way.from] : [])))],
    tokens: ways.some((way) => way?.kind === 'exchange' || way?.kind === 'id-jag'),
  };
}

export function rulesOf(rules: UpstreamRules | undefined): CredentialRules | undefined {
  return rules && 'http' in rules ? rules.credential : undefined;
}
