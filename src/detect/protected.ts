/**
 * Texts that must not leave, such as a system prompt (guarantee OU2): found again by runs of words, whatever stands between
 * the words, in whatever case, and also where only a part was copied.
 */

/** Words that a copy must have in a row. Fewer stand in other texts by chance. */
const RUN = 8;
const WORD = /[\p{L}\p{N}]+/gu;
/** Of the rolling hash; its power takes the oldest word out again. */
const BASE = 0x01000193;
const OLDEST = power(BASE, RUN - 1);

interface Word {
  readonly start: number;
  readonly end: number;
  readonly hash: number;
}

export interface Place {
  readonly start: number;
  readonly end: number;
}

export class Protected {
  readonly #runs = new Set<number>();

  /** A text of less than eight words protects nothing: `enough` tells. */
  constructor(texts: readonly string[]) {
    for (const text of texts) for (const { hash } of runs(text)) this.#runs.add(hash);
  }

  static enough(text: string): boolean {
    return !runs(text).next().done;
  }

  /** The runs of `text` that stand in a protected text, overlaps joined; in UTF-16 code units. Linear. */
  find(text: string): Place[] {
    const out: { start: number; end: number }[] = [];
    for (const { hash, start, end } of runs(text)) {
      if (!this.#runs.has(hash)) continue;
      const last = out.at(-1);
      if (last !== undefined && start <= last.end) last.end = end;
      else out.push({ start, end });
    }
    return out;
  }
}

/** Every eight words in a row, under one number. Compatible forms of letters (NFKC) are one. */
function* runs(text: string): Generator<Word> {
  const window: Word[] = [];
  let hash = 0;
  for (const { 0: word, index } of text.matchAll(WORD)) {
    if (window.length === RUN) hash = (hash - Math.imul(window.shift()!.hash, OLDEST)) | 0;
    const one = hashOf(word.normalize('NFKC').toLowerCase());
    hash = (Math.imul(hash, BASE) + one) | 0;
    window.push({ start: index, end: index + word.length, hash: one });
    if (window.length === RUN) yield { start: window[0]!.start, end: index + word.length, hash };
  }
}

/** FNV-1a over UTF-16 code units. */
function hashOf(word: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  return hash;
}

function power(base: number, exponent: number): number {
  let out = 1;
  for (let i = 0; i < exponent; i++) out = Math.imul(out, base);
  return out;
}
