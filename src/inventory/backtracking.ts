/**
 * Patterns that stall an engine that backtracks (guarantee IN8). Ours does not (`lib/schema/pattern.ts`), but clients and
 * servers that read the same schema may. Judged without running them: a repeated group that can be cut in more than one
 * way, and long rows of repetitions that can take each other's characters.
 */

/** Characters as bits: 0 to 127, and one for all others. */
type Chars = bigint;
const ALL: Chars = (1n << 129n) - 1n;
const OTHER: Chars = 1n << 128n;
/** Repetitions in a row that share characters: cost grows with this power of the length. */
const ROW = 6;
const MOST = 2_048;

interface Part {
  /** Characters with which it may begin and end. */
  readonly first: Chars;
  readonly last: Chars;
  /** It may match nothing. */
  readonly empty: boolean;
  /** It ends in a repetition of these. */
  readonly open: Chars;
}
const NOTHING: Part = { first: 0n, last: 0n, empty: true, open: 0n };

/** Whether one text makes a backtracking engine try exponentially (or by a high power) many ways. */
export function mayStall(source: string): boolean {
  if (source.length > MOST) return true;
  const reader = new Reader(source);
  reader.choice(0);
  return reader.stalls;
}

class Reader {
  stalls = false;
  #at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  choice(depth: number): Part {
    let out: Part | undefined;
    do {
      const next = this.#row(depth);
      out = out
        ? {
            first: out.first | next.first,
            last: out.last | next.last,
            empty: out.empty || next.empty,
            open: out.open | next.open,
          }
        : next;
    } while (this.#take('|'));
    return out;
  }

  #row(depth: number): Part {
    let out = NOTHING;
    let run = 0;
    let shared = ALL;
    while (this.#at < this.#text.length && !'|)'.includes(this.#text[this.#at]!)) {
      const part = this.#repeated(depth);
      if (part.open === 0n) run = 0;
      else {
        shared = run === 0 ? part.open : shared & part.open;
        run = shared === 0n ? 1 : run + 1;
        if (shared === 0n) shared = part.open;
        if (run >= ROW) this.stalls = true;
      }
      out = {
        first: out.empty ? out.first | part.first : out.first,
        last: part.empty ? out.last | part.last : part.last,
        empty: out.empty && part.empty,
        // What follows a repetition and could belong to it moves its end.
        open: part.empty ? out.open | part.open : part.open | ((out.open & part.first) === 0n ? 0n : part.last),
      };
    }
    return out;
  }

  #repeated(depth: number): Part {
    const group = this.#text[this.#at] === '(';
    const part = this.#atom(depth);
    const counted = /^(?:[*+?]|\{(\d{1,6})(,?)(\d{0,6})\})[?+]?/.exec(this.#text.slice(this.#at, this.#at + 20));
    if (counted === null) return part;
    this.#at += counted[0].length;
    const [sign, from, comma, to] = counted;
    const least = from === undefined ? (sign[0] === '+' ? 1 : 0) : Number(from);
    const most =
      from === undefined
        ? sign[0] === '?'
          ? 1
          : Number.POSITIVE_INFINITY
        : comma === ''
          ? least
          : to === ''
            ? Number.POSITIVE_INFINITY
            : Number(to);
    // One turn may end where the next one begins, or be none at all: a text has many ways to be cut into turns.
    if (group && most > 1 && ((part.open & part.first) !== 0n || (part.empty && most > ROW))) this.stalls = true;
    const loose = most > least;
    return { ...part, empty: part.empty || least === 0, open: loose ? part.open | part.last : part.open };
  }

  #atom(depth: number): Part {
    const c = this.#text[this.#at++]!;
    if (c === '(') {
      const kind = /^\?(?:[:=!]|<[=!]|<\w{1,32}>)/.exec(this.#text.slice(this.#at, this.#at + 40));
      if (kind !== null) this.#at += kind[0].length;
      if (depth > 64) this.stalls = true;
      const inside = depth > 64 ? NOTHING : this.choice(depth + 1);
      this.#take(')');
      return kind !== null && /[=!]$/.test(kind[0]) ? NOTHING : inside;
    }
    if (c === '[') return one(this.#set());
    if (c === '.') return one(ALL & ~bit('\n'));
    if (c === '^' || c === '$') return NOTHING;
    if (c !== '\\') return one(bit(c));
    const escaped = this.#text[this.#at++] ?? '\\';
    return /[bB]/.test(escaped) ? NOTHING : one(classOf(escaped));
  }

  #set(): Chars {
    const not = this.#take('^');
    let set: Chars = 0n;
    for (let first = true; this.#at < this.#text.length; first = false) {
      const c = this.#text[this.#at++]!;
      if (c === ']' && !first) break;
      const from = c === '\\' ? this.#text[this.#at++]! : c;
      const known = c === '\\' ? classOf(from) : bit(from);
      const to = this.#text[this.#at + 1];
      if (this.#text[this.#at] !== '-' || to === undefined || to === ']') set |= known;
      else {
        this.#at += 2;
        const end = to === '\\' ? (this.#text[this.#at++] ?? to) : to;
        for (let code = from.charCodeAt(0); code <= Math.min(127, end.charCodeAt(0)); code++) set |= 1n << BigInt(code);
        if (end.charCodeAt(0) > 127) set |= OTHER;
      }
    }
    return not ? ALL & ~set : set;
  }

  #take(c: string): boolean {
    if (this.#text[this.#at] !== c) return false;
    this.#at++;
    return true;
  }
}

function one(set: Chars): Part {
  return { first: set, last: set, empty: false, open: 0n };
}

function bit(c: string): Chars {
  const code = c.charCodeAt(0);
  return code > 127 ? OTHER : 1n << BigInt(code);
}

function among(pattern: RegExp): Chars {
  let set: Chars = 0n;
  for (let code = 0; code < 128; code++) if (pattern.test(String.fromCharCode(code))) set |= 1n << BigInt(code);
  return set;
}
const DIGIT = among(/\d/);
const WORD = among(/\w/);
const SPACE = among(/\s/) | OTHER;

function classOf(letter: string): Chars {
  switch (letter) {
    case 'd':
      return DIGIT;
    case 'D':
      return ALL & ~DIGIT;
    case 'w':
      return WORD;
    case 'W':
      return ALL & ~WORD;
    case 's':
      return SPACE;
    case 'S':
      return (ALL & ~SPACE) | OTHER;
    case 'p':
    case 'P':
    case 'u':
    case 'x':
      return ALL;
    default:
      return bit(letter);
  }
}
