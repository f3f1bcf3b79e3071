/**
 * Secrets behind names that are not ASCII: `contrase\u00f1a`, `\u043f\u0430\u0440\u043e\u043b\u044c`, `\u5bc6\u7801` (words: `data/names.json`). The pass over
 * bytes knows none of them, so texts that are not ASCII are searched for signs, and before each sign for a word.
 */
import data from './data/names.json' with { type: 'json' };
import { judge, type NameClass, ruleOf } from './judge.ts';
import { MEMBER_NAME } from './rules.ts';

type Encode = (text: string) => string;
interface Tongue {
  /** The words by their last character, in small letters. */
  readonly words: ReadonlyMap<string, readonly { readonly word: string; readonly kind: NameClass }[]>;
  readonly sign: RegExp;
  /** Length of a sign that is not ASCII. */
  readonly width: number;
}
const WORDS = Object.entries(data.languages).flatMap(([kind, words]) =>
  words.map((word) => ({ word, kind: kind as NameClass })),
);

const AS_IS: Encode = (text) => text;
/** Signs beside the colon and the equals sign: a full-width colon; "is" in Chinese and in Japanese. */
const WIDE = '\uff1a\u662f\u306f';

function tongue(encode: Encode): Tongue {
  const words = new Map<string, { word: string; kind: NameClass }[]>();
  for (const { word, kind } of WORDS) {
    for (const form of new Set([word, word.toUpperCase(), word[0]!.toUpperCase() + word.slice(1)].map(encode))) {
      const list = words.get(form.at(-1)!);
      if (list === undefined) words.set(form.at(-1)!, [{ word: form, kind }]);
      else list.push({ word: form, kind });
    }
  }
  return {
    words,
    sign: new RegExp(encode === AS_IS ? `[:=${WIDE}]` : `[:=]|${[...WIDE].map(encode).join('|')}`, 'g'),
    width: encode(WIDE[0]!).length,
  };
}
const TEXT = tongue(AS_IS);
/** UTF-8, each byte a character. */
const BYTES = tongue((text) => Buffer.from(text, 'utf8').toString('latin1'));

/** Longest English name before a sign that is not. */
const REACH = 48;
/** What may stand between a word and its sign: the end of quotes, of bold, of an index. */
const CLOSING = new Set(' \t"\'`*\\])');
const VALUE =
  /[>=]?[ \t*]{0,4}(?:[|>][+-]?\r?\n {0,16})?\\{0,3}(?:(["'`])([^"'`\s\\]{5,256})|([A-Za-z0-9_./+=~!@#$%^&*:?-]{5,256}))/y;

/** Each value behind such a name, in order. `bytes`: the text is UTF-8, a character for each byte. Linear. */
export function behindWords(text: string, bytes: boolean): { rule: string; start: number; end: number }[] {
  const found: { rule: string; start: number; end: number }[] = [];
  const { words, sign, width } = bytes ? BYTES : TEXT;
  sign.lastIndex = 0;
  while (sign.test(text)) {
    const wide = text.charCodeAt(sign.lastIndex - 1) > 0x7f;
    const at = sign.lastIndex - (wide ? width : 1);
    const kind = nameBefore(words, text, at);
    if (kind === undefined && !wide) continue;
    VALUE.lastIndex = sign.lastIndex;
    const said = VALUE.exec(text);
    if (said === null) continue;
    const quoted = said[2] !== undefined;
    const value = said[2] ?? said[3]!.replace(/[.:,]{1,8}$/, '');
    const rule = kind === undefined ? english(asciiBefore(text, at), value, quoted) : ruleOf(kind, value, quoted);
    if (rule === undefined) continue;
    const start = said.index + said[0].length - (said[2] ?? said[3]!).length;
    found.push({ rule, start, end: start + value.length });
    sign.lastIndex = start + value.length;
  }
  return found;
}

/** Whether a name and a sign are in bytes of UTF-8: only then something can stand behind them. */
export function hasWord(text: string): boolean {
  const { words, sign, width } = BYTES;
  sign.lastIndex = 0;
  while (sign.test(text)) {
    const wide = text.charCodeAt(sign.lastIndex - 1) > 0x7f;
    const at = sign.lastIndex - (wide ? width : 1);
    if (nameBefore(words, text, at) !== undefined || (wide && MEMBER_NAME.test(asciiBefore(text, at)))) return true;
  }
  return false;
}

function english(name: string, value: string, quoted: boolean): string | undefined {
  return MEMBER_NAME.test(name) ? judge(name, value, quoted) : undefined;
}

/** The rule of a value behind the name of a JSON member that ends with one of the words. */
export function behindName(name: string, value: string): string | undefined {
  const kind = nameBefore(TEXT.words, name, name.length);
  return kind && ruleOf(kind, value, true);
}

function nameBefore(words: Tongue['words'], text: string, sign: number): NameClass | undefined {
  const end = nameEnd(text, sign);
  const list = end === 0 ? undefined : words.get(text[end - 1]!);
  return list?.find(({ word }) => text.startsWith(word, end - word.length))?.kind;
}

/** `Password\uff1a...`: the English name before a sign that is not. */
function asciiBefore(text: string, sign: number): string {
  const end = nameEnd(text, sign);
  let start = end;
  while (start > 0 && end - start < REACH && NAME.has(text[start - 1]!)) start--;
  return text.slice(start, end);
}
const NAME = new Set('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.- ');

function nameEnd(text: string, sign: number): number {
  let end = sign;
  for (; end > 0 && sign - end < 8; end--) {
    // In raw JSON, and in text inside it, a tab is two letters.
    if (text[end - 2] === '\\' && (text[end - 1] === 't' || text[end - 1] === 'n' || text[end - 1] === 'r')) end--;
    else if (!CLOSING.has(text[end - 1]!)) break;
  }
  return end;
}
