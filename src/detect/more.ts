/** What is taken out where the configuration says so: personal data, what tells of the machine, protected texts. */
import { ONE_GO, type Slices } from '../core/slices.ts';
import { isFlat } from './digits.ts';
import { PII_FORMS } from './pii.ts';
import type { Span } from './scan.ts';
import type { Sought } from './source.ts';
import { SYSTEM_FORMS } from './system.ts';

const FORMS = { ...PII_FORMS, ...SYSTEM_FORMS };
/** Characters around a number in which a word may stand. */
const REACH = 48;

/** Each finding, in no order; places in UTF-16 code units. `name`: what the text is the value of. Linear, in slices. */
export function* findMore(text: string, { kinds, texts }: Sought, name?: string): Slices<Span[]> {
  const out: Span[] =
    texts === undefined ? [] : texts.find(text).map((place) => ({ rule: 'protected-text', ...place }));
  for (const kind of kinds) {
    for (const { shape, check, begins, near, alone, apart, exact } of FORMS[kind]) {
      if (text.length > ONE_GO) yield;
      for (const { 0: match, index } of text.matchAll(shape)) {
        let { length } = match;
        if (kind === 'national-id' && isFlat(match.replace(/\W/g, ''))) continue;
        if (check !== undefined && !check(exact ? match : match.replace(/[ ./():-]/g, '').toUpperCase()))
          length = begins?.(match) ?? 0;
        const end = index + length;
        if (length === 0) continue;
        if (near !== undefined && !near.test(around(text, index, end, name))) {
          if (alone !== true || name !== undefined || !isAll(text, index, end)) continue;
        }
        if (apart === true && inRow(text, index, end)) continue;
        out.push({ rule: kind, start: index, end });
      }
    }
  }
  return out;
}

/** What stands near it, and the name where nothing is between. */
function around(text: string, start: number, end: number, name: string | undefined): string {
  const near = text.slice(Math.max(0, start - REACH), end + REACH);
  return name === undefined || start > REACH ? near : `${name}: ${near}`;
}

/** The text is nothing else, quotes and a full stop apart. */
function isAll(text: string, start: number, end: number): boolean {
  return start < REACH && text.length - end < REACH && /^[\s"'.]*$/.test(text.slice(0, start) + text.slice(end));
}

/** Numbers before or after it: a row of a table. */
function inRow(text: string, start: number, end: number): boolean {
  return (
    /[0-9][ \t,;|]{1,3}$/.test(text.slice(Math.max(0, start - 4), start)) ||
    /^[ \t,;|]{1,3}[0-9]/.test(text.slice(end, end + 4))
  );
}
