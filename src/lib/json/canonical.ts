/** One text, and one digest, for one JSON value: what approvals, pins and caches compare. */
import { hash } from 'node:crypto';
import { canonicalNumber } from './digits.ts';
import { quote } from './quote.ts';
import { isRawNumber, type Json } from './types.ts';

/**
 * RFC 8785 for values that doubles carry: names sorted by UTF-16 code units, no white space, ECMAScript numbers.
 * Numbers beyond a double keep every digit. Throws on what is not JSON (NaN, undefined, functions).
 */
export function canonical(value: Json): string {
  switch (typeof value) {
    case 'string':
      return quote(value);
    case 'boolean':
      return String(value);
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError('not a JSON number');
      return String(value === 0 ? 0 : value);
    case 'object':
      break;
    default:
      throw new TypeError('not a JSON value');
  }
  if (value === null) return 'null';
  if (isRawNumber(value)) return canonicalNumber(value.rawJSON);
  let out = '';
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) out += i > 0 ? `,${canonical(value[i]!)}` : canonical(value[i]!);
    return `[${out}]`;
  }
  for (const name of Object.keys(value).sort()) {
    const member = value[name];
    if (member !== undefined) out += `${out === '' ? '' : ','}${quote(name)}:${canonical(member)}`;
  }
  return `{${out}}`;
}

/** `sha256:` and 64 hex digits over the UTF-8 of the canonical text. */
export function digest(value: Json): string {
  return `sha256:${hash('sha256', canonical(value), 'hex')}`;
}
