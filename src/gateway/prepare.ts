/** Compiles a site as a whole: rules, upstreams, posture. What is wrong with it is told as faults with a place. */
import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename } from 'node:path';
import { refuseLiterals } from '../config/environment.ts';
import { ConfigError, type Fault } from '../config/fault.ts';
import type { Finding, Machine } from '../config/posture/finding.ts';
import { judgePosture } from '../config/posture/index.ts';
import { namesOf } from '../controls/policy/names.ts';
import type { Extension, Pinned } from '../core/call.ts';
import type { FieldCipher } from '../core/fields.ts';
import type { Shelf, Snapshot } from '../core/ports.ts';
import { type AppBounds, type AskGrants, RulesFault } from '../core/rules.ts';
import type { Clock } from '../core/state.ts';
import { exposed } from '../doors/rules.ts';
import { compile as compileOAuth, type OAuthConfig } from '../identity/oauth/rules.ts';
import { compile as compileBundles } from '../inventory/bundles.ts';
import type { Holds } from '../inventory/holds.ts';
import { pins } from '../inventory/lock.ts';
import { parseRun } from '../inventory/packages/run.ts';
import { withSeals } from '../inventory/sealed.ts';
import { shelf } from '../inventory/shelf.ts';
import { fixOf, parseReference } from '../secrets/references.ts';
import { compile as compileUpstream, type UpstreamRules } from '../upstreams/rules.ts';
import { openJudge } from './judge.ts';
import { certificateFacts } from './listener.ts';
import { noticeTo } from './notice.ts';
import type { Site } from './site.ts';
import { compileSnapshot } from './snapshot.ts';

export interface Prepared {
  readonly site: Site;
  readonly snapshot: Snapshot;
  readonly upstreams: ReadonlyMap<string, UpstreamRules>;
  readonly findings: readonly Finding[];
}

export interface PrepareWith {
  readonly holds: Holds;
  readonly fingerprint: (secret: string) => string;
  readonly sign?: (text: string) => string;
  readonly fields?: FieldCipher;
  readonly machine: Machine;
  readonly clock?: Clock;
}

/** Throws ConfigError. */
export function prepare(
  site: Site,
  { holds, fingerprint, sign, fields, machine, clock = Date.now }: PrepareWith,
): Prepared {
  const lock = withSeals(site.lock);
  const pinned = pins(lock).filter((pin) => Object.hasOwn(site.config.upstreams, pin.upstream));
  const byUpstream = new Map<string, Pinned[]>([...site.lock.upstreams.keys()].map((name) => [name, []]));
  for (const pin of pinned) byUpstream.get(pin.upstream)?.push(pin);
  const upstreams = prepareUpstreams(site);
  try {
    const { upstreams: configured, bundles: named } = site.config;
    const bundles = compileBundles(named, Object.keys(configured), pinned);
    const snapshot = compileSnapshot({
      id: site.id,
      config: site.config,
      context: {
        pinned,
        bundles,
        upstreams: Object.keys(configured),
        scopes: scopesOf(site, pinned),
        asks: askGrants(site),
        apps: appsOf(site),
        shared: sharedOf(site),
        local: !exposed(site.config.listen),
        cedar: site.cedar,
        texts: site.texts,
        fingerprint,
        ...(sign && { sign }),
        ...(fields && { fields }),
        ...(site.config.screen.judge && { judge: openJudge(site.config.screen.judge, site.dir) }),
      },
      extensions: extensionsOf(site),
      shelf: shelf(lock, holds, bundles) satisfies Shelf,
      routes: new Map([...Object.keys(configured), ...bundles.keys()].map((name) => [name, name])),
    });
    if (site.config.approval.notice) noticeTo(site.config.approval.notice, site.dir);
    const now = clock();
    const certificate = certificateFacts(site.config, site.dir, now);
    const findings = judgePosture({ config: site.config, machine, pinned: byUpstream, now, certificate });
    return { site, snapshot, upstreams, findings };
  } catch (error) {
    if (error instanceof RulesFault) throw located(site, error);
    throw error;
  }
}

function appsOf({ config }: Site): ReadonlyMap<string, AppBounds> {
  return new Map(
    Object.entries(config.upstreams).flatMap(([name, { extensions = [], apps }]) =>
      extensions.includes('apps') ? [[name, apps ?? { domains: [], permissions: [] }]] : [],
    ),
  );
}

