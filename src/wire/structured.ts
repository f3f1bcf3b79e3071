/**
 * Structured fields of HTTP (RFC 8941): dictionaries, as the headers of message signatures and content digests are
 * written. Stricter than the RFC in one point: a key that occurs twice is no dictionary, where two readers could keep
 * different ones. One pass, nothing is looked at twice.
 */

/** A token is written as it is; a string in quotes. */
export class Token {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}
/** A number with a fraction of at most three digits. */
export class Decimal {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** A `number` is an integer of at most 15 digits. */
export type Bare = number | Decimal | string | Token | Uint8Array | boolean;
export type Params = ReadonlyMap<string, Bare>;
export interface Item {
  readonly value: Bare;
  readonly params: Params;
}
export interface InnerList {
  readonly items: readonly Item[];
  readonly params: Params;
}
export type Dictionary = ReadonlyMap<string, Item | InnerList>;

export function isInnerList(member: Item | InnerList): member is InnerList {
  return 'items' in member;
}

/** Most members of a dictionary, items of a list, and parameters of one item. */
const MOST = 64;

class Malformed extends Error {}

/** RFC 8941 section 4.2.2; undefined for anything else, an empty field too. */
export function parseDictionary(text: string): Dictionary | undefined {
  try {
    return new Reader(text).dictionary();
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

const isDigit = (c: string): boolean => c >= '0' && c <= '9';
const isLower = (c: string): boolean => c >= 'a' && c <= 'z';
const isAlpha = (c: string): boolean => isLower(c) || (c >= 'A' && c <= 'Z');
const isBase64 = (c: string): boolean => isAlpha(c) || isDigit(c) || c === '+' || c === '/' || c === '=';
/** `tchar` of RFC 9110, `:` and `/`. */
const isTokenChar = (c: string): boolean => c !== '' && (isAlpha(c) || isDigit(c) || "!#$%&'*+-.^_`|~:/".includes(c));
const isKeyChar = (c: string): boolean => c !== '' && (isLower(c) || isDigit(c) || '_-.*'.includes(c));

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  dictionary(): Dictionary {
    const members = new Map<string, Item | InnerList>();
    this.#skip(' ');
    for (;;) {
      const key = this.#key();
      this.#put(members, key, this.#member());
      this.#skip(' \t');
      if (this.#at === this.#text.length) return members;
      if (!this.#take(',')) throw new Malformed();
      this.#skip(' \t');
    }
  }

  #member(): Item | InnerList {
    if (!this.#take('=')) return { value: true, params: this.#params() };
    if (!this.#take('(')) return this.#item();
    const items: Item[] = [];
    for (;;) {
      this.#skip(' ');
      if (this.#take(')')) return { items, params: this.#params() };
      if (items.length === MOST) throw new Malformed();
      items.push(this.#item());
      if (this.#peek() !== ' ' && this.#peek() !== ')') throw new Malformed();
    }
  }

  #item(): Item {
    const value = this.#bare();
    return { value, params: this.#params() };
  }

  #params(): Params {
    const params = new Map<string, Bare>();
    while (this.#take(';')) {
      this.#skip(' ');
      const key = this.#key();
      this.#put(params, key, this.#take('=') ? this.#bare() : true);
    }
    return params;
  }

  #key(): string {
    const first = this.#peek();
    if (!isLower(first) && first !== '*') throw new Malformed();
    return this.#run(isKeyChar);
  }

  #bare(): Bare {
    const first = this.#peek();
    if (first === '-' || isDigit(first)) return this.#number();
    if (this.#take('"')) return this.#string();
    if (this.#take(':')) return this.#bytes();
    if (this.#take('?')) {
      if (this.#take('1')) return true;
      if (this.#take('0')) return false;
      throw new Malformed();
    }
    if (isAlpha(first) || first === '*') return new Token(this.#run(isTokenChar));
    throw new Malformed();
  }

  #number(): number | Decimal {
    const sign = this.#take('-') ? -1 : 1;
    const whole = this.#run(isDigit);
    if (!this.#take('.')) {
      if (whole === '' || whole.length > 15) throw new Malformed();
      // No negative zero: it would be written as another text than it was read from.
      return sign * Number(whole) + 0;
    }
    const fraction = this.#run(isDigit);
    if (whole === '' || whole.length > 12 || fraction === '' || fraction.length > 3) throw new Malformed();
    return new Decimal(sign * Number(`${whole}.${fraction}`) + 0);
  }

  #string(): string {
    let value = '';
    for (;;) {
      const c = this.#text[this.#at++];
      if (c === '"') return value;
      if (c === '\\') {
        const escaped = this.#text[this.#at++];
        if (escaped !== '"' && escaped !== '\\') throw new Malformed();
        value += escaped;
      } else if (c !== undefined && c >= ' ' && c <= '~') value += c;
      else throw new Malformed();
    }
  }

  /** One text for one value: padding is there, and stray bits are not. */
  #bytes(): Uint8Array {
    const coded = this.#run(isBase64);
    const bytes = Buffer.from(coded, 'base64');
    if (!this.#take(':') || bytes.toString('base64') !== coded) throw new Malformed();
    return bytes;
  }

  #put<V>(into: Map<string, V>, key: string, value: V): void {
    if (into.has(key) || into.size === MOST) throw new Malformed();
    into.set(key, value);
  }

  #peek(): string {
    return this.#text[this.#at] ?? '';
  }

  #take(c: string): boolean {
    if (this.#text[this.#at] !== c) return false;
    this.#at++;
    return true;
  }

  #run(fits: (c: string) => boolean): string {
    const start = this.#at;
    while (fits(this.#peek())) this.#at++;
    return this.#text.slice(start, this.#at);
  }

  #skip(chars: string): void {
    while (this.#at < this.#text.length && chars.includes(this.#text[this.#at]!)) this.#at++;
  }
}

/** RFC 8941 section 4.1.1.1: the one spelling of a list with its parameters. */
export function writeInnerList({ items, params }: InnerList): string {
  return `(${items.map(writeItem).join(' ')})${writeParams(params)}`;
}

export function writeItem({ value, params }: Item): string {
  return writeBare(value) + writeParams(params);
}

export function writeDictionary(members: Dictionary): string {
  return [...members]
    .map(([key, member]) => {
      if (isInnerList(member)) return `${key}=${writeInnerList(member)}`;
      return member.value === true ? key + writeParams(member.params) : `${key}=${writeItem(member)}`;
    })
    .join(', ');
}

function writeParams(params: Params): string {
  let text = '';
  for (const [key, value] of params) text += value === true ? `;${key}` : `;${key}=${writeBare(value)}`;
  return text;
}

function writeBare(value: Bare): string {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'boolean') return value ? '?1' : '?0';
  if (typeof value === 'string') return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  if (value instanceof Token) return value.text;
  if (value instanceof Decimal) return Number.isInteger(value.value) ? `${value.value}.0` : String(value.value);
  return `:${Buffer.from(value).toString('base64')}:`;
}
