/**
 * A text as a row of words. Words are kept as 32-bit hashes (FNV-1a over ASCII lower case), so that one linear pass makes
 * no strings. Letters beyond ASCII belong to words; everything else parts them.
 */

export interface Words {
  readonly text: string;
  readonly count: number;
  readonly hash: Uint32Array;
  /** Where each word begins and ends, in UTF-16 code units. */
  readonly start: Uint32Array;
  readonly end: Uint32Array;
}

const FNV = 0x811c9dc5;
const PRIME = 0x01000193;
const APOSTROPHE = 0x27;
/** Lower case of letters, digits; 0 parts words. */
const FOLD = new Uint8Array(128);
for (let c = 0x61; c <= 0x7a; c++) FOLD[c] = FOLD[c - 0x20] = c;
for (let c = 0x30; c <= 0x39; c++) FOLD[c] = c;

let room = 1024;
let hash = new Uint32Array(room);
let start = new Uint32Array(room);
let end = new Uint32Array(room);

/** The arrays are reused: they hold until the next call. */
export function wordsOf(text: string): Words {
  return Buffer.byteLength(text) === text.length ? plain(text) : wide(text);
}

let bytes = Buffer.allocUnsafeSlow(room);

/** Of ASCII, as bytes: once a function has met strings that are wide, each character of any costs it four times as much. */
function plain(text: string): Words {
  const { length } = text;
  if (bytes.length < length) bytes = Buffer.allocUnsafeSlow(2 * length);
  bytes.write(text, 'latin1');
  const from = bytes;
  let count = 0;
  for (let i = 0; i < length; ) {
    if (FOLD[from[i]!] === 0) {
      i++;
      continue;
    }
    const begin = i;
    let h = FNV;
    for (; i < length; i++) {
      const c = from[i]!;
      const folded = FOLD[c]!;
      if (folded !== 0) h = Math.imul(h ^ folded, PRIME);
      else if (c !== APOSTROPHE) break;
    }
    if (count === room) grow();
    hash[count] = h >>> 0;
    start[count] = begin;
    end[count] = i;
    count++;
  }
  return { text, count, hash, start, end };
}

function wide(text: string): Words {
  const { length } = text;
  let count = 0;
  let i = 0;
  while (i < length) {
    let c = text.charCodeAt(i);
    if (c < 128 ? FOLD[c] === 0 : !isLetter(c)) {
      i++;
      continue;
    }
    const begin = i;
    let h = FNV;
    for (;;) {
      if (c < 128) {
        const folded = FOLD[c]!;
        if (folded !== 0) h = Math.imul(h ^ folded, PRIME);
        else if (c !== APOSTROPHE) break;
      } else if (isIdeograph(c)) {
        // Chinese is written without spaces: each ideograph is a word.
        if (i > begin) break;
        h = Math.imul(h ^ c, PRIME);
        i++;
        break;
      } else if (isLetter(c)) h = Math.imul(h ^ c, PRIME);
      else break;
      if (++i === length) break;
      c = text.charCodeAt(i);
    }
    if (count === room) grow();
    hash[count] = h >>> 0;
    start[count] = begin;
    end[count] = i;
    count++;
  }
  return { text, count, hash, start, end };
}

/** opened: behind `<`, `[`, `(`, `{`, `#` or `|`. piped: behind `<|`. colon: a colon follows. mail: behind the @ of an
 * address. heading: behind `# `. */
export const MARK = { opened: 1, colon: 2, mail: 4, piped: 8, heading: 16 } as const;
const OPENERS = new Uint8Array(128);
for (const c of '<[({#|') OPENERS[c.charCodeAt(0)] = 1;

/** Bits of `MARK` of one word: what stands around it. */
export function markOf({ text, start: starts, end: ends }: Words, i: number): number {
  const begin = starts[i]!;
  const end = ends[i]!;
  let mark = end < text.length && text.charCodeAt(end) === 0x3a ? MARK.colon : 0;
  if (begin === 0) return mark;
  const before = text.charCodeAt(begin - 1);
  if (before >= 128) return mark;
  if (OPENERS[before] === 1) mark |= MARK.opened;
  if (begin === 1) return mark;
  if (before === 0x20 && text.charCodeAt(begin - 2) === 0x23) mark |= MARK.heading;
  if (before === 0x7c && text.charCodeAt(begin - 2) === 0x3c) mark |= MARK.piped;
  if (before === 0x40 && i > 0 && ends[i - 1] === begin - 1) mark |= MARK.mail;
  return mark;
}

const STOPS = ',;.!?';
const CLOSERS = '"\')]';

/** Whether a clause ends between two words: a stop or a comma with a space or a closing mark behind it, an arrow, an empty line. */
export function clauseEnds({ text, start: starts, end: ends }: Words, from: number, to: number): boolean {
  for (let word = from; word < to; word++) {
    const most = starts[word + 1]!;
    let lines = 0;
    for (let p = ends[word]!; p < most; p++) {
      const c = text[p]!;
      if (c >= '\u2000' || (c === '\n' && ++lines === 2)) return true;
      if (STOPS.includes(c) && (text.charCodeAt(p + 1) <= 0x20 || CLOSERS.includes(text[p + 1]!))) return true;
    }
  }
  return false;
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
  const more = (old: Uint32Array, made: Uint32Array<ArrayBuffer>) => {
    made.set(old);
    return made;
  };
  hash = more(hash, new Uint32Array(room));
  start = more(start, new Uint32Array(room));
  end = more(end, new Uint32Array(room));
}
