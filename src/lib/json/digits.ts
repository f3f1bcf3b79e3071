/** Decimal numbers by their digits, without a double in between. */

/** `sign 0.d1d2d3... x 10^point`, no leading or trailing zeros; zero has no digits. */
interface Decimal {
  readonly negative: boolean;
  readonly digits: string;
  readonly point: number;
}

/** Takes a JSON number token apart. Linear in its length. */
function decimal(token: string): Decimal {
  const negative = token.charCodeAt(0) === 0x2d;
  let mark = token.indexOf('e');
  if (mark < 0) mark = token.indexOf('E');
  const mantissa = token.slice(negative ? 1 : 0, mark < 0 ? undefined : mark);
  const exponent = mark < 0 ? 0 : Number(token.slice(mark + 1));
  const dot = mantissa.indexOf('.');
  const all = dot < 0 ? mantissa : mantissa.slice(0, dot) + mantissa.slice(dot + 1);
  let start = 0;
  let end = all.length;
  while (start < end && all.charCodeAt(start) === 0x30) start++;
  while (end > start && all.charCodeAt(end - 1) === 0x30) end--;
  const point = (dot < 0 ? mantissa.length : dot) - start + exponent;
  return start === end ? ZERO : { negative, digits: all.slice(start, end), point };
}

const ZERO: Decimal = { negative: false, digits: '', point: 0 };

/**
 * One text for one numeric value: `1.0`, `1e0` and `1` are equal, neighbouring 64-bit integers are not.
 * The form is that of ECMAScript (ECMA-262, Number::toString), so doubles read as RFC 8785 writes them.
 */
export function canonicalNumber(token: string): string {
  const { negative, digits, point } = decimal(token);
  const count = digits.length;
  if (count === 0) return '0';
  const sign = negative ? '-' : '';
  // An exponent of more digits than a double counts exactly keeps its own text: never equal to another by rounding.
  if (!Number.isSafeInteger(point)) return token.toLowerCase();
  if (count <= point && point <= 21) return sign + digits + '0'.repeat(point - count);
  if (0 < point && point <= 21) return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
  if (-6 < point && point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  const power = point - 1;
  const lead = count === 1 ? digits : `${digits[0]}.${digits.slice(1)}`;
  return `${sign}${lead}e${power < 0 ? '-' : '+'}${Math.abs(power)}`;
}

/**
 * Whether a plain integer token is within +-(2^53-1). Beyond that it never counts as carried, even where a double
 * holds this one: it could not hold the next (RFC 7493 section 2.2).
 */
export function carriesInteger(token: string): boolean {
  return token.length <= 17 && Number.isSafeInteger(Number(token));
}

/** Whether a double carries a token with a fraction or an exponent: what it prints has the same value. */
export function carriesFraction(token: string): boolean {
  const value = Number(token);
  if (!Number.isFinite(value)) return false;
  const printed = String(value);
  if (printed === token) return true;
  // Without exponent and trailing zero a token this large is already in canonical form, and it differs.
  if (Math.abs(value) >= 1e-6 && !token.endsWith('0') && !/[eE]/.test(token)) return false;
  return canonicalNumber(token) === (value === 0 ? '0' : printed);
}
