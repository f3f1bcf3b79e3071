/**
 * Phone numbers in the formats of fifty countries, numbers of states with good check digits, and numbers that are neither.
 * Formats as national dialling plans and libphonenumber write them; check digits after the issuers' specifications.
 */
import { DIGIT, HEX, maker, UPPER } from './random.ts';

const m = maker(20261123);
const { of, int, pick } = m;

/** `9` is any digit; everything else stands for itself. */
const fill = (format: string): string => format.replace(/9/g, () => of(DIGIT, 1));

/** Country, its calling code, national formats. */
const PHONES: readonly (readonly [string, string, readonly string[]])[] = [
  ['US', '1', ['(415) 899-9999', '415-899-9999', '415.899.9999', '415 899 9999', '1-415-899-9999', '4158999999']],
  ['GB', '44', ['020 7999 9999', '07700 999999', '(0161) 499 9999', '01632 999999', '0121 499 9999']],
  ['DE', '49', ['030 9999999', '0171 9999999', '0171/9999999', '(089) 999999', '040-999 99 99', '0151 99999999']],
  ['FR', '33', ['01 49 99 99 99', '06 19 99 99 99', '06.19.99.99.99', '0619999999']],
  ['ES', '34', ['612 999 999', '612 99 99 99', '91 199 99 99', '612999999']],
  ['IT', '39', ['06 9999 9999', '312 999 9999', '02 99999999', '3129999999']],
  ['NL', '31', ['06 19999999', '06-19999999', '020 199 9999', '0612 999 999']],
  ['BE', '32', ['0470 99 99 99', '02 199 99 99', '0470/99.99.99']],
  ['CH', '41', ['044 668 99 99', '079 199 99 99']],
  ['AT', '43', ['01 2999999', '0664 1999999', '0664/19 99 999']],
  ['PL', '48', ['512 999 999', '22 199 99 99', '512-999-999']],
  ['SE', '46', ['070-199 99 99', '08-199 999 99', '0701999999']],
  ['NO', '47', ['412 99 999', '22 19 99 99']],
  ['DK', '45', ['20 19 99 99', '20199999']],
  ['FI', '358', ['041 2999999', '09 1999 9999', '050 199 9999']],
  ['PT', '351', ['912 999 999', '21 199 9999']],
  ['IE', '353', ['085 019 9999', '01 299 9999']],
  ['CZ', '420', ['601 199 999', '601199999']],
  ['HU', '36', ['06 20 199 9999', '06 1 299 9999']],
  ['RO', '40', ['0712 099 999', '021 199 9999']],
  ['GR', '30', ['21 2999 9999', '691 299 9999']],
  ['TR', '90', ['0501 299 99 99', '(0212) 399 99 99', '0 532 299 99 99']],
  ['RU', '7', ['8 (912) 399-99-99', '8-912-399-99-99', '89123999999']],
  ['UA', '380', ['050 199 9999', '(044) 299-99-99']],
  ['IN', '91', ['98765 99999', '098765 99999', '9876599999', '022-2499 9999']],
  ['CN', '86', ['138 1999 9999', '010 1999 9999', '13819999999', '010-19999999']],
  ['JP', '81', ['090-1999-9999', '03-1999-9999', '0120-199-999']],
  ['KR', '82', ['010-1999-9999', '02-199-9999']],
  ['AU', '61', ['0412 999 999', '(02) 9374 9999', '02 9374 9999', '1300 999 999']],
  ['NZ', '64', ['021 199 9999', '03-399 9999']],
  ['BR', '55', ['(11) 96199-9999', '11 96199-9999', '(21) 3999-9999']],
  ['MX', '52', ['55 1999 9999', '(55) 1999-9999']],
  ['AR', '54', ['011 4999-9999', '11 2999-9999']],
  ['ZA', '27', ['071 199 9999', '(011) 999-9999']],
  ['NG', '234', ['0802 199 9999', '08021999999']],
  ['EG', '20', ['0100 199 9999', '02 2799 9999']],
  ['SA', '966', ['051 299 9999', '0512999999']],
  ['AE', '971', ['050 199 9999', '04 299 9999']],
  ['IL', '972', ['050-299-9999', '03-699-9999']],
  ['SG', '65', ['8199 9999', '6199 9999']],
  ['HK', '852', ['5199 9999', '2199 9999']],
  ['MY', '60', ['012-399 9999', '03-8899 9999']],
  ['TH', '66', ['081 299 9999', '02 199 9999']],
  ['ID', '62', ['0812-399-999', '(021) 3999 9999', '0812 3999 9999']],
  ['PH', '63', ['0905 199 9999', '(02) 8199 9999']],
  ['VN', '84', ['0912 399 999', '024 3999 9999']],
  ['CO', '57', ['321 199 9999', '(601) 399 9999']],
  ['CL', '56', ['9 6199 9999', '(2) 2199 9999']],
];
const SAID = [
  (p: string) => `Phone: ${p}`,
  (p: string) => `please call me at ${p} after five`,
  (p: string) => `Tel. ${p}, Fax on request`,
  (p: string) => `{"name":"Ann","mobile":"${p}"}`,
  (p: string) => `Contact: Ann Doe <ann@example.com>, ${p} (cell)`,
  (p: string) => `WhatsApp ${p}`,
];
const BARE = [
  (p: string) => `Ann can be reached under ${p} this week.`,
  (p: string) => `Ann Doe\n12 High Street\n${p}`,
  (p: string) => `| Ann Doe | Sales | ${p} |`,
];
const national = PHONES.flatMap(([, , formats]) => formats.map(fill));
const international = PHONES.flatMap(([, code, formats]) => {
  const [one] = formats;
  const trunkless = fill(one!)
    .replace(/^\(?0\)?|^8 /, '')
    .replace(/^\((\d+)\)/, '$1');
  const digits = trunkless.replace(/\D/g, '');
  return [
    `+${code} ${trunkless.trim()}`,
    `+${code}${digits}`,
    `00${code} ${trunkless.trim()}`,
    `+${code} (0) ${trunkless.trim()}`,
  ];
});
const label = (p: string, i: number) => SAID[i % SAID.length]!(p);
const bare = (p: string, i: number) => BARE[i % BARE.length]!(p);

