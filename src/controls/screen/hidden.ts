/** Hidden text in a JSON value: invisible and direction-changing characters, terminal sequences. */
import { isAscii } from 'node:buffer';
import { type Slices, whole } from '../../core/slices.ts';
import {
  findInvisible,
  findingInvisible,
  type Invisible,
  mayHoldInvisible,
  stripInvisible,
} from '../../detect/invisible.ts';
import { mayLink, withoutLeaking, withoutLeaks } from '../../detect/links.ts';
import { unmixed, unmixing } from '../../detect/normalise.ts';
import { isRawNumber, type Json, type JsonObject } from '../../lib/json/types.ts';
import type { Severity } from './rules.ts';

export interface Seen {
  /** Undefined: nothing is hidden. */
  readonly severity: Severity | undefined;
  /** The kinds that were found, for the log. */
  readonly what: string;
  /** Without what is hidden; the same object when nothing is. */
  readonly value: Json;
}

// ECMA-48: CSI sequences (colours, cursor), OSC and other strings up to BEL or ST, and two-character escapes.
const CSI = '(?:\\u001b\\[|\\u009b)[0-?]{0,64}[ -/]{0,8}[@-~]';
const STRING =
  '(?:\\u001b[\\]PX^_]|[\\u009d\\u0090\\u0098\\u009e\\u009f])[^\\u0007\\u001b\\u009c]{0,4096}(?:\\u0007|\\u001b\\\\|\\u009c)?';
const SHORT = '\\u001b[ -/]{0,4}[0-~]';
const COLOUR_SEQUENCE = '\\u001b\\[[0-9;:]{0,64}m';
const COLOUR = new RegExp(COLOUR_SEQUENCE, 'g');
const TERMINAL = new RegExp(`${CSI}|${STRING}|${SHORT}`, 'g');

/** False proves that no string of this JSON text hides or carries anything: plain ASCII, no escape of a control character, no link. */
export function mayHide(bytes: Uint8Array): boolean {
  // A raw control character cannot stand in JSON, but DEL can.
  if (!isAscii(bytes) || bytes.includes(0x7f) || mayLink(bytes)) return true;
  if (!bytes.includes(0x5c)) return false;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return ESCAPES.some((escape) => buffer.includes(escape, 0, 'latin1'));
}
const ESCAPES = ['\\u', '\\b', '\\f'];

/** `limit`: from so many invisible characters on it is a hidden text. */
export function reveal(value: Json, limit: number): Seen {
  return whole(revealing(value, limit));
}

/** The same in slices. */
export function* revealing(value: Json, limit: number): Slices<Seen> {
  const walk = new Walk(limit);
  const shown = yield* walk.value(value);
  return { severity: walk.severity, what: [...walk.kinds].join(' '), value: shown };
}

/** Code units between two `yield`s, and what each string costs beside its length. */
const SECTION = 16 * 1024;
const EACH = 64;

class Walk {
  severity: Severity | undefined;
  readonly kinds = new Set<string>();
  #hidden = 0;
  #looked = 0;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  *value(value: Json): Slices<Json> {
    if (this.#looked > SECTION) {
      this.#looked = 0;
      yield;
    }
    if (typeof value === 'string') return yield* this.text(value);
    if (typeof value !== 'object' || value === null || isRawNumber(value)) return value;
    return yield* Array.isArray(value) ? this.array(value) : this.object(value);
  }

  *text(text: string): Slices<string> {
    this.#looked += text.length + EACH;
    if (this.severity === 'high') return text;
    const long = text.length > SECTION;
    let shown = long ? yield* unmixing(text) : unmixed(text);
    // A suffix in the other script is how people write; a look-alike among Latin letters is not.
    if (shown !== text) this.low('look-alike');
    if (long) yield;
    const closed = long ? yield* withoutLeaking(shown) : withoutLeaks(shown);
    if (closed !== shown) this.low('link');
    shown = closed;
    if (long) yield;
    if (!mayHoldInvisible(shown)) return shown;
    if (text.includes('\u001b') || /[\u0090\u0098\u009b\u009d-\u009f]/.test(text)) {
      // Colours are what command line programs print; anything else moves the cursor or talks to the terminal.
      const plain = shown.replace(COLOUR, '');
      if (plain !== shown) this.low('colour');
      shown = plain.replace(TERMINAL, '');
      if (shown !== plain) this.low('terminal');
    }
    if (long) yield;
    const found = long
      ? yield* findingInvisible(shown, this.#limit + MOST_CONTROLS)
      : findInvisible(shown, this.#limit + MOST_CONTROLS);
    if (found.length === 0) return shown;
    for (const { kind } of found) this.low(kind);
    this.#hidden += found.filter(({ kind }) => kind !== 'control').length;
    if (this.#hidden >= this.#limit || found.length > MOST_CONTROLS || spells(found)) this.severity = 'high';
    return this.severity === 'high' ? shown : stripInvisible(shown, found);
  }

  low(kind: string): void {
    this.kinds.add(kind);
    this.severity ??= 'low';
  }

  *array(items: Json[]): Slices<Json[]> {
    let out = items;
    for (let i = 0; i < items.length; i++) {
      const shown = yield* this.value(items[i]!);
      if (shown === items[i]) continue;
      if (out === items) out = items.slice();
      out[i] = shown;
    }
    return out;
  }

  *object(object: JsonObject): Slices<JsonObject> {
    let out: JsonObject | undefined;
    for (const name of Object.keys(object)) {
      const shown = yield* this.value(object[name]!);
      const shownName = yield* this.text(name);
      if (out === undefined) {
        if (shown === object[name] && shownName === name) continue;
        out = {};
        for (const before of Object.keys(object)) {
          if (before === name) break;
          out[before] = object[before]!;
        }
      }
      // Two names that look alike are no longer two names: the shape cannot be kept.
      if (shownName in out) this.severity = 'high';
      out[shownName] = shown;
    }
    return out ?? object;
  }
}

/** Control characters in one string from which it is no longer a stray one. */
const MOST_CONTROLS = 4096;
/** Tag characters that spell a word, or selectors behind each other that carry bytes. */
const WORD = 4;

function spells(found: readonly Invisible[]): boolean {
  let run = 0;
  for (let i = 0; i < found.length; i++) {
    const { kind, index } = found[i]!;
    if (kind !== 'tag' && kind !== 'variation') continue;
    const before = found[i - 1];
    const follows = before !== undefined && before.kind === kind && index - before.index <= 2;
    run = follows ? run + 1 : 1;
    if (run === WORD) return true;
  }
  return false;
}
