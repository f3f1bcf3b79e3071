/**
 * Patterns of JSON Schema are ECMA-262 with the `u` flag (JSON Schema Core 6.4); re2js reads RE2 syntax. This rewrites
 * the first into the second so that every construct either keeps its meaning or is refused: `.`, `\s`, `\uXXXX`,
 * `\cX`, `[^]`, `\p{Long_Name}` differ, and `(?i)`, `\z`, `\Q`, `[[:alpha:]]` would silently mean something else.
 */

/** A pattern that has no linear-time meaning here. The message names the construct. */
export class PatternRefused extends Error {}

// ECMA-262 22.2.2.9: WhiteSpace and LineTerminator.
const SPACE =
  '\\t\\n\\x{0b}\\f\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}';
const NOT_SPACE =
  '\\x{0}-\\x{08}\\x{0e}-\\x{1f}!-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}';
const DOT = '[^\\n\\r\\x{2028}\\x{2029}]';

// ECMA-262 table 69: long names of General_Category.
const CATEGORIES: Readonly<Record<string, string>> = Object.fromEntries(
  `Letter L, Uppercase_Letter Lu, Lowercase_Letter Ll, Titlecase_Letter Lt, Modifier_Letter Lm, Other_Letter Lo, Mark M,
  Combining_Mark M, Nonspacing_Mark Mn, Spacing_Mark Mc, Enclosing_Mark Me, Number N, Decimal_Number Nd, digit Nd,
  Letter_Number Nl, Other_Number No, Punctuation P, punct P, Connector_Punctuation Pc, Dash_Punctuation Pd,
  Open_Punctuation Ps, Close_Punctuation Pe, Initial_Punctuation Pi, Final_Punctuation Pf, Other_Punctuation Po,
  Symbol S, Math_Symbol Sm, Currency_Symbol Sc, Modifier_Symbol Sk, Other_Symbol So, Separator Z, Space_Separator Zs,
  Line_Separator Zl, Paragraph_Separator Zp, Other C, Control Cc, cntrl Cc, Format Cf, Surrogate Cs, Private_Use Co`
    .split(/,\s+/)
    .map((pair) => pair.split(' ') as [string, string]),
);
const CATEGORY = /^(?:L[ultmo]?|M[nce]?|N[dlo]?|P[cdseifo]?|S[mcko]?|Z[slp]?|C[cfso]?)$/;
const RANGES: Readonly<Record<string, string>> = {
  'p{Any}': '\\x{0}-\\x{10ffff}',
  'p{ASCII}': '\\x{0}-\\x{7f}',
  'P{ASCII}': '\\x{80}-\\x{10ffff}',
};

