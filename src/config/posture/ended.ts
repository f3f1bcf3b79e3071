import { iso } from '../../lib/time.ts';
import type { Check } from './finding.ts';

/** A grant that is over, or soon will be (guarantee AZ9): whoever still needs it is refused. */
const SOON = 7 * 86_400_000;

export const ended: Check = ({ config, now }) =>
  config.policy.flatMap(({ until }, i) => {
    if (until === undefined || until > now + SOON) return [];
    const over = until <= now;
    return {
      code: 'posture.ended',
      severity: over ? 'low' : 'note',
      path: ['policy', i, 'until'],
      text: `this grant ${over ? 'ended' : 'ends'} ${iso(until)}`,
      fix: over ? 'remove it, or give it a later `until`' : 'give it a later `until` if it is still needed',
    };
  });
