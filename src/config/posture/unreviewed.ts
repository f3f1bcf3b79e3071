import type { Check } from './finding.ts';

/** Guarantee NV1: what was never reviewed is not started; nothing of it is visible. */
export const unreviewed: Check = ({ config, pinned }) =>
  Object.keys(config.upstreams)
    .filter((name) => !pinned.has(name))
    .map((name) => ({
      code: 'posture.unreviewed',
      severity: 'high',
      path: ['upstreams', name],
      text: `${name} was never reviewed: nothing of it is visible and it is not started`,
      fix: `doorward review ${name}`,
    }));
