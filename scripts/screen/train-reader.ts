/** Logistic regression for `src/detect/injection/reader.ts`: of an attack, the window that looks most like one counts. */
import type { Weights } from '../../src/detect/injection/model.ts';
import { BITS, featuresOf, logit, scratch, starts, WINDOW } from '../../src/detect/injection/reader.ts';
import type { Head } from '../../src/detect/injection/rules.ts';
import { wordsOf } from '../../src/detect/injection/words.ts';
import { normalise } from '../../src/detect/normalise.ts';
import { type Row, textOf } from './corpora.ts';
import { seeded, shuffled, TAUGHT } from './train.ts';

const EPOCHS = 12;
const RATE = 0.8;
const DECAY = 1e-5;
/** Of one benign text, the windows that look most like an attack. */
const MOST_WINDOWS = 12;
/** A voice is one text of one person; rows of corpora are often many of one. */
const VOICE = 3;
const LOOK = 65_536;

type Windows = readonly Uint32Array[];
interface Example {
  readonly attack: boolean;
  readonly descriptor: boolean;
  readonly windows: Windows;
  readonly weight: number;
}

/** The windows of rows, made once for all trainings. */
export function examplesOf(rows: readonly Row[]): (Example & { readonly source: string })[] {
  return rows.flatMap((row) => {
    const attack = row.label === 'attack';
    if (row.label === 'either' || (attack && !TAUGHT.has(row.category) && row.category !== 'out_of_scope_parameter'))
      return [];
    const weight = row.source === 'voices' ? VOICE : 1;
    const descriptor = row.kind === 'tool_descriptor';
    return [{ attack, descriptor, windows: windowsOf(textOf(row)), weight, source: row.source }];
  });
}

export function trainReader(rows: readonly Example[], head: Head): Weights & { readonly values: Float64Array } {
  const attacks = rows.filter(({ attack }) => attack).length;
  const balance = Math.min(4, (rows.length - attacks) / Math.max(1, attacks));
  const values = new Float64Array(1 << BITS);
  const weights = { values, scale: 1, bias: 0 };
  const random = seeded(20261120);
  const odds = (window: Uint32Array) => logit(weights, window, window.length);
  let examples = [...rows];
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    examples = shuffled(examples, random);
    for (const { attack, descriptor, windows, weight } of examples) {
      const rate = (RATE / (1 + epoch / 2)) * weight * (descriptor === (head === 'descriptor') ? 1 : 0.5);
      if (attack) {
        const top = windows.reduce((a, b) => (odds(b) > odds(a) ? b : a));
        step(weights, top, 1, rate * balance);
      } else for (const window of hardest(windows, odds)) step(weights, window, 0, rate);
    }
  }
  return weights;
}

function hardest(windows: Windows, odds: (window: Uint32Array) => number): Windows {
  if (windows.length <= MOST_WINDOWS) return windows;
  return [...windows].sort((a, b) => odds(b) - odds(a)).slice(0, MOST_WINDOWS);
}

function step(
  weights: { values: Float64Array; bias: number; scale: number },
  window: Uint32Array,
  y: number,
  rate: number,
): void {
  const error = y - 1 / (1 + Math.exp(-logit(weights, window, window.length)));
  const each = (rate * error) / Math.sqrt(Math.max(window.length, 24));
  for (const at of window) weights.values[at] = weights.values[at]! * (1 - DECAY) + each;
  weights.bias += rate * error * 0.05;
}

function windowsOf(text: string): Windows {
  const view = normalise(text.slice(0, LOOK));
  return [view.text, ...view.hidden.map((piece) => piece.text)].flatMap((piece) => {
    const words = wordsOf(piece);
    return Array.from(starts(words.count), (from) =>
      scratch.slice(0, featuresOf(words, from, Math.min(words.count, from + WINDOW), scratch)),
    );
  });
}
