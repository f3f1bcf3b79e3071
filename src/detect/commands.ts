/** Passwords that a command line gives away: `mysql -pX`, `sshpass -p X`, `echo X | sudo -S` (options: `data/secrets.json`). */
import { isSecretValue } from './judge.ts';
import type { Options, Rule } from './rules.ts';
import { type Match, type Source, text } from './source.ts';

/** Bytes of one command that are looked at, and of what is piped into it. */
const REACH = 512;
const PIPED = 192;
const WORDS = 48;
const CALL = 200;
const ECHO =
  /(?:echo|printf)(?: -[a-zA-Z]{1,3})? {1,4}(?:"([^"\n|]{4,128})"|'([^'\n|]{4,128})'|([^\s"'|]{4,128})) {0,4}\| {0,4}$/;
/** A word, which is no password, comes first. */
const WORD = /^(?:\s|\\[tnr])+[A-Za-z]+(?:[\s.,;:)]|\\[tnr]|$)/;
/** Ports, and addresses with one: `-p 8080:80`. */
const PORTS = /^[0-9.:]+(?:\/[a-z]{3,4})?$/;

/** The command's name is at `at`, `size` bytes long. */
export function command(s: Source, at: number, size: number, { options }: Rule): Match | undefined {
  if (options === undefined) return undefined;
  const line = text(s, at + size, at + size + (s.raw ? 2 * REACH : REACH));
  s.work.steps += CALL + line.length;
  if (s.raw) return mayGive(line, options) ? { start: at, end: at + size } : undefined;
  if (options.piped !== undefined) return echoed(s, at, options.piped);
  const named = /^[A-Za-z0-9_.-]{0,16}(?=[ \t])/.exec(line)?.[0];
  if (named === undefined || isArgument(s, at)) return undefined;
  const from = at + size + named.length;
  const words = wordsOf(line.slice(named.length));
  s.work.steps += 2 * line.length;
  for (let i = 0; i < words.length; i++) {
    const given = argument(words, i, options);
    if (given !== undefined && isPassword(given)) {
      return { start: from + given.start, end: from + given.end, soft: true };
    }
  }
  return undefined;
}

/** In raw JSON: one of the options stands there. */
function mayGive(line: string, { next = [], joined = [], pair = [], nth = {}, piped }: Options): boolean {
  const words = [...next, ...joined, ...pair, ...Object.keys(nth)];
  return piped !== undefined || words.some((word) => (word === '' ? !WORD.test(line) : line.includes(word)));
}

interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly quoted: boolean;
}

/** Up to the end of the command: a new line that no backslash continues, a pipe, a mark of the shell, a lone quote. */
function wordsOf(line: string): Word[] {
  const out: Word[] = [];
  let p = 0;
  while (out.length < WORDS) {
    for (;;) {
      if (line[p] === ' ' || line[p] === '\t') p++;
      else if (line[p] === '\\' && (line[p + 1] === '\n' || line[p + 1] === '\r')) p += 2;
      else break;
    }
    const start = p;
    let quote = '';
    for (; p < line.length; p++) {
      const c = line[p]!;
      if (quote !== '') {
        if (c === quote) quote = '';
        else if (c === '\n') return out;
      } else if ((c === '"' || c === "'") && (p - start < 3 || line[p - 1] === '=')) quote = c;
      else if (/[\s;|&`)"'<>]/.test(c)) break;
    }
    if (p === start || quote !== '') return out;
    out.push({ text: line.slice(start, p), start, end: p, quoted: false });
    if (line[p] !== ' ' && line[p] !== '\t' && line[p] !== '\\') return out;
  }
  return out;
}

function argument(words: readonly Word[], i: number, { next, joined, pair, nth }: Options): Word | undefined {
  const word = words[i]!;
  const after = words[i + 1];
  if (next?.includes(word.text) && after !== undefined) return bare(after, 0);
  for (const option of [...(next ?? []), ...(joined ?? [])]) {
    if (word.text.length > option.length && word.text.startsWith(option)) return bare(word, option.length);
  }
  if (pair?.includes(word.text) && after !== undefined) {
    const both = bare(after, 0);
    const mark = /[:%,]/.exec(both.text)?.index ?? -1;
    return mark > 0 ? bare(both, mark + 1) : undefined;
  }
  const count = i === 0 && nth?.[''] !== undefined ? nth[''] : nth?.[word.text];
  const counted = count === undefined ? undefined : words[i + count];
  return counted && bare(counted, 0);
}

/** What follows the first `skip` characters, an equals sign and quotes left out. */
function bare({ text, start, end, quoted }: Word, skip: number): Word {
  let [from, to, marked] = [skip, text.length, quoted];
  if (skip > 1 && text[from] === '=') from++;
  if ((text[from] === '"' || text[from] === "'") && text[to - 1] === text[from] && to - from > 1) {
    from++;
    to--;
    marked = true;
  }
  return { text: text.slice(from, to), start: start + from, end: end - (text.length - to), quoted: marked };
}

function isPassword({ text, quoted }: Word): boolean {
  return !PORTS.test(text) && !/^-|:\/\//.test(text) && isSecretValue('password', text, quoted);
}

/** `--name mysql`: the name is what an option is given. */
function isArgument(s: Source, at: number): boolean {
  const before = text(s, Math.max(0, at - 32), at);
  return /(?:^|\s)-{1,2}[A-Za-z][A-Za-z-]*[ =]$/.test(before);
}

function echoed(s: Source, at: number, what: 'whole' | 'pair'): Match | undefined {
  const before = text(s, Math.max(0, at - PIPED), at);
  s.work.steps += 4 * PIPED;
  const found = ECHO.exec(before);
  if (found === null) return undefined;
  const said = found[1] ?? found[2] ?? found[3]!;
  const skip = what === 'pair' ? said.indexOf(':') + 1 : 0;
  const start = at - before.length + found.index + found[0].indexOf(said, 4) + skip;
  const value = said.slice(skip);
  return isSecretValue('password', value, found[3] === undefined)
    ? { start, end: start + value.length, soft: true }
    : undefined;
}
