/** Rules and model together: how sure it is that a text speaks to a model, and what says so. */
import { type Slices, whole } from '../../core/slices.ts';
import { type How, normalise } from '../normalise.ts';
import { casesOf } from './cases.ts';
import { featuresOf, logit, MODEL, STRIDE, scratch, type Weights, WINDOW } from './model.ts';
import { READER, read } from './reader.ts';
import { FIRST_CASE, FIRST_CUE, type Head, type Hit, hitsOf, RULES } from './rules.ts';
import { mayHit, suspects } from './suspect.ts';
import { type Words, wordsOf } from './words.ts';

export type { Head } from './rules.ts';

export type Severity = 'low' | 'medium' | 'high';

export interface Evidence {
  /** A rule, `hidden:<how>` or `model`. */
  readonly id: string;
  readonly says: string;
  /** What was read, at most 120 UTF-16 code units; text from outside. */
  readonly text: string;
}
export interface Judged {
  readonly severity: Severity | undefined;
  readonly score: number;
  readonly evidence: readonly Evidence[];
  /** Only the reader spoke: worth a frame, and no reason to suspect the session. */
  readonly guess?: true;
}

/** What is looked at of one text, in UTF-16 code units; of a longer one the blocks that are worth it. */
export const LOOK = 64 * 1024;
/** Shorter texts are judged without a pause. */
const ONE_PIECE = 16 * 1024;
const MOST_HITS = 512;
const QUIET: Judged = Object.freeze({ severity: undefined, score: 0, evidence: [] });

/** `model` beside what rules say, `reader` alone. */
export interface Models {
  readonly model: Readonly<Record<Head, Weights>>;
  /** Absent where a guess would count for nothing. */
  readonly reader?: Readonly<Record<Head, Weights>>;
}
const MODELS: Models = { model: MODEL, reader: READER };
/** What rules and cases say, and nothing that only sounds like it. */
export const UNREAD: Models = { model: MODEL };

export interface Bounds {
  readonly medium: number;
  readonly high: number;
  /** What rules must say for `high`: the model alone holds nothing. */
  readonly rules: number;
}
/** Chosen on sources that the model had not seen (docs/figures/content.md). */
export const BOUNDS: Readonly<Record<Head, Bounds>> = {
  descriptor: { medium: 1, high: 1.3, rules: 0.8 },
  result: { medium: 1.6, high: 3.2, rules: 2.4 },
};
/** Log-odds from which the reader alone makes a severity. A result it never holds. */
const ALONE: Readonly<Record<Head, { readonly medium: number; readonly high: number }>> = {
  descriptor: { medium: 0.7, high: 1 },
  result: { medium: 2.3, high: Number.POSITIVE_INFINITY },
};
/** A text that was hidden needs less to be one. */
const HIDDEN_BONUS = 1;

export function judge(text: string, head: Head, models: Models = MODELS): Judged {
  return text.length > ONE_PIECE ? whole(judging(text, head, models)) : best(text, head, models);
}

/** The same in slices. */
export function* judging(text: string, head: Head, models: Models = MODELS): Slices<Judged> {
  if (text.length <= ONE_PIECE) return best(text, head, models);
  const seen = text.length > LOOK ? yield* suspects(text, LOOK) : text;
  yield;
  const view = normalise(seen);
  yield;
  let most = look(view.text, head, models, undefined);
  for (const { how, text: piece } of view.hidden) {
    yield;
    const found = look(piece, head, models, how);
    if (found.score > most.score) most = found;
  }
  return most;
}

/** Of a short text and what is hidden in it, in one go. */
function best(text: string, head: Head, models: Models): Judged {
  const view = normalise(text);
  let most = look(view.text, head, models, undefined);
  for (const { how, text: piece } of view.hidden) {
    const found = look(piece, head, models, how);
    if (found.score > most.score) most = found;
  }
  return most;
}

/** Texts for which the look before is worth its cost. */
const SHORT = 256;
const WIDE = /\P{ASCII}/u;

function look(text: string, head: Head, models: Models, how: How | undefined): Judged {
  if (head === 'result' && text.length > SHORT && !WIDE.test(text) && !mayHit(Buffer.from(text, 'latin1')))
    return QUIET;
  const words = wordsOf(text);
  const said = ruled(words, sayingOf(words, head, MOST_HITS), head, models, how);
  if (said.severity !== undefined || models.reader === undefined) return said;
  const { odds, from, to } = read(words, models.reader[head]);
  const alone = ALONE[head];
  if (odds < alone.medium) return said;
  const { start, end } = words;
  const shown = text.slice(start[from], Math.min(end[to - 1]!, start[from]! + 120));
  const evidence = [{ id: 'reader', says: 'sounds like an order to a model', text: shown }];
  const severity = odds < alone.high ? 'medium' : 'high';
  return { severity, score: BOUNDS[head][severity], evidence, guess: true };
}

