import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPrivate, privateFolder, readPrivate, replacePrivate } from '../../src/store/private.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'doorward-'));
});
afterEach(() => rmSync(dir, { recursive: true }));
const bytes = (text: string) => Buffer.from(text);
const cap = { cap: 100 };

describe('a private file', () => {
  it('is made whole, of mode 0600, once', () => {
    const path = join(dir, 'f');
    expect(createPrivate(path, bytes('one'))).toBe(true);
    expect(createPrivate(path, bytes('two'))).toBe(false);
    expect(readPrivate(path, cap)).toEqual(bytes('one'));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    replacePrivate(path, bytes('three'));
    expect(readPrivate(path, cap)).toEqual(bytes('three'));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(dir)).toEqual(['f']);
  });

  it('is undefined when absent', () => expect(readPrivate(join(dir, 'none'), cap)).toBeUndefined());

  it.each([0o640, 0o604, 0o620, 0o602, 0o601, 0o644])('of mode %o is refused', (mode) => {
    writeFileSync(join(dir, 'f'), 'secret');
    chmodSync(join(dir, 'f'), mode);
    expect(() => readPrivate(join(dir, 'f'), cap)).toThrow('is open to other users');
    expect(() => readPrivate(join(dir, 'f'), cap)).not.toThrow('secret');
  });

  it.skipIf(process.getuid?.() !== 0)('of another user is refused', () => {
    createPrivate(join(dir, 'f'), bytes('x'));
    chownSync(join(dir, 'f'), 65_534, 65_534);
    expect(() => readPrivate(join(dir, 'f'), cap)).toThrow('belongs to another user');
  });

  it('is no link, unless links are allowed; then the file behind it is judged', () => {
    createPrivate(join(dir, 'f'), bytes('x'));
    symlinkSync('f', join(dir, 'l'));
    expect(() => readPrivate(join(dir, 'l'), cap)).toThrow('is a link');
    expect(readPrivate(join(dir, 'l'), { ...cap, links: true })).toEqual(bytes('x'));
    chmodSync(join(dir, 'f'), 0o644);
    expect(() => readPrivate(join(dir, 'l'), { ...cap, links: true })).toThrow('is open to other users');
  });

  it('is no folder and no pipe, and never waits for one', () => {
    mkdirSync(join(dir, 'd'), { mode: 0o700 });
    expect(() => readPrivate(join(dir, 'd'), cap)).toThrow('is not a regular file');
    expect(spawnSync('mkfifo', ['-m', '600', join(dir, 'p')]).status).toBe(0);
    expect(() => readPrivate(join(dir, 'p'), cap)).toThrow('is not a regular file');
  });

  it('over the cap is refused', () => {
    createPrivate(join(dir, 'f'), Buffer.alloc(101));
    expect(() => readPrivate(join(dir, 'f'), cap)).toThrow('larger than 100 bytes');
  });

  it('is not written through a link that waits in its place', () => {
    writeFileSync(join(dir, 'victim'), 'keep');
    symlinkSync('victim', join(dir, 'f'));
    expect(createPrivate(join(dir, 'f'), bytes('x'))).toBe(false);
    symlinkSync('victim', join(dir, `g.${process.pid}.part`));
    linkSync(join(dir, 'victim'), join(dir, `h.${process.pid}.part`));
    expect([createPrivate(join(dir, 'g'), bytes('x')), createPrivate(join(dir, 'h'), bytes('x'))]).toEqual([
      true,
      true,
    ]);
    chmodSync(join(dir, 'victim'), 0o600);
    expect(readPrivate(join(dir, 'victim'), cap)).toEqual(bytes('keep'));
  });
});

describe('a private folder', () => {
  it('is made with mode 0700', () => {
    privateFolder(join(dir, 'a', 'b'));
    expect(statSync(join(dir, 'a', 'b')).mode & 0o777).toBe(0o700);
    privateFolder(join(dir, 'a', 'b'));
  });

  it('is refused when others can enter it, or when it is a file or a link', () => {
    mkdirSync(join(dir, 'open'));
    chmodSync(join(dir, 'open'), 0o755);
    expect(() => privateFolder(join(dir, 'open'))).toThrow('is open to other users');
    symlinkSync(dir, join(dir, 'link'));
    expect(() => privateFolder(join(dir, 'link'))).toThrow('is not a folder');
    writeFileSync(join(dir, 'file'), '');
    expect(() => privateFolder(join(dir, 'file'))).toThrow();
  });
});
