/** What matchers read: bytes, one for each UTF-16 code unit of a text or as a stream brought them. */
import type { PiiKind } from './pii.ts';
import type { Protected } from './protected.ts';
import { classOf, type Work } from './shape.ts';
import type { SystemKind } from './system.ts';

export type Kind = PiiKind | SystemKind;

/** What is looked for beside what always is. */
export interface Sought {
  /** Values that a sentence gives away (`the password is ...`), also where they do not look made up. */
  readonly prose: boolean;
  /** Kinds of personal data, and of what tells of the machine. */
  readonly kinds: readonly Kind[];
  readonly texts?: Protected;
}
export const USUAL: Sought = { prose: true, kinds: [] };

/** Whether clean of secrets is not clean yet. */
export function seeksMore({ kinds, texts }: Sought): boolean {
  return kinds.length > 0 || texts !== undefined;
}

export interface Source {
  readonly bytes: Buffer;
  readonly length: number;
  /**
   * The bytes are a JSON text that was not parsed. Then an escape near a candidate makes it a match, because only the
   * parsed string can tell.
   */
  readonly raw: boolean;
  readonly work: Work;
  readonly prose: boolean;
}

/** What to replace. `soft`: a finer rule that matches inside wins. */
export interface Match {
  readonly start: number;
  readonly end: number;
  readonly soft?: boolean;
  /** Where the matcher knows more than its rule. */
  readonly rule?: string;
}

export const BACKSLASH = 0x5c;
const BLANK = classOf(' \t');

export function text(s: Source, from: number, to: number): string {
  return s.bytes.toString('latin1', from, Math.min(to, s.length));
}

/** The end of the run of `set` at `at`, at most `max` long. */
export function runEnd(s: Source, set: Uint8Array, at: number, max: number): number {
  const most = Math.min(s.length, at + max);
  let p = at;
  while (p < most && set[s.bytes[p]!] === 1) p++;
  s.work.steps += p - at + 2;
  return p;
}

export function skipBlanks(s: Source, at: number, max: number): number {
  return runEnd(s, BLANK, at, max);
}

export function isQuote(c: number | undefined): boolean {
  return c === 0x22 || c === 0x27 || c === 0x60;
}

export function hasBackslash(s: Source, from: number, to: number): boolean {
  const end = Math.min(to, s.length);
  s.work.steps += Math.max(0, end - from);
  for (let p = from; p < end; p++) if (s.bytes[p] === BACKSLASH) return true;
  return false;
}
