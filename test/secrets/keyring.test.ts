import { randomBytes, sign, verify } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { open, seal } from '../../src/lib/seal.ts';
import { openKeys } from '../../src/secrets/keyring.ts';
import { createPrivate, readPrivate, replacePrivate } from '../../src/store/private.ts';

let path: string;
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'doorward-'));
  path = join(dir, 'keys.json');
});
afterEach(() => rmSync(dir, { recursive: true }));

const files = { read: readPrivate, create: createPrivate, replace: replacePrivate };
const world = { files, clock: () => 0, random: (n: number) => randomBytes(n) };
const x = Buffer.from('x');

it('makes its keys once, in a file of mode 0600', () => {
  const keys = openKeys(path, world);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const again = openKeys(path, world);
  expect(open(again, 'c', seal(keys, 'c', x, randomBytes))).toEqual(x);
  expect(verify(null, x, again.audit.publicKey, sign(null, x, keys.audit.privateKey))).toBe(true);
  expect(again.fingerprint('s')).toBe(keys.fingerprint('s'));
  expect(keys.fingerprint('s')).toMatch(/^[0-9a-f]{12}$/);
  expect(keys.fingerprint('s')).not.toBe(keys.fingerprint('t'));
});

it('derives the pair of RFC 8032, 7.1, test 1', () => {
  const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
  const keys = openKeys(path, { ...world, random: (n) => (n === 32 ? seed : randomBytes(n)) });
  expect(keys.audit.publicKey.export({ format: 'jwk' }).x).toBe(
    Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex').toString('base64url'),
  );
});

it('rotates: the newest seals, the kept ones open', () => {
  const keys = openKeys(path, world);
  const sealed = [seal(keys, 'c', x, randomBytes)];
  for (let i = 0; i < 2; i++) {
    keys.rotate(1);
    sealed.push(seal(keys, 'c', x, randomBytes));
  }
  for (const ring of [keys, openKeys(path, world)])
    expect(sealed.map((s) => open(ring, 'c', s))).toEqual([undefined, x, x]);
});

it('takes the keys of the process that was first', () => {
  const first = openKeys(path, world);
  let reads = 0;
  const late = {
    ...files,
    read: (p: string, how: { cap: number }) => (reads++ === 0 ? undefined : readPrivate(p, how)),
  };
  expect(openKeys(path, { ...world, files: late }).current()).toEqual(first.current());
});

it('refuses a file that others can read', () => {
  openKeys(path, world);
  chmodSync(path, 0o640);
  expect(() => openKeys(path, world)).toThrow('is open to other users');
});

it.each([
  ['not JSON', (text: string) => text.slice(0, -20)],
  ['damaged at sealing.0.key', (text: string) => text.replace(/"key": ".*"/, '"key": "hunter2"')],
  ['damaged at fingerprint', (text: string) => text.replace(/"fingerprint": "(.).*"/, '"fingerprint": "$1"')],
  ['damaged at v', (text: string) => text.replace('"v": 1', '"v": 2')],
  ['damaged at sealing', (text: string) => text.replace(/"sealing": \[[^\]]*\]/, '"sealing": []')],
  ['damaged at the top', (text: string) => text.replace('"v"', '"hunter2": 1, "v"')],
])('says %s, and nothing of what it read', (message, damage) => {
  openKeys(path, world);
  writeFileSync(path, damage(readFileSync(path, 'utf8')));
  const secrets = [...readFileSync(path, 'utf8').matchAll(/"([^"]{20,}|hunter2)"/g)].map((m) => m[1]!);
  try {
    openKeys(path, world);
    expect.unreachable();
  } catch (error) {
    expect((error as Error).message).toContain(message);
    for (const secret of secrets) expect(`${(error as Error).stack}`).not.toContain(secret);
  }
});
