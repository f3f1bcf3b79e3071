/**
 * Judges names and values: is this a name that a secret stands behind (`API_KEY`, `clientSecret`, `db.password`), and
 * is that value one, not a word, a reference, a placeholder or a line of code? One judgement for text, for JSON members
 * and for log fields (guarantees OU2, AU6).
 */
import { isField } from '../core/fields.ts';
import data from './data/names.json' with { type: 'json' };
import secrets from './data/secrets.json' with { type: 'json' };
import { entropy } from './entropy.ts';
import { isPublished } from './published.ts';
import { matchShape, parseShape, type Shape, type Work } from './shape.ts';

/** What may stand behind a name: `password` is chosen by people, `secret` by machines, `key` alone is often neither. */
export type NameClass = 'password' | 'secret' | 'key';

/** A vendor whose values have a shape but no prefix: the name must tell. */
export interface Named {
  readonly id: string;
  readonly major?: boolean;
  /** Words in a row of the name. */
  readonly names: readonly string[];
  readonly shape: string;
  readonly entropy?: number;
  readonly example: readonly string[];
}
export const NAMED: readonly Named[] = secrets.contexts;

const PASSWORD = new Set(data.password);
const SECRET = new Set(data.secret);
const KEY_OF = new Set(data.keyOf);
const NEVER = new Set(data.never);
const NEVER_LAST = new Set(data.neverLast);
const PHRASES = Object.entries(data.phrases) as [NameClass, string[]][];
const PLACEHOLDERS = new RegExp(data.placeholders.join('|'), 'i');
const shapes = NAMED.map((rule) => ({ rule, shape: parseShape(rule.shape) }));

interface Name {
  readonly kind: NameClass | undefined;
  readonly named: readonly { readonly rule: Named; readonly shape: Shape }[];
}
/** Names repeat; a stranger's fresh ones push out each other. Two generations, so that nothing is ever swept. */
const GENERATION = 512;
let young = new Map<string, Name>();
let old = new Map<string, Name>();

/** The rule of a value behind a name: none for names and values that are no secrets. Linear in both. */
export function judge(name: string, value: string, quoted: boolean, work?: Work): string | undefined {
  const { kind, named } = known(name, work);
  if (kind === undefined && named.length === 0) return undefined;
  if (kind === 'key' && value.length < 24 && named.length === 0) return undefined;
  if (work !== undefined) work.steps += 400 + 3 * value.length;
  for (const { rule, shape } of named) if (fits(rule, shape, value)) return rule.id;
  return kind && ruleOf(kind, value, quoted);
}

/** The rule of a value behind a name of this class. */
export function ruleOf(kind: NameClass, value: string, quoted: boolean): string | undefined {
  // What this gateway sealed on the way out is no secret any more: its caller cannot open it, and nobody else can use it.
  if (!isSecretValue(kind, value, quoted) || isField(value) || isPublished(value)) return undefined;
  return kind === 'password' ? 'password' : 'assigned-secret';
}

function known(name: string, work: Work | undefined): Name {
  let found = young.get(name);
  if (found !== undefined) return found;
  found = old.get(name);
  if (found === undefined) {
    if (work !== undefined) work.steps += 700;
    const words = segments(name);
    const spaced = ` ${words.join(' ')} `;
    const named = shapes.filter(({ rule }) => rule.names.some((n) => spaced.includes(` ${n} `)));
    found = { kind: nameClass(words), named };
  }
  if (young.size >= GENERATION) [old, young] = [young, new Map()];
  young.set(name, found);
  return found;
}

function fits(rule: Named, shape: Shape, value: string): boolean {
  if (value.length > 256) return false;
  const bytes = Buffer.from(value, 'latin1');
  if (matchShape(shape, bytes, 0, bytes.length, { steps: 0, dead: 0, open: 0 }) !== bytes.length) return false;
  if (isSequence(value) || value.includes('EXAMPLE')) return false;
  return rule.entropy === undefined || entropy(value) >= rule.entropy;
}

