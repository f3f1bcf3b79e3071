import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactText } from '../../src/detect/secrets.ts';

/** Appends the Luhn digit. */
function luhn(body: string): string {
  let sum = 0;
  [...body].reverse().forEach((c, i) => {
    const d = Number(c) * (i % 2 === 0 ? 2 : 1);
    sum += d > 9 ? d - 9 : d;
  });
  return body + ((10 - (sum % 10)) % 10);
}
const cards = (text: string) =>
  redactText(text)
    .found.filter(({ rule }) => rule === 'card-number')
    .map(({ start, end }) => text.slice(start, end));

describe('card numbers', () => {
  it.each([
    ['Visa', 'card 4111111111111111', '4111111111111111'],
    ['Visa in groups', 'order 4111 1111 1111 1111', '4111 1111 1111 1111'],
    ['hyphens', '4111-1111-1111-1111 exp 12/29', '4111-1111-1111-1111'],
    ['American Express', 'amex: 378282246310005', '378282246310005'],
    ['American Express in groups', '3782 822463 10005', '3782 822463 10005'],
    ['Mastercard, new range', 'MasterCard 2221000000000009', '2221000000000009'],
    ['Diners Club', 'diners 30569309025904', '30569309025904'],
    ['a security code behind', '4111 1111 1111 1111 123', '4111 1111 1111 1111'],
    ['nothing but the number', '5555555555554444', '5555555555554444'],
    ['behind an escape', 'credit card:\\n4012888888881881', '4012888888881881'],
  ])('takes %s', (_, text, expected) => {
    expect(cards(text)).toEqual([expected]);
  });

  it.each([
    ['a number that fails Luhn', 'card 4111111111111112'],
    ['an order', 'order 4111111111111111 was shipped today, thank you'],
    ['no issuer', 'card 9999999999999995'],
    ['a longer number', 'card 41111111111111110000'],
    ['a fraction', 'card rate 0.4111111111111111'],
    ['a hexadecimal string', 'card a4111111111111111b'],
    ['a UUID of digits', 'card 12345678-4111-1111-1111-111111111111'],
    ['mixed marks', '4111 1111-1111 1111'],
    ['a timestamp', 'payment at 1732100000000'],
    ['a table', '2346 2347 2348 2349 2350 2351'],
    ['a table of hexadecimals', '542E 542F 5430 5431 5432 5433'],
    ['a list', '2346,2347,2348,2349'],
    ['dots', '4300.0020.0011.0002'],
    ['zeroes', 'card 0000000000000000'],
  ])('leaves %s', (_, text) => {
    expect(cards(text)).toEqual([]);
  });

  it('finds it at any place among other text', () => {
    const filler = fc.stringMatching(/^[a-z ,:]{0,60}$/);
    const visa = fc
      .stringMatching(/^4[0-9]{14}$/)
      .map(luhn)
      .filter((n) => !/^40*$/.test(n));
    fc.assert(
      fc.property(filler, visa, filler, fc.constantFrom('', ' ', '-'), (before, number, after, mark) => {
        const shown = number.match(/.{4}/g)!.join(mark);
        const text = `${before} card ${shown} ${after}`;
        expect(cards(text)).toEqual([shown]);
      }),
    );
  });

  const FILE = join(
    process.env['DOORWARD_CORPORA'] ?? join(import.meta.dirname, '../../../shared/corpora'),
    'pii.jsonl',
  );
  it.skipIf(!existsSync(FILE))('takes the public samples, and none of the numbers that are no cards', () => {
    const rows = readFileSync(FILE, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { label: string; category: string; text: string });
    const of = (label: string) => rows.filter((r) => r.category === 'pii_credit_card' && r.label === label);
    expect(of('attack').filter((r) => cards(r.text).length === 0)).toEqual([]);
    expect(of('benign').filter((r) => cards(r.text).length > 0)).toEqual([]);
    const others = rows.filter((r) => r.category !== 'pii_credit_card');
    expect(others.filter((r) => cards(r.text).length > 0).length / others.length).toBeLessThan(0.003);
  });
});
