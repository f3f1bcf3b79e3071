import { describe, expect, it } from 'vitest';
import { MASK, mask } from '../../src/audit/mask.ts';

describe('mask', () => {
  it.each([
    'api_key',
    'dbPassword',
    'passphrase',
    'PWD',
    'contrase\u00f1a',
    'Mot de passe',
    '\u041f\u0410\u0420\u041e\u041b\u042c',
    '\u6570\u636e\u5e93\u5bc6\u7801',
    '\u30d1\u30b9\u30ef\u30fc\u30c9',
  ])('hides what stands under %s, however deep', (name) => {
    const same = (text: string) => ({ text });
    expect(mask({ a: [{ [name]: { b: 'x' }, c: 'y' }] }, same)).toEqual({ a: [{ [name]: MASK, c: 'y' }] });
  });
});
