/**
 * Payment card numbers (guarantee OU2): Luhn, issuer ranges and lengths, and either the usual grouping or a word such as
 * "card" near by, because one order number in ten passes Luhn alone. Every twelfth byte is probed: thirteen digits cannot
 * hide between two probes.
 */
import data from './data/cards.json' with { type: 'json' };
import type { Work } from './shape.ts';

interface Range {
  readonly from: number;
  readonly to: number;
  /** Digits of `from`. */
  readonly digits: number;
  readonly lengths: ReadonlySet<number>;
  /** Never written in groups. */
  readonly plain: boolean;
}
const RANGES: readonly Range[] = data.issuers.flatMap(({ prefixes, lengths, plain = false }) =>
  prefixes.map((prefix) => {
    const [from, to = from] = prefix.split('-');
    return { from: Number(from), to: Number(to), digits: from!.length, lengths: new Set(lengths), plain };
  }),
);
/** The first two digits of numbers that are written in groups. */
const LEADS = new Set(
  Array.from({ length: 100 }, (_, lead) => lead).filter((lead) =>
    RANGES.some(({ from, to, digits, plain }) => {
      if (plain) return false;
      const [low, high] = [from, to].map((n) => Math.floor(n * 10 ** (2 - digits)));
      return digits === 1 ? Math.floor(lead / 10) === from : lead >= low! && lead <= high!;
    }),
  ),
);
const NEAR = new RegExp(data.near.join('|'), 'i');
const AGAINST = new RegExp(`(?:${data.against.join('|')})[^a-z]*$`, 'i');
const STRIDE = 12;
/** How far a word may be from the number, in characters. */
const REACH = 48;

/** Where a search for cards goes on. */
export interface Place {
  /** The next probe, or the one that hit the run of digits that is gone through. */
  probe: number;
  /** In that run; -1 between two. */
  run: number;
  /** The digit before `run` belongs to the same group. */
  group: boolean;
}
export function start(): Place {
  return { probe: 0, run: -1, group: false };
}

/**
 * Reports each card number in `bytes` that begins before `to`, in order, and moves `place` there. `context` answers the
 * text of a stretch; undefined = no context is asked, every number that could be one counts.
 */
export function findCards(
  bytes: Uint8Array,
  length: number,
  context: ((from: number, to: number) => string) | undefined,
  work: Work,
  found: (start: number, end: number) => void,
  place: Place = start(),
  to = length,
): void {
  for (let i = place.probe; ; i += STRIDE) {
    let p = place.run;
    if (p < 0) {
      while (i < to && !inNumber(bytes, i)) i += STRIDE;
      if (i >= to) {
        place.probe = i;
        return;
      }
      p = i;
      while (p > 0 && inNumber(bytes, p - 1)) p--;
      place.group = false;
    }
    for (; p < length && inNumber(bytes, p); p++) {
      if (p >= to) {
        place.probe = i;
        place.run = p;
        return;
      }
      if (!isDigit(bytes[p]!)) place.group = false;
      else if (!place.group) {
        place.group = true;
        const end = cardAt(bytes, p, length, context, work);
        if (end < 0) continue;
        found(p, end);
        p = end - 1;
      }
    }
    place.run = -1;
    work.steps += p - i;
    i += Math.floor((p - i) / STRIDE) * STRIDE;
  }
}

/** A digit, or a single mark between two. */
function inNumber(bytes: Uint8Array, at: number): boolean {
  const c = bytes[at]!;
  return isDigit(c) || (isMark(c) && at > 0 && isDigit(bytes[at - 1]!) && isDigit(bytes[at + 1] ?? 0));
}

/** The end of the card number that begins with the group of digits at `start`, or -1. */
function cardAt(
  bytes: Uint8Array,
  start: number,
  length: number,
  context: ((from: number, to: number) => string) | undefined,
  work: Work,
): number {
  let end = start;
  while (end < length && end - start < 20 && isDigit(bytes[end]!)) end++;
  work.steps += end - start;
  if (end - start >= 13 && end - start <= 19) {
    if (!freeBefore(bytes, start) || !freeAfter(bytes, end, length) || !isCard(bytes, start, end)) return -1;
    if (context === undefined) return end;
    work.steps += 4 * REACH;
    return hasContext(context, start, end, length) ? end : -1;
  }
  const lead = 10 * (bytes[start]! - 48) + bytes[start + 1]! - 48;
  return end - start === 4 && LEADS.has(lead) && freeBefore(bytes, start) && !followsIban(bytes, start)
    ? groupsEnd(bytes, start, length, context, work)
    : -1;
}

