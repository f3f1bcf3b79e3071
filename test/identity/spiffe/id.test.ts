import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSpiffeId } from '../../../src/identity/spiffe/id.ts';

describe('a SPIFFE id', () => {
  it.each<[string, string, string]>([
    ['spiffe://prod.example', 'prod.example', ''],
    ['spiffe://prod.example/ns/ci/sa/agent-1', 'prod.example', '/ns/ci/sa/agent-1'],
    ['spiffe://a_b-c.9/X.Y_z-0', 'a_b-c.9', '/X.Y_z-0'],
    ['spiffe://a/.../.x', 'a', '/.../.x'],
    [`spiffe://a/${'x'.repeat(2037)}`, 'a', `/${'x'.repeat(2037)}`],
  ])('%s', (id, trustDomain, path) => expect(parseSpiffeId(id)).toEqual({ id, trustDomain, path }));

  it.each([
    '',
    'spiffe://',
    'spiffe:///x',
    'spiffe:/a/x',
    'SPIFFE://a/x',
    'Spiffe://a/x',
    'https://a/x',
    ' spiffe://a/x',
    'spiffe://a/x ',
    'spiffe://a/x\n',
    'spiffe://a\n',
    'spiffe://A/x',
    'spiffe://a:443/x',
    'spiffe://u@a/x',
    'spiffe://u:p@a/x',
    'spiffe://ä/x',
    'spiffe://a%2e/x',
    'spiffe://[::1]/x',
    'spiffe://a/',
    'spiffe://a/x/',
    'spiffe://a//x',
    'spiffe://a/./x',
    'spiffe://a/../x',
    'spiffe://a/x/..',
    'spiffe://a/x?y',
    'spiffe://a/x#y',
    'spiffe://a?y',
    'spiffe://a/%41',
    'spiffe://a/x y',
    'spiffe://a/ä',
    'spiffe://a\\x',
    'spiffe://a/x\0',
    `spiffe://${'a'.repeat(256)}/x`,
    `spiffe://a/${'x'.repeat(2038)}`,
  ])('is not %j', (text) => expect(parseSpiffeId(text)).toBeUndefined());

  it('is put together again from its parts, and no URL parser reads another one in it', () =>
    fc.assert(
      fc.property(fc.stringMatching(/^spiffe:\/\/[a-zA-Z0-9._%@:/?# -]{0,24}$/), (text) => {
        const read = parseSpiffeId(text);
        if (!read) return;
        expect(`spiffe://${read.trustDomain}${read.path}`).toBe(text);
        const { host, pathname, search, hash, username } = new URL(text);
        expect([host, pathname, search, hash, username]).toEqual([read.trustDomain, read.path, '', '', '']);
      }),
      { numRuns: 3000 },
    ));

  it('is every text of the right form', () => {
    const segment = fc.stringMatching(/^[A-Za-z0-9._-]{1,12}$/).filter((text) => text !== '.' && text !== '..');
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9._-]{1,20}$/), fc.array(segment, { maxLength: 5 }), (domain, segments) => {
        const path = segments.map((one) => `/${one}`).join('');
        expect(parseSpiffeId(`spiffe://${domain}${path}`)).toMatchObject({ trustDomain: domain, path });
      }),
    );
  });
});
