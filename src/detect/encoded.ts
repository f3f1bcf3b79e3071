/** Tokens inside base64 and hex, wherever they begin in it. One layer is opened. */
import { classOf } from './shape.ts';
import { BACKSLASH, type Match, runEnd, type Source, text } from './source.ts';

/** How a beginning of a token was written: in hex, or in base64 so many bytes behind a group of three. */
export type Form = 'hex' | 0 | 1 | 2;
export const ENCODED_FORMS: readonly Form[] = [0, 1, 2, 'hex'];

const BASE64 = classOf('A-Za-z0-9+/');
const PADDING = classOf('=');
const HEX = classOf('A-Fa-f0-9');
const MOST = 4096;
/** What the shortest token takes. */
const LEAST = 24;

/** The characters that a beginning determines, whatever stands around it. */
export function beginning(token: string, form: Form): string {
  if (form === 'hex') return Buffer.from(token, 'latin1').toString('hex');
  const bits = 8 * (form + token.length);
  return Buffer.from('\0'.repeat(form) + token, 'latin1')
    .toString('base64')
    .slice(Math.ceil((8 * form) / 6), Math.floor(bits / 6));
}

/** `open` answers the token that stands in some bytes. */
export function encoded(
  s: Source,
  start: number,
  form: Form,
  open: (bytes: Buffer) => Pick<Match, 'start' | 'end'> | undefined,
): Match | undefined {
  const hex = form === 'hex';
  const group = hex ? start : start - Math.ceil((8 * form) / 6);
  if (group < 0) return undefined;
  const end = runEnd(s, hex ? HEX : BASE64, start, MOST);
  if (end - start < LEAST) return undefined;
  const bytes = Buffer.from(text(s, group, end), hex ? 'hex' : 'base64');
  s.work.steps += 1000 + 4 * bytes.length;
  const skip = hex ? 0 : form;
  const found = open(bytes.subarray(skip));
  if (found === undefined || found.start > 3) return undefined;
  // What begins with a token goes whole; of a longer text the token alone.
  const first = !hex && form === 0 && (BASE64[s.bytes[start - 1] ?? 0] !== 1 || s.bytes[start - 2] === BACKSLASH);
  if (first) return { start, end: runEnd(s, PADDING, end, 2) };
  const at = (index: number, round: (x: number) => number): number => group + round((skip + index) * (hex ? 2 : 4 / 3));
  return { start: at(found.start, Math.floor), end: Math.min(end, at(found.end, Math.ceil)) };
}
