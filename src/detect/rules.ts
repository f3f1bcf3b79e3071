/** The rules as data (`data/secrets.json`), compiled: which keyword leads to which rules. */
import data from './data/secrets.json' with { type: 'json' };
import { beginning, ENCODED_FORMS, type Form } from './encoded.ts';
import { NAMED } from './judge.ts';
import { Keywords } from './probe.ts';
import { parseShape, type Shape } from './shape.ts';

/** Which argument of a command is a password. */
export interface Options {
  /** The option's own argument: `-p X`, also `-pX` and `-p=X`. */
  readonly next?: readonly string[];
  /** Only what is written in one with the option: `-pX`. */
  readonly joined?: readonly string[];
  /** The option's argument is a user, one of these marks, and the password. */
  readonly pair?: readonly string[];
  /** So many words after this one; after the command itself where the name is empty. */
  readonly nth?: Readonly<Record<string, number>>;
  /** What is echoed into the command: all of it, or what follows a colon. */
  readonly piped?: 'whole' | 'pair';
}

export interface Datum {
  readonly id: string;
  readonly major?: boolean;
  readonly find: readonly string[];
  readonly shape?: string;
  /** Beginnings of tokens, to be found in base64 and hex. */
  readonly encoded?: readonly string[];
  /** A run before the keyword that belongs to the token. */
  readonly back?: string;
  /** `any`: letters may stand before it; `strict`: no mark of a path either. */
  readonly left?: string;
  readonly matcher?: string;
  /** Of a command: which argument is the password. */
  readonly options?: Options;
  /** Base64 that goes on over lines. */
  readonly lines?: boolean;
  /** Bits per character that the token needs behind its keyword. */
  readonly entropy?: number;
  /** A finer rule that matches inside wins. */
  readonly soft?: boolean;
  /** Characters at the start of a match that stay. */
  readonly keep?: number;
  /** Digits that the token needs behind its keyword. */
  readonly digits?: number;
  /** What vendors write into the samples of their documentation. */
  readonly never?: string;
  /** A word that must stand near by, as a regular expression of plain alternatives. */
  readonly near?: string;
  readonly example: readonly string[];
}
export interface Rule extends Omit<Datum, 'shape' | 'back'> {
  readonly index: number;
  /** How the beginnings are written that lead here. */
  readonly form?: Form;
  readonly shape: Shape;
  readonly back: { readonly set: Uint8Array; readonly min: number; readonly max: number } | undefined;
}

/** The rules as data: what tests and documentation read. */
export const RULES = data.rules as readonly Datum[];

/** A rule of beginnings that are encoded is one for each way to write them. */
const forms = RULES.flatMap((rule) =>
  rule.encoded === undefined
    ? [rule]
    : ENCODED_FORMS.map((form) => ({ ...rule, form, find: rule.encoded!.map((token) => beginning(token, form)) })),
);
export const rules: readonly Rule[] = forms.map((rule, index) => {
  const back = rule.back === undefined ? undefined : parseShape(rule.back).parts[0]!;
  if (back !== undefined && back.kind !== 'run') throw new Error(`back of ${rule.id}`);
  return { ...rule, index, shape: parseShape(rule.shape ?? ''), back };
});
/** Vendors whose name alone, without "key" or "token", is enough. */
const ALONE = NAMED.flatMap((rule) => rule.names.filter((name) => !name.includes(' ')));
const words: string[] = [];
export const byKeyword: Rule[][] = [];
for (const rule of rules) {
  const finds = rule.find.flatMap(expand);
  if (rule.matcher === 'assignment') finds.push(...ALONE);
  for (const find of finds) {
    const known = words.indexOf(find.toLowerCase());
    if (known >= 0) byKeyword[known]!.push(rule);
    else byKeyword[words.push(find.toLowerCase()) - 1] = [rule];
  }
}
export const keywords = new Keywords(words);
/** Of a keyword that ends with a sign (`pw=`) the name only. */
export const sizes = words.map((word, i) =>
  byKeyword[i]![0]!.matcher === 'assignment' ? word.replace(/[^a-z]$/, '').length : word.length,
);

/** A name of a JSON member that `judge` is asked about: the same words that lead there in a text. */
export const MEMBER_NAME = new RegExp(
  [
    ...new Set(
      rules
        .filter((rule) => rule.matcher === 'assignment')
        .flatMap((rule) => [...rule.find, ...ALONE])
        .map((word) => word.replace(/[^a-z_]$/, '$')),
    ),
  ].join('|'),
  'i',
);

/** `SK[hex][hex]`: every pair, because two letters alone would hit everywhere. */
function expand(find: string): string[] {
  const place = /\[(hex|dig)\]/.exec(find);
  if (place === null) return [find];
  const chars = '0123456789abcdef'.slice(0, place[1] === 'hex' ? 16 : 10);
  return [...chars].flatMap((c) => expand(find.replace(place[0], c)));
}
