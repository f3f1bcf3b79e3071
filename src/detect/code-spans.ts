/**
 * Where a Markdown text is surely code: fences and backticks, as CommonMark 0.31 reads them (4.5, 4.6, 6.1). What some
 * reader could take for anything else is not: fences in lists and quotes, code beside raw HTML, spans over two lines.
 */

type Range = readonly [start: number, end: number];

const FENCE = /^ {0,3}(`{3,}|~{3,})([^\n]*)$/;
/** A fence inside of a list or a quote, or one that is indented: where it ends depends on what is around it. */
const ELSEWHERE = /^[ \t>*+\-0-9.)]{0,256}(?:`{3}|~{3})/;
/** Raw HTML that blank lines do not end, and what does. */
const RAW = /<(?:(script|pre|style|textarea)(?=[\s>]|$)|(!--)|(\?)|(!\[CDATA\[)|(![a-z]))/iy;
const TAG = /<[a-z/!?]/iy;

/** Whether a place lies in code. Linear in the text; asked for ascending or any places in logarithmic time. */
export function codeIn(text: string): (at: number) => boolean {
  const ranges = rangesOf(text);
  return (at) => {
    let [low, high] = [0, ranges.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ranges[middle]![1] <= at) low = middle + 1;
      else high = middle;
    }
    return low < ranges.length && ranges[low]![0] <= at;
  };
}

function rangesOf(text: string): Range[] {
  const out: Range[] = [];
  // A line end of its own to CommonMark, and to nobody else.
  if (/\r(?!\n)/.test(text)) return out;
  let fence: { readonly sign: string; readonly start: number } | undefined;
  /** Raw HTML goes on: until a blank line (''), or until this text. */
  let raw: string | undefined;
  /** A span of this paragraph began and did not end on its line. */
  let torn = false;
  for (let start = 0; start < text.length; ) {
    const found = text.indexOf('\n', start);
    const end = found < 0 ? text.length : found;
    const line = text.slice(start, end).replace(/\r$/, '');
    const blank = line.trim() === '';
    const [, sign, info] = FENCE.exec(line) ?? [];
    if (fence) {
      if (sign?.startsWith(fence.sign) && info!.trim() === '') {
        out.push([fence.start, end]);
        fence = undefined;
      }
    } else if (raw) {
      if (line.toLowerCase().includes(raw)) raw = undefined;
    } else if (blank) {
      raw = undefined;
      torn = false;
    } else if (raw === undefined && sign !== undefined && !(sign.startsWith('`') && info!.includes('`'))) {
      fence = { sign, start };
      torn = false;
    } else if (ELSEWHERE.test(line)) return out;
    else if (raw === undefined && !torn) {
      const rest = spans(line, start, out);
      torn = rest === 'torn';
      raw = rest === 'torn' ? undefined : rest;
    }
    start = end + 1;
  }
  // A fence that does not end ends with the text, unless another text follows it.
  return out;
}

/** Takes the spans of one line; answers what goes on behind it: raw HTML, or a span. */
function spans(line: string, offset: number, out: Range[]): string | undefined {
  for (let i = 0; i < line.length; i++) {
    if (line[i] === '\\') i++;
    else if (line[i] === '<') {
      TAG.lastIndex = i;
      if (TAG.test(line)) return rawFrom(line, i);
    } else if (line[i] === '`') {
      const length = run(line, i);
      const close = closing(line, i + length, length);
      if (close < 0) return 'torn';
      // A cell of a table ends at its bar, code or not.
      if (!line.slice(i, close).includes('|')) out.push([offset + i, offset + close + length]);
      i = close + length - 1;
    }
  }
  return undefined;
}

function rawFrom(line: string, at: number): string {
  RAW.lastIndex = at;
  const [, element, comment, instruction, data] = RAW.exec(line) ?? [];
  let end = '';
  if (element !== undefined) end = `</${element.toLowerCase()}>`;
  else if (comment) end = '-->';
  else if (instruction) end = '?>';
  else if (data) end = ']]>';
  return end !== '' && line.toLowerCase().includes(end, at) ? '' : end;
}

function run(line: string, at: number): number {
  let end = at;
  while (line[end] === '`') end++;
  return end - at;
}

function closing(line: string, from: number, length: number): number {
  for (let at = line.indexOf('`', from); at >= 0; ) {
    const found = run(line, at);
    if (found === length) return at;
    at = line.indexOf('`', at + found);
  }
  return -1;
}
