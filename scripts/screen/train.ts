/** Logistic regression by stochastic gradient over windows; of an attack, the window that looks most like one. */
import { sayingOf } from '../../src/detect/injection/judge.ts';
import { BITS, featuresOf, logit, STRIDE, scratch, type Weights, WINDOW } from '../../src/detect/injection/model.ts';
import { type Head } from '../../src/detect/injection/rules.ts';
import { wordsOf } from '../../src/detect/injection/words.ts';
import { normalise } from '../../src/detect/normalise.ts';
import { type Row, textOf } from './corpora.ts';

/** Where the injection is in plain words, so that the model learns the class and not the topic. */
export const TAUGHT: ReadonlySet<string> = new Set([
  'poisoned_descriptor',
  'shadowing',
  'rug_pull',
  'hidden_text',
  'preference_manipulation',
  'result_injection',
  'encoded_instruction',
  'taught',
]);
const EPOCHS = 8;
const RATE = 0.5;
const DECAY = 1e-5;
/** Of one benign text, no more windows an epoch. */
const MOST_WINDOWS = 12;

type Windows = readonly Uint32Array[];

export function train(rows: readonly Row[], head: Head): Weights & { readonly values: Float64Array } {
  const examples = rows.flatMap((row): { attack: boolean; windows: Windows; weight: number }[] => {
    const attack = row.label === 'attack';
    const descriptor = row.kind === 'tool_descriptor';
    if (attack && !TAUGHT.has(row.category) && row.source !== 'lakera-gandalf') return [];
    // A result is no descriptor, but who injects speaks the same in both.
    if (!attack && descriptor !== (head === 'descriptor')) return [];
    return [
      { attack, windows: windowsOf(textOf(row), head), weight: descriptor === (head === 'descriptor') ? 1 : 0.5 },
    ];
  });
  // Sources of hundreds of rows from one template do not outvote the others.
  const attacks = examples.filter(({ attack }) => attack).length;
  const balance = Math.min(4, (examples.length - attacks) / Math.max(1, attacks));
  const values = new Float64Array(1 << BITS);
  const weights = { values, scale: 1, bias: 0 };
  const random = seeded(20261120);
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    const rate = RATE / (1 + epoch);
    for (const { attack, windows, weight } of shuffled(examples, random)) {
      if (attack) {
        const top = windows.reduce((a, b) => (logit(weights, b, b.length) > logit(weights, a, a.length) ? b : a));
        step(weights, top, 1, rate * balance * weight);
      } else {
        for (const window of windows.slice(0, MOST_WINDOWS)) step(weights, window, 0, rate);
      }
    }
  }
  return weights;
}

function step(
  weights: { values: Float64Array; bias: number; scale: number },
  window: Uint32Array,
  y: number,
  rate: number,
) {
  const error = y - 1 / (1 + Math.exp(-logit(weights, window, window.length)));
  const each = (rate * error) / Math.sqrt(Math.max(window.length, 12));
  for (const at of window) weights.values[at] = weights.values[at]! * (1 - DECAY) + each;
  weights.bias += rate * error * 0.05;
}

function windowsOf(text: string, head: Head): Windows {
  const view = normalise(text);
  const pieces = [view.text, ...view.hidden.map(({ text: piece }) => piece)];
  const out: Uint32Array[] = [];
  for (const piece of pieces) {
    const words = wordsOf(piece);
    const hits = sayingOf(words, head, 4096);
    for (let from = 0; from === 0 || from < words.count - STRIDE; from += STRIDE) {
      const to = Math.min(words.count, from + WINDOW);
      const n = featuresOf(words, hits, from, to, scratch);
      out.push(scratch.slice(0, n));
    }
  }
  return out;
}

export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const out = [...items];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
}
