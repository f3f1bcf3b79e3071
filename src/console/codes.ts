/**
 * One-time codes that sign a person in. Who can make the owner's terminal print one is let in; nothing that can make
 * calls can. A wrong guess costs every code that is alive one of its tries, so guessing ends with the codes.
 */
import type { Clock, Random } from '../core/state.ts';
import type { Person } from '../gateway/desk.ts';
import { equal, sha256 } from '../lib/bytes.ts';

/** Milliseconds. */
export const CODE_LIFE = 120_000;
export const TRIES = 5;
/** Codes alive at a time; one more ends the oldest. */
const MAX_CODES = 8;
const LENGTH = 8;
/** Neither vowels, nor what looks like another (0 O, 1 I L, U V): 27 letters, 38 bits a code. */
const ALPHABET = '23456789BCDFGHJKMNPQRSTWXYZ';
/** Bytes from here on would make some letters likelier than others. */
const FAIR = 256 - (256 % ALPHABET.length);

interface Live {
  readonly digest: Uint8Array;
  readonly person: Person;
  readonly until: number;
  tries: number;
}

export class Codes {
  readonly #clock: Clock;
  readonly #random: Random;
  #live: readonly Live[] = [];

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** `XXXX-XXXX`; ends an earlier code of the same person. */
  issue(person: Person): { readonly code: string; readonly until: number } {
    const code = this.#letters();
    const until = this.#clock() + CODE_LIFE;
    const others = this.#alive().filter((one) => one.person.subject !== person.subject);
    this.#live = [...others.slice(1 - MAX_CODES), { digest: sha256(code), person, until, tries: TRIES }];
    return { code: `${code.slice(0, 4)}-${code.slice(4)}`, until };
  }

  /** Whom the code signs in, once. */
  take(guess: string): Person | undefined {
    const digest = sha256(spelled(guess));
    const alive = this.#alive();
    let found: Live | undefined;
    // Each is compared, whichever fits.
    for (const one of alive) if (equal(one.digest, digest)) found = one;
    if (!found) for (const one of alive) one.tries--;
    this.#live = alive.filter((one) => one !== found && one.tries > 0);
    return found?.person;
  }

  #alive(): readonly Live[] {
    const now = this.#clock();
    return this.#live.filter(({ until }) => until > now);
  }

  #letters(): string {
    let code = '';
    while (code.length < LENGTH)
      for (const byte of this.#random(LENGTH))
        if (byte < FAIR && code.length < LENGTH) code += ALPHABET[byte % ALPHABET.length];
    return code;
  }
}

/** As a person may have typed it. */
function spelled(guess: string): string {
  return guess.slice(0, 64).replace(/[\s-]/g, '').toUpperCase();
}
