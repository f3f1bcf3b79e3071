/**
 * The one pass over a text: keywords, then at each hit the matchers of its rules, anchored and bounded. However many
 * rules there are, the work is linear: a run at which a rule failed is not entered twice, and a budget of steps ends a
 * scan that hostile text makes dear. The caller then fails closed (`overflow`).
 */

import type { Slices } from '../core/slices.ts';
import { assignment } from './assigned.ts';
import { findCards, start } from './cards.ts';
import { command } from './commands.ts';
import { encoded } from './encoded.ts';
import { entropy } from './entropy.ts';
import { isSequence } from './judge.ts';
import { authorization, base64Lines, basicPair, bearer, curl, pem, pgpass, putty, url } from './matchers.ts';
import { nextText, pieced } from './pieces.ts';
import { isPublished } from './published.ts';
import { byKeyword, keywords, type Rule, rules, sizes } from './rules.ts';
import { ALNUM, classOf, matchShape, WORD, type Work } from './shape.ts';
import { type Match, runEnd, type Source, text } from './source.ts';

export interface Span {
  /** Id of the rule: what the replacement, the verdict and the audit log name. */
  readonly rule: string;
  /** In bytes (or UTF-16 code units, for a text): what is replaced. */
  start: number;
  end: number;
}
export interface Scan {
  readonly spans: readonly Span[];
  /** Hostile text made the scan too dear: nothing of the text may pass. */
  readonly overflow: boolean;
  /** Where a token begins that may be complete with further bytes; the length if there is none. */
  readonly open: number;
}

/** What documentation writes in place of letters, and one group of them three times. */
const MASK = /x{6}|X{6}|\*{4}|#{4}|([A-Za-z0-9]{3,8})[-_.]\1[-_.]\1/;
/**
 * Steps that scans may still take; one is about a nanosecond. Each byte adds ten: 1 MB ends after 13 ms at the latest, in
 * one text or in thousands. Raw JSON gets less, because it is looked at again when it is parsed.
 */
export interface Budget {
  left: number;
}
export function budget(): Budget {
  return { left: 3_000_000 };
}
const STEPS_PER_BYTE = 10;
const RAW_STEPS_PER_BYTE = 4;
/** What a hit, and each rule that is tried there, cost before they look at a byte. */
const HIT = 20;
const TRY = 15;

/**
 * Everything to replace in `bytes[0..length)`, in order, without overlap. In `raw` mode the bytes are a JSON text that was
 * not parsed: the first candidate ends the scan, and none proves that the parsed strings hold none either.
 */
export function scan(bytes: Buffer, length: number, raw: boolean, purse?: Budget, prose?: boolean): Scan {
  // Only what is decoded inside a scan is scanned before that one is over.
  const { keys, cards, end } = begin(bytes, length, raw, purse, prose, decoding ? undefined : ended);
  if (!keys(0, length)) cards(length);
  return end();
}

/** By rule, where its last failed run ended: of the scan that is under way and has no pauses. */
const ended = new Int32Array(rules.length);

/** Bytes that are scanned between two `yield`s: of hostile text they take a millisecond. */
const SECTION = 2 * 1024;

/** The same in slices. `bytes` must be the caller's own until it is over. */
export function* scanning(bytes: Buffer, length: number, raw: boolean, purse?: Budget, prose?: boolean): Slices<Scan> {
  const { keys, cards, end } = begin(bytes, length, raw, purse, prose);
  for (let from = 0; from < length; from += SECTION) {
    if (from > 0) yield;
    if (keys(from, from + SECTION)) return end();
  }
  for (let to = SECTION; to < length; to += SECTION) {
    cards(to);
    yield;
  }
  cards(length);
  return end();
}

/**
 * One scan: first `keys`, section behind section, until one answers true and all is known; then `cards`, up to one place
 * behind the other; then `end`.
 */
