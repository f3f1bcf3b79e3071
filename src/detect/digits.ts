/** Check digits of numbers that states give to people, each as its issuer defined it. Digits come without marks, letters as capitals. */

/** Weighted sum of the digits, modulo `m`. */
export function sum(digits: string, weights: readonly number[], m: number): number {
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i]! * (digits.charCodeAt(i) - 48);
  return total % m;
}

/** ISO/IEC 7812-1, annex B. */
export function luhn(digits: string): boolean {
  let total = 0;
  for (let i = 0; i < digits.length; i++) {
    const d = digits.charCodeAt(digits.length - 1 - i) - 48;
    total += i % 2 === 0 ? d : d > 4 ? 2 * d - 9 : 2 * d;
  }
  return total % 10 === 0;
}

const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
/** A month and a day that it has. */
export function dated(month: string, day: string): boolean {
  const [m, d] = [Number(month), Number(day)];
  return m >= 1 && m <= 12 && d >= 1 && d <= DAYS[m - 1]!;
}

// Verhoeff's dihedral group.
const TURN =
  '0123456789 1234067895 2340178956 3401289567 4012395678 5987604321 6598710432 7659821043 8765932104 9876543210';
const SHIFT = '0123456789 1576283094 5803796142 8916043527 9453126870 4286573901 2793806415 7046913258';
const [turns, shifts] = [TURN.split(' '), SHIFT.split(' ')];
export function verhoeff(digits: string): boolean {
  let c = 0;
  for (let i = 0; i < digits.length; i++)
    c = Number(turns[c]![Number(shifts[i % 8]![Number(digits[digits.length - 1 - i])])]);
  return c === 0;
}

/** ISO 7064 MOD 11,10. */
export function mod1110(digits: string): boolean {
  let product = 10;
  for (const d of digits.slice(0, -1)) product = (2 * ((Number(d) + product) % 10 || 10)) % 11;
  return (11 - product) % 10 === Number(digits.at(-1));
}

/** ICAO 9303, part 3: weights 7, 3, 1. */
export function mrz(plain: string): boolean {
  let total = 0;
  for (let i = 0; i < plain.length - 1; i++) total += Number.parseInt(plain[i]!, 36) * [7, 3, 1][i % 3]!;
  return total % 10 === Number(plain.at(-1));
}

/** Modulo 11 of the weighted sum, subtracted from 11; 11 counts as 0, and 10 is no digit. */
export function elevens(digits: string, weights: readonly number[]): boolean {
  const rest = (11 - sum(digits, weights, 11)) % 11;
  return rest === Number(digits[weights.length]);
}

/** One and the same digit all along: what people type into forms. */
export function isFlat(digits: string): boolean {
  return /^([0-9])\1+$/.test(digits);
}

/**
 * Germany, tax identification (section 139b AO): of the first ten digits one comes twice or three times, the others once at
 * most. `strict` = false: none may come twice, as in numbers of samples.
 */
export function steuerId(p: string, strict = true): boolean {
  const counts = Array.from({ length: 10 }, () => 0);
  for (const d of p.slice(0, 10)) counts[Number(d)]!++;
  const more = counts.filter((n) => n > 1);
  if (more.length > 1 || more[0]! > 3 || (strict && more.length === 0)) return false;
  return !/(\d)\1\1/.test(p.slice(0, 10)) && mod1110(p);
}

/** Germany, pension insurance: the letter as two digits, cross sums (VKVV, section 4). */
export function pension(p: string): boolean {
  const digits = p.slice(0, 8) + String(p.charCodeAt(8) - 64).padStart(2, '0') + p.slice(9, 11);
  return crossed(digits, [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1]) === Number(p[11]);
}

/** Germany, health insurance (section 290 SGB V). */
export function health(p: string): boolean {
  const digits = String(p.charCodeAt(0) - 64).padStart(2, '0') + p.slice(1, 9);
  return crossed(digits, [1, 2, 1, 2, 1, 2, 1, 2, 1, 2]) === Number(p[9]);
}

function crossed(digits: string, weights: readonly number[]): number {
  let total = 0;
  weights.forEach((weight, i) => {
    const product = weight * Number(digits[i]);
    total += Math.floor(product / 10) + (product % 10);
  });
  return total % 10;
}

const ODD = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
/** Italy, fiscal code (decree of 23 December 1976). */
export function fiscal(p: string): boolean {
  let total = 0;
  for (let i = 0; i < 15; i++) {
    const c = p.charCodeAt(i);
    const value = c < 58 ? c - 48 : c - 65;
    total += i % 2 === 0 ? ODD[value]! : value;
  }
  return p.charCodeAt(15) - 65 === total % 26;
}

