/**
 * Identities that rest on files and sockets which change while the gateway runs: trust bundles of SPIFFE, keys of
 * signed requests. A changed configuration makes them anew; what was good stays in force until then.
 */
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Caller } from '../core/call.ts';
import type { Code } from '../core/codes/index.ts';
import type { Evidence } from '../core/gate.ts';
import type { Log } from '../core/ports.ts';
import { RulesFault } from '../core/rules.ts';
import type { Clock } from '../core/state.ts';
import { withChain } from '../identity/chain.ts';
import type { Ask, Kind } from '../identity/chooser.ts';
import { type Key, readKeySet } from '../identity/oauth/jwks.ts';
import { Once } from '../identity/once.ts';
import { type Signing, withCertificate, withSignature } from '../identity/proofs.ts';
import { proxies, withoutProxies } from '../identity/proxies/index.ts';
import type { ProxiesConfig } from '../identity/proxies/rules.ts';
import { compileKeys, type SignaturesConfig } from '../identity/signatures/rules.ts';
import { NONCES } from '../identity/signatures/verify.ts';
import { MAX_BUNDLE, parseBundle } from '../identity/spiffe/bundle.ts';
import type { SpiffeConfig } from '../identity/spiffe/rules.ts';
import { Trust } from '../identity/spiffe/trust.ts';
import { followAgent } from '../identity/spiffe/workload-api.ts';
import { workloads } from '../identity/spiffe/workloads.ts';
import type { Json } from '../lib/json/types.ts';
import { openStream } from '../net/grpc.ts';
import type { PrivateFiles } from '../secrets/private.ts';
import { parseReference, resolveReference } from '../secrets/references.ts';
import { located } from './prepare.ts';
import type { Site } from './site.ts';
import { watchFiles } from './watch.ts';

export interface WorkloadsOptions {
  readonly site: Site;
  readonly clock: Clock;
  readonly files: Pick<PrivateFiles, 'read'>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Workloads {
  /** Asked like any others; they say nothing while they are not configured. */
  readonly kinds: readonly Kind[];
  /** Adds what a request proves beside its credential. */
  around(ask: Ask): Ask;
  /** In PEM: authorities of trust bundles, whose client certificates count; undefined while none are configured. */
  authorities(): string | undefined;
  /** Takes a changed configuration. Throws ConfigError; then all stays as it was. */
  configure(site: Site): void;
  /** `listener` hears that `authorities` may answer something else. */
  changed(listener: () => void): void;
  /** Tells the log from now on. `ended` hears whose standing has gone: what they hold open must end. */
  watch(log: Log, ended: (which: (caller: Caller) => boolean) => void): void;
  close(): void;
}

/** Throws ConfigError when a file that is configured cannot be used. */
export function openWorkloads({ site, clock, files, env }: WorkloadsOptions): Workloads {
  // Remembered across changes: a nonce that was used stays used.
  const once = new Once(NONCES);
  // Said before there is a log to hear it.
  const early: Parameters<Log['event']>[] = [];
  let log: Pick<Log, 'event'> = { event: (...said) => void early.push(said) };
  let ended: (which: (caller: Caller) => boolean) => void = () => {};
  let changed = (): void => {};
  const world: World = {
    clock,
    event: (code, data) => log.event(code, data),
    ended: (which) => ended(which),
    changed: () => changed(),
    read: (path) => readPlain(path),
    secret: (reference, dir) => resolveReference(parseReference(reference, dir), { files, env }),
  };
  let current = open(site, world);
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
        withCertificate(withChain(ask, () => current.chains)),
        () => current.signing?.rules(),
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
    authorities: () => current.spiffe?.trust.authorities().join('\n'),
    configure(next) {
      const made = open(next, world);
      current.close();
      current = made;
      changed();
    },
    changed(listener) {
      changed = listener;
    },
    watch(toLog, onEnded) {
      [log, ended] = [toLog, onEnded];
      for (const said of early.splice(0)) log.event(...said);
    },
    close: () => current.close(),
  };
}

interface World {
  readonly clock: Clock;
  readonly event: (code: Code, data: Readonly<Record<string, Json>>) => void;
  readonly ended: (which: (caller: Caller) => boolean) => void;
  readonly changed: () => void;
  readonly read: (path: string) => Uint8Array;
  readonly secret: (reference: string, dir: string) => string;
}

function open(site: Site, world: World) {
  const {
    config: { identity },
    dir,
  } = site;
  const opened: { close(): void }[] = [];
  const keep = <T extends { close(): void }>(one: T): T => {
    opened.push(one);
    return one;
  };
  try {
    const signing = identity.signatures && keep(openSigning(identity.signatures, dir, world));
    const proxies = identity.proxies && keep(openProxies(identity.proxies, dir, world));
    const spiffe = identity.spiffe && keep(openSpiffe(identity.spiffe, dir, world));
    return {
      spiffe,
      signing,
      proxies,
      chains: identity.chains,
      close() {
        for (const one of opened) one.close();
      },
    };
  } catch (error) {
    for (const one of opened) one.close();
    throw error instanceof RulesFault ? located(site, error) : error;
  }
}

