import type { Check } from './finding.ts';

/** Guarantee IS8: the gateway runs as a normal user; root outside a container only as a named risk. */
export const root: Check = ({ machine, config }) =>
  machine.root && !machine.container && config.unsafe['run-as-root'] === undefined
    ? [
        {
          code: 'posture.root',
          severity: 'critical',
          path: ['unsafe'],
          text: 'the gateway would run as root',
          fix: 'start it as a normal user, or take the risk by name: unsafe: { run-as-root: "why" }',
        },
      ]
    : [];
