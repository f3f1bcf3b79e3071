/** Trust bundles of a site: read from files and followed, or taken from agents. */
import { resolve } from 'node:path';
import type { Caller } from '../core/call.ts';
import { RulesFault } from '../core/rules.ts';
import { parseBundle } from '../identity/spiffe/bundle.ts';
import type { SpiffeConfig } from '../identity/spiffe/rules.ts';
import { Trust } from '../identity/spiffe/trust.ts';
import { followAgent } from '../identity/spiffe/workload-api.ts';
import { workloads } from '../identity/spiffe/workloads.ts';
import { openStream } from '../net/grpc.ts';
import type { Sources } from './sources.ts';
import { watchFiles } from './watch.ts';

/** Throws RulesFault when a file cannot be used; an agent that is not there is waited for. */
export function openSpiffe(config: SpiffeConfig, dir: string, { clock, where, event, ended, changed, read }: Sources) {
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
    kinds: workloads(config, trust, where, clock),
    close() {
      for (const close of closers) close();
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}