function sharedOf({ config }: Site): ReadonlySet<string> {
  return new Set(Object.keys(config.upstreams).filter((name) => config.upstreams[name]!.shared));
}

function extensionsOf({ config }: Site): ReadonlyMap<string, readonly Extension[]> {
  return new Map(
    Object.entries(config.upstreams).flatMap(([name, { extensions = [] }]) =>
      extensions.length > 0 ? [[name, [...new Set(extensions)]]] : [],
    ),
  );
}

/** Checks the `identity.oauth` block; answers which scopes which pinned thing needs. Throws RulesFault. */
function scopesOf({ config, dir }: Site, pinned: readonly Pinned[]): ReadonlyMap<Pinned, readonly string[]> {
  const path = ['identity', 'oauth'];
  const { oauth } = config.identity;
  if (!oauth) return new Map();
  try {
    compileOAuth(oauth, dir);
  } catch (error) {
    if (error instanceof RulesFault) throw new RulesFault([...path, ...error.path], error.message, error.fix);
    throw error;
  }
  eachSecret(oauth, (text) => parseReference(text, dir));
  const names = namesOf(pinned);
  return new Map(
    Object.entries(oauth.scopes).map(([name, all]) => [names.resolve(name, [...path, 'scopes', name]), all]),
  );
}

/** Does something with the reference to each secret of ours. Throws RulesFault, whose text holds no secret. */
export function eachSecret({ issuers }: OAuthConfig, look: (reference: string) => void): void {
  for (const [i, { introspection }] of issuers.entries()) {
    if (!introspection) continue;
    try {
      look(introspection.secret);
    } catch (error) {
      const path = ['identity', 'oauth', 'issuers', i, 'introspection', 'secret'];
      const why = error instanceof Error ? error.message : 'cannot be read';
      throw new RulesFault(path, why, fixOf(error) ?? 'check the file and its permissions');
    }
  }
}

function askGrants({ config }: Site): ReadonlyMap<string, AskGrants> {
  return new Map(Object.entries(config.upstreams).flatMap(([name, { asks }]) => (asks ? [[name, asks]] : [])));
}

/** The upstream blocks alone. Throws ConfigError. */
export function prepareUpstreams(site: Site): ReadonlyMap<string, UpstreamRules> {
  const place = { configDir: site.dir, home: homedir(), realpath: (path: string) => realpathSync(path) };
  try {
    return new Map(
      Object.entries(site.config.upstreams).map(([name, block]) => [
        name,
        startable(compileUpstream(block, ['upstreams', name], place), ['upstreams', name]),
      ]),
    );
  } catch (error) {
    if (error instanceof RulesFault) throw located(site, error);
    throw error;
  }
}

/** How `run` is written. */
export const RUN_FORMS = '[npx, -y, "name@1.2.3", ...], or [node, ./server/server.js, ...]';

/** What would fail at the start is told by `check` already. Throws RulesFault. */
function startable(rules: UpstreamRules, path: readonly string[]): UpstreamRules {
  if (!('run' in rules)) return rules;
  const [program] = rules.run;
  const spec = program === 'npx' ? parseRun(rules.run) : undefined;
  if (spec && 'fault' in spec) throw new RulesFault([...path, 'run'], spec.fault, RUN_FORMS);
  if (program !== 'npx' && program !== 'node') {
    throw new RulesFault([...path, 'run'], 'other programs than npx and node have no sandbox yet', RUN_FORMS);
  }
  refuseLiterals(rules.env, [...path, 'env']);
  return rules;
}

/** A fault with its place in the file. */
export function located(site: Site, fault: RulesFault): ConfigError {
  return new ConfigError([faultOf(site, fault)]);
}

function faultOf(site: Site, fault: RulesFault): Fault {
  // Faults of a Cedar file lead with their own place.
  const own = /^(policies\/[^:]+\.cedar):(\d+):(\d+): (.*)$/s.exec(fault.message);
  if (own) return { file: own[1]!, line: Number(own[2]), column: Number(own[3]), message: own[4]!, fix: fault.fix };
  const found = site.source.fault(fault.path, fault.message, fault.fix);
  return { ...found, file: site.shown || basename(site.file) };
}

/** Where a finding stands, as `file:line:column`. */
export function placeOf(site: Site, finding: Finding): string {
  const { file, line, column } = site.source.fault(finding.path, '', '');
  return finding.path.length > 0 ? `${file}:${line}:${column}` : file;
}
