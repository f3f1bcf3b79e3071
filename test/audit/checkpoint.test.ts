import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { expect, it } from 'vitest';
import { parseKey, printKey, readCheckpoint, signCheckpoint } from '../../src/audit/checkpoint.ts';

const keys = generateKeyPairSync('ed25519');
const point = { log: '0123456789abcdef', size: 42, hash: 'ab'.repeat(32), at: '2026-11-20T12:00:00.000Z' };

it('comes back for the right key', () => {
  const note = signCheckpoint(point, keys);
  expect(readCheckpoint(note, [generateKeyPairSync('ed25519').publicKey, keys.publicKey])).toEqual(point);
  expect(readCheckpoint(note, [generateKeyPairSync('ed25519').publicKey])).toBe('signed by a foreign key');
  expect(readCheckpoint(note, [])).toBe('signed by a foreign key');
});

it('is a signed note: the text up to and with its last line end is what is signed', () => {
  const [text, signatures] = signCheckpoint(point, keys).split('\n\n') as [string, string];
  expect(text.split('\n')).toEqual([
    `doorward.audit-chain/${point.log}`,
    '42',
    Buffer.from(point.hash, 'hex').toString('base64'),
    point.at,
  ]);
  const [, name, signature] = /^\u2014 (\S+) (\S+)\n$/.exec(signatures)!;
  expect(name).toBe('doorward');
  expect(verify(null, Buffer.from(`${text}\n`), keys.publicKey, Buffer.from(signature!, 'base64').subarray(4))).toBe(
    true,
  );
});

it('is refused when a signed line differs', () => {
  const note = signCheckpoint(point, keys);
  expect(readCheckpoint(note.replace('\n42\n', '\n43\n'), [keys.publicKey])).toBe('the signature is wrong');
  for (const bad of [note.replace('\n42\n', '\n042\n'), `${note} `, note.trim(), ''])
    expect(readCheckpoint(bad, [keys.publicKey])).toMatch(/not a checkpoint|wrong/);
});

it('has one spelling', () => {
  const note = signCheckpoint(point, keys);
  const spare = note.replace(/(.)=\n$/, (_, last: string) => `${String.fromCharCode(last.charCodeAt(0) + 1)}=\n`);
  expect(Buffer.from(spare.slice(-94), 'base64')).toEqual(Buffer.from(note.slice(-94), 'base64'));
  expect(readCheckpoint(spare, [keys.publicKey])).toBe('not a checkpoint');
});

it('prints keys that parse', () => {
  const text = printKey(keys.publicKey);
  expect(text).toMatch(/^ed25519:[A-Za-z0-9_-]{43}$/);
  expect(parseKey(text)!.equals(createPublicKey(keys.privateKey))).toBe(true);
  for (const bad of ['', 'ed25519:', text.slice(0, -1), `${text}=`, text.slice(8), text.replace('ed', 'Ed')])
    expect(parseKey(bad)).toBeUndefined();
});