function begin(bytes: Buffer, length: number, raw: boolean, purse = budget(), prose = true, scratch?: Int32Array) {
  const work: Work = { steps: 0, dead: 0, at: 0, open: length };
  const source: Source = { bytes, length, raw, work, prose };
  purse.left += (raw ? RAW_STEPS_PER_BYTE : STEPS_PER_BYTE) * length;
  let dead: Int32Array | undefined; // most texts have no hit
  const spans: (Span & { soft: boolean })[] = [];
  let done = 0;
  let overflow = false;

  const hit = (keyword: number, start: number): boolean => {
    if (start < done) return false;
    work.steps += HIT;
    dead ??= scratch?.fill(0) ?? new Int32Array(rules.length);
    for (const rule of byKeyword[keyword]!) {
      if (start < dead[rule.index]!) continue;
      work.steps += TRY;
      const match = matchRule(rule, source, start, sizes[keyword]!, dead);
      if (work.steps > purse.left) {
        overflow = true;
        return true;
      }
      if (match === undefined || match.end <= match.start) continue;
      spans.push({ rule: match.rule ?? rule.id, start: match.start, end: match.end, soft: match.soft === true });
      if (raw) return true;
      if (match.soft !== true) done = Math.max(done, match.end);
      if (rule.id === 'aws-access-key-id') awsSecret(source, match.end, spans);
      return false;
    }
    return false;
  };
  const context = raw ? undefined : (from: number, to: number) => text(source, from, to);
  const place = start();
  const card = (start: number, end: number): void => {
    spans.push({ rule: 'card-number', start, end, soft: true });
  };
  return {
    keys: (from: number, to: number): boolean => keywords.each(bytes, length, hit, from, to),
    cards: (to: number): void => findCards(bytes, length, context, work, card, place, to),
    end(): Scan {
      if (overflow) purse.left = -1;
      if (overflow || (raw && spans.length > 0)) return { spans, overflow, open: work.open };
      purse.left -= work.steps;
      return { spans: joined(spans), overflow: purse.left < 0, open: work.open };
    },
  };
}

function matchRule(rule: Rule, s: Source, start: number, size: number, dead: Int32Array): Match | undefined {
  switch (rule.matcher) {
    case undefined:
      return token(rule, s, start, size, dead);
    case 'pem':
      return pem(s, start);
    case 'putty':
      return putty(s, start);
    case 'url':
      return url(s, start);
    case 'authorization':
      return ALNUM[s.bytes[start - 1] ?? 0] === 1 && s.bytes[start - 2] !== 0x5c ? undefined : authorization(s, start);
    case 'bearer':
      return free(s.bytes, start) ? bearer(s, start) : undefined;
    case 'curl':
      return free(s.bytes, start) ? curl(s, start) : undefined;
    case 'command':
      return free(s.bytes, start) ? command(s, start, size, rule) : undefined;
    case 'pair':
      return basicPair(s, start);
    case 'pgpass':
      return pgpass(s, start);
    case 'encoded':
      return decoding ? undefined : encoded(s, start, rule.form ?? 0, inside);
    case 'assignment':
      return assignment(s, start, size);
    default:
      throw new Error(`no matcher ${rule.matcher}`);
  }
}

function token(rule: Rule, s: Source, at: number, size: number, dead: Int32Array): Match | undefined {
  const { bytes, length, raw, work } = s;
  let start = at;
  if (rule.back !== undefined) {
    const least = Math.max(0, at - rule.back.max);
    while (start > least && rule.back.set[bytes[start - 1]!] === 1) start--;
    work.steps += at - start;
    if (at - start < rule.back.min) return undefined;
  }
  if (rule.left !== 'any' && !free(bytes, start, rule.left === 'strict')) return undefined;
  let end = matchShape(rule.shape, bytes, at, length, work);
  if (end < 0) {
    if (work.dead > 0) dead[rule.index] = work.dead;
    return rule.major === true && size >= 4 && rule.back === undefined ? cut(rule, s, start, size) : undefined;
  }
  if (end < length && WORD[bytes[end]!] === 1 && WORD[bytes[end - 1]!] === 1) return undefined;
  // A mask follows, and no end of what stands in bold.
  const mark = bytes[end];
  if ((mark === 0x23 || mark === 0x2a) && bytes[end + 1] === mark) {
    if (bytes[start - 1] !== mark || bytes[start - 2] !== mark) return undefined;
  }
  while (end > at && bytes[end - 1] === 0x2e) end--;
  const body = text(s, rule.back === undefined ? at + size : start, end);
  work.steps += 300 + 2 * body.length;
  const unsure = raw && rule.near !== undefined;
  if (!unsure && !(isRandom(rule, body) && isNear(rule, s, start, end) && !isPublished(text(s, start, end)))) {
    dead[rule.index] = end;
    return undefined;
  }
  if (rule.lines === true) end = base64Lines(s, end);
  return { start: start + (rule.keep ?? 0), end, soft: rule.soft === true };
}