/** RE2 syntax with the meaning of the ECMA-262 pattern. Linear; throws PatternRefused. */
export function toRe2(pattern: string): string {
  let out = '';
  let at = 0;
  while (at < pattern.length) {
    const c = pattern[at]!;
    if (c === '\\') {
      const escape = readEscape(pattern, at, false);
      out += escape.text;
      at = escape.end;
    } else if (c === '[') {
      const set = readClass(pattern, at);
      out += set.text;
      at = set.end;
    } else if (c === '(' && pattern[at + 1] === '?') {
      const group = /^\(\?(?::|<[A-Za-z_$][\w$]*>)/.exec(pattern.slice(at, at + 68));
      if (!group) throw new PatternRefused(`group ${pattern.slice(at, at + 4)} (look-around or flags)`);
      out += group[0] === '(?:' ? '(?:' : '(';
      at += group[0].length;
    } else {
      out += c === '.' ? DOT : c;
      at++;
    }
  }
  return out;
}

interface Piece {
  readonly text: string;
  readonly end: number;
  /** A set like \d, which cannot be the end of a range. */
  readonly set: boolean;
}

function readClass(pattern: string, start: number): { text: string; end: number } {
  let at = start + 1;
  const negated = pattern[at] === '^';
  if (negated) at++;
  let body = '';
  let afterSet = false;
  for (;;) {
    const c = pattern[at];
    if (c === undefined) throw new PatternRefused('character class without an end');
    if (c === ']') break;
    if (c === '\\') {
      const escape = readEscape(pattern, at, true);
      body += escape.text;
      at = escape.end;
      afterSet = escape.set;
      continue;
    }
    // A hyphen beside a set is itself: [\w-.].
    const literal =
      c === '-' && (afterSet || (pattern[at + 1] === '\\' && 'dDsSwWpP'.includes(pattern[at + 2] ?? ' ')));
    body += literal ? '\\-' : c === '[' ? '\\[' : c;
    afterSet = false;
    at++;
  }
  if (body === '') return { text: negated ? '[\\x{0}-\\x{10ffff}]' : '[^\\x{0}-\\x{10ffff}]', end: at + 1 };
  return { text: `[${negated ? '^' : ''}${body}]`, end: at + 1 };
}

function readEscape(pattern: string, start: number, inClass: boolean): Piece {
  const c = pattern[start + 1];
  if (c === undefined) throw new PatternRefused('a backslash at the end');
  const end = start + 2;
  const set = (text: string): Piece => ({ text: inClass ? text : `[${text}]`, end, set: true });
  switch (c) {
    case 'd':
      return set('0-9');
    case 'D':
      return set('\\x{0}-/:-\\x{10ffff}');
    case 'w':
      return set('0-9A-Za-z_');
    case 'W':
      return set('\\x{0}-/:-@\\x{5b}-\\x{5e}`{-\\x{10ffff}');
    case 's':
      return set(SPACE);
    case 'S':
      return set(NOT_SPACE);
    case 'b':
      return { text: inClass ? '\\x{08}' : '\\b', end, set: false };
    case 'B':
      if (inClass) break;
      return { text: '\\B', end, set: false };
    case 't':
    case 'n':
    case 'v':
    case 'f':
    case 'r':
      return point('\t\n\v\f\r'.charCodeAt('tnvfr'.indexOf(c)), end);
    case '0':
      if (/[0-9]/.test(pattern[end] ?? '')) break;
      return point(0, end);
    case 'c': {
      const letter = pattern.charCodeAt(end);
      if (!/[A-Za-z]/.test(pattern[end] ?? '')) break;
      return point(letter % 32, end + 1);
    }
    case 'x':
    case 'u':
      return readCode(pattern, start, c);
    case 'p':
    case 'P':
      return readProperty(pattern, start, c === 'P', inClass);
  }
  if (/[A-Za-z0-9]/.test(c)) throw new PatternRefused(`escape \\${c}`);
  const code = pattern.codePointAt(start + 1)!;
  return point(code, start + 1 + (code > 0xffff ? 2 : 1));
}

function point(code: number, end: number): Piece {
  return { text: `\\x{${code.toString(16)}}`, end, set: false };
}

function readCode(pattern: string, start: number, kind: 'x' | 'u'): Piece {
  const rest = pattern.slice(start, start + 12);
  const found = (kind === 'x' ? /^\\x([0-9a-fA-F]{2})/ : /^\\u(?:([0-9a-fA-F]{4})|\{0*([0-9a-fA-F]{1,6})\})/).exec(
    rest,
  );
  if (!found) throw new PatternRefused(`escape \\${kind}`);
  const code = Number.parseInt(found[1] ?? found[2]!, 16);
  const end = start + found[0].length;
  if (code > 0x10ffff) throw new PatternRefused('escape \\u beyond Unicode');
  if (code < 0xd800 || code > 0xdfff) return point(code, end);
  const low = /^\\u(d[c-f][0-9a-f]{2})/i.exec(pattern.slice(end, end + 6));
  if (code > 0xdbff || !low) throw new PatternRefused('half of a surrogate pair');
  return point(0x10000 + ((code - 0xd800) << 10) + Number.parseInt(low[1]!, 16) - 0xdc00, end + 6);
}

function readProperty(pattern: string, start: number, negated: boolean, inClass: boolean): Piece {
  const found = /^\\[pP]\{(?:([A-Za-z_]{1,20})=)?([A-Za-z_0-9]{1,40})\}/.exec(pattern.slice(start, start + 70));
  if (!found) throw new PatternRefused('escape \\p');
  const [all, key, value] = found;
  const end = start + all.length;
  const sign = negated ? 'P' : 'p';
  if (key === 'Script' || key === 'sc') return { text: `\\${sign}{${value}}`, end, set: true };
  const name = Object.hasOwn(CATEGORIES, value!) ? CATEGORIES[value!]! : value!;
  if ((key !== undefined && key !== 'General_Category' && key !== 'gc') || !CATEGORY.test(name)) {
    const range = RANGES[`${sign}{${value}}`];
    if (key !== undefined || range === undefined) throw new PatternRefused(all);
    return { text: inClass ? range : `[${range}]`, end, set: true };
  }
  return { text: `\\${sign}{${name}}`, end, set: true };
}
