/** What differs between the rules in force and those that replace them; and what may not take force at all. */
import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/schema.ts';
import type { Caller } from '../core/call.ts';
import type { IdentityConfig } from '../identity/rules.ts';
import type { Json } from '../lib/json/types.ts';
import { type Prepared, placeOf } from './prepare.ts';

/** The set-up itself is refused; the gravest findings first, each as `place: text` with its fix. */
export class StartRefused extends Error {
  readonly findings: readonly { readonly text: string; readonly fix: string }[];
  constructor(findings: readonly { readonly text: string; readonly fix: string }[]) {
    super(findings.map(({ text }) => text).join('\n'));
    this.findings = findings;
  }
}

/** Throws StartRefused. */
export function refuseCritical({ site, findings }: Prepared): void {
  const critical = findings.filter(({ severity }) => severity === 'critical');
  if (critical.length > 0)
    throw new StartRefused(
      critical.map((finding) => ({ text: `${placeOf(site, finding)}: ${finding.text}`, fix: finding.fix })),
    );
}

/** Upstreams whose entry in the lockfile changed: a hold ends with a review of that very upstream, not with any edit. */
export function reviewedAnew(before: Prepared, after: Prepared): string[] {
  const entry = ({ site }: Prepared, name: string) => JSON.stringify(site.lock.upstreams.get(name) ?? null);
  return [...after.site.lock.upstreams.keys()].filter((name) => entry(after, name) !== entry(before, name));
}

export function changed(block: keyof Config, before: Prepared, after: Prepared): boolean {
  return !isDeepStrictEqual(after.site.config[block], before.site.config[block]);
}

/** Whether callers or messages are judged otherwise, by more than policy and review. */
export function judgesOthers(before: Prepared, after: Prepared): boolean {
  return JUDGES.some((block) => changed(block, before, after));
}
const JUDGES = ['identity', 'calls', 'limits', 'input', 'screen', 'redact', 'output'] as const;

/** Whether a caller proved itself in a way that is configured otherwise now. */
export function provenOtherwise(before: Prepared, after: Prepared): (caller: Caller) => boolean {
  const [was, is] = [before.site.config.identity, after.site.config.identity];
  const differs = (part: (config: IdentityConfig) => unknown) => !isDeepStrictEqual(part(was), part(is));
  return ({ how, issuer, agent, proofs }) => {
    if (agent.length > 0 && differs(({ chains }) => chains)) return true;
    if (proofs?.signature !== undefined && differs(({ signatures }) => signatures)) return true;
    const block = BLOCKS[how];
    if (block !== 'oauth') return block !== undefined && differs((config) => config[block]);
    // What one issuer may say is nothing to the tokens of another.
    return differs(({ oauth: { issuers = [], ...rest } = {} }) => [issuers.find((one) => one.issuer === issuer), rest]);
  };
}
/** Where each way to prove who speaks is configured; the others have no configuration that can change. */
const BLOCKS: { readonly [how in Caller['how']]?: keyof IdentityConfig } = {
  key: 'keys',
  jwt: 'oauth',
  introspection: 'oauth',
  svid: 'spiffe',
  signature: 'signatures',
  proxy: 'proxies',
};

/** What the log is told. `opened` is the configuration of the start: some blocks only a start can follow. */
export function reloaded(before: Prepared, after: Prepared, opened: Config): Record<string, Json> {
  const restart = unchangeable(after.site.config, opened);
  const ids = { before: before.snapshot.id, after: after.snapshot.id };
  return restart.length > 0 ? { ...ids, restart } : ids;
}

/** Changed blocks of what was opened: it stays as it is. */
function unchangeable(next: Config, now: Config): string[] {
  const opened = ({ listen, console, approval, secrets }: Config) => ({
    listen,
    console,
    secrets,
    'approval.notice': approval.notice,
  });
  const [after, before] = [opened(next), opened(now)];
  return (Object.keys(after) as (keyof typeof after)[]).filter(
    (block) => !isDeepStrictEqual(after[block], before[block]),
  );
}
