import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseReference, resolveReference } from '../../src/secrets/references.ts';
import { readPrivate } from '../../src/store/private.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'doorward-'));
});
afterEach(() => rmSync(dir, { recursive: true }));
const get = (text: string, env: Record<string, string> = {}) =>
  resolveReference(parseReference(text, dir), { files: { read: readPrivate }, env });
const put = (name: string, content: string | Uint8Array) => writeFileSync(join(dir, name), content, { mode: 0o600 });

describe('a reference', () => {
  it('reads a file, relative to the configuration or absolute, without its line end', () => {
    put('token', 'hunter2\n');
    expect(get('file:token')).toBe('hunter2');
    expect(get(`file:${join(dir, 'token')}`)).toBe('hunter2');
  });

  it('keeps white space that is not the line end', () => {
    put('token', ' a\nb \r\n');
    expect(get('file:token')).toBe(' a\nb ');
  });

  it('follows a link, as container secrets are, and judges what lies behind', () => {
    put('data', 'hunter2');
    symlinkSync('data', join(dir, 'token'));
    expect(get('file:token')).toBe('hunter2');
    chmodSync(join(dir, 'data'), 0o604);
    expect(() => get('file:token')).toThrow('is open to other users');
  });

  it('reads a variable', () => expect(get('env:API_KEY', { API_KEY: 'hunter2' })).toBe('hunter2'));

  it('asks the vault', () => {
    const vault = (name: string) => (name === 'tickets' ? 'hunter2' : undefined);
    const ask = (text: string) =>
      resolveReference(parseReference(text, dir), { files: { read: readPrivate }, env: {}, vault });
    expect(ask('vault:tickets')).toBe('hunter2');
    expect(() => ask('vault:other')).toThrow('vault:other does not exist');
    expect(() => get('vault:tickets')).toThrow('vault:tickets does not exist');
  });

  it('does not reach what every object has', () => expect(() => get('env:toString')).toThrow('does not exist'));
});

describe('a fault', () => {
  it.each([
    'hunter2',
    'File:hunter2',
    ' file:hunter2',
    'env: hunter2',
    'env:',
    'env:hunter2=1',
    'file:',
    'vault:Hunter2',
    'vault:',
    'keychain:hunter2',
    'sk-hunter2',
    '',
  ])('refuses %j and does not quote it', (text) => {
    try {
      get(text);
      expect.unreachable();
    } catch (error) {
      expect((error as Error).name).toBe('ReferenceFault');
      expect((error as Error).stack!.split('\n')[0]).not.toMatch(/hunter2/i);
    }
  });

  it('names the place, never the value', () => {
    put('bad', Buffer.concat([Buffer.from('hunter2'), Buffer.from([0xff])]));
    put('empty', '\n');
    expect(() => get('file:bad')).toThrow(/file:.*bad is not UTF-8 text$/);
    expect(() => get('file:empty')).toThrow(/file:.*empty is empty$/);
    expect(() => get('file:none')).toThrow(/file:.*none does not exist$/);
    expect(() => get('env:NONE')).toThrow(/^env:NONE does not exist$/);
    expect(() => get('env:EMPTY', { EMPTY: '' })).toThrow(/^env:EMPTY is empty$/);
  });
});
