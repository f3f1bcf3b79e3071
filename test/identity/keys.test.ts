import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Caller } from '../../src/core/call.ts';
import { chooser } from '../../src/identity/chooser.ts';
import {
  DEFAULT_LIFE,
  DEFAULT_OVERLAP,
  endOf,
  type Issued,
  issueKey,
  KeyFault,
  MAX_LIFE,
  revokeKey,
  rotateKey,
  type Wanted,
} from '../../src/identity/issue.ts';
import { KeyFileFault, type KeyRecord, readKeys, writeKeys } from '../../src/identity/keyfile.ts';
import { apiKeys, isKey, UNAVAILABLE } from '../../src/identity/keys.ts';
import { localIdentity } from '../../src/identity/local.ts';

const DAY = 86_400_000;
/** A Friday. */
const NOON = Date.parse('2026-11-20T12:00:00Z');
const place = { at: NOON, random: randomBytes };
const issue = (who: Partial<Wanted> = {}, life = DEFAULT_LIFE): Issued =>
  issueKey([], { subject: 'ci', ...who }, life, place);
const ask = (keys: readonly KeyRecord[], key: string, at = NOON, address = '10.1.2.3') =>
  apiKeys(keys, () => at).authenticate(key, address);

describe('a key', () => {
  it('has 32 random bytes and a public id, and is kept as a digest', () => {
    const { key, record, keys } = issue();
    expect(key).toMatch(/^dw_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$/);
    expect(isKey(key)).toBe(true);
    expect(key.slice(3, 15)).toBe(record.id);
    expect(JSON.stringify(keys)).not.toContain(key.slice(16));
    expect(record.digest).toMatch(/^[0-9a-f]{64}$/);
  });

  it('says who speaks, as separate facts', () => {
    const who = { tenant: 'acme', agent: ['bot'], groups: ['data'], scopes: ['warehouse.read'], tools: ['files.read'] };
    const { key, keys, record } = issue(who);
    expect(ask(keys, key)).toEqual({
      ...who,
      subject: 'ci',
      issuer: 'keys',
      how: 'key',
      strength: { amr: [] },
      credential: record.id,
      expires: NOON + DEFAULT_LIFE,
      claims: {},
    } satisfies Caller);
  });

  it('is one frozen caller from call to call', () => {
    const { key, keys } = issue();
    const known = apiKeys(keys, () => NOON);
    const first = known.authenticate(key, '10.0.0.1') as Caller;
    expect(known.authenticate(key, '10.0.0.1')).toBe(first);
    expect([first, first.agent, first.groups, first.scopes, first.claims].every(Object.isFrozen)).toBe(true);
  });

  it.each<[what: string, who: Partial<Wanted>, at: number, address: string, good: boolean]>([
    ['before its end', {}, NOON + DEFAULT_LIFE - 1, '1.1.1.1', true],
    ['at its end', {}, NOON + DEFAULT_LIFE, '1.1.1.1', false],
    ['from its range', { addresses: ['10.0.0.0/8'] }, NOON, '10.9.9.9', true],
    ['from its range, mapped', { addresses: ['10.0.0.0/8'] }, NOON, '::ffff:10.9.9.9', true],
    ['from another', { addresses: ['10.0.0.0/8', '2001:db8::/32'] }, NOON, '11.0.0.1', false],
    ['from no address', { addresses: ['0.0.0.0/0', '::/0'] }, NOON, '-', false],
    ['from no address, without ranges', {}, NOON, '-', true],
    ['within its hours', { hours: 'Mon-Fri 07:00-19:00 UTC' }, NOON, '1.1.1.1', true],
    ['on a Saturday', { hours: 'Mon-Fri 07:00-19:00 UTC' }, NOON + DAY, '1.1.1.1', false],
    ['after hours', { hours: 'Mon-Fri 07:00-19:00 UTC' }, NOON + 7 * 3_600_000, '1.1.1.1', false],
  ])('%s', (_what, who, at, address, good) => {
    const { key, keys } = issue(who);
    const said = ask(keys, key, at, address);
    expect(typeof said === 'string' ? said : 'good').toBe(good ? 'good' : 'identity.invalid');
  });

  it('is refused with any other character', () => {
    const { key, keys } = issue();
    fc.assert(
      fc.property(fc.nat(key.length - 1), fc.constantFrom(...'abcdef0123456789XYZ_-'), (i, char) => {
        const other = key.slice(0, i) + char + key.slice(i + 1);
        expect(typeof ask(keys, other)).toBe(other === key ? 'object' : 'string');
      }),
    );
    for (const text of [
      '',
      'dw_',
      `${key}x`,
      key.slice(0, -1),
      ` ${key}`,
      key.toUpperCase(),
      `dw_000000000000_${key.slice(16)}`,
    ])
      expect(ask(keys, text)).toBe('identity.invalid');
  });

  it('is refused when a digest of another key is sent', () => {
    const { keys, record } = issue();
    expect(ask(keys, `dw_${record.id}_${record.digest.slice(0, 43)}`)).toBe('identity.invalid');
  });

  it.each<[string, Partial<Wanted>, RegExp]>([
    ['no subject', { subject: '' }, /subject/],
    ['the tenant of the OS user', { tenant: 'local' }, /tenant.*OS user/],
    ['all tenants', { tenant: '*' }, /tenant.*all tenants/],
    ['a name that hides', { subject: 'a\u202eb' }, /invisible/],
    ['a name that acts', { groups: ['a\u001b[2J'] }, /groups.0.*invisible/],
    ['half a character', { subject: '\ud800' }, /invisible/],
    ['an address for a range', { addresses: ['10.0.0.1'] }, /not a range/],
    ['a host inside of a range', { addresses: ['10.0.0.1/8'] }, /not a range/],
    ['no ranges', { addresses: [] }, /addresses/],
    ['no hours', { hours: 'always' }, /not opening hours/],
  ])('is not made with %s', (_what, who, why) => {
    expect(() => issue(who)).toThrow(KeyFault);
    expect(() => issue(who)).toThrow(why);
  });

  it.each([0, -1, MAX_LIFE + 1])('does not live for %i ms', (life) => {
    expect(() => issue({}, life)).toThrow(/lives/);
  });
});

