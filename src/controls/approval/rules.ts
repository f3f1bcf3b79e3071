/** The `approval` block: how long a question waits for a person, and who may not answer it. */
import { z } from 'zod';
import type { RuleContext } from '../../core/rules.ts';
import { parseDuration } from '../../lib/time.ts';

const SHORTEST = 1_000;
const LONGEST = 86_400_000;

export const schema = z
  .strictObject({
    within: z
      .string()
      .transform((text, context) => {
        const ms = parseDuration(text);
        if (ms !== undefined && ms >= SHORTEST && ms <= LONGEST) return ms;
        context.addIssue({ code: 'custom', message: 'not a duration from 1s to 24h; write 10m' });
        return z.NEVER;
      })
      .prefault('10m')
      .describe('how long a call may wait for a person, and how long a grant may wait for the call'),
    not: z
      .literal('self')
      .optional()
      .describe('`self`: nobody approves their own calls, not even the local caller at the terminal'),
  })
  .prefault({});
export type ApprovalConfig = z.infer<typeof schema>;

export interface Rules {
  /** Milliseconds. */
  readonly within: number;
  /** Whether the local caller may approve what the local caller asked for; all others never may. */
  readonly localSelf: boolean;
}

export function compile(config: ApprovalConfig, _context?: Partial<RuleContext>): Rules {
  return { within: config.within, localSelf: config.not !== 'self' };
}
