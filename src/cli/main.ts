#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { ConfigError } from '../config/fault.ts';
import { VERSION } from '../gateway/version.ts';
import { closest } from '../lib/text.ts';
import { fixOf } from '../secrets/references.ts';
import { TamperedFault } from '../secrets/vault/file.ts';
import { completion } from './completion.ts';
import { EXIT, shown, Trouble, talk } from './terminal.ts';
import { VERBS } from './verbs.ts';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 15)) {
  process.stderr.write(`doorward: error: Node 24.15 or newer is needed, this is ${process.versions.node}\n`);
  process.stderr.write('doorward: hint: start it through npm (npm start, npx doorward), which brings its own\n');
  process.exit(EXIT.trouble);
}

// Whoever reads may leave early (`| head`): what is left unsaid is no fault.
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
  if (code !== 'EPIPE') process.exitCode = EXIT.trouble;
});

const HELP = '--help shows verbs and options';
const program = new Command('doorward')
  .description('the hardened way to run MCP servers')
  .version(VERSION)
  .option('-c, --config <file>', 'configuration file', 'doorward.yaml')
  .option('--completion <shell>', 'print completion for bash, zsh or fish')
  .configureHelp({ showGlobalOptions: true })
  .helpCommand('help [verb]', 'the same as --help after a verb')
  .exitOverride()
  .configureOutput({
    outputError(text) {
      const [error = '', meant] = text.trim().split('\n');
      fault(error.replace(/^error: /, ''), meant?.replace(/^\(Did you mean (.*)\?\)$/, 'did you mean `$1`?') ?? HELP);
    },
  });

program.addHelpText(
  'after',
  '\nExamples:\n  doorward init\n  doorward review files\n  doorward run\n  doorward explain files.read_text_file \'{"path":"/data/a.txt"}\'\n',
);

for (const row of VERBS) {
  const command = program.command(row.name).description(row.summary).exitOverride();
  // Rooms are heavy: only a verb that is named is loaded.
  if (!process.argv.includes(row.name)) continue;
  const verb = await row.load();
  const show = (to: Command, lines: readonly string[]) =>
    to.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`);
  show(command, verb.examples);
  verb.build(command, (exit) => {
    process.exitCode = exit;
  });
  for (const inner of command.commands) {
    const lines = verb.examples.filter((line) => line.split(' ').includes(inner.name()));
    if (lines.length > 0) show(inner, lines);
  }
}
// An option after a mistyped verb is not what is wrong.
program
  .allowExcessArguments()
  .allowUnknownOption()
  .action(() => {
    const shell = program.opts<{ completion?: string }>().completion;
    const [unknown] = program.args;
    if (unknown?.startsWith('-')) throw new Trouble(`unknown option \`${unknown}\``, HELP);
    if (unknown !== undefined) {
      const near = closest(
        unknown,
        VERBS.map(({ name }) => name),
      );
      throw new Trouble(`no verb \`${unknown}\``, near ? `did you mean \`${near}\`?` : HELP);
    }
    if (shell) process.stdout.write(completion(shell, VERBS));
    else program.help({ error: true });
  });

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.yes : EXIT.trouble;
  else process.exitCode = report(error);
}

/** The only place where errors are written: whatever quotes a file or a server is made inert here. */
function fault(message: string, hint?: string): void {
  talk(`doorward: error: ${shown(message, 2000)}`);
  if (hint) talk(`doorward: hint: ${shown(hint, 2000)}`);
}

function report(error: unknown): number {
  if (error instanceof ConfigError) {
    for (const { file, line, column, message, fix } of error.faults)
      fault(`${file}:${line}:${column}: ${message}`, fix);
    return EXIT.trouble;
  }
  if (error instanceof Trouble) {
    fault(error.message, error.hint);
    return error.exit;
  }
  fault(error instanceof Error ? error.message : String(error), fixOf(error));
  if (process.env['DOORWARD_DEBUG'] && error instanceof Error) talk(error.stack ?? '');
  return error instanceof TamperedFault ? EXIT.tampered : EXIT.trouble;
}
