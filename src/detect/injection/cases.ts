/** Signs together make a case: an order to a model that sends something out. A case is a rule, with its evidence. */
import { type Sentence, SIGNS, sentencesOf, WIDTH } from './acts.ts';
import { CASES, FIRST_CASE, type Hit } from './rules.ts';
import type { Words } from './words.ts';

/** One of several signs; `near`: it may stand in the two sentences before, or in the next; `not`: none may. */
interface Part {
  readonly any: Int32Array;
  readonly near: boolean;
  readonly not: boolean;
}
const cases: readonly (readonly Part[])[] = CASES.map((row) =>
  row.split(' ').map((part) => {
    const any = new Int32Array(WIDTH);
    for (const name of part.replace(/^-|~$/g, '').split('|')) {
      const sign = SIGNS.indexOf(name);
      if (sign < 0) throw new Error(`no such sign: ${name}`);
      any[sign >> 5]! |= 1 << (sign & 31);
    }
    return { any, near: part.endsWith('~'), not: part.startsWith('-') };
  }),
);
/** The cases of the sentences between two words, `most` of them. */
export function casesOf(words: Words, from: number, to: number, most: number): Hit[] {
  const hits: Hit[] = [];
  const list = sentencesOf(words, from, to);
  const near = new Int32Array(WIDTH);
  for (let i = 0; i < list.length && hits.length < most; i++) {
    const { signs, from: begin, to: end } = list[i]!;
    near.fill(0);
    for (let at = Math.max(0, i - 2); at <= i + 1 && at < list.length; at++) merge(near, list[at]!);
    if (near.every((bits) => bits === 0)) continue;
    for (let c = 0; c < cases.length; c++)
      if (holds(cases[c]!, signs, near)) hits.push({ rule: FIRST_CASE + c, from: begin, to: end - 1 });
  }
  return hits;
}

function merge(into: Int32Array, { signs }: Sentence): void {
  for (let w = 0; w < WIDTH; w++) into[w]! |= signs[w]!;
}

function holds(parts: readonly Part[], here: Int32Array, near: Int32Array): boolean {
  for (const { any, near: wide, not } of parts) {
    const signs = wide ? near : here;
    let met = false;
    for (let w = 0; w < WIDTH; w++) if ((signs[w]! & any[w]!) !== 0) met = true;
    if (met === not) return false;
  }
  return true;
}
