import { Trouble } from './terminal.ts';
import type { VerbRow } from './verbs.ts';

/** Shell completion of the verbs, made from their table. */
export function completion(shell: string, verbs: readonly VerbRow[]): string {
  const names = verbs.map((verb) => verb.name).join(' ');
  switch (shell) {
    case 'bash':
      return `complete -o default -W "${names}" doorward\n`;
    case 'zsh':
      return `#compdef doorward\n_arguments '1:verb:(${names})' '*:file:_files'\n`;
    case 'fish':
      return verbs
        .map((verb) => `complete -c doorward -n __fish_use_subcommand -a ${verb.name} -d "${verb.summary}"\n`)
        .join('');
    default:
      throw new Trouble(`no completion for \`${shell}\``, 'one of: bash, zsh, fish');
  }
}
