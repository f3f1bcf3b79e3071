/** What is taken out where the configuration says so: personal data, what tells of the machine, protected texts. */
import { PII_FORMS } from './pii.ts';
import type { Span } from './scan.ts';
import type { Sought } from './source.ts';
import { SYSTEM_FORMS } from './system.ts';

const FORMS = { ...PII_FORMS, ...SYSTEM_FORMS };
/** Characters around a number in which a word may stand. */
const REACH = 48;

/** Each finding, in no order; places in UTF-16 code units. Linear. */
export function findMore(text: string, { kinds, texts }: Sought): Span[] {
  const out: Span[] =
    texts === undefined ? [] : texts.find(text).map((place) => ({ rule: 'protected-text', ...place }));
  for (const kind of kinds) {
    for (const { shape, check, begins, near, exact } of FORMS[kind]) {
      for (const { 0: match, index } of text.matchAll(shape)) {
        let { length } = match;
        if (check !== undefined && !check(exact ? match : match.replace(/[ ./()-]/g, '').toUpperCase()))
          length = begins?.(match) ?? 0;
        const end = index + length;
        if (length === 0) continue;
        if (near !== undefined && !near.test(text.slice(Math.max(0, index - REACH), end + REACH))) continue;
        out.push({ rule: kind, start: index, end });
      }
    }
  }
  return out;
}
