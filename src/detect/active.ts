/**
 * Active content in a text (guarantee OU6): what runs, loads or leads elsewhere when something shows the text as HTML or
 * as Markdown. Read as browsers read (HTML standard, section 13.2.5), from every `<` anew: what hides behind an open
 * quote for one reader lies open for another. Linear: what is too tangled to be read counts as active.
 */
import { type Slices, whole } from '../core/slices.ts';
import { codeIn } from './code-spans.ts';

/** `unread`: a tag that takes more work than the text is long. */
export type Activity = 'script' | 'handler' | 'frame' | 'form' | 'redirect' | 'style' | 'load' | 'unread';

export interface Active {
  /** In UTF-16 code units: the `<` of a tag, or where the address of a Markdown link begins. */
  readonly at: number;
  readonly kind: Activity;
  readonly link: boolean;
}

/** By the local name, so that a prefix of an XML namespace hides nothing. */
const ELEMENTS: Readonly<Record<string, Activity>> = {
  __proto__: null as never,
  script: 'script',
  iframe: 'frame',
  frame: 'frame',
  frameset: 'frame',
  object: 'frame',
  embed: 'frame',
  applet: 'frame',
  portal: 'frame',
  fencedframe: 'frame',
  webview: 'frame',
  form: 'form',
  isindex: 'form',
  base: 'redirect',
};
const HANDLER = /^on[a-z]{3,}$/;
/** Words that begin so and are no events. */
const NO_EVENTS: ReadonlySet<string> = new Set(['only', 'once', 'online', 'ongoing', 'onboarding']);
const ADDRESSES: ReadonlySet<string> = new Set(
  'href src action data background poster cite manifest codebase lowsrc dynsrc to from values code archive'.split(' '),
);
const RUNS =
  /^(?:java|vb|live)script:|^mocha:|^data:(?:text\/(?:html|xml|javascript)|application\/(?:xhtml\+xml|xml|(?:x-)?javascript))/;
const RUNS_IN_SVG = /^data:image\/svg/;
const LOADS = /stylesheet|preload|prefetch|prerender|preconnect|import|icon|manifest|pingback|&/i;
/** Addresses on other hosts, what loads them, and escapes that spell one of these. */
const CSS =
  /url\((?!\s{0,64}["']?\s{0,64}(?:data:(?:image\/|font\/|application\/(?:x-)?font)|#|(?!\/\/)[\w./-]{1,512}[)"'?#\s]))|@import|image-set\(|(?<![\w-])src\(|expression\(|-moz-binding|behavior\s{0,64}:|\\(?:0{0,4}(?:[46][1-9a-f]|[57][0-9a])|[g-z@])|&#/i;

/** False: nothing in this text is active. */
export function mayAct(text: string): boolean {
  return text.includes('<') || text.includes('](') || text.includes(']:');
}

/** What is active, in order. `html`: the text is shown as HTML; else what stands in code of Markdown is left out. */
export function activeIn(text: string, html: boolean): Active[] {
  return whole(acting(text, html));
}

/** The same in slices. */
export function* acting(text: string, html: boolean): Slices<Active[]> {
  const tags = yield* tagsIn(text);
  const links = yield* linksIn(text);
  if (tags.length + links.length === 0) return tags;
  const all = [...tags, ...links].sort((a, b) => a.at - b.at);
  if (html) return all;
  const isCode = codeIn(text);
  return all.filter(({ at }) => !isCode(at));
}

/** The text with what is active made plain words: a tag loses its `<`, a link its address. All else stays. */
export function disarmed(text: string, found: readonly Active[]): string {
  let out = '';
  let from = 0;
  for (const { at, link } of found) {
    out += text.slice(from, at) + (link ? REMOVED : '&lt;');
    from = link ? at : at + 1;
  }
  return out + text.slice(from);
}
const REMOVED = 'about:blank#doorward-removed-';

/** Whether an address runs something when it is followed. */
export function runs(address: string): boolean {
  return RUNS.test(significant(address, 0, address.length));
}

/** Tags between two `yield`s. */
const TAGS = 64;
/** Work that any text may take beside its length. */
const SPARE = 16_384;
/** Code units of a style sheet that are looked at in one go, and those that two of these share. */
const WINDOW = 16_384;
const OVERLAP = 1_024;

function* tagsIn(text: string): Slices<Active[]> {
  const out: Active[] = [];
  const reader = new Reader(text);
  /** Sheets that have begun. */
  let styles: number[] = [];
  let tried = 0;
  function* close(end: number): Slices<void> {
    const begin = styles[0] ?? end;
    let loads = false;
    for (let from = begin; from < end && !loads; from += WINDOW) {
      if (from > begin) yield;
      loads = CSS.test(text.slice(from, Math.min(end, from + WINDOW + OVERLAP)));
    }
    if (loads) for (const at of styles) out.push({ at, kind: 'style', link: false });
    styles = [];
  }
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', at + 1)) {
    if (++tried % TAGS === 0) yield;
    const next = text.charCodeAt(at + 1);
    if (isLetter(next)) {
      const kind = reader.tag(at);
      if (kind !== undefined) out.push({ at, kind, link: false });
      else if (reader.name === 'style') styles.push(at);
    } else if (next === SLASH) {
      if (styles.length > 0 && text.slice(at + 2, at + 7).toLowerCase() === 'style') yield* close(at);
    } else if (next === EXCLAMATION && DECLARES.test(text.slice(at + 2, at + 9))) {
      out.push({ at, kind: 'script', link: false });
    } else if (next === QUESTION && text.startsWith('xml-stylesheet', at + 2)) {
      out.push({ at, kind: 'style', link: false });
    }
  }
  yield* close(text.length);
  return out;
}

const SLASH = 0x2f;
const QUESTION = 0x3f;
const EXCLAMATION = 0x21;
/** In XML these make elements and attributes of what stands in the text as something else. */
const DECLARES = /^(?:entity|attlist)/i;
const GREATER = 0x3e;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const APOSTROPHE = 0x27;

function isLetter(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a);
}
function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d && code !== 0x0b);
}