describe('rotation', () => {
  it('gives a new key with the same bounds, and the old one an end', () => {
    const first = issue({ groups: ['data'], addresses: ['10.0.0.0/8'], tools: ['files.read'] });
    const at = NOON + 10 * DAY;
    const next = rotateKey(first.keys, first.record.id, DEFAULT_OVERLAP, { at, random: randomBytes });
    expect(next.record).toMatchObject({
      subject: 'ci',
      groups: ['data'],
      addresses: ['10.0.0.0/8'],
      tools: ['files.read'],
      created: at,
      expires: at + DEFAULT_LIFE,
      replaces: first.record.id,
    });
    const good = (when: number) => [first.key, next.key].map((key) => typeof ask(next.keys, key, when) === 'object');
    expect(good(at)).toEqual([true, true]);
    expect(good(at + DEFAULT_OVERLAP - 1)).toEqual([true, true]);
    expect(good(at + DEFAULT_OVERLAP)).toEqual([false, true]);
    expect(good(at + DEFAULT_LIFE)).toEqual([false, false]);
  });

  it('never lengthens the life of the old key', () => {
    const first = issue({}, DAY);
    const at = NOON + DAY - 1000;
    const { keys } = rotateKey(first.keys, first.record.id, 10 * DAY, { at, random: randomBytes });
    expect(keys[0]!.expires).toBe(NOON + DAY);
  });

  it('is done once, and not with a key that is over', () => {
    const first = issue();
    const { id } = first.record;
    const { keys } = rotateKey(first.keys, id, 0, place);
    expect(() => rotateKey(keys, id, 0, { ...place, at: NOON - 1 })).toThrow(/rotated already/);
    expect(() => rotateKey(first.keys, id, 0, { ...place, at: NOON + DEFAULT_LIFE })).toThrow(/has expired/);
    expect(() => rotateKey(revokeKey(first.keys, id, NOON), id, 0, place)).toThrow(/was revoked/);
    expect(() => rotateKey(first.keys, '000000000000', 0, place)).toThrow(/no such key/);
  });
});

describe('revocation', () => {
  it('ends a key at once and for good', () => {
    const { key, keys, record } = issue();
    const revoked = revokeKey(keys, record.id, NOON);
    expect(ask(revoked, key)).toBe('identity.invalid');
    expect(ask(revoked, key, 0)).toBe('identity.invalid');
    expect(revokeKey(revoked, record.id, NOON + 5)).toEqual(revoked);
    expect(endOf(revoked[0]!, NOON)).toBe('was revoked');
    expect(() => revokeKey(keys, 'nothing', NOON)).toThrow(/no such key/);
  });
});

