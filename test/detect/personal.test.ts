import { describe, expect, it } from 'vitest';
import { IDS } from '../../src/detect/national.ts';
import { PHONES } from '../../src/detect/phones.ts';
import { type PiiKind, redactJson, redactText } from '../../src/detect/secrets.ts';
import { CALLED, NOBODY, NUMBERED } from './unseen/people.ts';

const sought = (kind: PiiKind) => ({ prose: true, kinds: [kind] });
const has = (kind: PiiKind, text: string) =>
  redactText(text, undefined, undefined, sought(kind)).found.some(({ rule }) => rule === kind);
const share = (texts: readonly string[], kind: PiiKind) =>
  texts.filter((text) => has(kind, text)).length / texts.length;

describe('phone', () => {
  it.each([
    '+49 (0) 30 1234567',
    '0027 71 114 7132',
    '(415) 555-0132',
    '415-555-0132',
    '01 42 68 53 00',
    '0171/1234567',
    '044 668 18 00',
    '8 (912) 345-67-89',
    '(11) 96123-4567',
    '5321234567',
    'Mobile: 8123 4567',
    '\u7535\u8bdd\uff1a138 1234 5678',
  ])('%s', (text) => expect(has('phone', text)).toBe(true));
  it.each([
    '0.123456789 s',
    '01.12.2026 10:00',
    '2026-05-12 call at ten',
    'call 12.05.2026',
    '137.131.93.17',
    '415 555 0132 415 555 0133',
    '01234-5678',
    '917 123 4567',
    'order 6123456789',
    '0012345678',
    'tel: 3.14159265',
  ])('not %s', (text) => expect(has('phone', text)).toBe(false));
  it.each([
    ['national, with a word', 0.98],
    ['international, with a word', 1],
    ['international, alone', 1],
    ['national, alone', 0.65],
  ])('in the formats of fifty countries, %s: %d', (name, least) => {
    expect(share(CALLED[name]!, 'phone')).toBeGreaterThanOrEqual(least);
  });
});

describe('national-id', () => {
  it.each(Object.entries(NUMBERED))('%s: wherever a word says so', (_, texts) => {
    expect(
      share(
        texts.filter((_, i) => i % 4 !== 3),
        'national-id',
      ),
    ).toBe(1);
  });
  it('finds most of them alone in a line as well', () => {
    const alone = Object.values(NUMBERED).flatMap((texts) => texts.filter((_, i) => i % 4 === 3));
    expect(share(alone, 'national-id')).toBeGreaterThanOrEqual(0.7);
  });
  it.each([
    ['a day that its month does not have', '310289-211C'],
    ['a province that Thailand does not have', '1-9745-67890-12-4'],
    ['one digit all along', '111-11-1111'],
    ['two digits twice, in a German tax number', '62286775983'],
    ['a row of a table', '834 204 3134 485 4742'],
    ['an account of a cloud', 'account 497716862881'],
    ['an order', 'order 130692544'],
  ])('not %s', (_, text) => expect(has('national-id', text)).toBe(false));
});

describe('numbers that are nobody', () => {
  it.each(Object.keys(NOBODY))('%s stay', (name) => {
    for (const kind of ['phone', 'national-id'] as const)
      expect(NOBODY[name]!.filter((text) => has(kind, text))).toEqual([]);
  });
});

describe('in JSON', () => {
  it('the name of a member is the word near by', () => {
    const clean = (kind: PiiKind, value: object) =>
      JSON.stringify(redactJson({ ...value }, undefined, sought(kind)).value);
    expect(clean('phone', { mobile: '81234567', order: '81234567' })).toBe(
      '{"mobile":"[redacted phone]","order":"81234567"}',
    );
    expect(clean('phone', { phone: 4155550132, id: 4155550132 })).toBe('{"phone":"[redacted phone]","id":4155550132}');
    expect(clean('national-id', { ssn: '219099998', order: '5321234567' })).toBe(
      '{"ssn":"[redacted national-id]","order":"5321234567"}',
    );
    expect(clean('phone', { text: '5321234567', order_id: '5321234567' })).toBe(
      '{"text":"[redacted phone]","order_id":"5321234567"}',
    );
  });
});

describe('the forms', () => {
  it('are linear: 100 kB of digits, blanks and marks take no time', () => {
    for (const piece of ['1', '1 ', '0 1', '(1', '1-', '01.', '+1', 'a1', 'ABC', '12/']) {
      const text = piece.repeat(100_000 / piece.length);
      for (const { shape } of [...IDS, ...PHONES]) {
        const began = process.cpuUsage();
        for (const _ of text.matchAll(shape));
        const { user, system } = process.cpuUsage(began);
        expect((user + system) / 1000, `${shape.source} on ${piece}`).toBeLessThan(200);
      }
    }
  });
});
