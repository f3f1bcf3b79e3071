/**
 * Numbers that states give to people: by their form, by the check digit that the issuer defined (`digits.ts`), and, where
 * both say little, by a word near by. A number alone in its text counts like one with a word.
 */
import {
  baltic,
  belgium,
  china,
  cpf,
  curp,
  dated,
  elevens,
  fiscal,
  health,
  hetu,
  isFlat,
  korea,
  luhn,
  mod1110,
  mrz,
  nir,
  norway,
  pension,
  rut,
  singapore,
  steuerId,
  sum,
  turkey,
  verhoeff,
} from './digits.ts';

export interface PiiForm {
  /** Bounded and without nested repetition; flags g and, where case does not matter, i. */
  readonly shape: RegExp;
  /** Over the match without spaces and marks, in capitals. */
  readonly check?: (plain: string) => boolean;
  /** The check reads the match as it is. */
  readonly exact?: boolean;
  /** Where the match as a whole fits nothing: the length of a beginning of it that does, or 0. */
  readonly begins?: (match: string) => number;
  /** A word that must stand within 48 characters. */
  readonly near?: RegExp;
  /** Without that word it counts too where the text is nothing else. */
  readonly alone?: true;
  /** It must not stand in a row of numbers. */
  readonly apart?: true;
}

type Check = (plain: string) => boolean;
/** The first two digits of a Thai district: those of its province (Department of Provincial Administration). */
const PROVINCE = '(?:1[0-9]|2[0-7]|[34][0-9]|5[0-8]|6[0-7]|7[0-7]|8[0-6]|9[0-6])';
const NIF = 'TRWAGMYFPDXBNJZSQVHLCKE';
/** What is said of such numbers in any country. */
const SAID =
  'national|personal|identity|identification|citizen|taxpayer|tax.{0,4}(?:id|n)|fiscal|social|resident|passport';

function shaped(pattern: string): RegExp {
  return new RegExp(`(?<![\\w-])${pattern}(?![\\w]|-\\d)`, 'gi');
}
/** The form itself is enough. */
function form(pattern: string, check?: Check): PiiForm {
  return { shape: shaped(pattern), ...(check && { check }) };
}
/** A word must be near, or nothing else in the text. */
function told(words: string, pattern: string, check?: Check): PiiForm {
  return { shape: shaped(pattern), ...(check && { check }), near: new RegExp(`${words}|${SAID}`, 'i'), alone: true };
}
/** A word must be near: the number has no check digit, or too many others have one like it. */
function called(words: string, pattern: string, check?: Check): PiiForm {
  return { shape: shaped(pattern), ...(check && { check }), near: new RegExp(words, 'i') };
}

