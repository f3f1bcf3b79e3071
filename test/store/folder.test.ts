import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { callerToken, openStateFolder } from '../../src/store/folder.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'doorward-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

it('opens a folder of this user alone, again and again', () => {
  const folder = openStateFolder(join(dir, 'state'));
  expect(openStateFolder(join(dir, 'state'))).toEqual(folder);
  expect(readdirSync(folder.root).sort()).toEqual(['audit', 'packages', 'quarantine']);
  for (const path of [folder.root, folder.audit, folder.packages, folder.quarantine])
    expect(statSync(path).mode & 0o777).toBe(0o700);
});

it('refuses a folder that others can enter', () => {
  const folder = openStateFolder(join(dir, 'state'));
  chmodSync(folder.audit, 0o750);
  expect(() => openStateFolder(join(dir, 'state'))).toThrow('is open to other users');
});

it('makes the token once: 32 bytes, mode 0600', () => {
  const folder = openStateFolder(join(dir, 'state'));
  const token = callerToken(folder, randomBytes);
  expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(callerToken(folder, randomBytes)).toBe(token);
  expect(statSync(folder.token).mode & 0o777).toBe(0o600);
});

it.each(['', '\n', 'short\n', `${'A'.repeat(43)} \n`, `${'A'.repeat(43)}\n\n`])(
  'refuses %j as a token, without quoting it',
  (text) => {
    const folder = openStateFolder(join(dir, 'state'));
    writeFileSync(folder.token, text, { mode: 0o600 });
    expect(() => callerToken(folder, randomBytes)).toThrow(/token: does not hold a token$/);
  },
);
