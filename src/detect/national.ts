/** Numbers that states give to people, with the check digit each issuer defined. */

export interface PiiForm {
  /** Bounded and without nested repetition; flags g and, where case does not matter, i. */
  readonly shape: RegExp;
  /** Over the match without spaces and marks, in capitals. */
  readonly check?: (plain: string) => boolean;
  /** The check reads the match as it is. */
  readonly exact?: boolean;
  /** Of a match that fails the check: the length of what it begins with and does not fail; 0 for nothing. */
  readonly begins?: (match: string) => number;
  /** A word that must stand within 48 characters. */
  readonly near?: RegExp;
}

/** Weighted sum of the digits, modulo `m`. */
function sum(digits: string, weights: readonly number[], m: number): number {
  let total = 0;
  weights.forEach((weight, i) => {
    total += weight * Number(digits[i]);
  });
  return total % m;
}

function luhn(digits: string): boolean {
  let total = 0;
  for (let i = 0; i < digits.length; i++) {
    const d = Number(digits[digits.length - 1 - i]);
    total += i % 2 === 0 ? d : d > 4 ? 2 * d - 9 : 2 * d;
  }
  return total % 10 === 0;
}

/** Month and day that can be. */
function dated(month: string, day: string): boolean {
  const [m, d] = [Number(month), Number(day)];
  return m >= 1 && m <= 12 && d >= 1 && d <= 31;
}

// Verhoeff's dihedral group (India, Aadhaar).
const TURN = [
  '0123456789',
  '1234067895',
  '2340178956',
  '3401289567',
  '4012395678',
  '5987604321',
  '6598710432',
  '7659821043',
  '8765932104',
  '9876543210',
];
const SHIFT = [
  '0123456789',
  '1576283094',
  '5803796142',
  '8916043527',
  '9453126870',
  '4286573901',
  '2793806415',
  '7046913258',
];
function verhoeff(digits: string): boolean {
  let c = 0;
  for (let i = 0; i < digits.length; i++)
    c = Number(TURN[c]![Number(SHIFT[i % 8]![Number(digits[digits.length - 1 - i])])]);
  return c === 0;
}

/** ISO 7064 MOD 11,10 (Germany's tax number). */
function mod1110(digits: string): boolean {
  let product = 10;
  for (const d of digits.slice(0, -1)) {
    const step = (Number(d) + product) % 10 || 10;
    product = (2 * step) % 11;
  }
  return (11 - product) % 10 === Number(digits.at(-1));
}

/** MRZ check digit of ICAO 9303: weights 7, 3, 1. */
function mrz(plain: string): boolean {
  let total = 0;
  Array.from(plain.slice(0, -1)).forEach((c, i) => {
    total += Number.parseInt(c, 36) * [7, 3, 1][i % 3]!;
  });
  return total % 10 === Number(plain.at(-1));
}

const NIF = 'TRWAGMYFPDXBNJZSQVHLCKE';
const HETU = '0123456789ABCDEFHJKLMNPRSTUVWXY';
const fiscalOdd = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

function form(pattern: string, check?: (plain: string) => boolean, near?: RegExp): PiiForm {
  const shape = new RegExp(`(?<![\\w-])${pattern}(?![\\w]|-\\d)`, 'gi');
  return { shape, ...(check && { check }), ...(near && { near }) };
}

