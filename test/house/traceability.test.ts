import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { check, faults, type Guarantee, hasTitle, page, readGuarantees } from '../../scripts/traceability.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const HERE = 'test/house/traceability.test.ts';
const row: Guarantee = {
  id: 'TR1',
  home: 'doors',
  holds: 'It holds.',
  state: 'held',
  code: ['scripts/traceability.ts'],
  proofs: [{ test: HERE, says: 'finds a claim without a test', through: 'socket' }],
};
const of = (change: Partial<Guarantee>) => faults({ areas: { TR: 'T' }, guarantees: [{ ...row, ...change }] }, ROOT);

describe('traceability', () => {
  it('has a page that matches the list, the files and the tests', () => {
    expect(check(ROOT)).toEqual([]);
  });

  it.each<[string, Partial<Guarantee>, RegExp]>([
    ['a missing source file', { code: ['src/nothing.ts'] }, /no such file: src\/nothing.ts/],
    ['a missing test file', { proofs: [{ ...row.proofs[0]!, test: 'test/none.test.ts' }] }, /no such test file/],
    ['a title that no test has', { proofs: [{ ...row.proofs[0]!, says: `finds ${'n'}othing` }] }, /no test in/],
    ['a held row with values only', { proofs: [{ ...row.proofs[0]!, through: 'value' }] }, /socket or a process/],
    ['a held row without a test', { proofs: [] }, /names a test/],
    ['a held row with a gap', { missing: 'Much.' }, /misses nothing/],
    ['a partial row without a gap', { state: 'partial' }, /says what is missing/],
    ['a planned row with a proof', { state: 'planned' }, /names no code/],
    ['an id of no area', { id: 'XX1' }, /no area/],
  ])('finds %s', (_, change, fault) => {
    expect(of(change).join('\n')).toMatch(fault);
  });

  it('finds a claim without a test to be the only fault there is', () => {
    expect(of({})).toEqual([]);
  });

  it('finds an id that occurs twice', () => {
    expect(faults({ areas: { TR: 'T' }, guarantees: [row, row] }, ROOT)).toEqual(['TR1: the id occurs twice']);
  });

  it.each([
    ["it('says so', () => {", true],
    ['  // says so', false],
    [' * it("says so")', false],
    ['says so', false],
  ])('reads titles from code only: %s', (line, found) => {
    expect(hasTitle(line, 'says so')).toBe(found);
  });

  it('counts every row once', () => {
    const data = readGuarantees(ROOT);
    const text = page(data);
    for (const { id } of data.guarantees) expect(text.split(`\n| ${id} |`).length, id).toBe(2);
    expect(text).toContain(`| all | ${data.guarantees.length} |`);
  });
});
