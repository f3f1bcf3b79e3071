/**
 * HTML from our own words and inert text. A `Html` is made by the tag `html` alone, which escapes whatever is put into
 * it, unless it is a `Html` itself; attributes are always quoted.
 */
import { escapeText, jsonText } from '../lib/text.ts';

export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | number | Html | readonly Html[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let out = texts[0]!;
  for (let i = 0; i < parts.length; i++) out += spelled(parts[i]!) + texts[i + 1]!;
  return new Html(out);
}

function spelled(part: Part): string {
  if (part instanceof Html) return part.text;
  if (typeof part === 'object') return part.map(({ text }) => text).join('');
  return escaped(String(part));
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ENTITIES[char]!);
}

/**
 * Text of a stranger on one line: what a reader could not see is marked. It begins at the left, whatever it
 * begins with, and turns around nothing beside it.
 */
export function outside(text: string, max = 400): Html {
  const marked = escapeText(text, max).split(/(<U\+[0-9A-F]{4,6}>)/);
  return html`<bdi dir="ltr">${marked.map((part, i) => (i % 2 === 1 ? html`<mark>${part}</mark>` : html`${part}`))}</bdi>`;
}

/** JSON as the terminal shows it: what cannot be seen is `\uXXXX`, marked; each string begins at the left, and turns around nothing beside it. */
export function outsideJson(value: unknown): Html {
  const text = jsonText(value, 2);
  const parts: Html[] = [];
  let from = 0;
  for (let start = text.indexOf('"'); start >= 0; start = text.indexOf('"', from)) {
    parts.push(html`${text.slice(from, start)}`);
    const { marked, end } = quoted(text, start);
    parts.push(html`<bdi dir="ltr">${marked}</bdi>`);
    from = end;
  }
  parts.push(html`${text.slice(from)}`);
  return html`${parts}`;
}

/** The JSON string that begins at `start`, with its `\uXXXX` marked, and where it ends. */
function quoted(text: string, start: number): { readonly marked: readonly Html[]; readonly end: number } {
  const marked: Html[] = [];
  let from = start;
  let at = start + 1;
  while (text[at] !== '"') {
    if (text[at] !== '\\') at++;
    else if (text[at + 1] !== 'u') at += 2;
    else {
      marked.push(html`${text.slice(from, at)}`, html`<mark>${text.slice(at, at + 6)}</mark>`);
      from = at += 6;
    }
  }
  marked.push(html`${text.slice(from, at + 1)}`);
  return { marked, end: at + 1 };
}
