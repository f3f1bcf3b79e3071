import { Ended } from '../core/ended.ts';
import type { Deliver } from '../core/pipeline.ts';

/** Milliseconds. `idle` starts anew with each interim message; `hard` never does. */
export interface Limits {
  readonly idle: number;
  readonly hard: number;
}

/** Defaults of guarantee TR7 and the issue of long calls: nothing for 60 s, or 300 s in all. */
export const CALL_LIMITS: Limits = { idle: 60_000, hard: 300_000 };

/** Aborts `cancel` when a call is silent or long for too long. */
export function deadline(cancel: AbortController, limits: Limits = CALL_LIMITS) {
  const idle = setTimeout(() => cancel.abort(new Ended('timeout', 'run.timeout-idle')), limits.idle);
  const hard = setTimeout(() => cancel.abort(new Ended('timeout', 'run.timeout-hard')), limits.hard);
  return {
    watch(deliver: Deliver): Deliver {
      return (message) => {
        idle.refresh();
        return deliver(message);
      };
    },
    clear(): void {
      clearTimeout(idle);
      clearTimeout(hard);
    },
  };
}
