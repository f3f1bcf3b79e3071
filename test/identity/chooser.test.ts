import { describe, expect, it } from 'vitest';
import type { Caller } from '../../src/core/call.ts';
import type { Evidence, Identified } from '../../src/core/gate.ts';
import { chooser, type Kind } from '../../src/identity/chooser.ts';
import { localIdentity } from '../../src/identity/local.ts';

const TOKEN = 'a-local-token-of-enough-characters';
const local = localIdentity(TOKEN, 'test');
const OTHER: Caller = { ...local.caller, subject: 'other', how: 'svid' };

function evidence(headers: Record<string, string> = {}, listener: 'http' | 'stdio' = 'http'): Evidence {
  return {
    peer: { listener, address: '127.0.0.1' },
    header: (name) => headers[name],
    request: { method: 'POST', target: '/files', route: 'files' },
  };
}
const kind = (answer: Identified | undefined | Promise<Identified | undefined>, ...challenge: string[]): Kind => ({
  authenticate: () => answer,
  challenge: () => challenge,
});
const choose = (kinds: readonly Kind[], from = evidence()) =>
  chooser({ local, keys: () => undefined, kinds, exposed: false })(from);

describe('which identity answers', () => {
  const own = evidence({ authorization: `Bearer ${TOKEN}` });
  const signed = evidence({ authorization: 'Bearer of-somebody-else-entirely' });
  const cases: [string, readonly Kind[], Evidence, unknown][] = [
    ['none but the local token', [], own, local.caller],
    ['the local token is shown to no other kind', [kind('identity.invalid')], own, local.caller],
    ['a kind that has nothing to say leaves it to the next', [kind(undefined), kind(OTHER)], signed, OTHER],
    ['a kind that refuses has the last word', [kind('identity.invalid'), kind(OTHER)], signed, 'identity.invalid'],
    ['later, too', [kind(undefined), kind('identity.unavailable')], signed, 'identity.unavailable'],
    ['a promise of nothing leaves it to the next', [kind(Promise.resolve(undefined)), kind(OTHER)], signed, OTHER],
    ['a credential of no kind', [kind(Promise.resolve(undefined))], signed, 'identity.invalid'],
    ['a promise of a caller', [kind(Promise.resolve(OTHER))], evidence(), OTHER],
    ['nobody', [kind(undefined)], evidence(), 'identity.missing'],
  ];
  it.each(cases)('%s', async (_name, kinds, from, expected) => {
    expect(await choose(kinds, from)).toEqual(expected);
  });

  it('lets no further kind speak on the socket of bridges', () => {
    expect(choose([kind(OTHER)], evidence({}, 'stdio'))).toBe('identity.missing');
  });

  it('offers the same at each 401, whichever kind refused', async () => {
    const [a, b] = [kind(undefined, 'DPoP algs="ES256"'), kind('identity.invalid', 'Bearer scope="x"')];
    const challenge = ['DPoP algs="ES256"', 'Bearer scope="x"'];
    expect(choose([a, b])).toEqual({ code: 'identity.invalid', challenge });
    expect(
      await choose([kind(Promise.resolve('identity.invalid')), a, { ...b, authenticate: () => undefined }]),
    ).toEqual({
      code: 'identity.invalid',
      challenge,
    });
    expect(choose([a, { ...b, authenticate: () => undefined }])).toEqual({ code: 'identity.missing', challenge });
  });

  it('keeps the own challenge of a kind, and challenges nobody at a 503', () => {
    const own = { code: 'identity.invalid' as const, challenge: ['DPoP error="use_dpop_nonce"'], headers: ['a', 'b'] };
    expect(choose([kind(own, 'Bearer')])).toEqual(own);
    expect(choose([kind('identity.unavailable', 'Bearer')])).toBe('identity.unavailable');
  });
});