export const IDS: readonly PiiForm[] = [
  // United States: SSN and ITIN (no check digit; SSA, POMS RM 10201; IRS, publication 1915), NPI (Luhn behind 80840; CMS), MBI (CMS).
  form('(?!000|666|9)\\d{3}-(?!00)\\d{2}-(?!0000)\\d{4}', (p) => p !== '078051120' && p !== '123456789'),
  { ...form('(?!000|666|9)\\d{3}([ .])(?!00)\\d{2}\\1(?!0000)\\d{4}', (p) => p !== '123456789'), apart: true },
  called('(?:^|[^a-z])ssn|social.?security', '(?!000|666|9)\\d{3}[- .]?(?!00)\\d{2}[- .]?(?!0000)\\d{4}'),
  told('(?:^|[^a-z])itin(?:[^a-z]|$)', '9\\d{2}[- ]?(?:5\\d|6[0-5]|7\\d|8[0-8]|9[0-24-9])[- ]?\\d{4}'),
  form('9\\d{2}-(?:5\\d|6[0-5]|7\\d|8[0-8]|9[0-24-9])-?\\d{4}'),
  // No NPI that begins with 2 was issued yet.
  told(
    '(?:^|[^a-z])npi(?:[^a-z]|$)|provider',
    '1\\d{3}([- ]?)\\d{3}\\1\\d{3}',
    (p) => luhn(`80840${p}`) && !isFlat(p.slice(0, 9)),
  ),
  form(
    '[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\\d-?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\\d-?[AC-HJKMNP-RT-Y]{2}\\d{2}',
  ),
  // United Kingdom: NHS (NHS data dictionary), National Insurance (HMRC, NIM39110).
  { ...form('\\d{3}[- ]\\d{3}[- ]\\d{4}', nhs), apart: true },
  told('(?:^|[^a-z])nhs(?:[^a-z]|$)', '\\d{10}', nhs),
  form('(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\\d{2} ?\\d{2} ?\\d{2} ?[A-D]'),
  // Germany: tax identification, pension and health insurance, identity card and passport.
  form('[1-9]\\d{10}', (p) => steuerId(p)),
  told('steuer|idnr', '[1-9]\\d{10}', (p) => steuerId(p, false)),
  form('[1-9]\\d ?\\d{3} ?\\d{3} ?\\d{3}', (p) => steuerId(p)),
  form('\\d{2} ?(?:[0-2]\\d|3[01])(?:0[1-9]|1[0-2])\\d{2} ?[A-Z] ?\\d{3}', pension),
  told('versicher|kranken|gesundheitskarte|egk|kvnr', '[A-Z]\\d{9}', health),
  told('ausweis|pass', '[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ0-9]{8}', (p) => /\d{2}/.test(p) && mrz(p)),
  // Spain (Real Decreto 1553/2005), Italy, Portugal (NIF, AT), France (NIR, INSEE), Belgium, Netherlands (BSN).
  form('\\d{7,8}-?[A-Z]', (p) => p.at(-1) === NIF[Number(p.slice(0, -1)) % 23]),
  form('[XYZ]-?\\d{7}-?[A-Z]', (p) => p.at(-1) === NIF[Number('XYZ'.indexOf(p[0]!) + p.slice(1, -1)) % 23]),
  form('[A-Z]{6}\\d{2}[A-EHLMPRST]\\d{2}[A-Z]\\d{3}[A-Z]', fiscal),
  called('(?:^|[^a-z])nif(?:[^a-z]|$)|contribuinte', '[1-3]\\d{2} ?\\d{3} ?\\d{3}', (p) => portugal(p)),
  form('[12378] ?\\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\\d) ?(?:\\d{2}|2[AB]) ?\\d{3} ?\\d{3} ?\\d{2}', nir),
  form('\\d{2}\\.\\d{2}\\.\\d{2}-\\d{3}\\.\\d{2}', belgium),
  told('rijksregister|registre|rrn|insz|niss', '\\d{11}', (p) => dated(p.slice(2, 4), p.slice(4, 6)) && belgium(p)),
  called(
    '(?:^|[^a-z])bsn(?:[^a-z]|$)|burgerservice|sofi',
    '\\d{9}',
    (p) => (sum(p, [9, 8, 7, 6, 5, 4, 3, 2], 11) - Number(p[8])) % 11 === 0,
  ),
  // Finland, Sweden (SKV 704), Denmark (no check digit since 2007), Norway, Iceland, Estonia, Lithuania, Latvia.
  form('(?:[0-2]\\d|3[01])(?:0\\d|1[0-2])\\d{2}[-+ABCDEFYXWVU]\\d{3}[0-9A-Y]', hetu),
  // A blank may be missing before it.
  { shape: /(?<![\dA-Z-])[0-3]\d[01]\d{3}[-+A-FU-Y]\d{3}[0-9A-Y](?![\w]|-\d)/g, check: hetu },
  form('(?:18|19|20)?\\d{6}[-+]\\d{4}', sweden),
  { shape: /(?<!\d)(?:18|19|20)\d{10}(?![\w]|-\d)/g, check: sweden },
  told('personnummer|samordning', '\\d{10}', sweden),
  told('(?:^|[^a-z])cpr', '\\d{6}-\\d{4}', (p) => dated(p.slice(2, 4), p.slice(0, 2))),
  form('\\d{6} ?\\d{5}', norway),
  form('\\d{6}-\\d{4}', (p) => dated(p.slice(2, 4), p.slice(0, 2)) && elevens(p, [3, 2, 7, 6, 5, 4, 3, 2])),
  form('[3-6]\\d{10}', baltic),
  form('\\d{6}-[0-2]\\d{4}', (p) => dated(p.slice(2, 4), p.slice(0, 2)) && latvia(p)),
  // Poland (PESEL), Czechia and Slovakia, Romania (CNP), Bulgaria (EGN), Croatia (OIB), Hungary (TAJ), Greece (AMKA).
  told(
    'pesel',
    '\\d{11}',
    (p) =>
      sum(p, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1], 10) === 0 && dated(String(Number(p.slice(2, 4)) % 20), p.slice(4, 6)),
  ),
  form('\\d{6}/\\d{3,4}', czech),
  form('[1-8]\\d{12}', romania),
  told(
    '(?:^|[^a-z])egn|\u0435\u0433\u043d',
    '\\d{10}',
    (p) =>
      dated(String(Number(p.slice(2, 4)) % 20), p.slice(4, 6)) &&
      sum(p, [2, 4, 8, 5, 10, 9, 7, 3, 6], 11) % 10 === Number(p[9]),
  ),
  called('(?:^|[^a-z])oib', '\\d{11}', mod1110),
  called(
    '(?:^|[^a-z])taj',
    '\\d{3}[ -]?\\d{3}[ -]?\\d{3}',
    (p) => sum(p, [3, 7, 3, 7, 3, 7, 3, 7], 10) === Number(p[8]),
  ),
  told('amka', '\\d{11}', (p) => dated(p.slice(2, 4), p.slice(0, 2)) && luhn(p)),
  // Austria (social insurance), Switzerland (AHV, EAN-13), Ireland (PPS).
  told(
    '(?:^|[^a-z])svnr|sozialversicherung',
    '[1-9]\\d{3} ?\\d{6}',
    (p) => dated(p.slice(6, 8), p.slice(4, 6)) && sum(p, [3, 7, 9, 0, 5, 8, 4, 2, 1, 6], 11) === Number(p[3]),
  ),
  form('756\\.?\\d{4}\\.?\\d{4}\\.?\\d{2}', (p) => sum(p, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1], 10) === 0),
  told('(?:^|[^a-z])pps', '\\d{7}[A-W][A-IW]?', ireland),
  // Turkey, Israel, South Africa (Identification Act, 1997), Egypt, Emirates, Saudi Arabia, Pakistan.
  form('[1-9]\\d{10}', turkey),
  called('teudat|zehut|(?:^|[^a-z])israel|\u05d6\u05d4\u05d5\u05ea', '\\d{9}', (p) => luhn(p)),
  form('\\d{6}\\d{4}[012]\\d{2}', (p) => dated(p.slice(2, 4), p.slice(4, 6)) && luhn(p)),
  called('national|egypt|\u0642\u0648\u0645\u064a', '[23]\\d{13}', (p) => dated(p.slice(3, 5), p.slice(5, 7))),
  form('784-\\d{4}-\\d{7}-\\d', luhn),
  called('iqama|national|\u0647\u0648\u064a\u0629', '[12]\\d{9}', luhn),
  form('[1-7]\\d{4}-\\d{7}-\\d'),
  // India: Aadhaar (UIDAI, Verhoeff), PAN (income tax department).
  { ...form('[2-9]\\d{3}([- :])\\d{4}\\1\\d{4}', verhoeff), apart: true },
  told('aadhaar|uidai', '[2-9]\\d{11}', verhoeff),
  form('[A-Z]{3}[ABCFGHJKLPTE][A-Z]\\d{4}[A-Z]'),
  told('(?:^|[^a-z])pan(?:[^a-z]|$)', '[A-Z]{5}\\d{4}[A-Z]'),
  // China (GB 11643), Hong Kong, Taiwan, Japan (My Number), South Korea (no check digit since October 2020), Thailand, Singapore, Malaysia.
  form('[1-8]\\d{5}(?:19|20)\\d{9}[\\dX]', china),
  form('[A-Z]{1,2}\\d{6}\\([0-9A]\\)'),
  called('taiwan|\u8eab\u5206\u8b49|\u8eab\u5206\u5b57\u865f', '[A-Z][1289]\\d{8}', taiwan),
  called('my.?number|\u30de\u30a4\u30ca\u30f3\u30d0\u30fc|\u500b\u4eba\u756a\u53f7', '\\d{4} ?\\d{4} ?\\d{4}', japan),
  form('\\d{6}-[1-8]\\d{6}', birth),
  called('(?:^|[^a-z])(?:rrn|frn)(?:[^a-z]|$)|\uc8fc\ubbfc|\uc678\uad6d\uc778', '\\d{6}[1-8]\\d{6}', birth),
  // Without a word it could be a South African number as well; then a check digit decides.
  told('korea', '\\d{6}[1-8]\\d{3}[3-9]\\d{2}', birth),
  told('korea', '\\d{6}[1-8]\\d{6}', (p) => birth(p) && korea(p)),
  form(`[1-8]-${PROVINCE}\\d{2}-\\d{5}-\\d{2}-\\d`, thai),
  told('thai|tnin|\u0e1b\u0e23\u0e30\u0e0a\u0e32\u0e0a\u0e19', `[1-8] ?${PROVINCE}\\d{2} ?\\d{5} ?\\d{2} ?\\d`, thai),
  form('[STFGM]\\d{7}[A-Z]', singapore),
  told('nric|(?:^|[^a-z])fin(?:[^a-z]|$)', '[STFGM]\\d{7}[A-Z]'),
  form('\\d{6}-\\d{2}-\\d{4}', (p) => dated(p.slice(2, 4), p.slice(4, 6))),
  // Brazil (CPF), Chile (RUT), Mexico (CURP), Argentina (CUIL), Canada (SIN), Australia (TFN, Medicare).
  form('\\d{3}\\.\\d{3}\\.\\d{3}-\\d{2}', cpf),
  told('(?:^|[^a-z])cpf', '\\d{9}-?\\d{2}', cpf),
  form('\\d{1,2}\\.\\d{3}\\.\\d{3}-[\\dK]', rut),
  told('(?:^|[^a-z])ru[tn](?:[^a-z]|$)', '\\d{7,8}-[\\dK]', rut),
  form('[A-Z][AEIOUX][A-Z]{2}\\d{6}[HMX][A-Z]{5}[A-Z0-9]\\d', curp),
  form('(?:2[0347]|30)-\\d{8}-\\d', (p) => elevens(p, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2])),
  { ...form('[1-79]\\d{2}([- ])\\d{3}\\1\\d{3}', luhn), apart: true },
  called('(?:^|[^a-z])sin(?:[^a-z]|$)|social.?insurance', '[1-79]\\d{8}', luhn),
  told(
    '(?:^|[^a-z])tfn|tax.?file',
    '\\d{3} ?\\d{3} ?\\d{2,3}',
    (p) => sum(p, p.length === 9 ? [1, 4, 3, 7, 5, 8, 6, 9, 10] : [10, 7, 8, 4, 6, 3, 5, 1], 11) === 0,
  ),
  { ...form('[2-6]\\d{3} \\d{5} \\d', medicare), apart: true },
  told('medicare', '[2-6]\\d{9}', medicare),
  called('medicare', '[2-6]\\d{3} ?\\d{5} ?\\d[ /-]?\\d', medicare),
  // Russia (SNILS), Kazakhstan and its like (IIN).
  form('\\d{3}-\\d{3}-\\d{3} \\d{2}', (p) => sum(p, [9, 8, 7, 6, 5, 4, 3, 2, 1], 101) % 100 === Number(p.slice(9))),
  told(
    '(?:^|[^a-z])iin(?:[^a-z]|$)|\u0438\u0438\u043d',
    '\\d{6}[0-6]\\d{5}',
    (p) =>
      dated(p.slice(2, 4), p.slice(4, 6)) &&
      elevens(
        p,
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map((w) => 11 - w),
      ),
  ),
];

