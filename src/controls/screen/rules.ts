/** The `screen` block, and the decision table: which kind of text, how bad, what then. */
import { z } from 'zod';
import type { Judge, RuleContext } from '../../core/rules.ts';

const judge = z.strictObject({
  url: z.string().min(1).describe('https address that answers {"verdict":"pass|label|hold"}'),
  private: z.array(z.string()).max(16).optional().describe('networks that are not public and may be reached for this'),
  ca: z.string().min(1).max(4096).optional().describe('file of the authority that vouches for it'),
  within: z.int().min(50).max(30_000).default(2_000).describe('milliseconds for an answer'),
  ask: z
    .enum(['suspected', 'all'])
    .default('suspected')
    .describe('ask about texts that the rules suspect without being sure, or about all'),
  down: z.enum(['hold', 'pass']).default('hold').describe('what holds without an answer'),
});
export type JudgeConfig = z.infer<typeof judge>;

export const schema = z
  .strictObject({
    hidden: z
      .int()
      .min(1)
      .max(10_000)
      .default(16)
      .describe('invisible characters in one message from which it is held for review'),
    instructions: z
      .enum(['off', 'label', 'hold'])
      .default('hold')
      .describe(
        'text that reads like instructions to a model: hold what is sure and label the rest, label all, or off',
      ),
    arguments: z
      .enum(['pass', 'ask', 'stop'])
      .default('ask')
      .describe('arguments that are surely instructions to a model: a person is asked, or the call stops'),
    judge: judge.optional().describe('a model of your own over HTTP, asked beside the rules; it only makes stricter'),
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

/** medium: reads like instructions. high: nothing else reads so. */
export type Sureness = 'medium' | 'high';
export type Answer = 'pass' | 'label' | 'quarantine';

/**
 * Instructions in plain sight or hidden. What was reviewed and pinned passes (a review holds poisoned descriptors before
 * they are pinned); prompts give instructions by nature; a question or a notification has no place for a frame.
 */
export const INSTRUCTIONS: Readonly<Record<Kind, Readonly<Record<Sureness, Answer>>>> = {
  descriptor: { medium: 'pass', high: 'pass' },
  result: { medium: 'label', high: 'quarantine' },
  resource: { medium: 'label', high: 'quarantine' },
  prompt: { medium: 'pass', high: 'label' },
  elicitation: { medium: 'pass', high: 'quarantine' },
  note: { medium: 'pass', high: 'quarantine' },
  argument: { medium: 'pass', high: 'pass' },
};

export interface Rules {
  readonly hidden: number;
  readonly instructions: 'off' | 'label' | 'hold';
  readonly arguments: 'pass' | 'ask' | 'stop';
  readonly judge?: { readonly ask: Judge; readonly all: boolean; readonly down: 'hold' | 'pass' };
}

export function compile(config: ScreenConfig, context?: Partial<RuleContext>): Rules {
  const { hidden, instructions, arguments: given, judge: asked } = config;
  const ask = context?.judge;
  return {
    hidden,
    instructions,
    arguments: given,
    ...(asked && ask && { judge: { ask, all: asked.ask === 'all', down: asked.down } }),
  };
}
