/** Tokens that a program puts together from texts beside each other: `"AKIA" + "..."`, `["ghp_", "..."]`. */
import { matchShape, type Shape } from './shape.ts';
import { BACKSLASH, isQuote, type Source } from './source.ts';

/** Texts that one token may be cut into, and bytes of all of them. */
const MOST = 4;
const REACH = 512;
/** A piece that is no list of beginnings. */
const LONG = 6;
/** Bytes between two texts, and of the name of a member between them. */
const GAP = 48;

export interface Pieced {
  /** Behind the last byte of the token. */
  readonly end: number;
  readonly token: string;
}

/** The token of `shape` whose first piece is `start` to `end`, where its text ends. */
export function pieced(s: Source, shape: Shape, start: number, end: number): Pieced | undefined {
  let token = s.bytes.toString('latin1', start, end);
  let at = end;
  for (let count = 1; count < MOST && token.length < REACH; count++) {
    const from = nextText(s, at);
    if (from < 0) return undefined;
    at = from;
    while (at < s.length && at - from < REACH && !isQuote(s.bytes[at]) && s.bytes[at] !== BACKSLASH) at++;
    s.work.steps += 2 * (at - from) + 200;
    token += s.bytes.toString('latin1', from, at);
    const whole = Buffer.from(token, 'latin1');
    const found = matchShape(shape, whole, 0, whole.length, { steps: 0, dead: 0, open: 0 });
    if (found > 0 && at - from >= LONG) return { end: at - (whole.length - found), token: token.slice(0, found) };
  }
  return undefined;
}

/** Where the text begins that follows the one which ends at `at`; -1 for none. In raw JSON escapes are passed over. */
export function nextText(s: Source, at: number): number {
  const { bytes } = s;
  let p = at;
  if (bytes[p] === BACKSLASH && bytes[p + 1] === 0x0a) return p + 2;
  while (bytes[p] === BACKSLASH) p++;
  if (s.raw && p > at && (bytes[p] === 0x6e || bytes[p] === 0x72)) return p + 1;
  if (!isQuote(bytes[p])) return -1;
  p = between(s, p + 1);
  if (!isQuote(bytes[p])) return -1;
  const text = p + 1;
  if (s.raw) return text;
  // A name of a member: `"AKIA", "rest": "..."`.
  let end = text;
  while (end - text < GAP && end < s.length && !isQuote(bytes[end])) end++;
  const sign = between(s, end + 1, 0x3a);
  return bytes[sign - 1] === 0x3a || bytes[sign - 2] === 0x3a ? (isQuote(bytes[sign]) ? sign + 1 : -1) : text;
}

/** Behind blanks, escapes of blanks, and at most three signs that put texts together or part them. */
function between(s: Source, at: number, only?: number): number {
  const { bytes } = s;
  let p = at;
  let signs = 0;
  for (; p < s.length && p - at < GAP; p++) {
    const c = bytes[p]!;
    if (c === BACKSLASH) {
      if (/[ntr]/.test(String.fromCharCode(bytes[p + 1] ?? 0))) p++;
    } else if (c > 0x20 && (only === undefined ? !SIGNS.has(c) : c !== only)) break;
    else if (c > 0x20 && ++signs > 3) break;
  }
  s.work.steps += p - at;
  return p;
}
const SIGNS = new Set([...'+.&,|'].map((c) => c.charCodeAt(0)));
