import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Caller } from '../../src/core/call.ts';
import { Sessions } from '../../src/doors/session.ts';
import type { Json } from '../../src/lib/json/types.ts';
import { type KeyRing, seal } from '../../src/lib/seal.ts';
import { CALLER } from '../core/fakes.ts';

const ERA = '2025-11-25';
const CLAIMED = { client: { name: 'test', version: '1' }, capabilities: { roots: {} } };

function ring(key = randomBytes(32), kid = 'k1'): KeyRing {
  return { current: () => ({ kid, key }), find: (id) => (id === kid ? key : undefined) };
}

function house(over: { ring?: KeyRing; clock?: () => number; life?: number } = {}) {
  const kept = new Map<string, Json>();
  const state = {
    get: (_space: string, key: string) => kept.get(key),
    put: (_space: string, key: string, value: Json) => void kept.set(key, value),
  };
  const sessions = new Sessions({ ring: ring(), clock: () => 0, random: randomBytes, state, ...over });
  return { sessions, kept, state };
}

describe('sessions', () => {
  it('opens for the principal and route that began it', async () => {
    const { sessions } = house();
    const id = sessions.mint(CALLER, 'files', ERA, CLAIMED);
    expect(id).toMatch(/^[\x21-\x7e]+$/);
    expect(await sessions.open(id, CALLER, 'files')).toMatchObject({ era: ERA, claimed: CLAIMED });
  });

  it('outlives a renewed credential', async () => {
    const { sessions } = house();
    const id = sessions.mint(CALLER, 'files', ERA, CLAIMED);
    expect(await sessions.open(id, { ...CALLER, credential: 'other' }, 'files')).toBeDefined();
  });

  it.each<[string, Partial<Caller>, string]>([
    ['another subject', { subject: 'bob' }, 'files'],
    ['another tenant', { tenant: 'u' }, 'files'],
    ['another issuer', { issuer: 'elsewhere' }, 'files'],
    ['an agent of the subject', { agent: ['x'] }, 'files'],
    ['another route', {}, 'notes'],
  ])('is unknown to %s', async (_what, other, route) => {
    const { sessions } = house();
    const id = sessions.mint(CALLER, 'files', ERA, CLAIMED);
    expect(await sessions.open(id, { ...CALLER, ...other }, route)).toBeUndefined();
    expect(await sessions.end(id, { ...CALLER, ...other }, route)).toBeUndefined();
    expect(await sessions.open(id, CALLER, 'files')).toBeDefined();
  });

  it('is unknown when any character is changed, cut or added', async () => {
    const { sessions } = house();
    const id = sessions.mint(CALLER, 'files', ERA, CLAIMED);
    for (let i = 0; i < id.length; i++) {
      const other = id[i] === 'A' ? 'B' : 'A';
      expect(await sessions.open(id.slice(0, i) + other + id.slice(i + 1), CALLER, 'files')).toBeUndefined();
      expect(await sessions.open(id.slice(0, i), CALLER, 'files')).toBeUndefined();
    }
    for (const odd of ['', '.', 'k1.', `${id}A`, `${id}=`, ` ${id}`, 'x'.repeat(100_000)]) {
      expect(await sessions.open(odd, CALLER, 'files')).toBeUndefined();
    }
  });

  it('is unknown under another key, and for another purpose under the same key', async () => {
    const keys = ring();
    const { sessions } = house({ ring: keys });
    const id = house().sessions.mint(CALLER, 'files', ERA, CLAIMED);
    expect(await sessions.open(id, CALLER, 'files')).toBeUndefined();
    const odd = seal(keys, 'doorward.other', Buffer.from('{}'), randomBytes);
    expect(await sessions.open(odd, CALLER, 'files')).toBeUndefined();
  });

  it('ends with its life, with its credential, and on demand', async () => {
    let now = 1000;
    const { sessions, kept } = house({ clock: () => now, life: 60_000 });
    const long = sessions.mint(CALLER, 'files', ERA, CLAIMED);
    const short = sessions.mint({ ...CALLER, expires: 5000 }, 'files', ERA, CLAIMED);
    now = 4999;
    expect(await sessions.open(short, CALLER, 'files')).toBeDefined();
    now = 5000;
    expect(await sessions.open(short, CALLER, 'files')).toBeUndefined();
    expect(await sessions.open(long, CALLER, 'files')).toBeDefined();
    expect(await sessions.end(long, CALLER, 'files')).toBeDefined();
    expect(await sessions.open(long, CALLER, 'files')).toBeUndefined();
    expect(await sessions.end(long, CALLER, 'files')).toBeUndefined();
    expect([...kept.keys()].join()).not.toContain(long);
    const last = sessions.mint(CALLER, 'files', ERA, CLAIMED);
    now += 60_000;
    expect(await sessions.open(last, CALLER, 'files')).toBeUndefined();
  });

  it('makes ten thousand ids without a repeat', () => {
    const { sessions } = house();
    const ids = Array.from({ length: 10_000 }, () => sessions.mint(CALLER, 'files', ERA, CLAIMED));
    expect(new Set(ids).size).toBe(10_000);
  });

  it('stays short whatever a client says of itself', () => {
    const { sessions } = house();
    const id = sessions.mint(CALLER, 'files', ERA, {
      client: { name: '\u202e'.repeat(10_000), version: 'v'.repeat(10_000), icons: ['x'.repeat(10_000)] },
      capabilities: { a: 'x'.repeat(10_000) },
    });
    expect(id.length).toBeLessThan(2500);
  });

  it('fails when it cannot know whether a session was ended', async () => {
    const { sessions, state } = house();
    const id = sessions.mint(CALLER, 'files', ERA, CLAIMED);
    state.get = () => {
      throw new Error('down');
    };
    await expect(sessions.open(id, CALLER, 'files')).rejects.toThrow('down');
  });
});
