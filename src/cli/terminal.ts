/**
 * How Doorward talks. stdout is data, stderr is talk. Errors are `doorward: error: ...` and `doorward: hint: ...`,
 * without capitals or full stops. Text from outside is escaped before it is shown. Questions go to the terminal and
 * their default is no. Exit codes: 0 yes, 1 no, 2 trouble, 3 tampered.
 */
import { createInterface } from 'node:readline/promises';
import { styleText } from 'node:util';
import { escapeText, jsonText } from '../lib/text.ts';

export const EXIT = { yes: 0, no: 1, trouble: 2, tampered: 3 } as const;
export type Exit = (typeof EXIT)[keyof typeof EXIT];

/** Ends a verb with a message for people. */
export class Trouble extends Error {
  readonly hint: string | undefined;
  readonly exit: Exit;
  constructor(message: string, hint?: string, exit: Exit = EXIT.trouble) {
    super(message);
    this.hint = hint;
    this.exit = exit;
  }
}

export function data(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function talk(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Machine-readable output: one object, with the version of its shape. */
export function json(value: object): void {
  data(jsonText({ v: 1, ...value }, 2));
}

/** Text of a server, a file or a stranger, fit for a terminal. */
export function shown(text: string, max = 200): string {
  return escapeText(text, max);
}

/** `1 upstream`, `2 upstreams`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

type Style = Parameters<typeof styleText>[0];

/** Colour on a terminal; plain where NO_COLOR is set or the stream is none. */
export function paint(style: Style, text: string): string {
  return process.stdout.isTTY && !process.env['NO_COLOR'] ? styleText(style, text) : text;
}

/** Aligned columns on a terminal, tab-separated values elsewhere. Cells must be fit to show. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  aligned = process.stdout.isTTY,
): string {
  if (!aligned) return [head, ...rows].map((row) => row.join('\t')).join('\n');
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map((row) => (row[i] ?? '').length)));
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A yes-or-no question to the person at the terminal; no without one, and when it is left with Ctrl-C or Ctrl-D. */
export async function ask(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    talk(`${question} no: there is no terminal to ask at (--yes agrees)`);
    return false;
  }
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const left = new Promise<void>((resolve) => lines.once('close', resolve));
    const answer = await Promise.race([lines.question(`${question} [y/N] `), left]);
    if (answer === undefined) talk('');
    return /^y(es)?$/i.test(answer?.trim() ?? '');
  } finally {
    lines.close();
  }
}

/** Says that something takes time, when it takes over a second and a person is watching. */
export async function waiting<T>(what: string, work: Promise<T>): Promise<T> {
  const timer = process.stderr.isTTY ? setTimeout(() => talk(`${what} ...`), 1000) : undefined;
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}
