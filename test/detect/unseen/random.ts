/** Values made from a seed: the same in every run. */

const LOWER = 'abcdefghijklmnopqrstuvwxyz';
export const UPPER = LOWER.toUpperCase();
export const DIGIT = '0123456789';
export const HEX = `${DIGIT}abcdef`;
export const ALNUM = LOWER + UPPER + DIGIT;
export const URL64 = `${ALNUM}-_`;
export const BASE64 = `${ALNUM}+/`;
export const LETTER = LOWER + UPPER;
export { LOWER };

/** Deterministic: a linear congruential generator (Numerical Recipes). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export interface Maker {
  /** Below `n`. */
  int(n: number): number;
  of(set: string, length: number): string;
  pick<T>(items: readonly T[]): T;
  uuid(): string;
  /** What a program makes: letters of both cases and digits. */
  machine(length: number): string;
  /** What a person thinks of: a word that is none, digits, often a mark. */
  human(): string;
}

export function maker(seed: number): Maker {
  const next = random(seed);
  const int = (n: number): number => Math.floor(next() * n);
  const of = (set: string, length: number): string => Array.from({ length }, () => set[int(set.length)]).join('');
  const machine = (length: number): string => {
    for (;;) {
      const value = of(ALNUM, length);
      if (/[0-9]/.test(value) && /[A-Z]/.test(value) && /[a-z]/.test(value)) return value;
    }
  };
  const syllable = (): string => of('bdfgklmnprstvz', 1) + of('aeiou', 1);
  return {
    int,
    of,
    pick: (items) => items[int(items.length)]!,
    uuid: () => [8, 4, 4, 4, 12].map((n) => of(HEX, n)).join('-'),
    machine,
    human: () => {
      const word = syllable() + syllable() + syllable();
      return word[0]!.toUpperCase() + word.slice(1) + of(DIGIT, 2 + int(3)) + of('!#%+=@_.', 1);
    },
  };
}
