import { describe, expect, it } from 'vitest';
import { parseJson, REPLY_CAPS, REQUEST_CAPS } from '../../../src/lib/json/scan.ts';

/** No text of this size may hold the event loop for longer, in milliseconds. */
const STALL = 20;
const MB = 1 << 20;

const repeat = (item: string, open = '[', close = ']') =>
  `${open}${Array(Math.floor((MB - 2) / (item.length + 1)))
    .fill(item)
    .join(',')}${close}`;

function list(item: (i: number) => string, open = '[', close = ']'): string {
  const items: string[] = [];
  for (let i = 0, length = 64; length < MB; i++) {
    const next = item(i);
    items.push(next);
    length += next.length + 1;
  }
  return open + items.join(',') + close;
}

/** Eight names in another order each time. */
function shuffled(i: number): string {
  const names = [...'abcdefgh'];
  for (let j = 7, x = (i * 2654435761) >>> 0; j > 0; x = Math.floor(x / (j + 1)), j--) {
    const k = x % (j + 1);
    [names[j], names[k]] = [names[k]!, names[j]!];
  }
  return `{${names.map((name) => `"${name}":0`).join(',')}}`;
}

const TEXTS: Readonly<Record<string, string>> = {
  'open arrays': '['.repeat(MB),
  'open objects': '{"a":'.repeat(MB / 5),
  'deep pairs': list(() => '['.repeat(100) + ']'.repeat(100)),
  zeros: repeat('0'),
  'most arrays': `[${Array(REPLY_CAPS.maxMembers - 1)
    .fill('[]')
    .join(',')}]`,
  'most objects': `[${Array(REPLY_CAPS.maxMembers - 1)
    .fill('{}')
    .join(',')}]`,
  'different names': list((i) => `"${i.toString(36)}":0`, '{', '}'),
  'different index names': list((i) => `"${(i * 65537) >>> 0}":0`, '{', '}'),
  'objects of different names': list((i) => `{"k${i}":0,"l${i}":{"m${i}":1}}`),
  'objects of different order': list(shuffled),
  'equal names': repeat('"a":0', '{', '}'),
  'one long name': `{"${'n'.repeat(MB - 8)}":0}`,
  'names almost forbidden': list((i) => `"\\u005f_proto_\\u005f${i}":0`, '{', '}'),
  'different texts': list((i) => `"${i.toString(36)}"`),
  'long ids': repeat('12345678901234567890'),
  'fractions no double carries': repeat('0.12345678901234567891'),
  'fractions doubles carry': list((i) => String(Math.sin(i))),
  'large exponents': repeat('1e999'),
  'largest doubles': repeat('1.7976931348623157e308'),
  'trailing zeros': repeat('0.10000000000000000'),
  'one long integer': `[${'1'.repeat(MB - 2)}]`,
  'one long fraction': `[0.${'1'.repeat(MB - 4)}]`,
  'one long exponent': `[1e${'9'.repeat(MB - 4)}]`,
  'one long zero': `[1.${'0'.repeat(MB - 4)}]`,
  'line ends': `"${'\\n'.repeat(MB / 2 - 1)}"`,
  'unicode escapes': `"${'\\ud83d\\ude00'.repeat(Math.floor(MB / 12) - 1)}"`,
  'escapes past the native search': `"${`${'x'.repeat(25)}\\n`.repeat(Math.floor(MB / 27) - 1)}"`,
  'an endless string': `"${'x'.repeat(MB - 1)}`,
  'endless backslashes': `"${'\\'.repeat(MB - 1)}`,
  'a control character last': `"${'x'.repeat(MB - 3)}\x01"`,
  'white space': `${' '.repeat(MB - 2)}{}`,
  'wide text': `"${'\u4f60'.repeat(MB / 3 - 1)}"`,
  'ids beside wide text': `["\u00e9",${repeat('12345678901234567890').slice(1)}`,
};

/** CPU milliseconds. */
function cost(work: () => void): number {
  const began = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1000;
}

const ROWS = list((i) => `{"id":${i},"name":"user ${i}","active":true,"tags":["a","b"]}`);
const WORDS = list((i) => `"x${i.toString(36)}"`);
/** What JSON.parse takes for these two on the machine that the bound was set on, in milliseconds. */
const QUIET = 11;

/** How much slower this machine is in this moment. */
function slowness(): number {
  const now = cost(() => {
    JSON.parse(ROWS);
    JSON.parse(WORDS);
  });
  return Math.max(1, now / QUIET);
}

describe('a megabyte of ill will', () => {
  it.each(Object.entries(TEXTS))(`holds the loop for less than ${STALL} ms: %s`, (_, text) => {
    const bytes = Buffer.from(text);
    for (const caps of [REQUEST_CAPS, REPLY_CAPS]) {
      let best = Infinity;
      // The best of a few, by the speed of this machine in this moment.
      for (let run = 0; run < 6 && best >= STALL / 2; run++) {
        const now = cost(() => parseJson(bytes, caps));
        best = Math.min(best, now < STALL / 2 ? now : now / slowness());
      }
      expect(best).toBeLessThan(STALL);
    }
  });

  it('bounds new shapes and digits, not rows', () => {
    const reason = (text: string) => {
      const parsed = parseJson(Buffer.from(text), REPLY_CAPS);
      return parsed.ok ? 'ok' : parsed.why;
    };
    const names = (n: number) => `{${Array.from({ length: n }, (_, i) => `"n${i}":0`).join(',')}}`;
    expect(reason(names(20_000))).toBe('ok');
    expect(reason(names(30_000))).toBe('members');
    expect(reason(`[${Array(16_384).fill('1e999').join(',')}]`)).toBe('ok');
    expect(reason(`[${Array(16_385).fill('1e999').join(',')}]`)).toBe('members');
    const row = '{"id":1,"name":"n","tags":["a"],"owner":{"id":7,"name":"o"},"done":false}';
    expect(reason(`[${Array(20_000).fill(row).join(',')}]`)).toBe('ok');
    // Rows that leave out some of ten optional members.
    const sparse = (i: number) =>
      JSON.stringify(Object.fromEntries([...'abcdefghij'].filter((_, k) => ((i * 7919) >> k) & 1).map((k) => [k, 0])));
    expect(reason(`[${Array.from({ length: 20_000 }, (_, i) => sparse(i)).join(',')}]`)).toBe('ok');
  });
});