export const CALLED: Readonly<Record<string, readonly string[]>> = {
  'national, with a word': national.map(label),
  'international, with a word': international.map(label),
  'international, alone': international.map(bare),
  'national, alone': national.map(bare),
};

// Numbers of states.
const sum = (digits: string, weights: readonly number[]) => weights.reduce((s, w, i) => s + w * Number(digits[i]), 0);
const luhn = (body: string): string => {
  const total = [...body].reverse().reduce((s, c, i) => {
    const d = Number(c) * (i % 2 === 0 ? 2 : 1);
    return s + (d > 9 ? d - 9 : d);
  }, 0);
  return String((10 - (total % 10)) % 10);
};
const two = (n: number) => String(n).padStart(2, '0');
const born = () => ({ y: two(40 + int(59)), mo: two(1 + int(12)), d: two(1 + int(28)) });
const until = (make: () => string | undefined): string => {
  for (;;) {
    const made = make();
    if (made !== undefined) return made;
  }
};
const NIF = 'TRWAGMYFPDXBNJZSQVHLCKE';
const VERHOEFF_D = [
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
const VERHOEFF_P = [
  '0123456789',
  '1576283094',
  '5803796142',
  '8916043527',
  '9453126870',
  '4286573901',
  '2793806415',
  '7046913258',
];
const verhoeff = (body: string): string => {
  let c = 0;
  [...body].reverse().forEach((d, i) => {
    c = Number(VERHOEFF_D[c]![Number(VERHOEFF_P[(i + 1) % 8]![Number(d)])]);
  });
  return '0432156789'[c]!;
};

/** What it is called where it is used, and a maker. */
export const STATES: readonly (readonly [name: string, word: string, make: () => string])[] = [
  [
    'US SSN',
    'Social Security Number',
    () => `${pick(['219', '457', '521', '078'])}-${two(10 + int(80))}-${of('123456789', 4)}`,
  ],
  ['US SSN plain', 'SSN', () => `${pick(['219', '457', '521'])}${two(10 + int(80))}${of('123456789', 4)}`],
  ['US ITIN', 'ITIN', () => `9${of(DIGIT, 2)}-${70 + int(18)}-${of(DIGIT, 4)}`],
  [
    'US NPI',
    'NPI',
    () => {
      const b = `1${of(DIGIT, 8)}`;
      return b + luhn(`80840${b}`);
    },
  ],
  [
    'UK NHS',
    'NHS number',
    () =>
      until(() => {
        const b = of('123456789', 9);
        const c = 11 - (sum(b, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11);
        return c === 10 ? undefined : `${b.slice(0, 3)} ${b.slice(3, 6)} ${b.slice(6)}${c === 11 ? 0 : c}`;
      }),
  ],
  [
    'UK NINO',
    'National Insurance',
    () =>
      `${pick(['AB', 'CE', 'JK', 'NR'])} ${of(DIGIT, 2)} ${of(DIGIT, 2)} ${of(DIGIT, 2)} ${pick(['A', 'B', 'C', 'D'])}`,
  ],
  [
    'CA SIN',
    'SIN',
    () => {
      const b = pick(['1', '4', '5', '7']) + of(DIGIT, 7);
      const all = b + luhn(b);
      return `${all.slice(0, 3)} ${all.slice(3, 6)} ${all.slice(6)}`;
    },
  ],
  [
    'AU TFN',
    'tax file number',
    () =>
      until(() => {
        const b = of('123456789', 8);
        const r = sum(b, [1, 4, 3, 7, 5, 8, 6, 9]);
        for (let c = 0; c < 10; c++)
          if ((r + 10 * c) % 11 === 0) return `${b.slice(0, 3)} ${b.slice(3, 6)} ${b.slice(6)}${c}`;
        return undefined;
      }),
  ],
  [
    'AU Medicare',
    'Medicare card',
    () => {
      const b = pick(['2', '3', '4', '5', '6']) + of(DIGIT, 7);
      return `${b.slice(0, 4)} ${b.slice(4)}${sum(b, [1, 3, 7, 9, 1, 3, 7, 9]) % 10} ${1 + int(9)}`;
    },
  ],
  [
    'ES NIF',
    'DNI',
    () => {
      const b = of('123456789', 8);
      return b + NIF[Number(b) % 23];
    },
  ],
  [
    'ES NIE',
    'NIE',
    () => {
      const f = int(3);
      const b = of(DIGIT, 7);
      return `${'XYZ'[f]}${b}${NIF[Number(f + b) % 23]}`;
    },
  ],
  [
    'FR NIR',
    'numero de securite sociale',
    () => {
      const { y, mo } = born();
      const b = `${1 + int(2)}${y}${mo}${pick(['75', '13', '69', '33'])}${of('123456789', 3)}${of('123456789', 3)}`;
      return b + two(97 - Number(BigInt(b) % 97n));
    },
  ],
  [
    'BE national',
    'rijksregisternummer',
    () => {
      const { y, mo, d } = born();
      const b = `${y}${mo}${d}${two(int(99))}${1 + int(9)}`;
      const c = two(97 - (Number(b) % 97));
      return `${y}.${mo}.${d}-${b.slice(6)}.${c}`;
    },
  ],
  [
    'NL BSN',
    'BSN',
    () =>
      until(() => {
        const b = of('123456789', 8);
        const c = sum(b, [9, 8, 7, 6, 5, 4, 3, 2]) % 11;
        return c === 10 ? undefined : b + c;
      }),
  ],
  [
    'DE tax',
    'Steuer-ID',
    () =>
      until(() => {
        const digits = [...'0123456789'].sort(() => m.int(3) - 1);
        const twice = pick(digits);
        const body = [...digits.slice(0, 9), twice].sort(() => m.int(3) - 1).join('');
        if (body[0] === '0' || new Set(body).size !== 9 || /(\d)\1\1/.test(body)) return undefined;
        let p = 10;
        for (const d of body) {
          const s = (Number(d) + p) % 10 || 10;
          p = (2 * s) % 11;
        }
        return body + ((11 - p) % 10);
      }),
  ],
  [
    'PL PESEL',
    'PESEL',
    () => {
      const { y, mo, d } = born();
      const b = y + mo + d + of(DIGIT, 4);
      return b + ((10 - (sum(b, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)) % 10);
    },
  ],
  [
    'SE',
    'personnummer',
    () => {
      const { y, mo, d } = born();
      const b = y + mo + d + of(DIGIT, 3);
      return `${y}${mo}${d}-${b.slice(6)}${luhn(b)}`;
    },
  ],
  [
    'FI',
    'henkilotunnus',
    () => {
      const { y, mo, d } = born();
      const n = String(2 + int(890)).padStart(3, '0');
      return `${d}${mo}${y}-${n}${'0123456789ABCDEFHJKLMNPRSTUVWXY'[Number(d + mo + y + n) % 31]}`;
    },
  ],
  [
    'DK',
    'CPR',
    () => {
      const { y, mo, d } = born();
      return `${d}${mo}${y}-${of('123456789', 4)}`;
    },
  ],
  [
    'NO',
    'fodselsnummer',
    () =>
      until(() => {
        const { y, mo, d } = born();
        const b = d + mo + y + of('01234', 1) + of(DIGIT, 2);
        const one = (11 - (sum(b, [3, 7, 6, 1, 8, 9, 4, 5, 2]) % 11)) % 11;
        if (one === 10) return undefined;
        const t = (11 - (sum(b + one, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11)) % 11;
        return t === 10 ? undefined : b + one + t;
      }),
  ],
  [
    'IT',
    'codice fiscale',
    () =>
      until(() => {
        const b = `${of('BCDFGLMNPRSTV', 6)}${of(DIGIT, 2)}${of('ABCDEHLMPRST', 1)}${two(1 + int(28))}${of('ABCDEFGH', 1)}${of(DIGIT, 3)}`;
        const odd: Record<string, number> = {};
        [...'0123456789'].forEach((c, i) => {
          odd[c] = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21][i]!;
        });
        [...UPPER].forEach((c, i) => {
          odd[c] = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23][i]!;
        });
        const total = [...b].reduce(
          (s, c, i) => s + (i % 2 === 0 ? odd[c]! : /\d/.test(c) ? Number(c) : c.charCodeAt(0) - 65),
          0,
        );
        return b + UPPER[total % 26];
      }),
  ],
  [
    'PT NIF',
    'NIF',
    () => {
      const b = pick(['1', '2']) + of(DIGIT, 7);
      const r = sum(b, [9, 8, 7, 6, 5, 4, 3, 2]) % 11;
      return b + (r < 2 ? 0 : 11 - r);
    },
  ],
  [
    'BR CPF',
    'CPF',
    () => {
      const b = of('123456789', 3) + of(DIGIT, 6);
      const one = ((sum(b, [10, 9, 8, 7, 6, 5, 4, 3, 2]) * 10) % 11) % 10;
      const t = ((sum(b + one, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) * 10) % 11) % 10;
      return `${b.slice(0, 3)}.${b.slice(3, 6)}.${b.slice(6)}-${one}${t}`;
    },
  ],
  [
    'IN Aadhaar',
    'Aadhaar',
    () => {
      const b = of('23456789', 1) + of(DIGIT, 10);
      const all = b + verhoeff(b);
      return `${all.slice(0, 4)} ${all.slice(4, 8)} ${all.slice(8)}`;
    },
  ],
  ['IN PAN', 'PAN', () => `${of(UPPER, 3)}P${of(UPPER, 1)}${of(DIGIT, 4)}${of(UPPER, 1)}`],
  [
    'SG NRIC',
    'NRIC',
    () => {
      const b = of(DIGIT, 7);
      return `S${b}${'JZIHGFEDCBA'[sum(b, [2, 7, 6, 5, 4, 3, 2]) % 11]}`;
    },
  ],
  [
    'KR RRN',
    '\uc8fc\ubbfc\ub4f1\ub85d\ubc88\ud638',
    () => {
      const { y, mo, d } = born();
      const b = `${y}${mo}${d}${1 + int(2)}${of(DIGIT, 5)}`;
      return `${b.slice(0, 6)}-${b.slice(6)}${(11 - (sum(b, [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11)) % 10}`;
    },
  ],
  [
    'CN',
    '\u8eab\u4efd\u8bc1',
    () => {
      const { y, mo, d } = born();
      const b = `${pick(['110101', '310115', '440305', '510104'])}19${y}${mo}${d}${of(DIGIT, 3)}`;
      return b + '10X98765432'[sum(b, [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11];
    },
  ],
  [
    'TH',
    'Thai ID',
    () => {
      const b = of('12345', 1) + pick(['10', '24', '50', '83', '96']) + of(DIGIT, 9);
      const all = b + ((11 - (sum(b, [13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 10);
      return `${all[0]}-${all.slice(1, 5)}-${all.slice(5, 10)}-${all.slice(10, 12)}-${all[12]}`;
    },
  ],
  [
    'TR',
    'TC Kimlik',
    () => {
      const b = of('123456789', 9);
      const o = [0, 2, 4, 6, 8].reduce((s, i) => s + Number(b[i]), 0);
      const e = [1, 3, 5, 7].reduce((s, i) => s + Number(b[i]), 0);
      const ten = (((o * 7 - e) % 10) + 10) % 10;
      return `${b}${ten}${(o + e + ten) % 10}`;
    },
  ],
  [
    'ZA',
    'South African ID',
    () => {
      const { y, mo, d } = born();
      const b = `${y}${mo}${d}${of(DIGIT, 4)}08`;
      return b + luhn(b);
    },
  ],
  [
    'IL',
    'Teudat Zehut',
    () => {
      const b = of(DIGIT, 8);
      const t = [...b].reduce((s, c, i) => {
        const d = Number(c) * (i % 2 === 0 ? 1 : 2);
        return s + (d > 9 ? d - 9 : d);
      }, 0);
      return b + ((10 - (t % 10)) % 10);
    },
  ],
  [
    'MX CURP',
    'CURP',
    () => {
      const { y, mo, d } = born();
      const b = `${of('BCDFGLMNP', 1)}${of('AEIOU', 1)}${of('BCDFGLMNP', 2)}${y}${mo}${d}${pick(['H', 'M'])}${pick(['DF', 'JC', 'NL'])}${of('BCDFGLMNP', 3)}0`;
      const t = [...b].reduce((s, c, i) => s + '0123456789ABCDEFGHIJKLMN\u00d1OPQRSTUVWXYZ'.indexOf(c) * (18 - i), 0);
      return b + ((10 - (t % 10)) % 10);
    },
  ],
  [
    'CL RUT',
    'RUT',
    () => {
      const b = String(5_000_000 + int(20_000_000));
      const r = [...b].reverse().reduce((s, c, i) => s + Number(c) * (2 + (i % 6)), 0);
      const k = 11 - (r % 11);
      return `${b.replace(/\B(?=(\d{3})+$)/g, '.')}-${k === 11 ? 0 : k === 10 ? 'K' : k}`;
    },
  ],
  [
    'CH AHV',
    'AHV',
    () => {
      const b = `756${of(DIGIT, 9)}`;
      const c = (10 - ([...b].reduce((s, d, i) => s + Number(d) * (i % 2 === 0 ? 1 : 3), 0) % 10)) % 10;
      return `756.${b.slice(3, 7)}.${b.slice(7, 11)}.${b.slice(11)}${c}`;
    },
  ],
  [
    'CZ',
    'rodne cislo',
    () =>
      until(() => {
        const { y, mo, d } = born();
        const b = y + mo + d + of('123456789', 3);
        const c = Number(b) % 11;
        return c === 10 ? undefined : `${y}${mo}${d}/${b.slice(6)}${c}`;
      }),
  ],
  [
    'RO',
    'CNP',
    () => {
      const { y, mo, d } = born();
      const b = `${1 + int(2)}${y}${mo}${d}${two(1 + int(46))}${of('123456789', 3)}`;
      const r = sum(b, [2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
      return b + (r === 10 ? 1 : r);
    },
  ],
];
export const NUMBERED: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  STATES.map(([name, word, make]) => [
    name,
    [make(), make(), make(), make()].flatMap((id) => [
      `${word}: ${id}`,
      `Her ${word} is ${id}.`,
      `{"${word.toLowerCase().replaceAll(' ', '_')}": "${id}"}`,
      `Ann Doe, ${id}, Springfield`,
    ]),
  ]),
);

const rows = (count: number, make: () => string) => Array.from({ length: count }, make);
const date = () => `${2018 + int(9)}-${two(1 + int(12))}-${two(1 + int(28))}`;
/** Nothing of a person: neither a phone number nor a number of a state. */
export const NOBODY: Readonly<Record<string, readonly string[]>> = {
  dates: rows(40, () =>
    pick([
      `due ${date()}`,
      `${date()} 12:${two(int(60))}:${two(int(60))}`,
      `${two(1 + int(28))}.${two(1 + int(12))}.2026 10:00`,
      `2019-2024, 2025/26`,
      `${date().replaceAll('-', '')}T101500Z`,
    ]),
  ),
  times: rows(40, () =>
    pick([
      `ts ${1_700_000_000 + int(90_000_000)}`,
      `"at":${1_700_000_000_000 + int(9e10)}`,
      `took 0.${of(DIGIT, 9)} s`,
      `uptime ${of('123456789', 8)} ms`,
    ]),
  ),
  versions: rows(40, () =>
    pick([
      `v${int(9)}.${int(30)}.${int(99)}.${1000 + int(8999)}`,
      `Chrome/${100 + int(40)}.0.${6000 + int(900)}.${int(200)}`,
      `build ${of('123456789', 7)}`,
      `10.0.${int(99999)}.${int(9999)}`,
    ]),
  ),
  places: rows(40, () =>
    pick([
      `${int(90)}.${of(DIGIT, 6)}, ${int(180)}.${of(DIGIT, 6)}`,
      `(${int(90)}.${of(DIGIT, 4)}, -${int(180)}.${of(DIGIT, 4)})`,
      `${of(DIGIT, 5)}-${of(DIGIT, 4)} Springfield`,
      `x=${of(DIGIT, 4)} y=${of(DIGIT, 4)} z=${of(DIGIT, 4)}`,
    ]),
  ),
  orders: rows(60, () =>
    pick([
      `order ${of('123456789', 9)}`,
      `Order #${of('123456789', 3)}-${of(DIGIT, 7)}-${of(DIGIT, 7)}`,
      `invoice ${of(DIGIT, 8)}`,
      `SKU ${of(DIGIT, 4)}-${of(DIGIT, 4)}`,
      `part ${of(DIGIT, 3)}-${of(DIGIT, 4)}-${of(DIGIT, 2)}`,
      `EAN ${of('123456789', 13)}`,
      `ticket ${of('123456789', 6)}`,
      `row ${of('123456789', 11)}`,
      `ref ${of(UPPER, 2)}${of(DIGIT, 8)}`,
    ]),
  ),
  books: rows(20, () =>
    pick([
      `ISBN 978-3-${of(DIGIT, 4)}-${of(DIGIT, 4)}-${of(DIGIT, 1)}`,
      `ISBN-10: ${of(DIGIT, 1)}-${of(DIGIT, 4)}-${of(DIGIT, 4)}-X`,
      `doi:10.${of(DIGIT, 4)}/s${of(DIGIT, 5)}-${of(DIGIT, 3)}-${of(DIGIT, 5)}`,
    ]),
  ),
  hex: rows(40, () => pick([m.uuid(), of(HEX, 40), `0x${of(HEX, 16)}`, `${of(HEX, 12)}`, `sha256:${of(HEX, 64)}`])),
  money: rows(30, () =>
    pick([
      `1 ${of(DIGIT, 3)} ${of(DIGIT, 3)},${of(DIGIT, 2)} EUR`,
      `$${of('123456789', 3)},${of(DIGIT, 3)}.${of(DIGIT, 2)}`,
      `${of('123456789', 9)} bytes`,
      `${of('123456789', 10)} rows`,
      `population ${of('123456789', 1)} ${of(DIGIT, 3)} ${of(DIGIT, 3)}`,
    ]),
  ),
  tables: rows(30, () => `${of('123456789', 3)} ${of(DIGIT, 3)} ${of(DIGIT, 4)} ${of(DIGIT, 3)} ${of('123456789', 4)}`),
  addresses: rows(30, () =>
    pick([
      `${int(255)}.${int(255)}.${int(255)}.${int(255)}`,
      `10.${int(255)}.0.0/16`,
      `fe80::${of(HEX, 4)}:${of(HEX, 4)}`,
      `port ${1024 + int(60000)}, pid ${of('123456789', 6)}`,
    ]),
  ),
  ids: rows(60, () =>
    pick([
      `id=${of('123456789', 11)}`,
      `account ${of('123456789', 12)}`,
      `user_id: ${of('123456789', 10)}`,
      `msg ${of('123456789', 13)}`,
      `arn:aws:iam::${of(DIGIT, 12)}:role/app`,
      `#${of('123456789', 5)}`,
      `build-${of('123456789', 9)}`,
    ]),
  ),
};