/** What rules and cases say, and the model beside them. */
function ruled(words: Words, hits: readonly Hit[], head: Head, { model }: Models, how: How | undefined): Judged {
  if (hits.length === 0) return QUIET;
  let best: { score: number; rules: number; hits: readonly Hit[]; odds: number } | undefined;
  for (const from of windows(hits, words.count)) {
    const to = Math.min(words.count, from + WINDOW);
    const inside = hits.filter((hit) => hit.to >= from && hit.from < to);
    const odds = logit(model[head], scratch, featuresOf(words, inside, from, to, scratch));
    const rules = ruleScore(inside, head) + (how === undefined ? 0 : HIDDEN_BONUS);
    const score = combine(rules, odds, head);
    if (best === undefined || score > best.score) best = { score, rules, hits: inside, odds };
  }
  if (best === undefined) return QUIET;
  const { medium, high, rules } = BOUNDS[head];
  const severity = best.score >= high && best.rules >= rules ? 'high' : best.score >= medium ? 'medium' : undefined;
  if (severity === undefined) return { severity, score: best.score, evidence: [] };
  return { severity, score: best.score, evidence: evidence(words.text, words, best, how) };
}

/** Words around a rule or a cue in which cases are looked for: two sentences. */
const AROUND = 64;

/** What rules and cases say. A descriptor is looked at whole: it is short, and looked at once. */
export function sayingOf(words: Words, head: Head, most: number): Hit[] {
  const found = hitsOf(words, most);
  const hits = found.filter(({ rule }) => rule < FIRST_CUE);
  if (head === 'descriptor') return [...hits, ...casesOf(words, 0, words.count, most)];
  let done = 0;
  for (let i = 0; i < found.length && hits.length < 2 * most; ) {
    const from = Math.max(done, found[i]!.from - AROUND);
    let to = found[i]!.to + AROUND;
    for (i++; i < found.length && found[i]!.from - AROUND <= to; i++) to = Math.max(to, found[i]!.to + AROUND);
    done = Math.min(words.count, to);
    if (from < done) hits.push(...casesOf(words, from, done, most));
  }
  return hits;
}

/** Windows that hold hits, by where they begin. */
function windows(hits: readonly Hit[], count: number): Set<number> {
  const starts = new Set<number>();
  for (const { from, to } of hits) {
    for (let at = Math.floor(from / STRIDE) - 1; at * STRIDE <= to; at++) {
      const start = Math.max(0, at * STRIDE);
      if (start < count && start + WINDOW > from) starts.add(start);
    }
  }
  return starts;
}

/** Each rule once. A case adds what it weighs beyond the rules that say the same. */
export function ruleScore(hits: readonly Hit[], head: Head): number {
  let sum = 0;
  const seen = new Set<number>();
  const said = new Map<string, number>();
  for (const { rule } of hits) {
    if (rule >= FIRST_CASE || seen.has(rule)) continue;
    seen.add(rule);
    const { says, weight } = RULES[rule]!;
    sum += weight[head];
    said.set(says, (said.get(says) ?? 0) + weight[head]);
  }
  for (const { rule } of hits) {
    if (rule < FIRST_CASE || seen.has(rule)) continue;
    seen.add(rule);
    const { says, weight } = RULES[rule]!;
    const before = said.get(says) ?? 0;
    sum += before > 0 ? Math.max(0, weight[head] - before) : weight[head];
  }
  return sum;
}

/** A descriptor that the rules speak of is rarely cleared by a model that saw few attacks. */
const DOWN: Readonly<Record<Head, number>> = { descriptor: 0, result: -0.25 };

/** The model moves what the rules say up or down, by so much at most: it never speaks alone. */
export function combine(rules: number, odds: number, head: Head): number {
  return Math.min(rules, 6) + Math.max(DOWN[head], Math.min(1.5, odds * 0.4));
}

function evidence(
  text: string,
  { start, end }: Words,
  { hits, odds }: { hits: readonly Hit[]; odds: number },
  how: How | undefined,
): Evidence[] {
  const out: Evidence[] = [];
  if (how !== undefined) out.push({ id: `hidden:${how}`, says: 'the text was hidden', text: '' });
  const seen = new Set<number>();
  for (const { rule, from, to } of hits) {
    if (seen.has(rule) || out.length >= 8) continue;
    seen.add(rule);
    const { id, says } = RULES[rule]!;
    out.push({ id, says, text: text.slice(start[from], Math.min(end[to]!, start[from]! + 120)) });
  }
  if (odds > 1) out.push({ id: 'model', says: 'reads like known injections', text: odds.toFixed(1) });
  return out;
}
