import { describe, expect, it } from 'vitest';
import { iso, parseDuration } from '../../src/lib/time.ts';

describe('parseDuration', () => {
  it.each([
    ['0s', 0],
    ['250ms', 250],
    ['30s', 30_000],
    ['10m', 600_000],
    ['8h', 28_800_000],
    ['7d', 604_800_000],
  ])('%s is %i ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each([
    '',
    '10',
    'm',
    '-1s',
    '+1s',
    '01s',
    '1.5h',
    '1 s',
    ' 1s',
    '1s ',
    '1S',
    '1h30m',
    '1e3s',
    '١s',
    '9999999999999999d',
  ])('%j is none', (text) => expect(parseDuration(text)).toBeUndefined());
});

it('writes instants as RFC 3339', () => {
  expect(iso(0)).toBe('1970-01-01T00:00:00.000Z');
  expect(iso(1_795_132_800_123)).toBe('2026-11-20T00:00:00.123Z');
});
