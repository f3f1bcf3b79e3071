import type { Command } from 'commander';
import type { Exit } from './terminal.ts';

/** What one verb does; its name and summary are a row of `verbs.ts`. */
export interface Verb {
  /** Four real commands, shown by `--help`. */
  readonly examples: readonly string[];
  /** Adds arguments, options and the action; the action reports its exit code through `done`. */
  build(command: Command, done: (exit: Exit) => void): void;
}
