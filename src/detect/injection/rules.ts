/**
 * Rules that say why. A rule is a row of word classes with the most words that may lie between them; all rules are
 * followed in one linear pass over the words, whatever the text, because each stage keeps only its latest place.
 */
import acts from '../data/acts.json' with { type: 'json' };
import data from '../data/instructions.json' with { type: 'json' };
import { clauseEnds, hashOf, MARK, markOf, type Words } from './words.ts';

export type Head = 'descriptor' | 'result';

export interface Rule {
  readonly id: string;
  /** What it means, for a reader. */
  readonly says: string;
  readonly weight: Readonly<Record<Head, number>>;
  readonly classes: readonly string[];
  /** The one or two stages with the rarest words (`*` in the row): without them near each other the rule cannot hold. */
  readonly anchors: readonly number[];
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

type Given = [id: string, says: string, descriptor: number, result: number, row: string];

/** Words by class: those of the rules, and those of the cues of cases. */
export const WORDS: Readonly<Record<string, string>> = { ...data.words, ...acts.near };

const ROWS: readonly Rule[] = [
  ...(data.rules as Given[]).map(([id, says, descriptor, result, row]) => ruleOf(id, says, descriptor, result, row)),
  ...acts.cues.map((row) => ruleOf('cue', '', 0, 0, row)),
];
/** From here on rules weigh nothing: they tell where a case may be. */
export const FIRST_CUE = data.rules.length;
/** From here on they are cases (`cases.ts`), which have no rows of words. */
export const FIRST_CASE = ROWS.length;
/** The signs of each case. */
export const CASES: readonly string[] = (acts.cases as Given[]).map(([, , , , row]) => row);

/** Rows of words, cues, then cases. */
export const RULES: readonly Rule[] = [
  ...ROWS,
  ...(acts.cases as Given[]).map(([id, says, descriptor, result]) => ruleOf(id, says, descriptor, result, '')),
];

function ruleOf(id: string, says: string, descriptor: number, result: number, row: string): Rule {
  const parts = row === '' ? [] : row.split(' ');
  return {
    id,
    says,
    weight: { descriptor, result },
    classes: parts.filter((_, i) => i % 2 === 0).map((name) => name.replace('*', '')),
    anchors: parts.flatMap((part, i) => (part.startsWith('*') ? [i / 2] : [])),
    gaps: parts.filter((_, i) => i % 2 === 1).map((gap) => Number.parseInt(gap, 10)),
    clause: parts.filter((_, i) => i % 2 === 1).map((gap) => gap.endsWith('c')),
  };
}

/** Each rule has so many stages at most. */
const STAGES = 6;

/** Where a class leads. Later stages first, so that one word is never two stages of one row. */
interface Step {
  readonly rule: number;
  readonly stage: number;
  /** Index of the stage among all. */
  readonly at: number;
  /** Words that may lie between; -1 for the first stage, which follows nothing. */
  readonly gap: number;
  readonly clause: boolean;
  readonly last: boolean;
}

function stepOf(rule: number, stage: number): Step {
  const { gaps, clause, classes } = ROWS[rule]!;
  return {
    rule,
    stage,
    at: rule * STAGES + stage,
    gap: stage === 0 ? -1 : gaps[stage - 1]!,
    clause: stage > 0 && clause[stage - 1]!,
    last: stage === classes.length - 1,
  };
}

/** Where a word leads, by what stands around it. */
interface Leads {
  plain: Step[];
  opened: Step[];
  heading: Step[];
  piped: Step[];
  colon: Step[];
}
const SIGNS = ['opened', 'heading', 'piped', 'colon'] as const;
/** Open addressing: a text is mostly words that no rule knows, and those must cost little. */
const MASK = 8191;
/** Hash, index into `leads`, hash, index: one place in memory for both. */
const table = new Uint32Array(2 * (MASK + 1));
const leads: Leads[] = [{ plain: [], opened: [], heading: [], piped: [], colon: [] }];

/** Index into `leads`; 0 for a word that no rule knows. */
function find(hash: number): number {
  let at = hash & MASK;
  for (;;) {
    const known = table[2 * at + 1]!;
    if (known === 0 || table[2 * at] === hash) return known;
    at = (at + 1) & MASK;
  }
}

function learn(kind: keyof Leads, classes: Readonly<Record<string, string>>): void {
  for (const [name, list] of Object.entries(classes)) {
    const steps = ROWS.flatMap((rule, r) =>
      rule.classes.flatMap((wanted, stage) => (wanted === name ? [stepOf(r, stage)] : [])),
    );
    if (steps.length === 0) continue;
    for (const word of list.split(' ')) {
      const hash = hashOf(word);
      let known = find(hash);
      if (known === 0) {
        let at = hash & MASK;
        while (table[2 * at + 1] !== 0) at = (at + 1) & MASK;
        known = leads.push({ plain: [], opened: [], heading: [], piped: [], colon: [] }) - 1;
        table[2 * at] = hash;
        table[2 * at + 1] = known;
      }
      leads[known]![kind] = [...leads[known]![kind], ...steps].sort((a, b) => b.stage - a.stage);
    }
  }
}
learn('plain', WORDS);
learn('opened', data.opened);
learn('heading', data.heading);
learn('piped', data.piped);
learn('colon', data.colon);
const MAIL = leads[find(hashOf('@mail'))]!.plain;

const place = new Int32Array(ROWS.length * STAGES);
const begun = new Int32Array(ROWS.length * STAGES);

/** All hits, in order of their last word, the first `max` of them. */
export function hitsOf(words: Words, max = 4096): Hit[] {
  const hits: Hit[] = [];
  place.fill(-1);
  const { count, hash, start, text } = words;
  for (let i = 0; i < count && hits.length < max; i++) {
    const known = find(hash[i]!);
    if (known === 0) {
      if (text.charCodeAt(start[i]! - 1) === 0x40 && markOf(words, i) & MARK.mail) follow(MAIL, words, i, hits);
      continue;
    }
    const lead = leads[known]!;
    follow(lead.plain, words, i, hits);
    const mark = markOf(words, i);
    if (mark === 0) continue;
    for (const sign of SIGNS) if (mark & MARK[sign]) follow(lead[sign], words, i, hits);
    if (mark & MARK.mail) follow(MAIL, words, i, hits);
  }
  return hits;
}

function follow(steps: readonly Step[], words: Words, i: number, hits: Hit[]): void {
  for (let s = 0; s < steps.length; s++) {
    const step = steps[s]!;
    const { at, gap } = step;
    if (gap < 0) begun[at] = i;
    else {
      const before = place[at - 1]!;
      if (before < 0 || i - before - 1 > gap || before === i) continue;
      if (step.clause && clauseEnds(words, before, i)) continue;
      begun[at] = begun[at - 1]!;
    }
    place[at] = i;
    if (step.last) hits.push({ rule: step.rule, from: begun[at]!, to: i });
  }
}
