/**
 * Phone numbers. International ones by their form (ITU-T E.164), national ones by the layouts that numbering plans write
 * (the formats of libphonenumber's metadata, by length of groups), and any other digits where a word says that they are one.
 */
import type { PiiForm } from './national.ts';

const WORDS = [
  'phone|mobil|cell|tele[fp]|(?:^|[^a-z])(?:tel|tlf|tfn|puh|gsm|natel|handy|sms|fax|hotline|whatsapp|viber|dial|ring)(?:[^a-z]|$)',
  'call (?:me|us|him|her|them|at|on)|reach (?:me|us|him|her|them)|t\u00e9l|m\u00f3vil|celular|portable|cep (?:no|tel)|(?:^|[^a-z])cep[: ]',
  '\u0442\u0435\u043b\u0435\u0444\u043e\u043d|\u043c\u043e\u0431|\u03c4\u03b7\u03bb|\u7535\u8bdd|\u96fb\u8a71|\u624b\u673a|\u624b\u6a5f|\u643a\u5e2f|\uc804\ud654|\ud734\ub300|\u0647\u0627\u062a\u0641|\u062c\u0648\u0627\u0644|\u05d8\u05dc\u05e4\u05d5\u05df|\u0e42\u0e17\u0e23|\u092b\u093c\u094b\u0928',
];
const SAID = new RegExp(WORDS.join('|'), 'i');
/** Said of other numbers as well: good enough for ten digits. */
const NUMBER = new RegExp(`${WORDS.join('|')}|number|(?:^|[^a-z])(?:no|call)(?:[^a-z]|$)`, 'i');

/** Lengths of groups behind a trunk zero, the zero in the first. */
const LAYOUTS = new Set(
  (
    '2-7 2-8 3-6 3-7 3-8 4-5 4-6 4-7 4-8 5-5 5-6 2-3-4 2-4-3 2-4-4 3-3-3 3-3-4 3-4-3 3-4-4 4-3-3 4-3-4 5-3-3 4-2-3 ' +
    '2-3-2-2 2-3-3-2 3-2-2-2 3-3-2-2 4-2-2-2 4-3-2-2 2-2-2-2-2 2-2-3-4 2-1-3-4 1-3-3-2-2 1-3-3-4 1-3-7 2-3-5 4-4-4'
  ).split(' '),
);

function groups(number: string): number[] {
  return (number.match(/[0-9]+/g) ?? []).map((group) => group.length);
}

/** A layout of the plans; no date, no postcode with four more digits, and points only where all marks are points. */
function isNational(number: string): boolean {
  if (!LAYOUTS.has(groups(number).join('-'))) return false;
  return !isDate(number) && !/^\d{5}-\d{4}$/.test(number) && !hasMixedPoints(number);
}

/** Seven to thirteen digits that are neither a date nor a decimal number nor an address. */
function isSaid(number: string): boolean {
  const lengths = groups(number);
  const digits = lengths.reduce((a, b) => a + b, 0);
  if (digits < 7 || digits > 13 || isDate(number) || hasMixedPoints(number)) return false;
  return lengths.length > 1 ? lengths.at(-1)! > 1 && !/^\d+\.\d+$/.test(number) : digits > 7;
}

function isInternational(number: string): boolean {
  const digits = groups(number).reduce((a, b) => a + b, 0);
  return digits >= 10 && digits <= 17 && !hasMixedPoints(number);
}

function isDate(number: string): boolean {
  return /^(?:[0-3]?\d([-./])[0-3]?\d\1(?:19|20)\d\d|(?:19|20)\d\d([-./])[01]?\d\2[0-3]\d)/.test(number);
}
function isNoAddress(number: string): boolean {
  return !number.includes('.') || number.split('.').some((byte) => Number(byte) > 255);
}
function hasMixedPoints(number: string): boolean {
  return number.includes('.') && /[ ()-]/.test(number);
}

export const PHONES: readonly PiiForm[] = [
  { shape: /(?<![\w+])\+[1-9](?:[ .()/-]{0,3}[0-9]){7,14}(?![\w-])/g },
  {
    shape: /(?<![\w.+-])00[1-9][0-9]{0,2}(?:[ .()/-]{1,3}[0-9]{1,9}){1,6}(?![\w-]|\.\d)/g,
    check: isInternational,
    exact: true,
    apart: true,
  },
  // North America: area and exchange begin with 2 to 9 (NANPA).
  { shape: /(?<![\w.-])(?:1[ .-]?)?\([2-9][0-9]{2}\) ?[2-9][0-9]{2}[ .-]?[0-9]{4}(?![\w-])/g },
  {
    shape: /(?<![\w.-])(?:1[ .-])?[2-9][0-9]{2}([ .-])[2-9][0-9]{2}\1[0-9]{4}(?![\w-]|\.\d)/g,
    apart: true,
  },
  // With a trunk zero, in groups.
  {
    shape: /(?<![\w.,+-])\(?0[1-9]?[0-9]{0,3}\)?(?:[ ./-]{1,2}\(?[0-9]{1,8}\)?){1,5}(?![\w-]|[.,]\d)/g,
    check: isNational,
    exact: true,
    apart: true,
  },
  // Without one: Turkey and Russia, three and three and two and two; Brazil, mobile numbers behind an area in brackets.
  {
    shape: /(?<![\w.-])(?:8[ -])?\(?[1-9][0-9]{2}\)?([ .-])[0-9]{3}\1?[-. ][0-9]{2}[-. ][0-9]{2}(?![\w-]|\.\d)/g,
    check: isNoAddress,
    exact: true,
    apart: true,
  },
  { shape: /(?<![\w.-])\([1-9][0-9]\) ?(?:9?[0-9]{4}|[0-9]{3,4})[ -][0-9]{4}(?![\w-])/g },
  // Digits alone.
  { shape: /(?<![\w.-])(?:0[1-9][0-9]{9}|[2-5][0-9]{9})(?![\w-]|\.\d)/g, near: NUMBER, alone: true },
  { shape: /(?<![\w.-])(?:1[3-9][0-9]{9}|[6-9][0-9]{9}|0[1-9][0-9]{8})(?![\w-]|\.\d)/g, near: NUMBER },
  { shape: /(?<![\w.,+-])[0-9]{8,13}(?![\w-]|[.,]\d)/g, near: SAID },
  {
    shape: /(?<![\w.,+-])\(?[0-9]{1,5}\)?(?:[ ./-]{1,2}\(?[0-9]{1,8}\)?){0,5}(?![\w-]|[.,]\d)/g,
    check: isSaid,
    exact: true,
    near: SAID,
  },
];
