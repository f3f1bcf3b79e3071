import type { Command } from 'commander';
import { closest } from '../lib/text.ts';
import { type Exit, Trouble } from './terminal.ts';

/** What one verb does; its name and summary are a row of `verbs.ts`. */
export interface Verb {
  /** Four real commands, shown by `--help`. */
  readonly examples: readonly string[];
  /** Adds arguments, options and the action; the action reports its exit code through `done`. */
  build(command: Command, done: (exit: Exit) => void): void;
}

/** For a verb whose part `list` may be left out: what stands in the place of a part and is none. `show` reads the ids. */
export function refuseRest(list: Command, id: RegExp): void {
  const [said] = list.args;
  const verb = list.parent;
  if (said === undefined || !verb) return;
  const command = `doorward ${verb.name()}`;
  if (id.test(said)) throw new Trouble(`say what to do with ${said}`, `${command} show ${said}`);
  const parts = verb.commands.map((one) => one.name());
  const near = closest(said, parts);
  throw new Trouble(
    `no \`${command} ${said}\``,
    near ? `did you mean \`${command} ${near}\`?` : `one of: ${parts.join(', ')}`,
  );
}
