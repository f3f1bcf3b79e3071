/** The `screen` block, and the decision table: which kind of text, how bad, what then. */
import { z } from 'zod';
import type { RuleContext } from '../../core/rules.ts';

export const schema = z
  .strictObject({
    hidden: z
      .int()
      .min(1)
      .max(10_000)
      .default(16)
      .describe('invisible characters in one message from which it is held for review'),
  })
  .prefault({});
export type ScreenConfig = z.infer<typeof schema>;

/** What is looked at. An argument is judged by `input` already; here it passes. */
export type Kind = 'descriptor' | 'result' | 'resource' | 'prompt' | 'elicitation' | 'argument' | 'note';
/** low: stray marks, as editors and web pages leave them. high: a text that a reader cannot see. */
export type Severity = 'low' | 'high';
export type Action = 'pass' | 'strip' | 'quarantine';

/** Descriptors were reviewed and pinned: what is hidden in them now cannot have been seen. */
export const DECISIONS: Readonly<Record<Kind, Readonly<Record<Severity, Action>>>> = {
  descriptor: { low: 'strip', high: 'quarantine' },
  result: { low: 'strip', high: 'quarantine' },
  resource: { low: 'strip', high: 'quarantine' },
  prompt: { low: 'strip', high: 'quarantine' },
  elicitation: { low: 'strip', high: 'quarantine' },
  note: { low: 'strip', high: 'quarantine' },
  argument: { low: 'pass', high: 'pass' },
};

export interface Rules {
  readonly hidden: number;
}

export function compile(config: ScreenConfig, _context?: Partial<RuleContext>): Rules {
  return { hidden: config.hidden };
}
