/**
 * A second small model, which reads whole texts and speaks alone: logistic regression over hashed words, pairs and triples
 * of a window of words, trained on attacks and clean texts of many voices (`scripts/screen/voices`). Rules find what is
 * worded as it was before; this one finds what only sounds like it.
 */
import data from '../data/screen-reader.json' with { type: 'json' };
import { unpack, type Weights } from './model.ts';
import type { Head } from './rules.ts';
import type { Words } from './words.ts';

export const BITS = 18;
/** Words of one window, and from one window to the next. */
export const WINDOW = 24;
export const STRIDE = 12;
/** Features of one word. */
const EACH = 5;

export const READER: Readonly<Record<Head, Weights>> = {
  descriptor: unpack(data.descriptor),
  result: unpack(data.result),
};

const SHIFT = 32 - BITS;

/** Each feature once; `seen` says by which window it was counted last. */
const seen = new Uint32Array(1 << BITS);
let windows = 0;

/** What the words from `from` to `to` say, into `out`: each word, and it with one, the second, both and the third before it. */
export function featuresOf({ hash }: Words, from: number, to: number, out: Uint32Array): number {
  if (windows === 0xffffffff) seen.fill((windows = 0));
  const window = ++windows;
  let n = 0;
  const add = (feature: number): void => {
    const at = Math.imul(feature, 0x9e3779b1) >>> SHIFT;
    if (seen[at] === window) return;
    seen[at] = window;
    out[n++] = at;
  };
  for (let i = from; i < to; i++) {
    const word = hash[i]!;
    const second = i > 1 ? hash[i - 2]! : 0;
    const pair = word ^ Math.imul(i > 0 ? hash[i - 1]! : 0, 0x85ebca6b);
    add(word);
    add(pair);
    add(word ^ Math.imul(second, 0xc2b2ae35));
    add(pair ^ Math.imul(second, 0x165667b1));
    add(word ^ Math.imul(i > 2 ? hash[i - 3]! : 0, 0x61c88647));
  }
  return n;
}

/** Room for the features of one window. */
export const scratch = new Uint32Array(WINDOW * EACH);

/** Log-odds that a window speaks to a model against its user's wish. */
export function logit({ values, scale, bias }: Weights, features: Uint32Array, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += values[features[i]!]!;
  return bias + (scale * sum) / Math.sqrt(Math.max(n, 24));
}

/** The windows of a text, by where they begin. */
export function* starts(count: number): Generator<number> {
  for (let from = 0; from === 0 || from < count - STRIDE; from += STRIDE) yield from;
}

/** The window that sounds most like an attack: its log-odds and its words. Linear. */
export function read(words: Words, weights: Weights): { odds: number; from: number; to: number } {
  let best = { odds: Number.NEGATIVE_INFINITY, from: 0, to: 0 };
  for (const from of starts(words.count)) {
    const to = Math.min(words.count, from + WINDOW);
    const odds = logit(weights, scratch, featuresOf(words, from, to, scratch));
    if (odds > best.odds) best = { odds, from, to };
  }
  return best;
}
