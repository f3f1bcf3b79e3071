/**
 * Follows docs/first-five-minutes.md to the letter, in a folder and a home of its own. A block that is marked
 * `console` holds commands (`$ `, continued by `> `) for one shell, and what they print: `...` is anything, alone on a
 * line any lines. A question (`[y/N] y`) is answered as it stands there. `console gateway` is a second terminal, where
 * one command runs until it is interrupted. Changed for the test: the port, and as root the line that allows it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const PAGE = 'docs/first-five-minutes.md';
const MARK = '--- done ---';

interface Step {
  command: string;
  /** In the second terminal. */
  readonly apart: boolean;
  readonly shows: string[];
}

function steps(page: string): Step[] {
  const found: Step[] = [];
  for (const [, apart, block] of page.matchAll(/^```console( gateway)?\n(.*?)^```$/gms)) {
    let continued = false;
    for (const line of block!.trimEnd().split('\n')) {
      const step = found.at(-1);
      if (line.startsWith('$ ')) found.push({ command: line.slice(2), apart: apart !== undefined, shows: [] });
      else if (continued && line.startsWith('> ') && step) step.command += `\n${line.slice(2)}`;
      else step!.shows.push(line);
      continued = line.startsWith('$ ') || (continued && line.startsWith('> '));
    }
  }
  return found;
}

/** Whether the output is what the page shows. */
function fits(shows: readonly string[], output: string): boolean {
  const escaped = (line: string) => line.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&').replaceAll('\\.\\.\\.', '[^\\n]*');
  const lines = shows.map((line) => (line === '...' ? '(?:[^\\n]*\\n)*?' : `${escaped(line.trimEnd())}[ \\t]*\\n`));
  return new RegExp(`^${lines.join('')}$`).test(output);
}

let dir: string;
let work: string;
let port: number;
let env: Record<string, string>;
let shell: Terminal;

beforeAll(async () => {
  port = await freePort();
  dir = mkdtempSync(join(tmpdir(), 'doorward-five-'));
  work = join(dir, 'work');
  for (const folder of ['bin', 'home', 'work']) mkdirSync(join(dir, folder));
  chmodSync(dir, 0o755);
  // A published package is found here, and no registry is asked.
  symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
  const program = join(dir, 'bin/doorward');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, 'src/cli/main.ts')}' "$@"\n`);
  chmodSync(program, 0o755);
  env = { PATH: `${join(dir, 'bin')}:${process.env['PATH']}`, HOME: join(dir, 'home'), NO_COLOR: '1', LANG: 'C' };
  shell = terminal(['--norc']);
});
afterAll(async () => {
  shell.child.stdin!.end();
  await shell.ended;
  rmSync(dir, { recursive: true, force: true });
});

interface Terminal {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  said: string;
}

function terminal(args: readonly string[]): Terminal {
  const child = spawn('bash', args, { cwd: work, env, stdio: ['pipe', 'pipe', 'pipe'] });
  const made: Terminal = { child, said: '', ended: new Promise((done) => child.once('close', done)) };
  const hear = (chunk: Buffer) => void (made.said += stripVTControlCharacters(chunk.toString()).replaceAll('\r', ''));
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  return made;
}

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = server.address() as { port: number };
      server.close(() => done(free));
    });
  });
}

async function until(good: () => boolean, ms: number): Promise<void> {
  for (const end = Date.now() + ms; !good() && Date.now() < end; ) await new Promise((go) => setTimeout(go, 50));
}

const here = (text: string) => text.replaceAll('8808', String(port));

function adapt(): void {
  const file = join(work, 'doorward.yaml');
  if (!existsSync(file) || readFileSync(file, 'utf8').includes('listen:')) return;
  const risk = process.getuid?.() === 0 ? 'unsafe: { run-as-root: tests run as whoever runs them }\n' : '';
  appendFileSync(file, `listen: { port: ${port} }\n${risk}`);
}

/** A command whose page shows answers runs at a terminal. */
function asTyped({ command, shows }: Step): string {
  const answers = shows.flatMap((line) => /\[y\/N\] (\S+)$/.exec(line)?.slice(1) ?? []);
  if (answers.length === 0) return command;
  return `'${process.execPath}' '${join(ROOT, 'test/cli/at-terminal.ts')}' ${answers.join(' ')} -- ${command}`;
}

it('does what the page says', { timeout: 120_000 }, async () => {
  const all = steps(readFileSync(join(ROOT, PAGE), 'utf8'));
  expect(all.length).toBeGreaterThan(15);
  let gateway: Terminal | undefined;
  for (const step of all) {
    const shows = step.shows.map(here);
    let said = '';
    if (step.apart) {
      const apart = (gateway = terminal(['-c', `exec ${here(step.command)}`]));
      await until(() => fits(shows, apart.said), 30_000);
      said = apart.said;
    } else {
      shell.said = '';
      shell.child.stdin!.write(`${here(asTyped(step))}\necho '${MARK}'\n`);
      await until(() => shell.said.endsWith(`${MARK}\n`), 60_000);
      said = shell.said.replace(`${MARK}\n`, '');
    }
    if (!fits(shows, said)) expect({ command: step.command, said }).toEqual({ command: '', said: shows.join('\n') });
    adapt();
  }
  // Ctrl-C
  gateway!.child.kill('SIGINT');
  expect(await gateway!.ended).toBe(130);
});
