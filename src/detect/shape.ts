/**
 * Shapes of tokens: a small language that reads as a regular expression and never backtracks. Literals, classes with a
 * count, and groups of literals, each taken greedily and kept: `ghp_[A-Za-z0-9]{36,}`, `(dop|doo)_v1_[a-f0-9]{64}`.
 */

type Part =
  | { readonly kind: 'literals'; readonly any: readonly Uint8Array[]; readonly optional: boolean }
  | { readonly kind: 'run'; readonly set: Uint8Array; readonly min: number; readonly max: number };

export interface Shape {
  readonly source: string;
  readonly parts: readonly Part[];
}

/** What a match cost and where it went: shared by all matchers of one scan. */
export interface Work {
  /** Bytes looked at. */
  steps: number;
  /** After a miss: the end of the open run it died at; a start before it would die there too. 0 when unknown. */
  dead: number;
  /** After a miss: where it ended. */
  at?: number;
  /** The earliest start of a match that only lacks bytes which are not there yet. */
  open: number;
}

export const WORD = classOf('A-Za-z0-9_');
export const ALNUM = classOf('A-Za-z0-9');

/** 256 flags for the inside of a class: ranges, single characters, `\s`, `\w`, `\d` and escaped marks. */
export function classOf(inside: string): Uint8Array {
  const set = new Uint8Array(256);
  const chars: (string | Uint8Array)[] = [];
  for (let i = 0; i < inside.length; i++) {
    if (inside[i] !== '\\') chars.push(inside[i]!);
    else {
      const c = inside[++i]!;
      if (c === 'w') chars.push(WORD);
      else if (c === 'd') chars.push(classOf('0-9'));
      else if (c === 's')
        chars.push(Uint8Array.from({ length: 256 }, (_, b) => Number(' \t\r\n'.includes(String.fromCharCode(b)))));
      else chars.push(Uint8Array.from({ length: 256 }, (_, b) => Number(b === c.charCodeAt(0))));
    }
  }
  for (let i = 0; i < chars.length; i++) {
    const from = chars[i]!;
    if (typeof from !== 'string') from.forEach((on, b) => void (on && (set[b] = 1)));
    else if (chars[i + 1] === '-' && typeof chars[i + 2] === 'string') {
      set.fill(1, from.charCodeAt(0), (chars[i + 2] as string).charCodeAt(0) + 1);
      i += 2;
    } else set[from.charCodeAt(0)] = 1;
  }
  return set;
}

/** Throws on what the language does not have. Shapes come from our own data, never from a stranger. */
export function parseShape(source: string): Shape {
  const parts: Part[] = [];
  const token = /\[((?:\\.|[^\]\\])+)\](?:\{(\d+)(,?)(\d*)\})?|\(((?:[^()\\]|\\.)+)\)(\??)|\\(.)|([^[\](){}?*+|\\.])/gy;
  let at = 0;
  for (let m = token.exec(source); m !== null; m = token.exec(source)) {
    at = token.lastIndex;
    const [, inside, min, comma, max, group, optional, escaped, literal] = m;
    if (inside !== undefined) {
      const least = min === undefined ? 1 : Number(min);
      const most = min === undefined ? 1 : comma === '' ? least : max === '' ? Number.POSITIVE_INFINITY : Number(max);
      parts.push({ kind: 'run', set: classOf(inside), min: least, max: most });
    } else if (group !== undefined) {
      parts.push({
        kind: 'literals',
        any: group.split('|').map((text) => ascii(text.replaceAll('\\', ''))),
        optional: optional === '?',
      });
    } else {
      const before = parts.at(-1);
      const text = escaped ?? literal!;
      const merge = before?.kind === 'literals' && before.any.length === 1 && !before.optional;
      const bytes = merge ? Uint8Array.of(...before.any[0]!, ...ascii(text)) : ascii(text);
      if (merge) parts.pop();
      parts.push({ kind: 'literals', any: [bytes], optional: false });
    }
  }
  if (at !== source.length) throw new Error(`not a shape: ${source} at ${at}`);
  return { source, parts };
}

const LONGEST_LITERAL = 48;

/** The end of the match that begins at `at`, or -1. Linear in what it takes; counts into `work`. */
export function matchShape(shape: Shape, bytes: Uint8Array, at: number, length: number, work: Work): number {
  let p = at;
  const last = shape.parts.at(-1);
  let first = -1; // end of the first open run
  work.dead = 0;
  work.at = at;
  for (const part of shape.parts) {
    if (part.kind === 'literals') {
      const end = literalEnd(part.any, bytes, p, length);
      if (end < 0 && !part.optional) {
        if (p + LONGEST_LITERAL > length) work.open = Math.min(work.open, at);
        if (first === p) work.dead = p;
        work.at = p;
        return -1;
      }
      if (end >= 0) p = end;
      work.steps += 2;
    } else {
      const { set, min, max } = part;
      const most = max === Number.POSITIVE_INFINITY ? length : Math.min(length, p + max);
      const from = p;
      while (p < most && set[bytes[p]!] === 1) p++;
      work.steps += p - from + 1;
      const opened = max === Number.POSITIVE_INFINITY && first < 0;
      if (opened) first = p;
      if (p - from < min) {
        if (p === length) work.open = Math.min(work.open, at);
        if (opened) work.dead = p;
        work.at = p;
        return -1;
      }
      // A longer run than the shape has is something else.
      if (p - from === max && part === last && max > min && p < length && set[bytes[p]!] === 1) return -1;
    }
  }
  return p;
}

function literalEnd(any: readonly Uint8Array[], bytes: Uint8Array, at: number, length: number): number {
  next: for (const literal of any) {
    if (at + literal.length > length) continue;
    for (let i = 0; i < literal.length; i++) if (bytes[at + i] !== literal[i]) continue next;
    return at + literal.length;
  }
  return -1;
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}
