import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { climbs } from '../../src/lib/traversal.ts';
import { cpuMs } from '../fixtures/cpu.ts';

const CORPORA = process.env.DOORWARD_CORPORA ?? resolve(import.meta.dirname, '../../../shared/corpora');
const FILE = resolve(CORPORA, 'arguments.jsonl');

const CLIMBS = [
  '..',
  '../a',
  'a/..',
  'a\\..\\b',
  '%2e%2e/',
  '%252e%252e%252f',
  '..;/a',
  'a\0',
  'a\n',
  '．．/a',
  '%c0%ae%c0%ae/',
  '0x2e0x2e/',
  '\\.\\./',
];
const STAYS = [
  '',
  'a',
  '.',
  './a',
  '.git/config',
  'a..b',
  'file..',
  'pages/[...slug].tsx',
  '100%',
  'a%20b',
  'C:\\a',
  '/abs/olute',
];

describe('ways out of a folder', () => {
  it.each(CLIMBS)('%j climbs', (text) => expect(climbs(text)).toBe(true));
  it.each(STAYS)('%j stays', (text) => expect(climbs(text)).toBe(false));

  it('is linear', () => {
    const long = ['%25', '.', '%c0', '. ', '%', '0x2e', '\\.'].map((unit) => unit.repeat(8192));
    expect(cpuMs(() => void long.map(climbs), 200)).toBeLessThan(200);
  });

  it.skipIf(!existsSync(FILE))('finds the traversals of a public list and no real path', () => {
    const rows = readFileSync(FILE, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map(
        (line) => JSON.parse(line) as { source: string; category: string; json?: { arguments?: { path?: string } } },
      );
    const found = (rows: readonly { json?: { arguments?: { path?: string } } }[]) =>
      rows.filter((row) => climbs(row.json?.arguments?.path ?? '')).length;
    const attacks = rows.filter((row) => row.category === 'path_traversal');
    const real = rows.filter((row) => row.source === 'repo-paths');
    expect(real.length).toBeGreaterThan(100);
    expect(found(real)).toBe(0);
    expect(found(attacks) / attacks.length).toBeGreaterThan(0.75); // the rest is absolute, or never leaves its folder
  });
});
