/**
 * Rules that say why. A rule is a row of word classes with the most words that may lie between them; all rules are
 * followed in one linear pass over the words, whatever the text, because each stage keeps only its latest place.
 */
import data from '../data/instructions.json' with { type: 'json' };
import { hashOf, MARK, type Words } from './words.ts';

export type Head = 'descriptor' | 'result';

export interface Rule {
  readonly id: string;
  /** What it means, for a reader. */
  readonly says: string;
  readonly weight: Readonly<Record<Head, number>>;
  readonly classes: readonly string[];
  /** Words between a stage and the one before. */
  readonly gaps: readonly number[];
  /** Whether both stand in one clause (`2c` in the row). */
  readonly clause: readonly boolean[];
}

export interface Hit {
  readonly rule: number;
  /** First and last word. */
  readonly from: number;
  readonly to: number;
}

export const RULES: readonly Rule[] = (data.rules as [string, string, number, number, string][]).map(
  ([id, says, descriptor, result, row]) => {
    const parts = row.split(' ');
    return {
      id,
      says,
      weight: { descriptor, result },
      classes: parts.filter((_, i) => i % 2 === 0),
      gaps: parts.filter((_, i) => i % 2 === 1).map((gap) => Number.parseInt(gap, 10)),
      clause: parts.filter((_, i) => i % 2 === 1).map((gap) => gap.endsWith('c')),
    };
  },
);

/** Where a class leads: rule and stage. Later stages first, so that one word is never two stages of one row. */
interface Step {
  readonly rule: number;
  readonly stage: number;
}

/** Each rule has so many stages at most. */
const STAGES = 6;

class Dictionary {
  readonly #keys: Uint32Array;
  readonly #lists: Uint16Array;
  readonly #mask: number;
  readonly steps: (readonly Step[])[] = [[]];

  constructor(entries: ReadonlyMap<number, readonly Step[]>) {
    this.#mask = 4095;
    this.#keys = new Uint32Array(this.#mask + 1);
    this.#lists = new Uint16Array(this.#mask + 1);
    for (const [hash, steps] of entries) {
      let at = hash & this.#mask;
      while (this.#lists[at] !== 0) at = (at + 1) & this.#mask;
      this.#keys[at] = hash;
      this.#lists[at] = this.steps.push([...steps].sort((a, b) => b.stage - a.stage)) - 1;
    }
  }

  /** Index into `steps`; 0 for a word that no rule knows. */
  find(hash: number): number {
    let at = hash & this.#mask;
    while (this.#lists[at] !== 0) {
      if (this.#keys[at] === hash) return this.#lists[at]!;
      at = (at + 1) & this.#mask;
    }
    return 0;
  }
}

function dictionary(classes: Readonly<Record<string, string>>): Dictionary {
  const entries = new Map<number, Step[]>();
  for (const [name, list] of Object.entries(classes)) {
    for (const word of list.split(' ')) {
      const steps = entries.get(hashOf(word)) ?? [];
      RULES.forEach((rule, r) => {
        rule.classes.forEach((wanted, stage) => {
          if (wanted === name) steps.push({ rule: r, stage });
        });
      });
      if (steps.length > 0) entries.set(hashOf(word), steps);
    }
  }
  return new Dictionary(entries);
}

const PLAIN = dictionary(data.words);
const OPENED = dictionary(data.opened);
const PIPED = dictionary(data.piped);
const COLON = dictionary(data.colon);
const MAIL = hashOf('@mail');

const place = new Int32Array(RULES.length * STAGES);
let clauseAt = 0;
const begun = new Int32Array(RULES.length * STAGES);

/** All hits, in order of their last word, the first `max` of them. */
export function hitsOf(words: Words, max = 4096): Hit[] {
  const hits: Hit[] = [];
  place.fill(-1);
  clauseAt = 0;
  const { count, hash, mark } = words;
  for (let i = 0; i < count && hits.length < max; i++) {
    if (mark[i]! & MARK.clause) clauseAt = i;
    const list = PLAIN.find(hash[i]!);
    if (list !== 0) follow(PLAIN.steps[list]!, i, hits);
    const m = mark[i]!;
    if (m === 0) continue;
    if (m & MARK.opened) follow(OPENED.steps[OPENED.find(hash[i]!)]!, i, hits);
    if (m & MARK.piped) follow(PIPED.steps[PIPED.find(hash[i]!)]!, i, hits);
    if (m & MARK.colon) follow(COLON.steps[COLON.find(hash[i]!)]!, i, hits);
    if (m & MARK.mail) follow(PLAIN.steps[PLAIN.find(MAIL)]!, i, hits);
  }
  return hits;
}

function follow(steps: readonly Step[], i: number, hits: Hit[]): void {
  for (const { rule, stage } of steps) {
    const at = rule * STAGES + stage;
    const { gaps, classes, clause } = RULES[rule]!;
    if (stage > 0) {
      const before = place[at - 1]!;
      if (before < 0 || before === i || i - before - 1 > gaps[stage - 1]!) continue;
      if (clause[stage - 1] === true && before < clauseAt) continue;
      begun[at] = begun[at - 1]!;
    } else begun[at] = i;
    place[at] = i;
    if (stage === classes.length - 1) hits.push({ rule, from: begun[at]!, to: i });
  }
}