function birth(p: string): boolean {
  return dated(p.slice(2, 4), p.slice(4, 6));
}
function medicare(p: string): boolean {
  return sum(p, [1, 3, 7, 9, 1, 3, 7, 9], 10) === Number(p[8]);
}
function nhs(p: string): boolean {
  return sum(p, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1], 11) === 0;
}
function sweden(p: string): boolean {
  return dated(p.slice(-8, -6), String(Number(p.slice(-6, -4)) % 60)) && luhn(p.slice(-10));
}
function portugal(p: string): boolean {
  const rest = sum(p, [9, 8, 7, 6, 5, 4, 3, 2], 11);
  return (rest < 2 ? 0 : 11 - rest) === Number(p[8]);
}
/** Since 1954 ten digits that 11 divides; months of women are 50 more, of full registers 20. */
function czech(p: string): boolean {
  const month = Number(p.slice(2, 4)) % 50;
  if (!dated(String(month > 20 ? month - 20 : month), p.slice(4, 6))) return false;
  return p.length === 9
    ? Number(p.slice(0, 2)) < 54
    : Number(p) % 11 === 0 || (Number(p.slice(0, 9)) % 11 === 10 && p[9] === '0');
}
/** A rest of 10 is written as 1; 52 is the last of the counties. */
function romania(p: string): boolean {
  const rest = sum(p, [2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9], 11);
  return (
    dated(p.slice(3, 5), p.slice(5, 7)) && Number(p.slice(7, 9)) < 53 && (rest === 10 ? 1 : rest) === Number(p[12])
  );
}
function latvia(p: string): boolean {
  return (
    (1101 - [1, 6, 3, 7, 9, 10, 5, 8, 4, 2].reduce((all, w, i) => all + w * Number(p[i]), 0)) % 11 === Number(p[10])
  );
}
function ireland(p: string): boolean {
  const second = p.length > 8 && p[8] !== 'W' ? 9 * (p.charCodeAt(8) - 64) : 0;
  return 'WABCDEFGHIJKLMNOPQRSTUV'[(sum(p, [8, 7, 6, 5, 4, 3, 2], 10_000) + second) % 23] === p[7];
}
function taiwan(p: string): boolean {
  const area = 'ABCDEFGHJKLMNPQRSTUVXYWZIO'.indexOf(p[0]!) + 10;
  return (Math.floor(area / 10) + 9 * (area % 10) + sum(p.slice(1), [8, 7, 6, 5, 4, 3, 2, 1, 1], 1000)) % 10 === 0;
}
function japan(p: string): boolean {
  const rest = sum(p, [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2], 11);
  return (rest < 2 ? 0 : 11 - rest) === Number(p[11]);
}
function thai(p: string): boolean {
  return (11 - sum(p, [13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2], 11)) % 10 === Number(p[12]);
}
