/** Where it is worth looking: a fast pass over bytes for words that injections need, and for texts that are encoded. */
import { isAscii } from 'node:buffer';
import { type Slices, whole } from '../../core/slices.ts';
import data from '../data/instructions.json' with { type: 'json' };
import { Keywords } from '../probe.ts';
import { classOf } from '../shape.ts';
import { RULES, WORDS } from './rules.ts';

/** What stands around a word for it to be of a class: anything, an opening mark before it, a colon behind it. */
const OPENED = 1;
const COLON = 2;
interface Member {
  readonly of: number;
  readonly around: number;
}
const classes: string[] = [];
/** By class: the classes that must stand so many bytes before it at most for a rule to hold; -1 where it needs no other; AT: an @ must follow. */
const AT = -2;
const partners: { readonly other: number; readonly reach: number }[][] = [];
const needed: string[] = [];
const members: Member[][] = [];

function classAt(name: string): number {
  const known = classes.indexOf(name);
  if (known >= 0) return known;
  const of = classes.push(name) - 1;
  partners.push([]);
  for (const [around, lists] of [WORDS, { ...data.opened, ...data.heading, ...data.piped }, data.colon].entries()) {
    const list = (lists as Readonly<Record<string, string>>)[name] ?? '';
    // Text that is not ASCII is looked at anyway; two letters are found with what stands beside them.
    const words = list.split(' ').flatMap((word) => (word.length > 2 ? [word] : (SHORT.get(word) ?? [])));
    for (const word of words.filter((each) => /^[a-z0-9@ _:-]+$/.test(each))) {
      const at = needed.includes(word) ? needed.indexOf(word) : needed.push(word) - 1;
      (members[at] ??= []).push({ of, around });
    }
  }
  return of;
}
const SHORT: ReadonlyMap<string, readonly string[]> = new Map([
  ['ai', [' ai ', ' ai:', 'ai,', 'ai.']],
  ['im', ['im_']],
  ['rm', ['rm -']],
]);
/** Bytes of one word between two that a rule joins; longer ones are not English. */
const WORD = 14;
for (const { anchors, classes: row, gaps } of RULES) {
  if (anchors.length === 0) continue;
  const [first, second] = anchors as [number, number?];
  const of = classAt(row[first]!);
  if (second === undefined) partners[of]!.push({ other: -1, reach: 0 });
  else if (row[second] === 'MAIL') partners[of]!.push({ other: AT, reach: (gaps[first]! + 2) * WORD });
  else {
    const between = gaps.slice(first, second).reduce((sum, gap) => sum + gap + 1, 1);
    partners[classAt(row[second]!)]!.push({ other: of, reach: between * WORD });
  }
}
/** Words thirteen letters on: instructions, previous, system, the, you. */
const ROTATED = ['vafgehpg', 'cerivbhf', 'flfgrz', ' gur ', 'lbh '];
const words = new Keywords([...needed, ...ROTATED]);

const LETTER = classOf('A-Za-z0-9');
const OPENER = classOf('<[({#| \\[');

/** What is asked of the bytes around a keyword. */
interface Needed {
  readonly size: number;
  /** It begins with a blank of its own. */
  readonly apart: boolean;
  readonly endsInLetter: boolean;
  readonly endsInColon: boolean;
  readonly members: readonly Member[];
}
/** By keyword; a rotated word has none. */
const asked: readonly Needed[] = needed.map((word, at) => ({
  size: word.length,
  apart: word.startsWith(' '),
  endsInLetter: LETTER[word.charCodeAt(word.length - 1)] === 1,
  endsInColon: word.endsWith(':'),
  members: members[at]!,
}));

/** One look over bytes. */
interface Look {
  readonly bytes: Uint8Array;
  /** By class: where it stood last. */
  readonly seenAt: Int32Array;
  /** Told of each place where a rule may hold, until it answers true. */
  readonly hit: (at: number) => boolean;
}
const scratch = new Int32Array(classes.length);
/** The look whose section is gone through. */
let now: Look = { bytes: new Uint8Array(), seenAt: scratch, hit: yes };

/** Bytes that are looked at between two `yield`s. */
const SECTION = 16 * 1024;

function look(bytes: Uint8Array, hit: Look['hit']): Look {
  const seenAt = bytes.length <= SECTION ? scratch : new Int32Array(classes.length);
  seenAt.fill(-1_000_000);
  return { bytes, seenAt, hit };
}

/** Answers whether `hit` has. */
function section(of: Look, from: number): boolean {
  now = of;
  return words.each(of.bytes, of.bytes.length, found, from, from + SECTION);
}

