/**
 * Values that a text assigns to a name: code, configuration, markup, JSON inside a text, command lines. The name is
 * judged by `judge.ts`; here is only where name, sign and value lie.
 */
import { judge } from './judge.ts';
import { classOf } from './shape.ts';
import { BACKSLASH, hasBackslash, isQuote, type Match, runEnd, type Source, skipBlanks, text } from './source.ts';

const NAME = classOf('A-Za-z0-9_.$-');
const VALUE = classOf('A-Za-z0-9_./+=~!@#$%^*:?-');
const MAX_NAME = 64;
const MAX_VALUE = 4096;
/** What it costs to ask for a judgement, in steps of one byte. */
const JUDGED = 120;
/** Longest name of a JSON member that is judged. */
export const MEMBER = 128;
/** `arn:aws:secretsmanager:...:secret:name`: what follows is a name too. */
const RESOURCE = /\b(?:arn|urn):[\w:/.-]{0,120}$/;
/** Types between a name and its value: `apiKey: string = "..."`. */
const TYPED = /^\s{0,2}(?:string|str|String|&str|&'static str|any|Text)\s{0,2}=/;

/** `size`: length of the keyword at `at`, which is part of the name. */
export function assignment(s: Source, at: number, size: number): Match | undefined {
  const end = runEnd(s, NAME, at + size, MAX_NAME);
  if (s.raw) return memberMayHold(s, at + size) || textMayHold(s, at, end) ? { start: at, end } : undefined;
  const sign = operator(s, at, end);
  if (sign === undefined) return undefined;
  const value = valueAt(s, sign.at, sign.lines);
  if (value === undefined) return undefined;
  if (!plausible(s, value)) return undefined;
  if (sign.prose === true && !s.prose && !value.quoted && !isMadeUp(text(s, value.start, value.end))) return undefined;
  s.work.steps += JUDGED;
  const from = nameStart(s, at);
  if (s.bytes[from - 1] === 0x3a && RESOURCE.test(text(s, Math.max(0, from - MEMBER), from))) return undefined;
  const rule = judge(text(s, from, end), text(s, value.start, value.end), value.quoted, s.work);
  return rule === undefined ? undefined : { start: value.start, end: value.end, soft: true, rule };
}

/** Names may hold single spaces: `API key`, `client secret`. */
function nameStart(s: Source, at: number): number {
  const least = Math.max(0, at - MAX_NAME);
  let from = at;
  while (from > least) {
    const before = s.bytes[from - 1]!;
    if (NAME[before] !== 1 && (before !== 0x20 || at - from > 24 || NAME[s.bytes[from - 2] ?? 0] !== 1)) break;
    from--;
  }
  s.work.steps += at - from;
  return from;
}

/** In raw JSON: the keyword stands in the name of a member whose value could be a secret. */
function memberMayHold(s: Source, from: number): boolean {
  const most = Math.min(s.length, from + 2 * MEMBER); // each character may be an escape
  for (let p = from; p < most; p++) {
    s.work.steps++;
    if (s.bytes[p] === BACKSLASH) {
      p++;
      continue;
    }
    if (s.bytes[p] !== 0x22) continue;
    p = skipSpace(s, p + 1);
    return s.bytes[p] === 0x3a && valueMayHold(s, p + 1);
  }
  return false;
}

/** In raw JSON: the keyword stands in a string, and a sign and a value may follow. */
function textMayHold(s: Source, at: number, end: number): boolean {
  let p = end;
  let quote = 0;
  let escape = false;
  for (const most = Math.min(s.length, end + 48); p < most; p++) {
    const c = s.bytes[p]!;
    if (c === BACKSLASH) {
      // An escaped quote closes the name or opens the value: only the string itself can tell.
      if (isQuote(s.bytes[p + 1]) || s.bytes[p + 1] === BACKSLASH) return true;
      escape = true;
      p++;
    } else if (c === 0x27 || c === 0x60) quote = p;
    else if (!(c === 0x20 || c === 0x5d || c === 0x29)) break;
  }
  s.work.steps += p - end;
  if ((quote > end && valueMayHold(s, quote)) || (escape && (isOption(s, at) || isDirective(s, at, end)))) return true;
  const sign = operator(s, at, p) ?? operator(s, at, end);
  return sign !== undefined && valueMayHold(s, sign.at);
}

function valueMayHold(s: Source, from: number): boolean {
  const p = skipSpace(s, from);
  if (s.bytes[p] === BACKSLASH || (isQuote(s.bytes[p]) && s.bytes[p + 1] === BACKSLASH)) return true;
  const value = valueAt(s, p, true);
  if (value === undefined) return s.bytes[p] === 0x2e || hasBackslash(s, p, p + 8);
  return hasBackslash(s, p, value.end + 2) || plausible(s, value);
}

function skipSpace(s: Source, at: number): number {
  let p = at;
  while (p < s.length && s.bytes[p]! <= 0x20) p++;
  s.work.steps += p - at;
  return p;
}

/** What every value that `judge` takes has: five characters, with a digit or a mark among them, or twenty without a space. */
function plausible(s: Source, value: Value): boolean {
  const { start, end } = value;
  if (s.bytes[start] === 0x5b) return s.raw;
  if (end - start < 5) return false;
  const most = Math.min(end, start + MEMBER);
  let spaces = 0;
  for (let p = start; p < most; p++) {
    const c = s.bytes[p]!;
    if (c === 0x20) spaces++;
    else if ((c >= 0x30 && c <= 0x39) || PLAUSIBLE_MARK[c] === 1) {
      s.work.steps += p - start;
      return true;
    }
  }
  s.work.steps += most - start;
  return end - start >= 20 && spaces === 0;
}
/** What may follow the quote that closes a name. */
const CLOSED = classOf(',:=');
const PLAUSIBLE_MARK = classOf('!@#$%^&*+~?=');
PLAUSIBLE_MARK.fill(1, 0x80);

interface Sign {
  /** Its end. */
  readonly at: number;
  /** The value may begin on a later line. */
  readonly lines: boolean;
  /** A sentence says it (`the password is ...`): only what looks made up is taken, because people and agents need the rest. */
  readonly prose?: boolean;
}

/** The sign between a name and its value. */
function operator(s: Source, name: number, from: number): Sign | undefined {
  const { bytes } = s;
  const member = valueMember(s, from);
  if (member !== undefined) return { at: member, lines: true };
  let p = bytes[from] === 0x20 && isQuote(bytes[from + 1]) && CLOSED[bytes[from + 2] ?? 0] === 1 ? from + 1 : from;
  let quoted = false;
  for (; p - from < 8; p++) {
    const c = bytes[p];
    if (isQuote(c)) quoted = true;
    else if (c !== BACKSLASH && c !== 0x5d && c !== 0x29 && c !== 0x2a) break; // * closes bold
  }
  const closed = p;
  p = skipBlanks(s, p, 16);
  if (s.raw) p = skipSpace(s, p);
  if (p >= s.length) return undefined;
  s.work.steps += 8;
  const next = bytes[p + 1];
  switch (bytes[p]) {
    case 0x3d: // = == =>
      return { at: p + (next === 0x3d || next === 0x3e ? 2 : 1), lines: s.raw };
    case 0x3a: // : := ::= and `: string =`
      if (next === 0x3d) return { at: p + 2, lines: false };
      if (next === 0x3a) return bytes[p + 2] === 0x3d ? { at: p + 3, lines: false } : undefined;
      return typed(s, p + 1) ?? { at: p + 1, lines: true };
    case 0x2d: // ->
      return next === 0x3e ? { at: p + 2, lines: false } : undefined;
    case 0x3f: // ?= ??= +=
    case 0x2b:
    case 0x7c:
      if (next === 0x3d) return { at: p + 2, lines: false };
      if (next === bytes[p] && bytes[p + 2] === 0x3d) return { at: p + 3, lines: false };
      // | password | value |
      return bytes[p] === 0x7c && p > closed && next === 0x20 ? { at: p + 2, lines: false, prose: true } : undefined;
    case 0x3e: // <password>value, <entry key="password">value</entry>
      return !quoted || s.raw || isAttribute(s, name, p + 1) ? { at: p + 1, lines: !quoted } : undefined;
    case 0x28: // setPassword("value")
      return p === from && (s.raw || isSetter(s, name, p)) ? { at: p + 1, lines: false } : undefined;
    case 0x2c: // setProperty("PASSWORD", "value"); setopt(PASSWORD, "value")
      return quoted || s.raw || isUpper(bytes[closed - 1]!) ? { at: p + 1, lines: false } : undefined;
    case 0x25: // %3D in a query inside a query
      return next === 0x33 && ((bytes[p + 2]! | 0x20) === 0x64 || (bytes[p + 2]! | 0x20) === 0x61)
        ? { at: p + 3, lines: false }
        : undefined;
    case 0x22: // PASSWORD 'x' of SQL
    case 0x27:
      return quoted || p === closed ? undefined : { at: p, lines: false };
    case 0x69: // is, is:
      return p > closed && next === 0x73 && (bytes[p + 2] === 0x20 || bytes[p + 2] === 0x3a)
        ? { at: p + 3, lines: false, prose: true }
        : undefined;
    case 0x76: // <add key="Password" value="x"/>
      return quoted && text(s, p, p + 6) === 'value=' ? { at: p + 6, lines: false } : undefined;
  }
  return !quoted && p > closed && (isOption(s, name) || isDirective(s, name, from))
    ? { at: p, lines: false }
    : undefined;
}

/** `<entry key="password">value</entry>`: the attribute names what the element holds. */
function isAttribute(s: Source, name: number, at: number): boolean {
  if (!/(?:name|key)\s{0,2}=\s{0,2}["'][\w.-]*$/.test(text(s, Math.max(0, name - MAX_NAME), name))) return false;
  const end = runEnd(s, VALUE, at, MEMBER);
  return s.bytes[end] === 0x3c && s.bytes[end + 1] === 0x2f;
}

/** `setPassword("value")`, `.password("value")`: a call that is told, and not asked, with one quoted text. */
function isSetter(s: Source, name: number, open: number): boolean {
  if (!isQuote(s.bytes[open + 1]) || !SETTER.test(text(s, nameStart(s, name), open))) return false;
  const end = runEnd(s, VALUE, open + 2, MEMBER);
  return s.bytes[end] === s.bytes[open + 1] && s.bytes[end + 1] === 0x29;
}
const SETTER = /(?:^|[.])(?:(?:set|with)[A-Z]\w*|set_\w+|password|secret|token|api_?key)$/i;

/** A line of a file that has no sign: `requirepass value`, `ENV API_TOKEN value`, `login me password value` of a netrc. */
function isDirective(s: Source, name: number, end: number): boolean {
  const { bytes } = s;
  // Most names are words of prose, and not worth a string.
  if (
    isUpper(bytes[end - 1]!)
      ? bytes[name - 1] !== 0x5f && bytes[name - 1] !== 0x20
      : !LETTER[bytes[name - 1] ?? 0] && end - name !== 8
  )
    return false;
  s.work.steps += JUDGED;
  const said = text(s, nameStart(s, name), end);
  // In raw JSON a blank may be the letter of an escape.
  if (s.raw) return /(?:requirepass|bindpw|rootpw)$|ENV [A-Z0-9_]+$/i.test(said) || mayLogIn(s, said, end);
  if (/^(?:requirepass|bindpw|rootpw|olcRootPW)$|(?:^|\s)ENV [A-Z0-9_]+$/.test(said)) return true;
  return said.endsWith('password') && LOGIN.test(text(s, Math.max(0, end - 96), end));
}
function mayLogIn(s: Source, said: string, end: number): boolean {
  return said.endsWith('password') && /login|user|account/.test(text(s, Math.max(0, end - 192), end));
}
const LOGIN = /(?:^|\s)(?:login|user|account) \S{1,64}\s+password$/;
const LETTER = classOf('A-Za-z');

/**
 * A name that is a value itself: `{"name": "DB_PASSWORD", "value": "x"}`, `- name: DB_PASSWORD` and `value: x` below,
 * `variable "db_password" {` and `default = "x"` below.
 */
function valueMember(s: Source, from: number): number | undefined {
  const { bytes } = s;
  let p = from;
  for (const most = Math.min(s.length, from + 48); p < most && BETWEEN[bytes[p]!] === 1; p++) {
    // In raw JSON, and in text inside it, an end of line is two letters.
    if (bytes[p] === BACKSLASH && (bytes[p + 1] === 0x6e || bytes[p + 1] === 0x72)) p++;
  }
  s.work.steps += p - from;
  if (p === from || (bytes[p] !== 0x76 && bytes[p] !== 0x64)) return undefined;
  const word = bytes[p] === 0x76 ? 'value' : 'default';
  if (text(s, p, p + word.length) !== word) return undefined;
  for (p += word.length; isQuote(bytes[p]) || bytes[p] === BACKSLASH || bytes[p] === 0x20; ) p++;
  return bytes[p] === 0x3a || (bytes[p] === 0x3d && word === 'default') ? p + 1 : undefined;
}
const BETWEEN = classOf(' \\s"\',{\\\\');

function typed(s: Source, at: number): Sign | undefined {
  const p = skipBlanks(s, at, 2);
  const c = s.bytes[p];
  if (c !== 0x73 && c !== 0x53 && c !== 0x26 && c !== 0x61 && c !== 0x54) return undefined;
  const type = TYPED.exec(text(s, p, p + 24))?.[0];
  return type === undefined ? undefined : { at: p + type.length, lines: false };
}

/** A command line option: `--token value`. */
function isOption(s: Source, at: number): boolean {
  let p = at;
  const least = Math.max(0, at - MAX_NAME);
  while (p > least && NAME[s.bytes[p - 1]!] === 1) p--;
  s.work.steps += at - p;
  // The letter of an escape.
  if (s.bytes[p - 1] === BACKSLASH) p++;
  const free = p === 0 || s.bytes[p - 1]! <= 0x20 || isQuote(s.bytes[p - 1]) || s.bytes[p - 2] === BACKSLASH;
  return free && s.bytes[p] === 0x2d;
}

interface Value {
  readonly start: number;
  readonly end: number;
  /** It stood in quotes: a value and no expression. */
  readonly quoted: boolean;
}

function valueAt(s: Source, from: number, lines: boolean): Value | undefined {
  const { bytes } = s;
  let p = skipBlanks(s, from, 32);
  // **Password:** value
  if (bytes[p] === 0x2a && bytes[p + 1] === 0x2a && bytes[p + 2] !== 0x2a) p = skipBlanks(s, p + 2, 4);
  // A block scalar of YAML: `|`, `>-`, and the value on the next line.
  if (lines && (bytes[p] === 0x7c || bytes[p] === 0x3e)) {
    const line = skipBlanks(s, runEnd(s, BLOCK, p + 1, 2), 8);
    if (bytes[line] === 0x0a || bytes[line] === 0x0d) p = line;
  }
  if (lines && (bytes[p] === 0x0a || bytes[p] === 0x0d)) p = Math.min(skipSpace(s, p), from + MAX_NAME);
  for (const opened = p; p - opened < 6 && bytes[p] === BACKSLASH; ) p++;
  if (isQuote(bytes[p + 1]) && /[rbfu@]/.test(String.fromCharCode(bytes[p] ?? 0))) p++;
  if (isQuote(bytes[p])) return quotedValue(s, p);
  if (bytes[p] === 0x5b) return { start: p, end: Math.min(s.length, p + 8), quoted: false };
  let end = runEnd(s, VALUE, p, MAX_VALUE);
  for (let q = p; q < end; q++) if (bytes[q] === 0x25 && bytes[q + 1] === 0x32 && bytes[q + 2] === 0x36) end = q; // %26
  if (end - p > 2 && bytes[end - 1] === 0x2e && bytes[end - 2] === 0x2e) return undefined; // "eyJhb..."
  while (end > p && TRAILING[bytes[end - 1]!] === 1) end--;
  return end > p ? { start: p, end, quoted: false } : undefined;
}
const TRAILING = classOf('.:,');
const BLOCK = classOf('0-9+-');

/** To the same quote or the end of the line. Of several quotes (`"'value'"`) the innermost opens. */
function quotedValue(s: Source, at: number): Value | undefined {
  const { bytes } = s;
  let start = at + 1;
  while (start - at < 4 && isQuote(bytes[start])) start++;
  const quote = bytes[start - 1];
  const most = Math.min(s.length, start + MAX_VALUE);
  let end = start;
  while (end < most && bytes[end] !== quote && bytes[end] !== 0x0a) end++;
  s.work.steps += end - start;
  while (end > start && bytes[end - 1] === BACKSLASH) end--;
  return end > start ? { start, end, quoted: true } : undefined;
}

/** Sixteen characters, or three of: capitals, small letters, digits, marks that no name has. */
function isMadeUp(value: string): boolean {
  return value.length >= 16 || [/[A-Z]/, /[a-z]/, /[0-9]/, /[^\w.-]/].filter((kind) => kind.test(value)).length >= 3;
}

function isUpper(c: number): boolean {
  return c >= 0x41 && c <= 0x5a;
}