/** The end of a card number written in its usual groups with one and the same mark between them, or -1. */
function groupsEnd(
  bytes: Uint8Array,
  start: number,
  length: number,
  context: ((from: number, to: number) => string) | undefined,
  work: Work,
): number {
  const mark = bytes[start + 4] ?? 0;
  if (!isMark(mark)) return -1;
  let layout = 0;
  let p = start;
  let best = -1;
  for (let group = 0; group < 5; group++) {
    const from = p;
    while (p < length && p - from < 7 && isDigit(bytes[p]!)) p++;
    layout = layout * 10 + (p - from);
    if (LAYOUTS.has(layout) && freeAfter(bytes, p, length) && isCard(bytes, start, p)) best = p;
    if (bytes[p] !== mark || p === from) break;
    p++;
  }
  work.steps += 3 * (p - start);
  if (best < 0 || context === undefined || !amongOthers(bytes, start, best, mark)) return best;
  work.steps += 4 * REACH;
  return hasContext(context, start, best, length) ? best : -1;
}

/** More numbers before or after: a table, where one in a hundred is a card by chance. A security code may follow. */
function amongOthers(bytes: Uint8Array, start: number, end: number, mark: number): boolean {
  return (
    (bytes[start - 1] === mark && isNumber(bytes, start - 2, -1, 2)) ||
    (bytes[end] === mark && isNumber(bytes, end + 1, 1, 4))
  );
}

/** At least `least` letters and digits, with a digit among the first six. */
function isNumber(bytes: Uint8Array, at: number, step: 1 | -1, least: number): boolean {
  let digit = false;
  let count = 0;
  for (let p = at; count < 6 && isWord(bytes[p] ?? 0); p += step) {
    digit ||= isDigit(bytes[p]!);
    count++;
  }
  return digit && count >= least;
}
const LAYOUTS = new Set(data.layouts.map((groups) => Number(groups.join(''))));

function hasContext(
  context: (from: number, to: number) => string,
  start: number,
  end: number,
  length: number,
): boolean {
  const before = context(Math.max(0, start - REACH), start);
  const after = context(end, Math.min(length, end + REACH));
  if (NEAR.test(before) || NEAR.test(after)) return !AGAINST.test(before);
  return /^[\s"'.]*$/.test(before) && start < REACH && /^[\s"'.]*$/.test(after) && end + REACH > length;
}

/** Luhn over the digits, and an issuer's range with this length. */
export function isCard(bytes: Uint8Array, start: number, end: number): boolean {
  let sum = 0;
  let digits = 0;
  for (let p = end - 1; p >= start; p--) {
    const d = bytes[p]! - 48;
    if (d < 0 || d > 9) continue;
    const doubled = digits % 2 === 1 ? 2 * d : d;
    sum += doubled > 9 ? doubled - 9 : doubled;
    digits++;
  }
  if (sum % 10 !== 0 || sum === 0) return false;
  let head = 0;
  let count = 0;
  for (let p = start; p < end && count < 6; p++) {
    const d = bytes[p]! - 48;
    if (d < 0 || d > 9) continue;
    head = head * 10 + d;
    count++;
  }
  return RANGES.some((range) => {
    const lead = Math.floor(head / 10 ** (6 - range.digits));
    return lead >= range.from && lead <= range.to && range.lengths.has(digits);
  });
}

/** `RS35 2600 0560 ...`: the groups of an account number begin with country and check digits. */
function followsIban(bytes: Uint8Array, start: number): boolean {
  if (start < 5 || bytes[start - 1] !== 0x20) return false;
  return (
    isUpper(bytes[start - 5]!) && isUpper(bytes[start - 4]!) && isDigit(bytes[start - 3]!) && isDigit(bytes[start - 2]!)
  );
}

/** No letter, digit or decimal point before; an escape such as `\n` is none of them. */
function freeBefore(bytes: Uint8Array, start: number): boolean {
  const before = bytes[start - 1];
  if (before === undefined) return true;
  if (isWord(before)) return bytes[start - 2] === 0x5c;
  return !(
    (before === 0x2e || before === 0x2d || before === 0x2b) &&
    start >= 2 &&
    isWord(bytes[start - 2]!) &&
    bytes[start - 3] !== 0x5c
  );
}
function freeAfter(bytes: Uint8Array, end: number, length: number): boolean {
  if (end >= length) return true;
  const after = bytes[end]!;
  if (isWord(after)) return false;
  return !((after === 0x2e || after === 0x2d) && end + 1 < length && isWord(bytes[end + 1]!));
}

function isUpper(c: number): boolean {
  return c >= 0x41 && c <= 0x5a;
}
function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39;
}
/** Space, hyphen. */
function isMark(c: number): boolean {
  return c === 0x20 || c === 0x2d;
}
function isWord(c: number): boolean {
  return isDigit(c) || (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a) || c === 0x5f;
}