const HETU = '0123456789ABCDEFHJKLMNPRSTUVWXY';
/** Finland; the century mark may have been taken out with the other marks. */
export function hetu(p: string): boolean {
  const digits = p.slice(0, 6) + p.slice(-4, -1);
  return dated(p.slice(2, 4), p.slice(0, 2)) && p.at(-1) === HETU[Number(digits) % 31];
}

export function turkey(p: string): boolean {
  const d = Array.from(p, Number);
  const odd = d[0]! + d[2]! + d[4]! + d[6]! + d[8]!;
  const even = d[1]! + d[3]! + d[5]! + d[7]!;
  return (((7 * odd - even) % 10) + 10) % 10 === d[9] && d.slice(0, 10).reduce((a, b) => a + b, 0) % 10 === d[10];
}

export function singapore(p: string): boolean {
  const first = p[0]!;
  const offset = first === 'T' || first === 'G' ? 4 : first === 'M' ? 3 : 0;
  const rest = (sum(p.slice(1), [2, 7, 6, 5, 4, 3, 2], 11) + offset) % 11;
  if (first === 'S' || first === 'T') return p[8] === 'JZIHGFEDCBA'[rest];
  return p[8] === (first === 'M' ? 'KLJNPQRTUWX'[10 - rest] : 'XWUTRQPNMLK'[rest]);
}

export function cpf(p: string): boolean {
  const one = ((sum(p, [10, 9, 8, 7, 6, 5, 4, 3, 2], 11) * 10) % 11) % 10;
  const two = ((sum(p, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2], 11) * 10) % 11) % 10;
  return one === Number(p[9]) && two === Number(p[10]);
}

/** Norway: day (of a D number 40 more), month, and two check digits. */
export function norway(p: string): boolean {
  if (!dated(p.slice(2, 4), String(Number(p.slice(0, 2)) % 40))) return false;
  return elevens(p, [3, 7, 6, 1, 8, 9, 4, 5, 2]) && elevens(p, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]);
}

/** Chile: weights 2 to 7 from the right; 10 is K. */
export function rut(p: string): boolean {
  let total = 0;
  for (let i = 0; i < p.length - 1; i++) total += Number(p[p.length - 2 - i]) * (2 + (i % 6));
  return p.at(-1) === '0K987654321'[total % 11];
}

const CURP = '0123456789ABCDEFGHIJKLMN\u00d1OPQRSTUVWXYZ';
/** Mexico (RENAPO). */
export function curp(p: string): boolean {
  let total = 0;
  for (let i = 0; i < 17; i++) total += CURP.indexOf(p[i]!) * (18 - i);
  return (10 - (total % 10)) % 10 === Number(p[17]) && dated(p.slice(6, 8), p.slice(8, 10));
}

/** China, GB 11643-1999 (ISO 7064 MOD 11-2). */
export function china(p: string): boolean {
  const rest = sum(p, [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], 11);
  return p[17] === '10X98765432'[rest] && dated(p.slice(10, 12), p.slice(12, 14));
}

/** Estonia and Lithuania: two rows of weights, the second where the first gives 10. */
export function baltic(p: string): boolean {
  if (!dated(p.slice(3, 5), p.slice(5, 7))) return false;
  let rest = sum(p, [1, 2, 3, 4, 5, 6, 7, 8, 9, 1], 11);
  if (rest === 10) rest = sum(p, [3, 4, 5, 6, 7, 8, 9, 1, 2, 3], 11) % 10;
  return rest === Number(p[10]);
}

/** France, NIR: 97 less the number modulo 97; Corsica's letters count as 19 and 18. */
export function nir(p: string): boolean {
  const number = p.slice(0, 13).replace('2A', '19').replace('2B', '18');
  return 97 - Number(BigInt(number) % 97n) === Number(p.slice(13));
}

/** Belgium: 97 less the number modulo 97, with a 2 before it for those born since 2000. */
export function belgium(p: string): boolean {
  const check = Number(p.slice(9));
  return [p.slice(0, 9), `2${p.slice(0, 9)}`].some((number) => 97 - (Number(number) % 97) === check);
}

/** South Korea, as issued before October 2020. */
export function korea(p: string): boolean {
  return (11 - sum(p, [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5], 11)) % 10 === Number(p[12]);
}
