/** JSON values: strings, the names of members, and what stands behind a name such as `password`. */
import { ONE_GO, type Slices, whole } from '../core/slices.ts';
import { isRawNumber, type Json, type JsonObject } from '../lib/json/types.ts';
import { MEMBER } from './assigned.ts';
import { judge } from './judge.ts';
import { behindName } from './languages.ts';
import { isBasicPair } from './matchers.ts';
import { type Fingerprint, mark, type RedactedText, redacting, redactText } from './replace.ts';
import { MEMBER_NAME, rules } from './rules.ts';
import { budget } from './scan.ts';
import { type Sought, seeksMore, USUAL } from './source.ts';

export interface RedactedJson {
  /** The same object when nothing was found; what holds nothing is shared with the original. */
  readonly value: Json;
  /** Rule ids in order, one for each replacement. */
  readonly found: readonly string[];
  readonly overflow: boolean;
}

/**
 * Replaces inside strings and names only, so that the value stays JSON. A number that goes, a card's or a person's, becomes a
 * string: a schema that forbids it must refuse the whole.
 */
export function redactJson(value: Json, fingerprint?: Fingerprint, sought: Sought = USUAL): RedactedJson {
  return whole(redactingJson(value, fingerprint, sought));
}

/** The same in slices. */
export function* redactingJson(
  value: Json,
  fingerprint: Fingerprint | undefined,
  sought: Sought,
): Slices<RedactedJson> {
  const walk = new Walk(fingerprint, sought);
  return { value: yield* walk.value(value, undefined), found: walk.found, overflow: walk.overflow };
}

/** A number whose name tells what it is: an order, a card. */
const DIGITS = /^[0-9][0-9 .-]{11,21}[0-9]$/;
const WIDE = /[^\0-\x7f]/;
const TELLING = new RegExp(`${MEMBER_NAME.source}|${WIDE.source}`, 'i');
/** Names that tell nothing. */
const CONTENT = new Set(['text', 'value', 'data', 'result', 'content', 'output', 'message']);

/** Code units between two `yield`s, and what each string costs beside its length. */
const SECTION = 16 * 1024;
const EACH = 32;
/** Names of one value that are remembered. */
const NAMES = 256;

/** A name that tells something of its value. */
function told(name: string | undefined): string | undefined {
  return name === undefined || name.length > MEMBER || CONTENT.has(name) ? undefined : name;
}

/** Rules of tokens that may be cut, and their beginnings. */
const HEAD = 4;
const CUTTABLE = rules.filter(
  ({ major, matcher, back, find }) => major && !matcher && !back && find[0]!.length >= HEAD,
);
const CUT = new Set(CUTTABLE.map(({ id }) => id));
const HEADS = new Set(CUTTABLE.flatMap(({ find }) => find));
const LAST = new Set([...HEADS].map((head) => head.charCodeAt(head.length - 1)));
/** Texts that one token may be cut into; the longest of those that go on; what the last must hold. */
const PIECES = 4;
const LONGEST = 512;
const LEAST = 6;
/** Texts shorter than this hold no secret, and are not looked at. */
const SHORT = 8;

function headIn(text: string): number {
  if (!LAST.has(text.charCodeAt(text.length - 1))) return text.length;
  for (let at = 0; at <= text.length - HEAD; at++) if (HEADS.has(text.slice(at))) return at;
  return text.length;
}

class Walk {
  readonly found: string[] = [];
  overflow = false;
  readonly #fingerprint: Fingerprint | undefined;
  /** One for all texts of the value. */
  readonly #budget = budget();

  readonly #sought: Sought;
  #looked = 0;
  /** Where in the last text a token began that it did not end. */
  #open = 0;
  readonly #more: boolean;
  readonly #telling = new Map<string, boolean>();

  constructor(fingerprint: Fingerprint | undefined, sought: Sought) {
    this.#fingerprint = fingerprint;
    this.#sought = sought;
    this.#more = seeksMore(sought);
  }

  /** `name` is set for the value of a member, and for the items of an array that is one. */
  *value(value: Json, name: string | undefined): Slices<Json> {
    if (this.#looked > SECTION) {
      this.#looked = 0;
      yield;
    }
    if (typeof value === 'string')
      return value.length > ONE_GO ? yield* this.long(value, name) : this.text(value, name);
    if (typeof value !== 'object' || value === null || isRawNumber(value)) return this.scalar(value, name);
    return yield* Array.isArray(value) ? this.array(value, name) : this.object(value);
  }

