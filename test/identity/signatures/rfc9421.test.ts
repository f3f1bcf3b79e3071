/** The vectors of RFC 9421 appendix B for the algorithms that are taken. */
import { createPrivateKey, createPublicKey, createSecretKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isSignature, makeSignature } from '../../../src/identity/signatures/algorithms.ts';
import { component, digestFits, signatureBase } from '../../../src/identity/signatures/base.ts';
import { type InnerList, parseDictionary } from '../../../src/wire/structured.ts';

const BODY = '{"hello": "world"}';
const REQUEST: Readonly<Record<string, string>> = {
  date: 'Tue, 20 Apr 2021 02:07:55 GMT',
  'content-type': 'application/json',
  'content-digest':
    'sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:',
  'content-length': '18',
};
const RESPONSE: Readonly<Record<string, string>> = {
  'content-type': 'application/json',
  'content-digest':
    'sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:',
  'content-length': '23',
};
const request = (name: string) =>
  component(name, {
    method: 'POST',
    scheme: 'https',
    authority: 'example.com',
    target: '/foo?param=Value&Pet=dog',
    header: (header) => REQUEST[header],
  });
const input = (text: string) => parseDictionary(text)!.get('s') as InnerList;
const signature = (text: string) => Buffer.from(text, 'base64');

const P256 = createPublicKey(
  '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf\nw0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==\n-----END PUBLIC KEY-----\n',
);
const ED25519 = createPrivateKey(
  '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----\n',
);
const SECRET = createSecretKey(
  'uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==',
  'base64',
);

describe('RFC 9421 appendix B', () => {
  it('B.2: the digest of the body', () => {
    expect(digestFits(REQUEST['content-digest']!, Buffer.from(BODY))).toBe(true);
    expect(digestFits(REQUEST['content-digest']!, Buffer.from(`${BODY} `))).toBe(false);
  });

  it('B.2.1: the base of a minimal signature', () => {
    const params = '();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd"';
    expect(signatureBase(input(`s=${params}`), request)).toBe(`"@signature-params": ${params}`);
  });

  it('B.2.2: the base over a query is that over the whole query here: parameters of components are not taken', () => {
    const params = '("@authority" "content-digest" "@query-param";name="Pet");created=1618884473;tag="header-example"';
    expect(signatureBase(input(`s=${params}`), request)).toBeUndefined();
  });

  it('B.2.3: the base over everything', () => {
    const params =
      '("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-rsa-pss"';
    expect(signatureBase(input(`s=${params}`), request)).toBe(
      [
        '"date": Tue, 20 Apr 2021 02:07:55 GMT',
        '"@method": POST',
        '"@path": /foo',
        '"@query": ?param=Value&Pet=dog',
        '"@authority": example.com',
        '"content-type": application/json',
        `"content-digest": ${REQUEST['content-digest']}`,
        '"content-length": 18',
        `"@signature-params": ${params}`,
      ].join('\n'),
    );
  });

  it('B.2.4: ecdsa-p256-sha256', () => {
    const over = input(
      's=("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256"',
    );
    const base = signatureBase(over, (name) => (name === '@status' ? '200' : RESPONSE[name]))!;
    const made = signature('wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==');
    expect(isSignature('ecdsa-p256-sha256', P256, base, made)).toBe(true);
    expect(isSignature('ecdsa-p256-sha256', P256, `${base} `, made)).toBe(false);
  });

  it('B.2.5: hmac-sha256', () => {
    const base = signatureBase(
      input('s=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"'),
      request,
    )!;
    const made = signature('pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=');
    expect(makeSignature('hmac-sha256', SECRET, base)).toEqual(made);
    expect(isSignature('hmac-sha256', SECRET, base, made)).toBe(true);
  });

  it('B.2.6: ed25519', () => {
    const base = signatureBase(
      input(
        's=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"',
      ),
      request,
    )!;
    const made = signature('wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==');
    expect(makeSignature('ed25519', ED25519, base)).toEqual(made);
    expect(isSignature('ed25519', createPublicKey(ED25519), base, made)).toBe(true);
  });
});