/** A token whose text ends before it: the next text may go on with it. */
function cut(rule: Rule, s: Source, start: number, size: number): Match | undefined {
  const end = s.work.at ?? start;
  if (nextText(s, end) < 0) return undefined;
  if (s.raw) return { start, end };
  const found = pieced(s, rule.shape, start, end);
  if (found === undefined || !isRandom(rule, found.token.slice(size)) || isPublished(found.token)) return undefined;
  return isNear(rule, s, start, found.end) ? { start, end: found.end } : undefined;
}

/** The first token of bytes that were decoded. */
function inside(bytes: Buffer): Span | undefined {
  if (decoding) return undefined;
  decoding = true;
  try {
    return scan(bytes, bytes.length, false, { left: 10_000 }).spans[0];
  } finally {
    decoding = false;
  }
}
/** Only one layer is opened. */
let decoding = false;
const BASE64 = classOf('A-Za-z0-9+/');

interface Quality {
  readonly entropy?: number;
  readonly digits?: number;
  readonly never?: string;
}

/** Neither a mask nor a word: what documentation puts where the token goes is left alone. */
function isRandom(rule: Quality, body: string): boolean {
  if (MASK.test(body) || (rule.never !== undefined && body.includes(rule.never))) return false;
  if (rule.digits !== undefined && body.replace(/[^0-9]/g, '').length < rule.digits) return false;
  return rule.entropy === undefined || (entropy(body) >= rule.entropy && (rule.entropy < 3.3 || !isSequence(body)));
}

function isNear(rule: Rule, s: Source, start: number, end: number): boolean {
  if (rule.near === undefined) return true;
  const reach = 96;
  s.work.steps += 2 * reach;
  const near = new RegExp(rule.near, 'i');
  return near.test(text(s, Math.max(0, start - reach), end + reach));
}

/** Forty base64 characters soon after an access key id are its secret, whatever stands between. */
function awsSecret(s: Source, from: number, spans: (Span & { soft: boolean })[]): void {
  const most = Math.min(s.length, from + 160);
  for (let p = from; p < most; ) {
    const end = runEnd(s, BASE64, p, 64);
    if (end - p === 40 && s.bytes[end] !== 0x3d && entropy(text(s, p, end)) >= 4.2) {
      spans.push({ rule: 'aws-secret-access-key', start: p, end, soft: true });
      return;
    }
    p = end + 1;
  }
}

/** No letter or digit stands before: the start, a mark, the end of an escape (`\\n`, `%3D`, `\\u0022`, `ESC[94m`). */
function free(bytes: Uint8Array, at: number, strict = false): boolean {
  if (at === 0) return true;
  const before = bytes[at - 1]!;
  if (strict && (before === 0x2d || before === 0x2e || before === 0x2f)) return false;
  if (WORD[before] === 0 || bytes[at - 2] === 0x5c || bytes[at - 3] === 0x25) return true;
  if (bytes[at - 6] === 0x5c && bytes[at - 5] === 0x75) return true;
  if (before !== 0x6d) return false;
  let p = at - 2;
  while (p > at - 12 && (bytes[p] === 0x3b || (bytes[p]! >= 0x30 && bytes[p]! <= 0x39))) p--;
  return bytes[p] === 0x5b;
}

/** In order, overlaps joined under the rule that knows more. */
export function joined(spans: (Span & { soft?: boolean })[]): Span[] {
  if (spans.length < 2) return spans;
  spans.sort((a, b) => a.start - b.start || b.end - a.end);
  const out: (Span & { soft?: boolean })[] = [];
  for (const span of spans) {
    const last = out.at(-1);
    if (last === undefined || span.start >= last.end) out.push(span);
    else {
      const rule = last.soft === true && span.soft !== true ? span.rule : last.rule;
      const soft = last.soft === true && span.soft === true;
      out[out.length - 1] = { rule, start: last.start, end: Math.max(last.end, span.end), soft };
    }
  }
  return out;
}