function found(keyword: number, start: number): boolean {
  const { bytes, seenAt, hit } = now;
  const word = asked[keyword];
  if (word === undefined) return hit(start);
  const before = start > 0 ? bytes[start - 1]! : 0;
  const end = start + word.size;
  const after = end < bytes.length ? bytes[end]! : 0;
  // Behind a backslash the letter belongs to an escape of JSON.
  if (LETTER[before] === 1 && !word.apart && (start < 2 || bytes[start - 2] !== 0x5c)) return false;
  if (LETTER[after] === 1 && word.endsInLetter) return false;
  const { members } = word;
  for (let m = 0; m < members.length; m++) {
    const { of, around } = members[m]!;
    if (around === OPENED && OPENER[before] === 0) continue;
    if (around === COLON && after !== 0x3a && !word.endsInColon) continue;
    const near = partners[of]!;
    for (let p = 0; p < near.length; p++) {
      const { other, reach } = near[p]!;
      if (other === AT ? !followed(bytes, start, reach) : other >= 0 && start - seenAt[other]! > reach) continue;
      if (hit(start)) return true;
    }
    seenAt[of] = start;
  }
  return false;
}

/** Calls `hit` with places where a rule may hold, until it answers true. */
function* places(bytes: Uint8Array, hit: Look['hit']): Slices<boolean> {
  const own = look(bytes, hit);
  for (let from = 0; from < bytes.length; from += SECTION) {
    if (from > 0) yield;
    if (section(own, from)) return true;
  }
  return false;
}

/** An @ stands in the next `reach` bytes. */
function followed(bytes: Uint8Array, from: number, reach: number): boolean {
  const at = bytes.subarray(from, from + reach).indexOf(0x40);
  return at >= 0;
}

/** Over plain ASCII text; false: no rule holds anywhere in it. */
export function mayHit(bytes: Uint8Array): boolean {
  return bytes.length <= SECTION ? section(look(bytes, yes), 0) : whole(places(bytes, yes));
}

const BLOB = new Uint8Array(256);
for (const c of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/') BLOB[c.charCodeAt(0)] = 1;
const RUN = 24;
const SPACE = 0x20;
const MARKS: readonly (readonly [number, readonly string[]])[] = [
  [0x26, ['&#']],
  [0x5c, ['\\u', '\\x']],
  [0x25, ['%6', '%7', '%2', '%e']],
];

/** False: nothing in this JSON text, or text, is worth a look. About 600 MB/s on clean text. */
export function mayInstruct(bytes: Uint8Array): boolean {
  return mayHit(bytes) || !isAscii(bytes) || encoded(bytes);
}

/** The same in slices. */
export function* mayInstructing(bytes: Uint8Array): Slices<boolean> {
  if (bytes.length <= SECTION) return mayInstruct(bytes);
  if (yield* places(bytes, yes)) return true;
  yield;
  return !isAscii(bytes) || encoded(bytes);
}
function yes(): boolean {
  return true;
}

/** Blobs, pairs of hex digits and letters set apart show by what stands at every so many bytes. */
function encoded(bytes: Uint8Array): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (const [first, rest] of MARKS)
    if (bytes.includes(first) && rest.some((mark) => buffer.includes(mark, 0, 'latin1'))) return true;
  const last = bytes.length - RUN;
  for (let i = 0; i < last; i += RUN) {
    if (BLOB[bytes[i]!] === 1) {
      let from = i;
      while (from > 0 && i - from < RUN && BLOB[bytes[from - 1]!] === 1) from--;
      let to = i + 1;
      while (to - from < RUN && BLOB[bytes[to]!] === 1) to++;
      if (to - from >= RUN) return true;
    }
    let space = i;
    while (space < i + 3 && bytes[space] !== SPACE) space++;
    if (space === i + 3) continue;
    if (bytes[space + 3] === SPACE && bytes[space + 6] === SPACE && bytes[space + 9] === SPACE) return true;
    if (bytes[space + 2] === SPACE && bytes[space + 4] === SPACE && bytes[space + 6] === SPACE) return true;
  }
  return false;
}

/** Blocks of a long text, and how far each reaches into the next, in UTF-16 code units. */
const BLOCK = 2_048;
const LAP = 512;
/** Blocks between two `yield`s. */
const BLOCKS = 64;

/** The blocks of a long text with the most places where a rule may hold, in order, `most` code units in all. */
export function* suspects(text: string, most: number): Slices<string> {
  const bytes = Buffer.from(text, 'latin1');
  const kinds = new Uint8Array(Math.ceil(text.length / BLOCK));
  yield* places(bytes, (at) => {
    const block = Math.floor(at / BLOCK);
    kinds[block] = Math.min(255, kinds[block]! + 2);
    return false;
  });
  // What is encoded shows no words; one such block is worth as much as one word.
  for (let block = 0; block < kinds.length; block++) {
    if (block % BLOCKS === 0) yield;
    if (kinds[block] === 0 && encoded(bytes.subarray(block * BLOCK, (block + 1) * BLOCK))) kinds[block] = 1;
  }
  const ranked = Array.from(kinds.keys()).filter((block) => kinds[block]! > 0);
  ranked.sort((a, b) => kinds[b]! - kinds[a]! || a - b);
  const taken = ranked.slice(0, Math.max(1, Math.floor(most / (BLOCK + LAP)))).sort((a, b) => a - b);
  return taken.map((block) => text.slice(block * BLOCK, (block + 1) * BLOCK + LAP)).join('\n');
}
