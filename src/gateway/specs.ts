/** From upstream rules to what a lane starts: the package in place, the environment looked up; or a checked URL. */
import { resolveEnvironment } from '../config/environment.ts';
import { ConfigError } from '../config/fault.ts';
import { RulesFault } from '../core/rules.ts';
import type { Clock } from '../core/state.ts';
import type { PrivateFiles } from '../secrets/private.ts';
import type { Places } from '../secrets/references.ts';
import { environment } from '../upstreams/environment.ts';
import { httpSpec } from '../upstreams/http/spec.ts';
import type { AnySpec } from '../upstreams/open-lane.ts';
import { type Npm, preparePackage } from '../upstreams/packages.ts';
import type { Prepared } from './prepare.ts';

export type Specs = ReadonlyMap<string, AnySpec>;

export interface SpecPlace {
  readonly stateDir: string;
  readonly npm: Npm;
  readonly clock: Clock;
  readonly files: PrivateFiles;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly vault?: Places['vault'];
}

/** Specs of the reviewed upstreams; `only` names one, reviewed or not. Rejects with ConfigError or PackageRefused. */
export async function prepareSpecs(
  { site, upstreams }: Pick<Prepared, 'site' | 'upstreams'>,
  place: SpecPlace,
  only?: string,
): Promise<Specs> {
  const specs = new Map<string, AnySpec>();
  for (const [name, rules] of upstreams) {
    if (only === undefined ? !site.lock.upstreams.has(name) : only !== name) continue;
    const asks = rules.asks ? { asks: rules.asks } : {};
    if ('http' in rules) {
      const { http, transport, credential } = rules;
      const made = httpSpec(name, http, { ...asks, ...(transport && { transport }) }, credential);
      if ('fault' in made)
        throw new ConfigError([site.source.fault(['upstreams', name, ...made.at], made.fault, made.fix)]);
      specs.set(name, made);
      continue;
    }
    const { run, mounts, caps } = rules;
    try {
      const values = resolveEnvironment(rules.env, ['upstreams', name, 'env'], site.dir, place);
      const made = await preparePackage({
        run,
        stateDir: place.stateDir,
        configDir: site.dir,
        npm: place.npm,
        clock: place.clock,
      });
      specs.set(name, { name, package: made, mounts, env: environment(values, place.env), caps, ...asks });
    } catch (error) {
      if (error instanceof RulesFault) throw new ConfigError([site.source.fault(error.path, error.message, error.fix)]);
      throw error;
    }
  }
  return specs;
}
