/**
 * What a sentence does, however it is worded. Its words stand for acts (to send, to conceal, a secret, the user), and
 * rows of acts make signs (a secret is sent out). Both are data (`data/acts.json`, in nine languages).
 */
import data from '../data/acts.json' with { type: 'json' };
import { classOf } from '../shape.ts';
import { type Words, wordsOf } from './words.ts';

/**
 * Acts that are no words. MAIL: of an address. URL: before `://`. NAME: of a name like `send_mail`. COLON, COMMA: one is
 * behind. TAG: behind an opening mark. QUOTED: behind a quotation mark. AT: behind an @. NUMBER: four digits. BEGIN: of a
 * sentence. ORDER: any verb in the form of an order; EAST: the same in Chinese or Japanese, where it does not come first.
 */
const MARKS = [
  'MAIL',
  'URL',
  'NAME',
  'COLON',
  'COMMA',
  'TAG',
  'QUOTED',
  'AT',
  'NUMBER',
  'BEGIN',
  'ORDER',
  'EAST',
] as const;
const CLASSES: Readonly<Record<string, string>> = data.classes;
const NAMES = Object.keys(CLASSES);
const ACTS: readonly string[] = [...NAMES, ...MARKS];
const [MAIL, URL, NAME, COLON, COMMA, TAG, QUOTED, AT, NUMBER, BEGIN, ORDER, EAST] = MARKS.map(
  (_, i) => NAMES.length + i,
) as [number, number, number, number, number, number, number, number, number, number, number, number];

const flagged = (list: readonly string[]): readonly boolean[] => ACTS.map((name) => list.includes(name));
/** Verbs, which the name of a member is not: `email: a@b`. */
const verbs = flagged([...data.verbs, 'ORDER']);
/** Models, which a part of a name is not: `agent-browser`. */
const models = flagged(data.models);
/** Files whose names begin with a dot. */
const dotted = flagged(data.dotted);
/** Phrases that are not what their words are: `user interface`. */
const WHOLLY = NAMES.indexOf(data.wholly);

/** What one word, or several in a row, stand for. */
interface Entry {
  readonly acts: number[];
  readonly next: Map<number, Entry>;
}
/** By the hash of the first word; open addressing, as most words stand for nothing. */
const MASK = 16_383;
const keys = new Uint32Array(MASK + 1);
const entries: (Entry | undefined)[] = Array.from({ length: MASK + 1 });

function entryAt(hash: number): number {
  let at = hash & MASK;
  while (entries[at] !== undefined && keys[at] !== hash) at = (at + 1) & MASK;
  return at;
}

function entryOf(hashes: ArrayLike<number>, count: number): Entry {
  const at = entryAt(hashes[0]!);
  keys[at] = hashes[0]!;
  let entry = (entries[at] ??= { acts: [], next: new Map() });
  for (let i = 1; i < count; i++) {
    let next = entry.next.get(hashes[i]!);
    if (next === undefined) {
      next = { acts: [], next: new Map() };
      entry.next.set(hashes[i]!, next);
    }
    entry = next;
  }
  return entry;
}

NAMES.forEach((name, act) => {
  const list = CLASSES[name]!.split(' ');
  const base = new Set(list.map((word) => word.replace('~', '')));
  for (const word of list.flatMap(forms)) {
    const { count, hash } = wordsOf(word.replaceAll('_', ' '));
    if (count === 0) throw new Error(`no word: ${word}`);
    const { acts } = entryOf(hash, count);
    const add = (one: number): void => {
      if (!acts.includes(one)) acts.push(one);
    };
    add(act);
    if (!data.verbs.includes(name) || !isOrder(word, base)) continue;
    add(ORDER);
    if (word.charCodeAt(0) >= 0x3000) add(EAST);
  }
});

/** `word~`: with its English endings. A first letter beyond ASCII in either case, as words are folded in ASCII alone. */
function forms(given: string): string[] {
  const word = given.replace('~', '');
  const stem = word.replace(/e$/, '');
  const ending = /(?:s|x|sh|ch)$/.test(word) ? 'es' : 's';
  const all = given === word ? [word] : [word, `${word}${ending}`, `${stem}ing`, `${stem}ed`];
  return word.charCodeAt(0) < 128 ? all : [...new Set([word, `${word[0]!.toUpperCase()}${word.slice(1)}`])];
}

