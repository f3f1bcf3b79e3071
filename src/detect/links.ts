/**
 * Links that carry data out when they are shown (guarantee OU6): an image is fetched without a click, a link is fetched by
 * a preview. What stands in the address is then told to its host.
 */

import { type Slices, whole } from '../core/slices.ts';

export interface Leak {
  /** The address, in UTF-16 code units. */
  readonly start: number;
  readonly end: number;
  readonly host: string;
}

/** What an address may hold; a slot in brackets also spaces. */
const REST = '(?:[^\\s()<>[\\]{}"\']|\\[[^\\]\\n]{0,64}\\]|<[^>\\n]{0,64}>|\\{[^}\\n]{0,64}\\}){4,4096}';
// Sticky: they are tried where they can begin.
const MARKDOWN = new RegExp(`(!?)\\[[^\\][\\n]{0,512}\\]\\(\\s{0,4}<?(https?://${REST})`, 'iy');
const REFERENCE = new RegExp(`^[ \\t]{0,3}\\[[^\\][\\n]{1,128}\\]:\\s{0,4}<?(https?://${REST})`, 'imy');
const ELEMENT = new RegExp(
  `<(?:img|image|iframe|source|video|audio|embed|object|link|script)\\b[^<>]{0,512}?(?:src|href|data|srcset)\\s{0,2}=\\s{0,2}["']?(https?://${REST})`,
  'iy',
);
const PATTERNS = [
  {
    pattern: MARKDOWN,
    opens: '[',
    begins: (text: string, at: number) => (text[at - 1] === '!' ? at - 1 : at),
    shown: false,
  },
  { pattern: REFERENCE, opens: '[', begins: lineStart, shown: true },
  { pattern: ELEMENT, opens: '<', begins: (_: string, at: number) => at, shown: true },
];

/** Up to three blanks may stand before a reference. */
function lineStart(text: string, at: number): number {
  let p = at;
  while (p > at - 3 && (text[p - 1] === ' ' || text[p - 1] === '\t')) p--;
  return p;
}

/** Something for a model to fill in: `{data}`, `<secret>`, `[user name]`, `$TOKEN`, `%s`, `YOUR_DATA`. */
const SLOT =
  /[{<[](?!\d{1,4}[}\]>])[^{}<>[\]]{1,64}[}>\]]|\$\{?[A-Z_]{3,}|=%s\b|=[A-Z]{2,16}(?:_[A-Z]{2,16})+\b|=(?:DATA|SECRET|TOKEN|PASSWORD|CONTENT|MESSAGE|CONTEXT|HISTORY|BASE64)\b|%7B[\w%]{1,64}%7D/;
/** Characters of one value of a query that no picture needs. */
const LONG = 256;
/** Parts of a decoded value that make it a sentence. */
const SENTENCE = 4;

/** False: no link is in this text or JSON text. */
export function mayLink(bytes: Uint8Array): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const holds = (mark: string) => buffer.includes(mark, 0, 'latin1');
  // Outside a string JSON has no colon behind a bracket.
  return holds('](') || (bytes.includes(0x3c) && ELEMENTS.some(holds)) || (holds(']:') && REFERENCES.some(holds));
}
const ELEMENTS = ['<img', '<IMG', '<iframe', '<source', '<link', '<script', '<object', '<embed'];
const REFERENCES = [']: http', ']:http'];

/** Each address that carries data, in order. */
export function leaksIn(text: string): Leak[] {
  return whole(leaking(text));
}

/**
 * In slices: a pattern is tried at each place where it can begin and nowhere else. Of a match that was made, the rest is
 * gone on with behind its end, as `matchAll` does.
 */
function* leaking(text: string): Slices<Leak[]> {
  const out: Leak[] = [];
  let work = 0;
  for (const { pattern, opens, begins, shown } of PATTERNS) {
    let done = 0;
    for (let at = text.indexOf(opens); at >= 0; at = text.indexOf(opens, at + 1)) {
      if (++work % TRIES === 0) yield;
      pattern.lastIndex = Math.max(done, begins(text, at));
      const match = pattern.exec(text);
      if (match === null) continue;
      const address = match.at(-1)!;
      done = pattern.lastIndex;
      const url = URL.parse(address);
      if (url !== null && carries(address, url, shown || match[1] === '!'))
        out.push({ start: done - address.length, end: done, host: url.host });
      at = done - 1;
    }
  }
  return out.sort((a, b) => a.start - b.start);
}
/** Places that are tried between two `yield`s. */
const TRIES = 64;

/** `shown`: it is fetched without a click. */
function carries(address: string, url: URL, shown: boolean): boolean {
  const behind = address.slice(address.indexOf(url.host.slice(0, 4)) + url.host.length);
  const query = behind.slice(Math.max(0, behind.search(/[?#]/)));
  if (SLOT.test(shown ? behind : query) && /[?#=]/.test(behind)) return true;
  for (const [, value] of url.searchParams) {
    if (/^data:image|^https?:/.test(value)) continue;
    if (shown && value.length > LONG) return true;
    if (isSentence(value) && shown) return true;
    if (value.length >= 24 && /^[A-Za-z0-9+/_-]+={0,2}$/.test(value) && isSentence(decoded(value))) return true;
  }
  return false;
}

function decoded(value: string): string {
  const text = Buffer.from(value, 'base64').toString('utf8');
  return text.includes('\ufffd') ? '' : text;
}

function isSentence(text: string): boolean {
  return text.length >= 20 && text.split(/\s+/).length > SENTENCE && /^[\p{L}\p{N}\p{P}\p{S}\s]+$/u.test(text);
}

/** The text with each leaking address replaced by the name of its host; the same string where there is none. */
export function withoutLeaks(text: string): string {
  return whole(withoutLeaking(text));
}

/** The same in slices. */
export function* withoutLeaking(text: string): Slices<string> {
  const leaks = yield* leaking(text);
  let out = '';
  let from = 0;
  let count = 0;
  for (const { start, end, host } of leaks) {
    if (++count % TRIES === 0) yield;
    if (start < from) continue;
    out += `${text.slice(from, start)}about:blank#doorward-removed-${host.replace(/[^a-z0-9.-]/gi, '')}`;
    from = end;
  }
  return from === 0 ? text : out + text.slice(from);
}
