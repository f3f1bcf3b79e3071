/**
 * A small trained model: logistic regression over hashed words, pairs of words and rule hits of one window of text. The
 * weights are data (`data/screen-model.json`, made by `scripts/train-screen.ts`): int8, one head for descriptors, one
 * for results.
 */
import data from '../data/screen-model.json' with { type: 'json' };
import { type Head, type Hit } from './rules.ts';
import type { Words } from './words.ts';

export const BITS = 15;
/** Words of one window, and from one window to the next. */
export const WINDOW = 48;
export const STRIDE = 24;

export interface Weights {
  readonly values: Int8Array | Float64Array;
  /** What a weight of 1 stands for. */
  readonly scale: number;
  readonly bias: number;
}

export const MODEL: Readonly<Record<Head, Weights>> = {
  descriptor: unpack(data.descriptor),
  result: unpack(data.result),
};

/** Weights as data files hold them: int8 in base64. */
export function unpack({ weights, scale, bias }: { weights: string; scale: number; bias: number }): Weights {
  const bytes = Buffer.from(weights, 'base64');
  return { values: new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length), scale, bias };
}

const SHIFT = 32 - BITS;

/** Indexes of what the words from `from` to `to` say, into `out`; answers how many. Repeated features count once a place. */
export function featuresOf({ hash }: Words, hits: readonly Hit[], from: number, to: number, out: Uint32Array): number {
  let n = 0;
  for (let i = from; i < to; i++) {
    const h = hash[i]!;
    out[n++] = Math.imul(h, 0x9e3779b1) >>> SHIFT;
    if (i + 1 < to) out[n++] = Math.imul(h ^ Math.imul(hash[i + 1]!, 0x85ebca6b), 0x9e3779b1) >>> SHIFT;
    if (i + 2 < to) out[n++] = Math.imul(h ^ Math.imul(hash[i + 2]!, 0xc2b2ae35), 0x9e3779b1) >>> SHIFT;
  }
  for (const { rule, from: first, to: last } of hits) {
    if (last < from || first >= to) continue;
    for (let twice = 0; twice < 2; twice++) out[n++] = Math.imul(rule * 2 + twice + 7, 0x27d4eb2f) >>> SHIFT;
  }
  return n;
}

/** Room for the features of one window. */
export const scratch = new Uint32Array(WINDOW * 3 + 8192);

/** Log-odds that the window speaks to a model against its user's wish. */
export function logit(weights: Weights, features: Uint32Array, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += weights.values[features[i]!]!;
  return weights.bias + (weights.scale * sum) / Math.sqrt(Math.max(n, 12));
}
