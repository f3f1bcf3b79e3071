import { RISKS, type Risk } from '../schema.ts';
import type { Check } from './finding.ts';

/** Every risk that was taken is shown until it is given up. */
export const unsafe: Check = ({ config }) =>
  Object.entries(config.unsafe).map(([risk, reason]) => ({
    code: `posture.${risk}`,
    severity: 'high',
    path: ['unsafe', risk],
    text: `risk taken: ${RISKS[risk as Risk]} (reason given: ${reason})`,
    fix: `remove unsafe.${risk}`,
  }));
