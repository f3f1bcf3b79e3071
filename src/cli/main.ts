#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { ConfigError } from '../config/fault.ts';
import { VERSION } from '../gateway/version.ts';
import { closest, escapeText } from '../lib/text.ts';
import { completion } from './completion.ts';
import { EXIT, Trouble, talk } from './terminal.ts';
import { VERBS } from './verbs.ts';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 15)) {
  process.stderr.write(`doorward: error: Node 24.15 or newer is needed, this is ${process.versions.node}\n`);
  process.stderr.write('doorward: hint: start it through npm (npm start, npx doorward), which brings its own\n');
  process.exit(EXIT.trouble);
}

const program = new Command('doorward')
  .description('the hardened way to run MCP servers')
  .version(VERSION)
  .option('-c, --config <file>', 'configuration file', 'doorward.yaml')
  .option('--completion <shell>', 'print completion for bash, zsh or fish')
  .showHelpAfterError('(doorward --help shows every verb)')
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(`doorward: ${text.replace(/^error: /, 'error: ')}`) });

program.addHelpText(
  'after',
  '\nExamples:\n  doorward init\n  doorward review files\n  doorward run\n  doorward explain files.read_text_file \'{"path":"/data/a.txt"}\'\n',
);

for (const row of VERBS) {
  const command = program.command(row.name).description(row.summary).exitOverride();
  // Rooms are heavy: only a verb that is named is loaded.
  if (!process.argv.includes(row.name)) continue;
  const verb = await row.load();
  command.addHelpText('after', `\nExamples:\n${verb.examples.map((line) => `  ${line}`).join('\n')}\n`);
  verb.build(command, (exit) => {
    process.exitCode = exit;
  });
}
program.allowExcessArguments().action(() => {
  const shell = program.opts<{ completion?: string }>().completion;
  const [unknown] = program.args;
  if (unknown !== undefined) {
    const near = closest(
      unknown,
      VERBS.map(({ name }) => name),
    );
    throw new Trouble(
      `no verb \`${escapeText(unknown, 64)}\``,
      near ? `did you mean \`${near}\`?` : 'doorward --help shows every verb',
    );
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

function report(error: unknown): number {
  if (error instanceof ConfigError) {
    for (const fault of error.faults) {
      talk(`doorward: error: ${fault.file}:${fault.line}:${fault.column}: ${fault.message}`);
      talk(`doorward: hint: ${fault.fix}`);
    }
    return EXIT.trouble;
  }
  if (error instanceof Trouble) {
    talk(`doorward: error: ${error.message}`);
    if (error.hint) talk(`doorward: hint: ${error.hint}`);
    return error.exit;
  }
  talk(`doorward: error: ${error instanceof Error ? error.message : String(error)}`);
  if (process.env['DOORWARD_DEBUG'] && error instanceof Error) talk(error.stack ?? '');
  return EXIT.trouble;
}