/** Only the plain form gives an order: not `sends`, `sending`, `shared` where the plain form is there too. */
function isOrder(word: string, base: ReadonlySet<string>): boolean {
  const stem = word.replace(/(?:e?s|ing|ed)$/, '');
  return stem === word || !(base.has(stem) || base.has(`${stem}e`) || base.has(word.replace(/s$/, '')));
}

export const SIGNS: readonly string[] = Object.keys(data.signs);

/** Where an act leads in the rows of signs. */
interface Step {
  readonly sign: number;
  /** Index of the stage among all. */
  readonly at: number;
  /** Words that may lie between the one before and this one; SAME: it is a mark of that word; FIRST: there is none before. */
  readonly gap: number;
  /** No comma may lie between. */
  readonly clause: boolean;
  readonly last: boolean;
}
const STAGES = 6;
const SAME = -1;
const FIRST = -2;
const steps: Step[][] = ACTS.map(() => []);
let rows = 0;
for (const [sign, name] of SIGNS.entries()) {
  for (const row of (data.signs as Readonly<Record<string, readonly string[]>>)[name]!) {
    const parts = row.split(' ');
    const last = (parts.length - 1) / 2;
    if (last >= STAGES) throw new Error(`too long: ${row}`);
    for (let stage = 0; stage <= last; stage++) {
      const given = parts[stage * 2 - 1] ?? '';
      const gap = stage === 0 ? FIRST : given === '@' ? SAME : Number.parseInt(given, 10);
      for (const wanted of parts[stage * 2]!.split('|')) {
        const act = ACTS.indexOf(wanted);
        if (act < 0) throw new Error(`no such act: ${wanted}`);
        steps[act]!.push({ sign, at: rows * STAGES + stage, gap, clause: given.endsWith('c'), last: stage === last });
      }
    }
    rows++;
  }
}
// Later stages first, so that one word is never two stages of one row.
for (const list of steps) list.sort((a, b) => (b.at % STAGES) - (a.at % STAGES));
/** The latest word of each stage. */
const place = new Int32Array(rows * STAGES);

/** One sentence; its signs are bits of `SIGNS`, 32 to a number. */
export interface Sentence {
  readonly from: number;
  readonly to: number;
  readonly signs: Int32Array;
}
export const WIDTH = Math.ceil(SIGNS.length / 32);
/** Words of one sentence; a longer one is cut. */
const LONGEST = 48;

/** The sentences between two words; the first begins where its sentence does. */
export function sentencesOf(words: Words, from: number, to: number): Sentence[] {
  const { text, start, end } = words;
  let begin = from;
  while (begin > 0 && from - begin < LONGEST && !ends(text, end[begin - 1]!, start[begin]!)) begin--;
  place.fill(-1_000_000);
  const list: Sentence[] = [];
  for (let at = begin; at < to; at = list.at(-1)!.to) list.push(sentenceAt(words, at));
  return list;
}

let comma = 0;
let first = 0;
let found: Int32Array = new Int32Array(WIDTH);

/** An act that reaches from one word to another. */
function push(act: number, at: number, to = at): void {
  for (const { gap, at: stage, clause, last, sign } of steps[act]!) {
    if (gap !== FIRST) {
      const before = place[stage - 1]!;
      if (before < first || at - before - 1 > gap) continue;
      if ((before === at && gap !== SAME) || (clause && comma >= before)) continue;
    }
    if (last) found[sign >> 5]! |= 1 << (sign & 31);
    else place[stage] = to;
  }
}

