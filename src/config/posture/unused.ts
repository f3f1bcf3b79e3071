import type { Check } from './finding.ts';

/** A reviewed server that nobody may use is surface without purpose. */
export const unused: Check = ({ config, pinned }) =>
  Object.keys(config.upstreams)
    .filter((name) => (pinned.get(name)?.length ?? 0) > 0)
    .filter(
      (name) =>
        !config.policy.some((grant) =>
          [...(grant.allow ?? []), ...(grant.ask ?? [])].some((thing) => thing.startsWith(`${name}.`)),
        ),
    )
    .map((name) => ({
      code: 'posture.unused',
      severity: 'note',
      path: ['upstreams', name],
      text: `no grant names anything of ${name}`,
      fix: 'grant a tool in `policy:`, or remove the upstream',
    }));
