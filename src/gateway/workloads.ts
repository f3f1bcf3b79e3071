/**
 * Identities that rest on files and sockets which change while the gateway runs: trust bundles of SPIFFE, keys of
 * signed requests. A changed configuration makes them anew; what was good stays in force until then.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Caller } from '../core/call.ts';
import type { Evidence } from '../core/gate.ts';
import type { Log } from '../core/ports.ts';
import { RulesFault } from '../core/rules.ts';
import type { Clock } from '../core/state.ts';
import { withChain } from '../identity/chain.ts';
import type { Ask, Kind } from '../identity/chooser.ts';
import { LINKS } from '../identity/links.ts';
import { Once } from '../identity/once.ts';
import { type Place, placeAt } from '../identity/origin.ts';
import { withCertificate, withSignature } from '../identity/proofs.ts';
import { withoutProxies } from '../identity/proxies/index.ts';
import type { IdentityConfig } from '../identity/rules.ts';
import { NONCES } from '../identity/signatures/verify.ts';
import { type Places, parseReference, resolveReference } from '../secrets/references.ts';
import { located } from './prepare.ts';
import { openProxies, openSigning } from './signers.ts';
import type { Site } from './site.ts';
import { readPlain, type Sources } from './sources.ts';
import { openSpiffe } from './trust.ts';

export interface WorkloadsOptions {
  readonly site: Site;
  readonly clock: Clock;
  /** Where secrets are. */
  readonly places: Places;
}

export interface Workloads {
  /** Asked like any others; they say nothing while they are not configured. */
  readonly kinds: readonly Kind[];
  /** Adds what a request proves beside its credential. */
  around(ask: Ask): Ask;
  /** In PEM: authorities of trust bundles, whose client certificates count; undefined while none are configured. */
  authorities(): string | undefined;
  /** Whether a proxy whose word is taken speaks from this address. */
  isProxy(address: string): boolean;
  /** The URL under which clients reach the listener. */
  listening(url: string): void;
  /** Takes a changed configuration. Throws ConfigError; then all stays as it was. */
  configure(site: Site): void;
  /** `listener` hears that `authorities` may answer something else. */
  changed(listener: () => void): void;
  /** Tells the log from now on. `ended` hears whose standing has gone: what they hold open must end. */
  watch(log: Log, ended: (which: (caller: Caller) => boolean) => void): void;
  close(): void;
}

/** Throws ConfigError when a file that is configured cannot be used. */
export function openWorkloads({ site, clock, places }: WorkloadsOptions): Workloads {
  // Remembered across changes: a nonce that was used stays used.
  const once = new Once(NONCES, clock());
  const links = new Once(LINKS);
  // Said before there is a log to hear it.
  const early: Parameters<Log['event']>[] = [];
  let log: Pick<Log, 'event'> = { event: (...said) => void early.push(said) };
  let ended: (which: (caller: Caller) => boolean) => void = () => {};
  let changed = (): void => {};
  let place: Place | undefined;
  const sources: Sources = {
    clock,
    where: () => place,
    event: (code, data) => log.event(code, data),
    ended: (which) => ended(which),
    changed: () => changed(),
    read: (path) => readPlain(path),
    secret: (reference, dir) => resolveReference(parseReference(reference, dir), places),
  };
  let current = open(site, sources);
  const kind = (which: 'token' | 'certificate'): Kind => ({
    authenticate: (evidence: Evidence) => current.spiffe?.kinds[which].authenticate(evidence),
  });
  return {
    kinds: [
      { authenticate: (evidence) => current.proxies?.kind.authenticate(evidence) },
      kind('token'),
      kind('certificate'),
    ],
    around(ask) {
      const proved = withSignature(
        withCertificate(withChain(ask, () => current.chains, links, clock)),
        () => current.signing && { ...current.signing.rules(), covered: current.brought },
        () => place,
        once,
        clock,
      );
      const closed = withoutProxies(proved);
      // Made anew with the rules, which are asked at each request.
      let made: { readonly by: object; readonly ask: Ask } | undefined;
      return (evidence) => {
        const { proxies } = current;
        if (!proxies) return closed(evidence);
        if (made?.by !== proxies) made = { by: proxies, ask: proxies.kind.around(proved) };
        return made.ask(evidence);
      };
    },
    isProxy: (address) => current.proxies?.kind.isOne(address) ?? false,
    authorities: () => current.spiffe?.trust.authorities().join('\n'),
    listening(url) {
      place = placeAt(url);
    },
    configure(next) {
      const before = current;
      current = open(next, sources, before);
      for (const one of partsOf(before)) if (!partsOf(current).includes(one)) one.close();
      changed();
    },
    changed(listener) {
      changed = listener;
    },
    watch(toLog, onEnded) {
      [log, ended] = [toLog, onEnded];
      for (const said of early.splice(0)) log.event(...said);
    },
    close() {
      for (const one of partsOf(current)) one.close();
    },
  };
}

interface Opened {
  readonly config: IdentityConfig;
  readonly chains: IdentityConfig['chains'];
  /** Headers by which callers bring keys of their own for servers, in lower case. */
  readonly brought: readonly string[];
  readonly signing: ReturnType<typeof openSigning> | undefined;
  readonly proxies: ReturnType<typeof openProxies> | undefined;
  readonly spiffe: ReturnType<typeof openSpiffe> | undefined;
}

/** What is configured as it was `before` stays open: a bundle that an agent gave is not asked for anew. */
function open(site: Site, sources: Sources, before?: Opened): Opened {
  const { dir } = site;
  const { identity } = site.config;
  const opened: { close(): void }[] = [];
  const part = <C, T extends { close(): void }>(
    config: C | undefined,
    old: { readonly config: C | undefined; readonly part: T | undefined },
    make: (config: C, dir: string, sources: Sources) => T,
  ): T | undefined => {
    if (config === undefined) return undefined;
    if (old.part && isDeepStrictEqual(config, old.config)) return old.part;
    const made = make(config, dir, sources);
    opened.push(made);
    return made;
  };
  try {
    return {
      config: identity,
      chains: identity.chains,
      brought: Object.values(site.config.upstreams).flatMap((one) => {
        const header = 'credential' in one ? one.credential?.caller?.header : undefined;
        return header === undefined ? [] : [header.toLowerCase()];
      }),
      signing: part(identity.signatures, { config: before?.config.signatures, part: before?.signing }, openSigning),
      proxies: part(identity.proxies, { config: before?.config.proxies, part: before?.proxies }, openProxies),
      spiffe: part(identity.spiffe, { config: before?.config.spiffe, part: before?.spiffe }, openSpiffe),
    };
  } catch (error) {
    for (const one of opened) one.close();
    throw error instanceof RulesFault ? located(site, error) : error;
  }
}

function partsOf({ signing, proxies, spiffe }: Opened): { close(): void }[] {
  return [signing, proxies, spiffe].filter((one) => one !== undefined);
}
