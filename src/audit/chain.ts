/**
 * One entry is one line of JSON, and every line carries the SHA-256 of the bytes of the line before it. Whoever checks
 * hashes what is stored and never serialises again, so a line has one reading.
 */
import { sha256Hex } from '../lib/bytes.ts';

/** Where a log stands: how many entries it has, and the hash of the last one. */
export interface Head {
  readonly size: number;
  /** 64 hex digits over the last line without its line end. */
  readonly hash: string;
}

/** Before the first entry. */
export const GENESIS: Head = Object.freeze({ size: 0, hash: '0'.repeat(64) });

/**
 * intent: durable before a call is dispatched. outcome: the end of such a call. call: the only entry of a call that was
 * not dispatched. attempt: refused before it was a call. strangers: attempts and limit stops of one minute, added up.
 * event: something that happened to the gateway. checkpoint: a signed note over all entries before it.
 */
export type Kind = 'intent' | 'outcome' | 'call' | 'attempt' | 'strangers' | 'event' | 'checkpoint';

/** What every line begins with. */
export interface Front {
  readonly v: 1;
  readonly log: string;
  readonly seq: number;
  readonly prev: string;
  readonly at: string;
  readonly kind: Kind;
}

// Controls, line separators, invisible and direction-changing characters: JSON lets most of them stand as they are.
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cf}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}\p{Variation_Selector}\u2800]/gu;
const DEL = 0x7f;

function escapeUnits(character: string): string {
  let out = '';
  for (let i = 0; i < character.length; i++) out += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
  return out;
}

/**
 * The next line, with its line end. `log` and `at` are ours and need no escape; `body` are members as JSON text. What
 * could act on a terminal, or hide, becomes its `\u` escape (guarantee AU6); JSON has escaped the rest already.
 */
export function line(log: string, head: Head, at: string, kind: Kind, body: string): Buffer {
  const text = `{"v":1,"log":"${log}","seq":${head.size},"prev":"${head.hash}","at":"${at}","kind":"${kind}",${body}}\n`;
  const bytes = Buffer.from(text);
  // As many bytes as UTF-16 units: all ASCII, where only DEL is left to hide.
  if (bytes.length === text.length && !bytes.includes(DEL)) return bytes;
  return Buffer.from(`${text.slice(0, -1).replace(UNSAFE, escapeUnits)}\n`);
}

/** `bytes` = the line without its line end. */
export function after(head: Head, bytes: Uint8Array): Head {
  return { size: head.size + 1, hash: sha256Hex(bytes) };
}

/** The parsed line if it is one of ours; undefined otherwise. Members beside those of `Front` are not looked at. */
export function parseLine(bytes: Uint8Array): (Front & Record<string, unknown>) | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { v, log, seq, prev, at, kind } = value as Partial<Front>;
  const good =
    v === 1 &&
    typeof log === 'string' &&
    Number.isSafeInteger(seq) &&
    typeof prev === 'string' &&
    typeof at === 'string' &&
    typeof kind === 'string';
  return good ? (value as Front & Record<string, unknown>) : undefined;
}