export const IDS: readonly PiiForm[] = [
  // United States: SSN, ITIN (no check digit: by its hyphens, or a word), NPI (Luhn behind 80840), MBI.
  form('(?!000|666|9)\\d{3}-(?!00)\\d{2}-(?!0000)\\d{4}', (p) => p !== '078051120' && p !== '123456789'),
  form('(?!000|666|9)\\d{3}[ .]?(?!00)\\d{2}[ .]?(?!0000)\\d{4}', undefined, /\bssn|social.?security/i),
  form('9\\d{2}[- ]?(?:5\\d|6[0-5]|7\\d|8[0-8]|9[0-24-9])[- ]?\\d{4}', undefined, /\bitin\b|tax.{0,8}id/i),
  form('9\\d{2}-(?:5\\d|6[0-5]|7\\d|8[0-8]|9[0-24-9])-\\d{4}'),
  form('[12]\\d{9}', (p) => luhn(`80840${p}`), /\bnpi\b|provider/i),
  form(
    '[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\\d-?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\\d-?[AC-HJKMNP-RT-Y]{2}\\d{2}',
  ),
  // United Kingdom: NHS, National Insurance.
  form('\\d{3}[- ]\\d{3}[- ]\\d{4}', nhs),
  form('\\d{10}', nhs, /\bnhs\b/i),
  form('(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\\d{2} ?\\d{2} ?\\d{2} ?[A-D]'),
  // Germany: tax identification, pension insurance, health insurance, identity card and passport.
  form('[1-9]\\d{10}', (p) => mod1110(p) && !/(\d)\1{3}/.test(p)),
  form('\\d{2}(?:[0-2]\\d|3[01])(?:0[1-9]|1[0-2])\\d{2}[A-Z]\\d{3}', pension),
  form('[A-Z]\\d{9}', health),
  form('[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ0-9]{8}', (p) => /\d{2}/.test(p) && mrz(p)),
  // Spain, Italy, Finland, Sweden, Poland.
  form('\\d{7,8}-?[A-Z]', (p) => p.at(-1) === NIF[Number(p.slice(0, -1)) % 23]),
  form('[XYZ]-?\\d{7}-?[A-Z]', (p) => p.at(-1) === NIF[Number('XYZ'.indexOf(p[0]!) + p.slice(1, -1)) % 23]),
  form('[A-Z]{6}\\d{2}[A-EHLMPRST]\\d{2}[A-Z]\\d{3}[A-Z]', fiscal),
  form('(?:[0-2]\\d|3[01])(?:0\\d|1[0-2])\\d{2}[-+ABCDEFYXWVU]\\d{3}[0-9A-Y]', hetu),
  form(
    '(?:18|19|20)?\\d{6}[-+]?\\d{4}',
    (p) => dated(p.slice(-8, -6), String(Number(p.slice(-6, -4)) % 60)) && luhn(p.slice(-10)) && p.length !== 11,
  ),
  form(
    '\\d{11}',
    (p) =>
      sum(p, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1], 10) === 0 && dated(String(Number(p.slice(2, 4)) % 20), p.slice(4, 6)),
  ),
  // India: Aadhaar, PAN. Turkey, South Africa, Thailand, South Korea, Singapore, Brazil, Canada, Australia, Netherlands, Switzerland.
  form('[2-9]\\d{3}[- ]?\\d{4}[- ]?\\d{4}', verhoeff),
  form('[A-Z]{3}[ABCFGHJLPTE][A-Z]\\d{4}[A-Z]'),
  form('[1-9]\\d{10}', turkey),
  form('\\d{6}\\d{4}[01]\\d{2}', (p) => dated(p.slice(2, 4), p.slice(4, 6)) && luhn(p)),
  form(
    '[1-8]-?\\d{4}-?\\d{5}-?\\d{2}-?\\d',
    (p) => (11 - sum(p, [13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2], 11)) % 10 === Number(p[12]),
  ),
  form('\\d{6}-[1-8]\\d{6}', (p) => dated(p.slice(2, 4), p.slice(4, 6))),
  form('\\d{6}[1-8]\\d{6}', (p) => dated(p.slice(2, 4), p.slice(4, 6)) && korea(p)),
  form('[STFGM]\\d{7}[A-Z]', singapore),
  form('\\d{3}\\.?\\d{3}\\.?\\d{3}-?\\d{2}', cpf),
  form('[1-79]\\d{2}([- ])\\d{3}\\1\\d{3}', luhn),
  form('\\d{3} ?\\d{3} ?\\d{3}', (p) => sum(p, [1, 4, 3, 7, 5, 8, 6, 9, 10], 11) === 0, /\btfn\b|tax.?file/i),
  form('[2-6]\\d{3} ?\\d{5} ?\\d', (p) => sum(p, [1, 3, 7, 9, 1, 3, 7, 9], 10) === Number(p[8]), /medicare/i),
  form('\\d{9}', (p) => (sum(p, [9, 8, 7, 6, 5, 4, 3, 2], 11) - Number(p[8])) % 11 === 0, /\bbsn\b|burgerservice/i),
  form('756\\.?\\d{4}\\.?\\d{4}\\.?\\d{2}', (p) => sum(p, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1], 10) === 0),
];

function nhs(p: string): boolean {
  return sum(p, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1], 11) === 0 && !/^(\d)\1+$/.test(p);
}

function pension(p: string): boolean {
  const letter = String(p.charCodeAt(8) - 64).padStart(2, '0');
  const digits = p.slice(0, 8) + letter + p.slice(9, 11);
  let total = 0;
  [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1].forEach((weight, i) => {
    const product = weight * Number(digits[i]);
    total += Math.floor(product / 10) + (product % 10);
  });
  return total % 10 === Number(p[11]);
}

function health(p: string): boolean {
  const digits = String(p.charCodeAt(0) - 64).padStart(2, '0') + p.slice(1, 9);
  let total = 0;
  Array.from(digits).forEach((d, i) => {
    const product = Number(d) * (i % 2 === 0 ? 1 : 2);
    total += Math.floor(product / 10) + (product % 10);
  });
  return total % 10 === Number(p[9]);
}

function fiscal(p: string): boolean {
  let total = 0;
  Array.from(p.slice(0, 15)).forEach((c, i) => {
    const value = /\d/.test(c) ? Number(c) : c.charCodeAt(0) - 65;
    total += i % 2 === 0 ? fiscalOdd[value]! : value;
  });
  return p.charCodeAt(15) - 65 === total % 26;
}

/** The century mark may have been taken out with the other marks. */
function hetu(p: string): boolean {
  const digits = p.slice(0, 6) + p.slice(-4, -1);
  return dated(p.slice(2, 4), p.slice(0, 2)) && p.at(-1) === HETU[Number(digits) % 31];
}

function turkey(p: string): boolean {
  const d = [...p].map(Number);
  const odd = d[0]! + d[2]! + d[4]! + d[6]! + d[8]!;
  const even = d[1]! + d[3]! + d[5]! + d[7]!;
  return (((7 * odd - even) % 10) + 10) % 10 === d[9] && d.slice(0, 10).reduce((a, b) => a + b, 0) % 10 === d[10];
}

function singapore(p: string): boolean {
  const first = p[0]!;
  const offset = first === 'T' || first === 'G' ? 4 : first === 'M' ? 3 : 0;
  const rest = (sum(p.slice(1), [2, 7, 6, 5, 4, 3, 2], 11) + offset) % 11;
  if (first === 'S' || first === 'T') return p[8] === 'JZIHGFEDCBA'[rest];
  if (first === 'M') return p[8] === 'KLJNPQRTUWX'[10 - rest];
  return p[8] === 'XWUTRQPNMLK'[rest];
}

function cpf(p: string): boolean {
  if (/^(\d)\1+$/.test(p)) return false;
  const one = ((sum(p, [10, 9, 8, 7, 6, 5, 4, 3, 2], 11) * 10) % 11) % 10;
  const two = ((sum(p, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2], 11) * 10) % 11) % 10;
  return one === Number(p[9]) && two === Number(p[10]);
}

function korea(p: string): boolean {
  return (11 - sum(p, [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5], 11)) % 10 === Number(p[12]);
}