/** Reads one tag after the other of a text, within a budget for all of them. */
class Reader {
  /** Of the tag that was read last: local, in lower case. */
  name = '';
  readonly #text: string;
  #left: number;

  constructor(text: string) {
    this.#text = text;
    this.#left = 2 * text.length + SPARE;
  }

  tag(at: number): Activity | undefined {
    if (this.#left < 0) return 'unread';
    const text = this.#text;
    let i = at + 1;
    while (i < text.length && !ends(text.charCodeAt(i))) i++;
    this.#left -= i - at;
    const name = text.slice(at + 1, Math.min(i, at + 65)).toLowerCase();
    this.name = local(name);
    const known = ELEMENTS[this.name];
    if (known !== undefined) return known;
    // An autolink of Markdown: <javascript:...>.
    if (name.includes(':') && RUNS.test(significant(text, at + 1, Math.min(text.length, at + 257)))) return 'script';
    return this.#attributes(i);
  }

  #attributes(from: number): Activity | undefined {
    const text = this.#text;
    let i = from;
    for (;;) {
      const start = i;
      while (i < text.length && (isSpace(text.charCodeAt(i)) || text.charCodeAt(i) === SLASH)) i++;
      if (i >= text.length || text.charCodeAt(i) === GREATER) return undefined;
      const begin = i++;
      while (i < text.length && !ends(text.charCodeAt(i)) && text.charCodeAt(i) !== EQUALS) i++;
      const named = i;
      while (i < text.length && isSpace(text.charCodeAt(i))) i++;
      let skipped = 0;
      if (text.charCodeAt(i) === EQUALS) {
        i++;
        while (i < text.length && isSpace(text.charCodeAt(i))) i++;
        const quote = text.charCodeAt(i);
        let value = i;
        let end: number;
        if (quote === QUOTE || quote === APOSTROPHE) {
          value = i + 1;
          const found = text.indexOf(text[i]!, value);
          end = found < 0 ? text.length : found;
          i = end + 1;
          // Skipped by the engine, at a fraction of the cost.
          skipped = Math.trunc((end - value) * 0.9);
        } else {
          while (i < text.length && !isSpace(text.charCodeAt(i)) && text.charCodeAt(i) !== GREATER) i++;
          end = i;
        }
        const name = text.slice(begin, Math.min(named, begin + 33)).toLowerCase();
        const kind = this.#attribute(local(name), value, end);
        if (kind !== undefined) return kind;
      }
      this.#left -= i - start - skipped;
      if (this.#left < 0) return 'unread';
    }
  }

  #attribute(name: string, from: number, to: number): Activity | undefined {
    const text = this.#text;
    if (HANDLER.test(name) && !NO_EVENTS.has(name)) return 'handler';
    switch (name) {
      case 'srcdoc':
        return 'frame';
      case 'formaction':
        return 'form';
      case 'style':
        this.#left -= to - from;
        return to - from > WINDOW || CSS.test(text.slice(from, to)) ? 'style' : undefined;
      case 'http-equiv':
        return this.name === 'meta' && significant(text, from, to).startsWith('refresh') ? 'redirect' : undefined;
      case 'rel':
        return this.name === 'link' && LOADS.test(text.slice(from, Math.min(to, from + 256))) ? 'load' : undefined;
      case 'attributename':
        return /href$|^on/.test(significant(text, from, to)) ? 'script' : undefined;
    }
    if (!ADDRESSES.has(name)) return undefined;
    const begins = significant(text, from, to);
    return RUNS.test(begins) || (name === 'href' && RUNS_IN_SVG.test(begins)) ? 'script' : undefined;
  }
}

