/** What a client is given to come back with, and to whom a link to this machine is of use. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/core/admit.ts';
import type { Call, Peer } from '../../src/core/call.ts';
import { asking, unsealed } from '../../src/gateway/asking.ts';
import type { KeyRing } from '../../src/lib/seal.ts';
import { view } from '../controls/cases.ts';
import { TOOL } from '../core/fakes.ts';

const ringOf = (key: Uint8Array): KeyRing => ({
  current: () => ({ kid: 'k', key }),
  find: (kid) => (kid === 'k' ? key : undefined),
});
const ring = ringOf(randomBytes(32));
const made = asking({ ring, random: (n) => randomBytes(n), page: (id) => `http://127.0.0.1:1/approvals/${id}` });
const call = (peer?: Peer) => ({ ...view({ target: TOOL, ...(peer && { peer }) }), era: '2026-07-28' }) as Call;
const entry = (state: string | undefined, answers: object = {}) =>
  ({ id: 'E', said: { name: 'x', resume: { ...(state !== undefined && { state }), answers } } }) as unknown as Entry;

describe('the link', () => {
  it.each([
    [{ listener: 'stdio', address: '-' }, true],
    [{ listener: 'http', address: '127.0.0.1' }, true],
    [{ listener: 'http', address: '::1' }, true],
    [{ listener: 'http', address: '192.0.2.7' }, false],
    [{ listener: 'http', address: '2001:db8::1' }, false],
  ] as const)('is for clients of this machine: %o %s', (peer, wanted) => {
    expect(made.page(call(peer), 'K7QD') !== undefined).toBe(wanted);
  });
});

describe('the state', () => {
  it('names the approval, says nothing, and goes no further than to the control', () => {
    const state = made.state(call(), 'K7QD');
    expect(state).not.toContain('K7QD');
    const { said } = unsealed(entry(state, { approval: { action: 'accept' }, other: 1 }), ring);
    expect(said.resume).toBeUndefined();
    expect(said.approval).toMatchObject({ kind: 'asked', id: 'K7QD', answer: { action: 'accept' } });
  });

  it.each([
    ['none', undefined],
    ['one of the server', 'state of the server'],
    ['one that was altered', made.state(call(), 'K7QD').replace(/.$/, (char) => (char === 'A' ? 'B' : 'A'))],
    [
      'one of another gateway',
      asking({ ring: ringOf(randomBytes(32)), random: (n) => randomBytes(n), page: () => undefined }).state(
        call(),
        'K7QD',
      ),
    ],
  ])('is left to others when it is %s', (_, state) => {
    const asked = entry(state, { approval: { action: 'accept' } });
    expect(unsealed(asked, ring)).toBe(asked);
  });
});
