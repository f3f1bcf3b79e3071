/**
 * Runs transcripts: text files that read like a terminal.
 *
 *     What is shown here, in a sentence.
 *     $ doorward check            a command for sh; more of them follow
 *     | a line of stdout          `...` stands for anything, alone on a line for any lines
 *     ! a line of stderr
 *     ? 1                         exit code, when it is not 0
 *     -- doorward.yaml --         a file of the folder that the commands run in; `~/` is a home of its own
 *
 * Both streams are compared whole. Whatever a command prints must be inert on a terminal, unless a transcript runs it
 * at one: `at-terminal` (see there) answers questions, and the screen is compared without its cursor movements. `talk`
 * is a client. Spaces at the end of a line are nothing.
 */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, describe, it } from 'vitest';

const MAIN = resolve(import.meta.dirname, '../../src/cli/main.ts');
const SERVERS = resolve(import.meta.dirname, '../fixtures/servers');
/** What acts on a terminal, hides, or turns text around; newline and tab apart. */
const ALIVE = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Variation_Selector}]/u;

interface Step {
  readonly command: string;
  readonly stdout: string[];
  readonly stderr: string[];
  exit: number;
}

interface Transcript {
  readonly steps: readonly Step[];
  readonly files: ReadonlyMap<string, string>;
}

/** Every transcript of `test/cli/<folder>` as a test. */
export function transcripts(folder: string): void {
  const root = join(import.meta.dirname, folder);
  const open: Place[] = [];
  // Most of the time of a command is the loading of its code.
  const cache = mkdtempSync(join(tmpdir(), 'doorward-cache-'));
  afterAll(() => {
    rmSync(cache, { recursive: true, force: true });
    for (const { root, groups } of open) {
      groups.forEach(end);
      rmSync(root, { recursive: true, force: true });
    }
  });
  describe.concurrent(folder, () => {
    for (const file of readdirSync(root).filter((name) => name.endsWith('.txt'))) {
      it(basename(file, '.txt'), async () => {
        const { steps, files } = parse(readFileSync(join(root, file), 'utf8'));
        const place = makePlace(files, cache);
        open.push(place);
        for (const step of steps) await check(step, place);
      }, 60_000);
    }
  });
}

function parse(text: string): Transcript {
  const steps: Step[] = [];
  const files = new Map<string, string>();
  let file: string | undefined;
  for (const line of text.split('\n')) {
    const name = /^-- (\S+) --$/.exec(line)?.[1];
    const step = steps.at(-1);
    if (name) files.set((file = name), '');
    else if (file !== undefined) files.set(file, `${files.get(file)}${line}\n`);
    else if (line.startsWith('$ ')) steps.push({ command: line.slice(2), stdout: [], stderr: [], exit: 0 });
    else if (step && /^\|( |$)/.test(line)) step.stdout.push(line.slice(2));
    else if (step && /^!( |$)/.test(line)) step.stderr.push(line.slice(2));
    else if (step && /^\? \d+$/.test(line)) step.exit = Number(line.slice(2));
  }
  if (steps.length === 0) throw new Error('a transcript without a command');
  return { steps, files };
}

interface Place {
  readonly root: string;
  /** Where the commands run. */
  readonly dir: string;
  readonly env: Record<string, string>;
  /** Process groups that were started. */
  readonly groups: number[];
}

function makePlace(files: Transcript['files'], cache: string): Place {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'doorward-cli-')));
  const [dir, home, bin] = ['site', 'home', 'bin'].map((name) => join(root, name)) as [string, string, string];
  for (const made of [dir, home, bin]) mkdirSync(made);
  const script = (name: string, text: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  script('doorward', `exec '${process.execPath}' '${MAIN}' "$@"`);
  for (const program of ['at-terminal', 'talk'])
    script(program, `exec '${process.execPath}' '${join(import.meta.dirname, program)}.ts' "$@"`);
  for (const [name, text] of files) {
    const path = name.startsWith('~/') ? join(home, name.slice(2)) : join(dir, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  const path = [bin, dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(':');
  return {
    root,
    dir,
    groups: [],
    env: { PATH: path, HOME: home, LANG: 'C.UTF-8', NO_COLOR: '1', TERM: 'xterm', SERVERS, NODE_COMPILE_CACHE: cache },
  };
}

async function check(step: Step, place: Place): Promise<void> {
  const { stdout, stderr, exit } = await shell(step, place);
  const said = { stdout: screen(stdout), stderr: screen(stderr) };
  const raw = step.command.includes('at-terminal') ? said.stdout + said.stderr : stdout + stderr;
  if (ALIVE.test(raw))
    throw new Error(`${step.command}\nprinted ${JSON.stringify(ALIVE.exec(raw)![0])}:\n${JSON.stringify(raw)}`);
  const [out, err] = [lines(said.stdout), lines(said.stderr)];
  if (exit === step.exit && matches(out, step.stdout) && matches(err, step.stderr)) return;
  const actual = [...out.map((line) => `| ${line}`), ...err.map((line) => `! ${line}`), `? ${exit}`];
  const wanted = [
    ...step.stdout.map((line) => `| ${line}`),
    ...step.stderr.map((line) => `! ${line}`),
    `? ${step.exit}`,
  ];
  throw new Error(`$ ${step.command}\n${actual.join('\n')}\n--- wanted:\n${wanted.join('\n')}`);
}

function shell({ command }: Step, { dir, env, groups }: Place) {
  return new Promise<{ stdout: string; stderr: string; exit: number | null }>((resolve) => {
    // A group of its own: what a command leaves running is ended with the transcript.
    const child = spawn('sh', ['-c', command], { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    groups.push(child.pid!);
    const timer = setTimeout(() => end(child.pid!), 25_000);
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) child[name].on('data', (chunk: Buffer) => (said[name] += chunk));
    child.on('close', (exit) => {
      clearTimeout(timer);
      resolve({ ...said, exit });
    });
  });
}

function end(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    // Nothing is left of it.
  }
}

/** What a terminal shows: without carriage returns and without sequences that move the cursor or clear. */
function screen(text: string): string {
  return stripVTControlCharacters(text.replaceAll('\r', ''));
}

function lines(text: string): string[] {
  return text === ''
    ? []
    : text
        .replace(/\n$/, '')
        .split('\n')
        .map((line) => line.trimEnd());
}

/** `...` alone on a line stands for any lines, in a line for any characters. */
function matches(lines: readonly string[], wanted: readonly string[]): boolean {
  const [first, ...rest] = wanted;
  if (first === undefined) return lines.length === 0;
  if (first === '...') return lines.some((_, i) => matches(lines.slice(i), rest)) || matches([], rest);
  const [line, ...more] = lines;
  return line !== undefined && fits(line, first) && matches(more, rest);
}

function fits(line: string, pattern: string): boolean {
  const parts = pattern.split('...').map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 'u').test(line);
}
