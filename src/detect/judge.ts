/**
 * Judges names and values: is this a name that a secret stands behind (`API_KEY`, `clientSecret`, `db.password`), and
 * is that value one, not a word, a reference, a placeholder or a line of code? One judgement for text, for JSON members
 * and for log fields (guarantees OU2, AU6).
 */
import data from './data/names.json' with { type: 'json' };
import { entropy } from './entropy.ts';

/** What may stand behind a name: `password` is chosen by people, `secret` by machines, `key` alone is often neither. */
export type NameClass = 'password' | 'secret' | 'key';

const PASSWORD = new Set(data.password);
const SECRET = new Set(data.secret);
const KEY_OF = new Set(data.keyOf);
const NEVER = new Set(data.never);
const NEVER_LAST = new Set(data.neverLast);
const WORDS = new RegExp(data.placeholders.join('|'), 'i');

/** Lower-case words of a name: `awsSecret_KEY2` -> aws secret key 2. */
export function segments(name: string): string[] {
  return (name.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+/g) ?? []).map((s) => s.toLowerCase());
}

/** By whole words, in any case: `tokens_used`, `monkey` and `nextPageToken` are no names of secrets. */
export function nameClass(words: readonly string[]): NameClass | undefined {
  let end = words.length;
  while (end > 0 && /^[0-9]+$/.test(words[end - 1]!)) end--;
  if (end === 0 || NEVER_LAST.has(words[end - 1]!)) return undefined;
  let found: NameClass | undefined;
  for (let i = 0; i < end; i++) {
    const word = words[i]!;
    if (NEVER.has(word)) return undefined;
    if (PASSWORD.has(word) || /passw(?:or)?d|(?:db|sql|user|root|admin|ftp|smtp|mail|login|proxy)pass$/.test(word))
      found = 'password';
    else if (SECRET.has(word) || /(?:api|access|secret|private|auth)(?:key|token)$/.test(word)) found ??= 'secret';
    else if (word === 'key' || word === 'keys') {
      if (i > 0 && KEY_OF.has(words[i - 1]!)) found = found === 'password' ? found : 'secret';
      else found ??= 'key';
    }
  }
  return found;
}

/** Whether a value is a secret of the class. `quoted`: it stood in quotes, so that it is a value and not an expression. */
export function isSecretValue(kind: NameClass, value: string, quoted: boolean): boolean {
  if (value.length < (kind === 'password' ? 5 : 10) || value.length > 4096) return false;
  if (isPlaceholder(value) || (!quoted && isExpression(value)) || isReference(value)) return false;
  if (kind === 'password') return isPassword(value, quoted);
  if (/[\s"'`<>(){}]/.test(value)) return false;
  return kind === 'secret'
    ? isRandom(value, 10, 2.9)
    : quoted && value.length >= 24 && isMixed(value) && isRandom(value, 24, 3.8);
}

/** Names of placeholders, masks, ellipses, templates: what documentation writes where a secret goes. */
export function isPlaceholder(value: string): boolean {
  if (/^[*.xX•#_-]+$|\.\.\.|\*{3}|x{5}|X{5}|\u2026/.test(value)) return true;
  return isTemplate(value) || WORDS.test(value) || isSequence(value);
}

/** Something that a program or a person fills in: `${NAME}`, `{{name}}`, `<name>`, `$NAME`, `%s`, `NAME`. */
export function isTemplate(value: string): boolean {
  return /\$\{|\{\{|<%|%\(|\$\(|^[$%<[@&#]|^\{[A-Za-z_. ]*\}$|^%[sdv]$|>$|^[A-Z]+(?:_[A-Z]+)*$|^\*+$/.test(value);
}

/** Holds eight letters or digits in order of the alphabet: nobody's generator wrote it. */
export function isSequence(value: string): boolean {
  let run = 1;
  for (let i = 1; i < value.length; i++) {
    run = value.charCodeAt(i) === value.charCodeAt(i - 1) + 1 ? run + 1 : 1;
    if (run === 8) return true;
  }
  return false;
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

function isPassword(value: string, quoted: boolean): boolean {
  if (value.length > 128 || / .* .* /.test(value)) return false;
  const digit = /[0-9]/.test(value);
  const letter = /[A-Za-z]/.test(value);
  const mark = /[!@#$%^&*+~?=]/.test(value);
  if (isWords(value)) return false;
  if (letter && (digit || mark)) return value.length >= 6 || quoted;
  return quoted && digit && value.length >= 6 && !/^[0-9]{4}-/.test(value);
}

/** Only words with a little number at the end: `newPassword2`, `my-api-key`, `personal_access_token`. */
function isWords(value: string): boolean {
  const words = value.split(/[^A-Za-z0-9]+|(?<=[a-z])(?=[A-Z])/).filter((w) => w !== '');
  return (
    words.length > 0 && words.every((w) => /^(?:[A-Z]?[a-z]{2,}|[A-Z]{2,}|[a-zA-Z])$/.test(w) || /^[0-9]$/.test(w))
  );
}

function isMixed(value: string): boolean {
  return /[a-z].*[a-z]/.test(value) && /[A-Z].*[A-Z]/.test(value) && /[0-9].*[0-9]/.test(value);
}

function isRandom(value: string, least: number, bits: number): boolean {
  if (value.length < least || !/[0-9]/.test(value) || /^[0-9.,:+-]+$/.test(value) || isWords(value)) return false;
  return entropy(value) >= (value.length < 16 ? Math.min(bits, 2.8) : bits);
}

/** The rule of a plain value behind a name: none for names and values that are no secrets. */
export function judgeNamed(words: readonly string[], value: string, quoted: boolean): string | undefined {
  const kind = nameClass(words);
  if (kind === undefined || !isSecretValue(kind, value, quoted)) return undefined;
  return kind === 'password' ? 'password' : 'assigned-secret';
}
