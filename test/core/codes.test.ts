import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CODES, type Code } from '../../src/core/codes/index.ts';
import { ORDER_IN, ORDER_OUT } from '../../src/core/order.ts';

const rows = Object.entries(CODES);

/** What else is put into a text: all of our own making, or of the configuration. */
const OWN: Readonly<Record<string, string>> = { 'approval.needed': '{approval}', 'upstream.connect': '{upstream}' };

describe('codes', () => {
  it('has a status, a number, a hint and fixed text in each row', () => {
    const wrong = rows.filter(
      ([code, row]) =>
        !/^[a-z]+\.[a-z-]+$/.test(code) ||
        !(row.http === 200 || (row.http >= 400 && row.http < 600)) ||
        row.hint.length < 6 ||
        /[{}$]/.test(row.text.replace('{ref}', '').replace(OWN[code] ?? '', '')),
    );
    expect(wrong).toEqual([]);
  });

  it("keeps to the numbers that are Doorward's own or mean what the specification says", () => {
    const shared = new Set([-32700, -32600, -32601, -32602, -32000, -32020, -32021, -32022]);
    for (const [code, row] of rows) {
      const own = row.rpc > -32000 || row.rpc < -32768;
      expect([code, own || shared.has(row.rpc)]).toEqual([code, true]);
    }
  });

  it('has one text for every reason of a refused sign-in', () => {
    expect(
      new Set(['identity.missing', 'identity.invalid'].map((c) => JSON.stringify({ ...CODES[c as Code], hint: '' })))
        .size,
    ).toBe(1);
  });

  it('has no code that nothing says', () => {
    const text = (function all(dir: string): string {
      return readdirSync(dir, { withFileTypes: true })
        .map((e) =>
          e.isDirectory()
            ? e.name === 'codes'
              ? ''
              : all(join(dir, e.name))
            : e.name.endsWith('.ts')
              ? readFileSync(join(dir, e.name), 'utf8')
              : '',
        )
        .join('');
    })(join(import.meta.dirname, '../../src'));
    const silent = rows
      .map(([code]) => code)
      .filter((code) => !text.includes(`'${code}'`) && !code.startsWith('internal.'));
    expect(silent).toEqual([]);
  });
});

describe('order', () => {
  it('asks machines before content and looks at the output last', () => {
    expect(ORDER_IN.map((row) => row.id)).toEqual([
      'halt',
      'limits',
      'seal',
      'input',
      'asks',
      'policy',
      'screen',
      'redact',
      'approval',
    ]);
    expect(ORDER_OUT.at(-1)!.id).toBe('output');
    for (const row of [...ORDER_IN, ...ORDER_OUT]) expect(row.on.size).toBeGreaterThan(0);
  });
});