function openSpiffe(config: SpiffeConfig, dir: string, { clock, event, ended, changed, read }: World) {
  const names = Object.keys(config.domains);
  const trust = new Trust(names, clock, config.stale);
  const closers: (() => void)[] = [];
  const timers = new Map<string, NodeJS.Timeout>();
  const isOf = (domain: string) => (caller: Caller) => caller.how === 'svid' && caller.issuer === `spiffe://${domain}`;

  /** After the change of one domain, for good or bad. */
  function settled(domain: string, before: ReadonlySet<string>): void {
    const now = marks(domain);
    // Who stood on an authority that is gone stands on nothing.
    if ([...before].some((mark) => !now.has(mark))) ended(isOf(domain));
    changed();
  }
  const marks = (domain: string): ReadonlySet<string> => {
    const bundle = trust.of(domain);
    return new Set([...(bundle?.x509.map((one) => one.fingerprint256) ?? []), ...(bundle?.jwt.keys() ?? [])]);
  };
  function good(domain: string, before: ReadonlySet<string>): void {
    clearTimeout(timers.get(domain));
    timers.delete(domain);
    const bundle = trust.of(domain);
    event('event.trust', { domain, certificates: bundle?.x509.length ?? 0, keys: bundle?.jwt.size ?? 0 });
    settled(domain, before);
  }
  function bad(domain: string, why: string): void {
    if (timers.has(domain)) return;
    event('event.trust-refused', { domain, why });
    const expire = setTimeout(() => settled(domain, new Set(['stale'])), config.stale + 1);
    timers.set(domain, expire.unref());
  }

  for (const domain of names) {
    const file = config.domains[domain]!.bundle;
    if (file === undefined) continue;
    const path = resolve(dir, file);
    const load = (): string | undefined => {
      try {
        return trust.put(domain, parseBundle(read(path)));
      } catch (error) {
        trust.bad(domain);
        return error instanceof Error ? error.message : 'cannot be read';
      }
    };
    const fault = load();
    if (fault !== undefined)
      throw new RulesFault(
        ['identity', 'spiffe', 'domains', domain, 'bundle'],
        `${path}: ${fault}`,
        'write a SPIFFE bundle (JSON), or the certificates of its authorities in PEM',
      );
    const watcher = watchFiles([path], () => {
      const before = marks(domain);
      const why = load();
      if (why === undefined) good(domain, before);
      else bad(domain, why);
    });
    closers.push(() => watcher.close());
  }

  const bySocket = new Map<string, string[]>();
  for (const domain of names) {
    const socket = config.domains[domain]!['workload-api'];
    if (socket !== undefined) bySocket.set(socket, [...(bySocket.get(socket) ?? []), domain]);
  }
  for (const [socket, domains] of bySocket) {
    let before = new Map<string, ReadonlySet<string>>();
    const agent = followAgent({
      socket: resolve(dir, socket.replace(/^unix:(\/\/)?/, '')),
      domains,
      trust,
      open: openStream,
      after(ms, run) {
        const timer = setTimeout(run, ms).unref();
        return () => clearTimeout(timer);
      },
      said(why) {
        for (const domain of domains) {
          if (why !== undefined) bad(domain, `${socket}: ${why}`);
          else good(domain, before.get(domain) ?? new Set());
        }
        before = new Map(domains.map((domain) => [domain, marks(domain)]));
      },
    });
    closers.push(() => agent.close());
  }
  return {
    trust,
    kinds: workloads(config, trust, clock),
    close() {
      for (const close of closers) close();
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}

function openSigning(config: SignaturesConfig, dir: string, { event, ended, read, secret }: World) {
  const load = () =>
    compileKeys(
      config,
      (file) => read(resolve(dir, file)),
      (reference) => secret(reference, dir),
    );
  let keys: ReturnType<typeof load>;
  try {
    keys = load();
  } catch (error) {
    const text = error instanceof Error ? error.message : 'cannot be read';
    throw new RulesFault(['identity', 'signatures', 'keys'], text, 'put the key there, or mend its algorithm');
  }
  const paths = Object.values(config.keys).flatMap(({ public: pem, secret: reference }) => {
    if (pem !== undefined) return [resolve(dir, pem)];
    const parsed = parseReference(reference!, dir);
    return parsed.kind === 'file' ? [parsed.path] : [];
  });
  const watcher = watchFiles(paths, () => {
    try {
      keys = load();
      event('event.signers', { keys: keys.size });
    } catch (error) {
      // A key that was taken away must not go on signing.
      keys = new Map();
      event('event.signers-refused', { why: error instanceof Error ? error.message : 'cannot be read' });
    }
    ended(({ how, proofs }) => how === 'signature' || proofs?.signature !== undefined);
  });
  return {
    rules: (): Signing => ({ required: config.required, tag: config.tag, keys }),
    close: () => watcher.close(),
  };
}

function openProxies(config: ProxiesConfig, dir: string, { clock, event, ended, read }: World) {
  const paths = config.map((row) => (row.assertion ? resolve(dir, row.assertion.keys) : undefined));
  const load = (path: string | undefined): readonly Key[] => {
    if (path === undefined) return [];
    const keys = readKeySet(read(path));
    if (!keys || keys.length === 0) throw new Error(`${path}: holds no key that can be used`);
    return keys;
  };
  let keys: (readonly Key[])[];
  try {
    keys = paths.map(load);
  } catch (error) {
    const text = error instanceof Error ? error.message : 'cannot be read';
    throw new RulesFault(['identity', 'proxies'], text, 'put the JWK set of the proxy there');
  }
  const watcher = watchFiles(
    paths.filter((path) => path !== undefined),
    () => {
      try {
        keys = paths.map(load);
        event('event.signers', { proxies: keys.length });
      } catch (error) {
        keys = paths.map(() => []);
        event('event.signers-refused', { why: error instanceof Error ? error.message : 'cannot be read' });
      }
      ended(({ how }) => how === 'proxy');
    },
  );
  return { kind: proxies(config, (row) => keys[row]!, clock), close: () => watcher.close() };
}

/** Files that are no secret. */
function readPlain(path: string): Uint8Array {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats?.isFile()) throw new Error('is not a file that can be read');
  if (stats.size > MAX_BUNDLE) throw new Error('is over 1 MiB');
  return readFileSync(path);
}