/** Lower-case words of a name: `awsSecret_KEY2` -> aws secret key 2. */
export function segments(name: string): string[] {
  return (name.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+/g) ?? []).map((s) => s.toLowerCase());
}

/** By whole words, in any case: `tokens_used`, `monkey` and `nextPageToken` are no names of secrets. */
export function nameClass(words: readonly string[]): NameClass | undefined {
  let end = words.length;
  while (end > 0 && /^[0-9]+$/.test(words[end - 1]!)) end--;
  if (end === 0 || NEVER_LAST.has(words[end - 1]!)) return undefined;
  const last = words.slice(Math.max(0, end - 3), end).join(' ');
  let found = PHRASES.find(([, phrases]) => phrases.some((phrase) => last.endsWith(phrase)))?.[0];
  for (let i = 0; i < end; i++) {
    const word = words[i]!;
    if (NEVER.has(word)) return undefined;
    if (
      PASSWORD.has(word) ||
      /passw(?:or)?d|(?:db|sql|user|root|admin|ftp|smtp|mail|login|proxy|ssh|store|key|bind|require|my|pg|app|svc)pass$/.test(
        word,
      )
    ) {
      found = 'password';
    } else if (SECRET.has(word) || /(?:api|access|secret|private|auth)(?:key|token)$/.test(word)) found ??= 'secret';
    else if (word === 'key' || word === 'keys') {
      if (i > 0 && KEY_OF.has(words[i - 1]!)) found = found === 'password' ? found : 'secret';
      else found ??= 'key';
    }
  }
  return found;
}

/** Whether a value is a secret of the class. `quoted`: it stood in quotes, so that it is a value and not an expression. */
export function isSecretValue(kind: NameClass, value: string, quoted: boolean): boolean {
  const { length } = value;
  if (length < (kind === 'password' ? 5 : 10) || length > 4096) return false;
  const seen = profile(value);
  if (seen.sequence >= 8) return false;
  switch (kind) {
    case 'password':
      if (!isPassword(seen, length, quoted)) return false;
      break;
    case 'secret':
      if (seen.digits === 0 || seen.letters === 0 || seen.breaks > 0) return false;
      if (entropy(value) < (length < 16 ? 2.8 : 2.9)) return false;
      break;
    case 'key':
      if (!quoted || length < 24 || seen.digits < 2 || seen.upper < 2 || seen.letters - seen.upper < 2) return false;
      if (seen.breaks > 0 || entropy(value) < 3.8) return false;
  }
  if (seen.digits < 7 && isWords(value, kind === 'password' ? STRICT : LOOSE)) return false;
  if (/^0x(?:[0-9a-f]{1,8}|[0-9a-f]{40})$/i.test(value)) return false; // a number, an address of a ledger
  if (seen.marks > 0 && (isReference(value) || isTemplate(value) || (!quoted && isExpression(value)))) return false;
  return !isPlaceholder(value);
}

interface Profile {
  digits: number;
  letters: number;
  upper: number;
  /** Everything else. */
  marks: number;
  /** Marks that people put into passwords, not into names; letters that are not ASCII. */
  strong: number;
  /** Spaces, quotes and brackets: a secret of a machine has none. */
  breaks: number;
  spaces: number;
  /** The longest run in order of the alphabet. */
  sequence: number;
}
const seen: Profile = { digits: 0, letters: 0, upper: 0, marks: 0, strong: 0, breaks: 0, spaces: 0, sequence: 0 };

