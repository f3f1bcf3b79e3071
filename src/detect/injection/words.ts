/**
 * A text as a row of words. Words are kept as 32-bit hashes (FNV-1a over ASCII lower case), so that one linear pass makes
 * no strings. Letters beyond ASCII belong to words; everything else parts them.
 */

export interface Words {
  readonly count: number;
  readonly hash: Uint32Array;
  /** Where each word begins and ends, in UTF-16 code units. */
  readonly start: Uint32Array;
  readonly end: Uint32Array;
  /** Bits of `MARK`. */
  readonly mark: Uint8Array;
}

/**
 * opened: behind `<`, `[`, `{`, `#` or `|`. piped: behind `<|`. colon: a colon follows. mail: behind the @ of an address.
 * clause: the first of a clause, behind a comma, a stop, an arrow or an empty line.
 */
export const MARK = { opened: 1, colon: 2, mail: 4, piped: 8, clause: 16 } as const;

const FNV = 0x811c9dc5;
const PRIME = 0x01000193;
// 0 parts words, 1 lower case and digits, 2 capitals, 3 inside a word only.
const CLASS = new Uint8Array(128);
for (let c = 0x61; c <= 0x7a; c++) CLASS[c] = 1;
for (let c = 0x30; c <= 0x39; c++) CLASS[c] = 1;
for (let c = 0x41; c <= 0x5a; c++) CLASS[c] = 2;
CLASS[0x27] = 3;
const OPENER = new Uint8Array(128);
for (const c of '<[({#|') OPENER[c.charCodeAt(0)] = 1;

const SPACE = 0x20;
// 1 ends a clause when a space follows, 2 when it comes twice.
const STOP = new Uint8Array(128);
for (const c of ',;.!?') STOP[c.charCodeAt(0)] = 1;
STOP[0x0a] = 2;

let room = 1024;
let hash = new Uint32Array(room);
let start = new Uint32Array(room);
let end = new Uint32Array(room);
let mark = new Uint8Array(room);

/** The arrays are reused: they hold until the next call. */
export function wordsOf(text: string, from = 0, to = text.length): Words {
  let count = 0;
  let i = from;
  let stop = 0;
  while (i < to) {
    const first = text.charCodeAt(i);
    if (first < 128 ? CLASS[first] === 0 || CLASS[first] === 3 : !isLetter(first)) {
      if (first >= 0x2000) stop = 2;
      else if (first < 128 && STOP[first] !== 0)
        stop += STOP[first] === 2 ? 1 : text.charCodeAt(i + 1) <= SPACE ? 2 : 0;
      i++;
      continue;
    }
    const begin = i;
    let h = FNV;
    for (; i < to; i++) {
      const c = text.charCodeAt(i);
      if (c < 128) {
        const kind = CLASS[c]!;
        if (kind === 0) break;
        if (kind === 3) continue;
        h = Math.imul(h ^ (kind === 2 ? c | 0x20 : c), PRIME);
      } else if (!isLetter(c)) break;
      else {
        // Chinese is written without spaces: each ideograph is a word.
        if (isIdeograph(c) && i > begin) break;
        h = Math.imul(h ^ c, PRIME);
        if (isIdeograph(c)) {
          i++;
          break;
        }
      }
    }
    if (count === room) grow();
    hash[count] = h >>> 0;
    start[count] = begin;
    end[count] = i;
    const before = begin > from ? text.charCodeAt(begin - 1) : 0;
    const after = i < to ? text.charCodeAt(i) : 0;
    mark[count] =
      (before === 0x20 || before > 0x7c
        ? before === 0x20 && text.charCodeAt(begin - 2) === 0x23
          ? MARK.opened
          : 0
        : OPENER[before]!) |
      (after === 0x3a ? MARK.colon : 0) |
      (before === 0x40 && count > 0 && end[count - 1] === begin - 1 ? MARK.mail : 0) |
      (stop > 1 ? MARK.clause : 0) |
      (before === 0x7c && begin > from + 1 && text.charCodeAt(begin - 2) === 0x3c ? MARK.piped : 0);
    count++;
    stop = 0;
  }
  return { count, hash, start, end, mark };
}

/** The hash of one word in lower case. */
export function hashOf(word: string): number {
  let h = FNV;
  for (let i = 0; i < word.length; i++) h = Math.imul(h ^ word.charCodeAt(i), PRIME);
  return h >>> 0;
}

/** Punctuation and spaces of General Punctuation, CJK and the fullwidth forms part words; what else is beyond ASCII does not. */
function isLetter(c: number): boolean {
  return c >= 0xc0 && !(c >= 0x2000 && c <= 0x2bff) && !(c >= 0x3000 && c <= 0x303f) && !(c >= 0xff00 && c <= 0xff0f);
}

function isIdeograph(c: number): boolean {
  return c >= 0x4e00 && c <= 0x9fff;
}

function grow(): void {
  room *= 2;
  const more = <T extends Uint32Array | Uint8Array>(old: T, made: T): T => {
    made.set(old);
    return made;
  };
  hash = more(hash, new Uint32Array(room));
  start = more(start, new Uint32Array(room));
  end = more(end, new Uint32Array(room));
  mark = more(mark, new Uint8Array(room));
}