  /** Short texts and scalars, which are most; undefined for what needs more. */
  quick(value: Json, name: string | undefined): Json | undefined {
    if (this.#looked > SECTION || typeof value === 'object') return undefined;
    if (typeof value !== 'string') return this.scalar(value, name);
    return value.length > ONE_GO ? undefined : this.text(value, name);
  }

  scalar(value: Json, name: string | undefined): Json {
    if (typeof value === 'number') return this.number(value, String(value), name);
    return isRawNumber(value) ? this.number(value, value.rawJSON, name) : value;
  }

  text(text: string, name: string | undefined): string {
    if (this.overflow) return text;
    this.#looked += text.length + EACH;
    this.#open = text.length;
    const rule = this.rule(text, name);
    if (rule === undefined && DIGITS.test(text) && told(name) !== undefined) return this.number(text, text, name);
    const label = this.#more ? told(name) : undefined;
    const done = redactText(text, this.#fingerprint, this.#budget, this.#sought, label);
    if (rule === undefined) this.#open = done.open;
    return this.taken(text, rule, done);
  }

  *long(text: string, name: string | undefined): Slices<string> {
    if (this.overflow) return text;
    const rule = this.rule(text, name);
    return this.taken(text, rule, yield* redacting(text, this.#fingerprint, this.#budget, this.#sought, told(name)));
  }

  /** Names repeat, in the rows of a table above all. */
  telling(name: string): boolean {
    let known = this.#telling.get(name);
    if (known !== undefined) return known;
    known = TELLING.test(name);
    if (this.#telling.size < NAMES) this.#telling.set(name, known);
    return known;
  }

  /** What the name says that the whole value is. */
  rule(text: string, name: string | undefined): string | undefined {
    if (name === undefined || name.length > MEMBER) return undefined;
    if ((name === 'auth' || name === '_auth') && isBasicPair(text)) return 'basic-pair';
    if (!this.telling(name)) return undefined;
    if (WIDE.test(name)) {
      const other = behindName(name, text);
      if (other !== undefined || !MEMBER_NAME.test(name)) return other;
    }
    const work = { steps: 0, dead: 0, open: 0 };
    const rule = judge(name, text, true, work);
    this.#budget.left -= work.steps;
    return rule;
  }

  taken(text: string, rule: string | undefined, { found, overflow, text: clean }: RedactedText): string {
    if (rule === undefined) {
      this.overflow ||= overflow;
      for (const { rule: each } of found) this.found.push(each);
      return clean;
    }
    // The whole value goes, under the name of the rule that knows more.
    const whole = found.length === 1 && found[0]!.end - found[0]!.start === text.length;
    const known = whole && found[0]!.rule !== 'overflow' ? found[0]!.rule : rule;
    this.found.push(known);
    return mark(known, text, this.#fingerprint);
  }

  number<T extends Json>(value: T, digits: string, name: string | undefined): T | string {
    const { kinds } = this.#sought;
    if (digits.length < (kinds.length > 0 ? 7 : 13) || digits.length > 23) return value;
    const label = `${name ?? ''}: `;
    const done = redactText(label + digits, this.#fingerprint, this.#budget, this.#sought);
    const hit = done.found.find(({ rule }) => rule === 'card-number' || kinds.some((kind) => kind === rule));
    if (hit === undefined) return value;
    this.found.push(hit.rule);
    return mark(hit.rule, digits, this.#fingerprint);
  }

  /** Where in the text that was looked at last a token begins that it does not end; its length if there is none. */
  open(text: string): number {
    return text.length < SHORT ? headIn(text) : this.#open;
  }

  /** A token that goes on in the texts beside it: without it, the first `texts` as they are to be; else undefined. */
  across(texts: readonly Json[]): string[] | undefined {
    const first = texts[0] as string;
    const open = this.open(first);
    // What stands before it says whether it begins there.
    const start = Math.min(open, SHORT);
    let token = first.slice(open - start);
    for (let i = 1; i < PIECES; i++) {
      const next = texts[i];
      if (typeof next !== 'string' || next.length > LONGEST) return undefined;
      const before = token.length;
      token += next;
      const { found } = redactText(token, undefined, this.#budget);
      const hit = found.find(({ rule, start: at, end }) => at === start && end >= before + LEAST && CUT.has(rule));
      if (hit === undefined) continue;
      this.found.push(hit.rule);
      const gone = mark(hit.rule, token.slice(start, hit.end), this.#fingerprint);
      return [first.slice(0, open) + gone, ...Array.from({ length: i - 1 }, () => ''), next.slice(hit.end - before)];
    }
    return undefined;
  }

  *array(items: Json[], name: string | undefined): Slices<Json[]> {
    let out = items;
    for (let i = 0; i < items.length; i++) {
      const item = out[i]!;
      const done = this.quick(item, name) ?? (yield* this.value(item, Array.isArray(item) ? undefined : name));
      if (done !== item) {
        if (out === items) out = items.slice();
        out[i] = done;
      } else if (typeof done === 'string' && this.open(done) < done.length) {
        const cut = this.across(out.slice(i, i + PIECES));
        if (cut === undefined) continue;
        if (out === items) out = items.slice();
        cut.forEach((text, k) => void (out[i + k] = text));
      }
    }
    return out;
  }

  *object(object: JsonObject): Slices<JsonObject> {
    const names = Object.keys(object);
    let changed: Json[] | undefined;
    let renamed: string[] | undefined;
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!;
      const old = changed === undefined ? object[name]! : changed[i]!;
      const done = this.quick(old, name) ?? (yield* this.value(old, name));
      if (done !== old) (changed ??= names.map((n) => object[n]!))[i] = done;
      else if (typeof done === 'string' && this.open(done) < done.length) {
        const rest = names.slice(i, i + PIECES);
        const cut = this.across(changed?.slice(i, i + PIECES) ?? rest.map((n) => object[n]!));
        if (cut !== undefined) {
          const list = (changed ??= names.map((n) => object[n]!));
          cut.forEach((text, k) => void (list[i + k] = text));
        }
      }
      const safe = name.length < 16 ? name : String(yield* this.value(name, undefined));
      if (safe !== name) (renamed ??= names.slice())[i] = safe;
    }
    if (changed === undefined && renamed === undefined) return object;
    const out: JsonObject = {};
    for (let i = 0; i < names.length; i++) {
      let name = renamed?.[i] ?? names[i]!;
      while (name in out && renamed !== undefined) name += '_';
      out[name] = changed?.[i] ?? object[names[i]!]!;
    }
    return out;
  }
}
