/** Compact JWS, read strictly: by property, and over published vectors and attacks. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { JWK } from 'jose';
import { describe, expect, it } from 'vitest';
import { isSignedBy, MAX_TOKEN, objectOf, readCompact, readHeader } from '../../src/identity/jws.ts';
import { pair, signed } from './oauth/idp.ts';

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a compact JWS', () => {
  it('is read as it was made', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 })),
        fc.uint8Array({ minLength: 1 }),
        (claims, mac) => {
          delete claims['__proto__'];
          const text = `${part({ alg: 'ES256' })}.${part(claims)}.${Buffer.from(mac).toString('base64url')}`;
          const read = readCompact(text);
          if (text.length > MAX_TOKEN) return expect(read).toBeUndefined();
          expect(read?.head.algorithm).toBe('ES256');
          expect(Buffer.from(read!.payload).toString()).toBe(JSON.stringify(claims));
          expect([...read!.signature]).toEqual([...mac]);
          expect(`${read!.signed}.${text.split('.')[2]}`).toBe(text);
        },
      ),
    );
  });

  it('has one spelling: no other text says the same', () => {
    const text = `${part({ alg: 'ES256' })}.${part({ a: 1 })}.${Buffer.alloc(64, 7).toString('base64url')}`;
    fc.assert(
      fc.property(fc.nat(text.length), fc.constantFrom('=', '\n', ' ', '+', '/', '.', '\u0000', '%'), (at, extra) => {
        const read = readCompact(text.slice(0, at) + extra + text.slice(at));
        expect(read).toBeUndefined();
      }),
    );
  });

  it('is no longer than fits into the head of a request', () => {
    const text = (n: number) => `${part({ alg: 'ES256' })}.${part({ a: 1 })}.${'A'.repeat(n)}`;
    const room = MAX_TOKEN - text(0).length;
    expect(readCompact(text(room - (room % 4)))).toBeDefined();
    expect(readCompact(text(room - (room % 4) + 4))).toBeUndefined();
  });

  it('survives whatever is sent', () => {
    fc.assert(fc.property(fc.string({ maxLength: 300 }), (text) => void readCompact(text)));
    fc.assert(
      fc.property(fc.array(fc.base64String(), { maxLength: 5 }), (parts) => {
        const read = readCompact(parts.map((text) => text.replace(/[+/=]/g, '')).join('.'));
        expect(read === undefined || typeof read.head.algorithm === 'string').toBe(true);
      }),
    );
  });

  it.each([
    ['crit', []],
    ['zip', 'DEF'],
    ['b64', true],
    ['jku', 'x'],
    ['x5u', 'x'],
    ['x5c', []],
    ['jwk', {}],
  ])('has no %s in its header', (name, value) => {
    const text = `${part({ alg: 'ES256', [name]: value })}.${part({})}.AAAA`;
    expect(readCompact(text)).toBeUndefined();
    const keyed = (head: string) => readHeader(head, true);
    expect(readCompact(text, keyed) === undefined).toBe(name !== 'jwk');
  });

  it('is believed by the algorithms that are named, not by those that it names', async () => {
    const key = await pair('ES256');
    const compact = readCompact(await signed({ alg: 'ES256' }, '{}', key))!;
    expect(await isSignedBy(compact, key.jwk, ['ES256'])).toBe(true);
    for (const algorithms of [[], ['ES384'], ['RS256', 'EdDSA']])
      expect(await isSignedBy(compact, key.jwk, algorithms)).toBe(false);
    const other = await pair('ES256');
    expect(await isSignedBy(compact, other.jwk, ['ES256'])).toBe(false);
    expect(await isSignedBy(compact, { kty: 'EC' }, ['ES256'])).toBe(false);
  });

  it('holds JSON without a member twice', () => {
    expect(objectOf(Buffer.from('{"a":1}'))).toEqual({ a: 1 });
    for (const text of ['{"a":1,"a":1}', '[]', '1', '"a"', '', '{"a":1} x', '\ufeff{}', '{"a":"\\ud800"}'])
      expect(objectOf(Buffer.from(text)), text).toBeUndefined();
  });
});

interface Row {
  readonly id: string;
  readonly label: 'attack' | 'benign' | 'either';
  readonly text?: string;
  readonly json?: object;
  readonly key: JWK | { keys: JWK[] };
}
const corpus = join(
  process.env['DOORWARD_CORPORA'] ?? join(import.meta.dirname, '../../../shared/corpora'),
  'jwt.jsonl',
);

describe.skipIf(!existsSync(corpus))('published tokens', () => {
  const rows: Row[] = existsSync(corpus)
    ? readFileSync(corpus, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    : [];

  /** With the one algorithm of the key where it names one, as an issuer is configured. */
  async function believed({ text, key }: Row): Promise<boolean> {
    const compact = text === undefined ? undefined : readCompact(text);
    const keys = (Array.isArray(key) ? key : 'keys' in key ? key.keys : [key]) as JWK[];
    if (!compact) return false;
    for (const one of keys) {
      const algorithms = one.alg === undefined ? ALL.filter((name) => KIND[name.slice(0, 2)] === one.kty) : [one.alg];
      if (await isSignedBy(compact, one, algorithms)) return true;
    }
    return false;
  }
  const KIND: Record<string, string> = { HS: 'oct', RS: 'RSA', PS: 'RSA', ES: 'EC', Ed: 'OKP' };
  const ALL = ['HS', 'RS', 'PS', 'ES']
    .flatMap((kind) => ['256', '384', '512'].map((bits) => kind + bits))
    .concat('EdDSA');

  it('are refused, each attack of them', async () => {
    const passed: string[] = [];
    for (const row of rows) if (row.label === 'attack' && (await believed(row))) passed.push(row.id);
    expect(passed).toEqual([]);
    expect(rows.filter(({ label }) => label === 'attack').length).toBeGreaterThan(100);
  });

  it('are none in JSON, valid or not', () => {
    const others = rows.filter(({ json }) => json !== undefined);
    expect(others).toHaveLength(4);
    for (const { json } of others) expect(readCompact(JSON.stringify(json))).toBeUndefined();
  });

  it('are believed, each valid one in compact form', async () => {
    const refused: string[] = [];
    const compact = rows.filter(({ label, text }) => label === 'benign' && text !== undefined);
    for (const row of compact) if (!(await believed(row))) refused.push(row.id);
    expect(refused).toEqual([]);
    expect(compact.length).toBeGreaterThan(20);
  });
});