/** One pass over the value; the answer holds until the next call. */
function profile(value: string): Profile {
  let digits = 0;
  let upper = 0;
  let lower = 0;
  let breaks = 0;
  let strong = 0;
  let spaces = 0;
  let run = 1;
  let sequence = 1;
  let before = 0;
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i);
    const letter = c | 0x20;
    const folded = letter >= 0x61 && letter <= 0x7a ? letter : c;
    run = folded === before + 1 ? run + 1 : 1;
    if (run > sequence) sequence = run;
    before = folded;
    if (c >= 0x61 && c <= 0x7a) lower++;
    else if (c >= 0x30 && c <= 0x39) digits++;
    else if (c >= 0x41 && c <= 0x5a) upper++;
    else if (c <= 0x20) spaces++;
    else if (BREAKS.has(c)) breaks++;
    else if (c >= 0x80 || STRONG.has(c)) strong++;
  }
  seen.digits = digits;
  seen.upper = upper;
  seen.letters = upper + lower;
  seen.marks = value.length - digits - upper - lower;
  seen.strong = strong;
  seen.spaces = spaces;
  seen.breaks = breaks + spaces;
  seen.sequence = sequence;
  return seen;
}
const STRONG = new Set([...'!@#$%^&*+~?='].map((c) => c.charCodeAt(0)));
const BREAKS = new Set([...'"\'`<>(){}'].map((c) => c.charCodeAt(0)));

function isPassword({ digits, letters, marks, strong, spaces }: Profile, length: number, quoted: boolean): boolean {
  if (length > 128 || spaces > 1) return false;
  if (letters > 0 && digits + strong > 0) return length >= 6 || quoted;
  return quoted && digits >= 6 && marks === 0;
}

/** One group of characters three times. */
const REPEATED = /([A-Za-z0-9]{3,8})[-_.]\1[-_.]\1/;

/** Names of placeholders, masks, ellipses, templates: what documentation writes where a secret goes. */
export function isPlaceholder(value: string): boolean {
  if (/^[*.xX•#_-]+$|\.\.\.|\*{3}|x{5}|X{5}|#{4}|\u2026/.test(value)) return true;
  if (REPEATED.test(value)) return true;
  return isTemplate(value) || PLACEHOLDERS.test(value.slice(0, 256)) || isSequence(value);
}

/** Something that a program or a person fills in: `${NAME}`, `{{name}}`, `<name>`, `$NAME`, `%s`, `NAME`. */
export function isTemplate(value: string): boolean {
  return /\$\{|\{\{|<%|%\(|\$\(|^[$%<[@&#]|^--[a-z]|^\{[A-Za-z_. ]*\}$|>$|^[A-Z]+(?:_[A-Z]+)*$|^\*+$/.test(value);
}

/** Holds eight letters or digits in order of the alphabet: nobody's generator wrote it. */
export function isSequence(value: string): boolean {
  return profile(value).sequence >= 8;
}

function isExpression(value: string): boolean {
  return /^[A-Za-z_$][\w$]*(?:(?:\.|->|::|\?\.|!\.)[A-Za-z_$][\w$]*)+[!;]?$/.test(value) || /[()[\]]|=>|==/.test(value);
}

/** Points to a secret instead of being one. */
function isReference(value: string): boolean {
  return /^(?:[a-z][a-z0-9+.-]{1,16}:\/\/|file:|env:|secret:|vault:|op:|arn:|ref\+|projects\/|process\.|os\.|[.~]?\/)/i.test(
    value,
  );
}

/** Words as people write them: `newPassword`, `my-api-key`, `personal_access_token`. */
const STRICT = /^(?:[A-Z]?[a-z]{2,}|[A-Z]{2,}|[a-zA-Z]|[0-9])$/;
/** With the numbers that identifiers have: `babel7CompatTokens`, `base64url-encoded`, `b64encode`. */
const LOOSE =
  /^(?:[A-Z]?[a-z]{3,}[0-9]{0,3}(?:[a-z]{3,})?|[a-z][0-9]{2}[a-z]{3,}|[A-Z]{2,}[0-9]{0,3}|[a-zA-Z]{1,2}|[0-9]{1,6})$/;

/** Consists of words. */
export function isWords(value: string, word: RegExp = LOOSE): boolean {
  const words = value.split(/[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])/).filter((w) => w !== '');
  if (words.length === 0 || !words.every((w) => word.test(w))) return false;
  // Random letters fall into shreds; most of an identifier is words.
  const long = words.reduce((sum, w) => sum + (w.length > 2 ? w.length : 0), 0);
  return long >= 0.6 * value.length;
}