function ends(code: number): boolean {
  return isSpace(code) || code === SLASH || code === GREATER;
}

function local(name: string): string {
  return name.slice(name.lastIndexOf(':') + 1);
}

/** Code units of an address that are looked through for its scheme, and those of it that are wanted. */
const MOST = 4096;
const WANTED = 40;
/** What no browser ignores so long is not meant to be read by people. */
const ENDLESS = 'javascript:';

/** First letters of what is looked for, and what can hide one. */
const BEGINS = /[jvlmdro&\\hx]/i;

/** How an address begins for a browser: references decoded; blanks, controls and backslashes left out; in lower case. */
function significant(text: string, from: number, to: number): string {
  if (text.charCodeAt(from) > 0x20 && !BEGINS.test(text[from]!)) return '';
  let out = '';
  const end = Math.min(to, from + MOST);
  for (let i = from; i < end && out.length < WANTED; i++) {
    let code = text.charCodeAt(i);
    if (code === 0x26) {
      REFERENCE.lastIndex = i;
      const [all, hex, decimal, named] = REFERENCE.exec(text) ?? [];
      if (all !== undefined) {
        i += all.length - 1;
        code = hex || decimal ? Number.parseInt((hex ?? decimal)!, hex ? 16 : 10) : NAMED[named!.toLowerCase()]!;
      }
    }
    if (code > 0x20 && code !== 0x5c && code < 0x7f) out += String.fromCharCode(code);
    else if (code >= 0x7f) return out.toLowerCase();
  }
  return out.length < WANTED && to - from > MOST ? ENDLESS : out.toLowerCase();
}
const REFERENCE = /&(?:#x([0-9a-f]{1,64});?|#([0-9]{1,64});?|(tab|newline|colon);)/iy;
const NAMED: Readonly<Record<string, number>> = { tab: 9, newline: 10, colon: 0x3a };

/** Addresses of links in Markdown that run something: `[a](javascript:...)`, `[a]: data:text/html,...`. */
function* linksIn(text: string): Slices<Active[]> {
  const out: Active[] = [];
  let tried = 0;
  for (const opens of ['](', ']:']) {
    for (let at = text.indexOf(opens); at >= 0; at = text.indexOf(opens, at + 2)) {
      if (++tried % TAGS === 0) yield;
      let i = at + 2;
      while (i < text.length && i < at + MOST && (isSpace(text.charCodeAt(i)) || text[i] === '<')) i++;
      // A blank ends an address: what follows one is a text.
      if (RUNS.test(significant(text, i, Math.min(text.length, i + 256))))
        out.push({ at: i, kind: 'script', link: true });
    }
  }
  return out;
}