function sentenceAt({ hash, start, end, text, count }: Words, from: number): Sentence {
  found = new Int32Array(WIDTH);
  // A mark before a word stands on the word before.
  first = from - 1;
  comma = first - 1;
  push(BEGIN, first);
  const most = Math.min(count, from + LONGEST);
  let i = from;
  while (i < most) {
    const begin = start[i]!;
    const stop = end[i]!;
    const before = text.charCodeAt(begin - 1);
    // A space stands before most words.
    if (before !== 0x20) {
      if (OPENERS[before] === 1) push(TAG, i - 1);
      else if (isQuote(before)) push(QUOTED, i - 1);
      else if (before === 0x40) push(AT, i - 1);
    }
    let to = i + 1;
    const behind = text.charCodeAt(stop);
    const isName = behind === 0x5f && start[i + 1] === stop + 1;
    if (isName && before !== 0x5f) push(NAME, i);
    const entry = before === 0x5f ? undefined : entries[entryAt(hash[i]!)];
    if (entry !== undefined) {
      for (let longer = entry.next.get(hash[i + 1]!), last = i + 1; longer !== undefined && last < most; last++) {
        for (const act of longer.acts) {
          push(act, i, last);
          if (act === WHOLLY) to = last + 1;
        }
        longer = longer.next.get(hash[last + 1]!);
      }
      // The words of a name are a name.
      if (to === i + 1 && !isName) {
        const member = isMember(text, begin, stop);
        const part = isPart(text, begin, stop);
        const dot = before === 0x2e && !isAlnum(text.charCodeAt(begin - 2));
        for (const act of entry.acts)
          if (!(member && verbs[act]) && !(part && models[act]) && (dot || !dotted[act])) push(act, i);
      }
    }
    if (before === 0x40 && i > 0 && end[i - 1] === begin - 1) push(MAIL, i);
    if (behind === 0x3a && text.startsWith('://', stop)) push(URL, i);
    if (isNumber(text, begin, stop)) push(NUMBER, i);
    const close = end[to - 1]!;
    const sign = text.charCodeAt(close);
    // French sets a space before a colon.
    if (sign === 0x3a || (sign === 0x20 && text.charCodeAt(close + 1) === 0x3a)) push(COLON, to - 1);
    else if (sign === 0x2c) {
      push(COMMA, to - 1);
      comma = to - 1;
    }
    i = to;
    if (i < count && ends(text, close, start[i]!)) break;
  }
  return { from, to: Math.min(i, count), signs: found };
}

const OPENERS = classOf('<[({#|\\[');

function isQuote(c: number): boolean {
  return c === 0x22 || c === 0x60 || c === 0x201c || c === 0x201e || c === 0xab;
}

function isAlnum(c: number): boolean {
  return (c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a);
}

/** Whether the word is the name of a member, or a value alone: `email: a@b`, `type="email"`. */
function isMember(text: string, begin: number, end: number): boolean {
  const next = text[end];
  return next === ':' || ((next === '"' || next === "'") && (text[end + 1] === ':' || text[begin - 1] === next));
}

/** Whether the word is joined to others by marks: `user-agent.js`. */
function isPart(text: string, begin: number, end: number): boolean {
  const next = text[end];
  if ((next === '-' || next === '.' || next === '/' || next === ':') && isAlnum(text.charCodeAt(end + 1))) return true;
  const before = text[begin - 1];
  const c = text.charCodeAt(begin - 2);
  return before === '/' || before === '.' || (before === '-' && c >= 0x61 && c <= 0x7a);
}

/** Four digits or more in one word, the last of them at its end. */
function isNumber(text: string, from: number, to: number): boolean {
  if (text.charCodeAt(to - 1) > 0x39) return false;
  let digits = 0;
  for (let p = from; p < to; p++) if (text.charCodeAt(p) >= 0x30 && text.charCodeAt(p) <= 0x39) digits++;
  return digits >= 4;
}

/** Whether a sentence ends between two words. */
function ends(text: string, from: number, to: number): boolean {
  for (let p = from; p < to; p++) {
    const c = text.charCodeAt(p);
    if (c === 0x20) continue;
    // Stops with a space or a closing mark behind, and those of Chinese and Japanese.
    if (c === 0x2e || c === 0x21 || c === 0x3f || c === 0x3b) {
      const next = text.charCodeAt(p + 1);
      if (next <= 0x20 || CLOSERS[next] === 1) return true;
    } else if (c === 0x0a) {
      if (!goesOn(text, to) || text.slice(p + 1, to).trim() !== '') return true;
    } else if (
      c === 0x7c ? text.charCodeAt(p - 1) === 0x20 : c === 0x3002 || c === 0xff01 || c === 0xff1f || c === 0xff1b
    )
      return true;
  }
  return false;
}
const CLOSERS = classOf('"\')\\]*<`');

/** A line that goes on begins with a small letter. */
function goesOn(text: string, at: number): boolean {
  const next = text.charCodeAt(at);
  return next >= 0x61 && next <= 0x7a;
}

/** The names of the signs of each sentence, for who tunes them. */
export function signsOf(text: string): string[][] {
  const words = wordsOf(text);
  return sentencesOf(words, 0, words.count).map(({ signs }) =>
    SIGNS.filter((_, sign) => (signs[sign >> 5]! >> (sign & 31)) & 1),
  );
}
