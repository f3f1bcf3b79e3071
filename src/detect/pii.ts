/**
 * Personal data that is taken out where the configuration says so (guarantee OU2). Numbers count by their length, their
 * form and, where the issuer defined one, their check digit; a number without a check digit needs a word near by.
 */
import { sha256Hex } from '../lib/bytes.ts';
import { IDS, type PiiForm } from './national.ts';
import { PHONES } from './phones.ts';

export const PII = ['email', 'phone', 'iban', 'national-id', 'ip-address', 'mac-address', 'crypto-address'] as const;
export type PiiKind = (typeof PII)[number];

const EMAIL =
  /(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.){1,8}(?:[A-Za-z]{2,24}|xn--[A-Za-z0-9-]{1,59})(?![A-Za-z0-9-])/g;
const BYTE = '(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])';
export const PII_FORMS: Readonly<Record<PiiKind, readonly PiiForm[]>> = {
  email: [{ shape: EMAIL }],
  phone: PHONES,
  iban: [
    { shape: /(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]){11,30}(?![A-Za-z0-9])/g, check: iban, begins: ibanIn },
  ],
  'national-id': IDS,
  'ip-address': [
    { shape: new RegExp(`(?<![\\w.])${BYTE}(?:\\.${BYTE}){3}(?![\\w]|\\.[0-9])`, 'g') },
    {
      shape:
        /(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9A-Fa-f]{1,4}|(?<=::)|[0-9]{1,3}(?:\.[0-9]{1,3}){3})(?:%\w{1,16})?(?![\w:]|\.[0-9])/g,
      check: ipv6,
      exact: true,
    },
  ],
  'mac-address': [
    { shape: /(?<![\w:-])[0-9A-Fa-f]{2}([:-])[0-9A-Fa-f]{2}(?:\1[0-9A-Fa-f]{2}){4}(?![\w:-])/g, check: mac },
    { shape: /(?<![\w.])[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}(?![\w.])/g, check: mac },
  ],
  'crypto-address': [
    { shape: /(?<![A-Za-z0-9])[13][1-9A-HJ-NP-Za-km-z]{25,34}(?![A-Za-z0-9])/g, check: base58, exact: true },
    { shape: /(?<![A-Za-z0-9])(?:bc1|tb1)[02-9ac-hj-np-z]{11,71}(?![A-Za-z0-9])/g },
    { shape: /(?<![A-Za-z0-9])0x[0-9A-Fa-f]{40}(?![A-Za-z0-9])/g },
  ],
};
/** Lengths by country (ISO 13616 registry). */
const IBAN_LENGTHS = new Map(
  'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
    .split(' ')
    .map((row) => [row.slice(0, 2), Number(row.slice(2))]),
);

function iban(plain: string): boolean {
  if (plain.length !== IBAN_LENGTHS.get(plain.slice(0, 2))) return false;
  let rest = 0;
  for (const c of plain.slice(4) + plain.slice(0, 4)) {
    const value = Number.parseInt(c, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1;
}

/** The length of the account number that a longer run begins with (a word follows it); 0 for none. */
function ibanIn(match: string): number {
  const length = IBAN_LENGTHS.get(match.slice(0, 2)) ?? Number.POSITIVE_INFINITY;
  let seen = 0;
  for (let i = 0; i < match.length; i++) {
    if (match[i] !== ' ' && match[i] !== '-') seen++;
    if (seen === length)
      return /^[ -]?$/.test(match[i + 1] ?? '') && iban(match.slice(0, i + 1).replace(/[ -]/g, '')) ? i + 1 : 0;
  }
  return 0;
}

const V4 = new RegExp(`^${BYTE}(?:\\.${BYTE}){3}$`);

function ipv6(plain: string): boolean {
  const groups = plain.split('%', 1)[0]!.split(':');
  const gaps = plain.match(/::/g)?.length ?? 0;
  if (plain.includes(':::') || gaps > 1 || groups.length > 8 + gaps) return false;
  if (groups.at(-1)!.includes('.') && !V4.test(groups.at(-1)!)) return false;
  return gaps === 1 ? /[0-9A-F]/i.test(plain) : groups.length === 8 && !groups.includes('');
}

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** Base58Check: the last four bytes are the beginning of the hash of the hash of the others. */
function base58(address: string): boolean {
  let number = 0n;
  for (const c of address) number = number * 58n + BigInt(BASE58.indexOf(c));
  const bytes = Buffer.from(number.toString(16).padStart(50, '0'), 'hex');
  if (bytes.length !== 25) return false;
  const hash = sha256Hex(Buffer.from(sha256Hex(bytes.subarray(0, 21)), 'hex'));
  return hash.startsWith(bytes.toString('hex', 21));
}

/** Not the broadcast address, nor none at all. */
function mac(plain: string): boolean {
  return !/^(?:F{12}|0{12})$/.test(plain.replaceAll(':', ''));
}
