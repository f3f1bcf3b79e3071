/**
 * `at-terminal 'answer' ... -- command ...`: runs a command at a pseudo-terminal and answers its questions, each when
 * it stands there. An answer is followed by Enter; `^C` and `^D` are those keys.
 */
import { spawn } from 'node:child_process';

const all = process.argv.slice(2);
const answers = all.slice(0, all.indexOf('--'));
// As wide as any line: how a terminal wraps is not what is looked at.
const command = `stty cols 500; ${all.slice(answers.length + 1).join(' ')}`;
const keys: Readonly<Record<string, string>> = { '^C': '\x03', '^D': '\x04' };

/** A question to agree to, or a secret that is typed. */
const QUESTION = /\[y\/N\] |(?:of the vault|once more|value of [a-z]+): /;

const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
let said = '';
child.stdout.on('data', (chunk: Buffer) => {
  process.stdout.write(chunk);
  said += chunk.toString();
  const asked = QUESTION.exec(said);
  const answer = answers[0];
  if (!asked || answer === undefined) return;
  said = said.slice(asked.index + asked[0].length);
  answers.shift();
  child.stdin.write(keys[answer] ?? `${answer}\r`);
});
child.on('exit', (code) => {
  process.exitCode = code ?? 2;
});