describe('the file', () => {
  const memory = (text?: string) => {
    let bytes = text === undefined ? undefined : Buffer.from(text);
    return { read: () => bytes, replace: (_path: string, now: Uint8Array) => void (bytes = Buffer.from(now)) };
  };

  it('gives back what was written', () => {
    let keys: readonly KeyRecord[] = [];
    keys = issueKey(keys, { subject: 'a', tools: ['x.y'], hours: 'Mon-Fri 07:00-19:00 UTC' }, DAY, place).keys;
    keys = issueKey(keys, { subject: 'b', addresses: ['10.0.0.0/8'] }, DAY, place).keys;
    keys = rotateKey(keys, keys[0]!.id, DAY, place).keys;
    keys = revokeKey(keys, keys[1]!.id, NOON);
    const files = memory();
    writeKeys('f', keys, files);
    expect(readKeys('f', files)).toEqual(keys);
  });

  it('is no key when it is missing', () => expect(readKeys('f', memory())).toEqual([]));

  const good = () => {
    const files = memory();
    writeKeys('f', issue().keys, files);
    return JSON.parse(Buffer.from(files.read()!).toString()) as { v: number; keys: Record<string, unknown>[] };
  };
  it.each<[string, (file: ReturnType<typeof good>) => unknown]>([
    ['another version', (file) => ({ ...file, v: 2 })],
    ['no list', () => ({ v: 1 })],
    ['a key twice', (file) => ({ ...file, keys: [...file.keys, ...file.keys] })],
    ['an unknown member', (file) => ({ ...file, keys: [{ ...file.keys[0], admin: true }] })],
    ['a short digest', (file) => ({ ...file, keys: [{ ...file.keys[0], digest: 'ab' }] })],
    ['no end', (file) => ({ ...file, keys: [{ ...file.keys[0], expires: undefined }] })],
    ['an end that is no time', (file) => ({ ...file, keys: [{ ...file.keys[0], expires: 'never' }] })],
    ['a number for a time', (file) => ({ ...file, keys: [{ ...file.keys[0], expires: 9e15 }] })],
    ['hours that are none', (file) => ({ ...file, keys: [{ ...file.keys[0], hours: 'Mon' }] })],
  ])('is refused with %s', (_what, change) => {
    expect(() => readKeys('f', memory(JSON.stringify(change(good()))))).toThrow(KeyFileFault);
  });
  it.each(['', 'null', '[]', '{', '{"v":1,"keys":[]}x'])('is refused as %j', (text) => {
    expect(() => readKeys('f', memory(text))).toThrow(KeyFileFault);
  });
});

describe('who is asked', () => {
  const TOKEN = 'A'.repeat(43);
  const { key, keys } = issue();
  const known = apiKeys(keys, () => NOON);
  const say = (
    authorization: string | undefined,
    {
      exposed = false,
      listener = 'http',
      on = true,
    }: { exposed?: boolean; listener?: 'http' | 'stdio'; on?: boolean } = {},
  ) => {
    const said = chooser({ local: localIdentity(TOKEN, 'me'), keys: () => (on ? known : undefined), exposed })({
      peer: { listener, address: '10.0.0.1' },
      header: (name) => (name === 'authorization' ? authorization : undefined),
    });
    if (said instanceof Promise) throw new Error('no kind is asked that takes time');
    return typeof said === 'string' ? said : 'how' in said ? said.how : said.code;
  };
  it.each<[string | undefined, Parameters<typeof say>[1], string]>([
    [undefined, {}, 'identity.missing'],
    [`Bearer ${TOKEN}`, {}, 'local'],
    [`Bearer ${TOKEN}`, { exposed: true }, 'identity.invalid'],
    [`Bearer ${TOKEN}`, { exposed: true, listener: 'stdio' }, 'local'],
    [`Bearer ${key}`, {}, 'key'],
    [`bearer  ${key}`, {}, 'key'],
    [`Bearer ${key}`, { exposed: true }, 'key'],
    [`Bearer ${key}`, { on: false }, 'identity.invalid'],
    [`Bearer ${key}`, { listener: 'stdio' }, 'identity.invalid'],
    [`Bearer ${key.slice(0, -1)}`, {}, 'identity.invalid'],
    [`Basic ${key}`, {}, 'identity.invalid'],
    ['', {}, 'identity.invalid'],
  ])('%s, %j: %s', (header, how, expected) => expect(say(header, how)).toBe(expected));

  it('says the same for every key while the file cannot be used', () => {
    expect(UNAVAILABLE.authenticate(key, '10.0.0.1')).toBe('identity.unavailable');
  });
});

describe('time', () => {
  /** Nanoseconds of one refusal, the least of many batches: what a patient observer would compare. */
  function cost(known: ReturnType<typeof apiKeys>, key: string, address: string): number {
    let least = Infinity;
    for (let batch = 0; batch < 60; batch++) {
      const began = process.hrtime.bigint();
      for (let i = 0; i < 200; i++) known.authenticate(key, address);
      least = Math.min(least, Number(process.hrtime.bigint() - began) / 200);
    }
    return least;
  }

  it('of a refusal does not tell why', () => {
    const plain = issue();
    const bound = issueKey(
      plain.keys,
      { subject: 'b', addresses: ['10.0.0.0/8'], hours: 'Mon 00:00-00:01 UTC' },
      DAY,
      place,
    );
    const revoked = issueKey(bound.keys, { subject: 'c' }, DAY, place);
    const known = apiKeys(revokeKey(revoked.keys, revoked.record.id, NOON), () => NOON);
    const wrong = (key: string) => `${key.slice(0, 16)}${'A'.repeat(43)}`;
    const refused = [`dw_000000000000_${'A'.repeat(43)}`, wrong(plain.key), wrong(bound.key), bound.key, revoked.key];
    for (const key of refused) expect(known.authenticate(key, '11.0.0.1')).toBe('identity.invalid');
    cost(known, refused[0]!, '11.0.0.1');
    const costs = refused.map((key) => cost(known, key, '11.0.0.1'));
    // A machine under load wavers; a skipped step would be a multiple, a lookup of the hours a hundredfold.
    expect(Math.max(...costs)).toBeLessThan(Math.min(...costs) * 2 + 500);
  });
});
