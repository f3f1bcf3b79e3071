import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Entry } from '../../src/core/admit.ts';
import type { Caller } from '../../src/core/call.ts';
import { flowing, handleOf } from '../../src/gateway/flow.ts';

const key = randomBytes(32);
const ring = { current: () => ({ kid: 'k', key }), find: (kid: string) => (kid === 'k' ? key : undefined) };
const random = (n: number) => randomBytes(n);
const caller = (subject: string) => ({ tenant: 't', issuer: 'i', subject, agent: [] }) as unknown as Caller;
const handle = (subject: string, at = 0, flow?: string) =>
  handleOf({ caller: caller(subject), at, ...(flow !== undefined && { flow }) }, { ring, random });
const idOf = (subject: string, flow: string, now = 0) =>
  flowing({ caller: caller(subject), said: { flow } } as unknown as Entry, ring, () => now).said.flow;

it('names one task of one principal, for a day', () => {
  const [one, two] = [handle('ana'), handle('ana')];
  expect(idOf('ana', one)).toMatch(/^[\w-]{22}$/);
  expect(idOf('ana', one)).not.toBe(idOf('ana', two));
  expect(idOf('bob', one)).toBeUndefined();
  expect(idOf('ana', one, 24 * 3_600_000)).toBeUndefined();
});

it('stays the same for a client that brings it', () => {
  const id = idOf('ana', handle('ana'))!;
  expect(idOf('ana', handle('ana', 5, id))).toBe(id);
});

it('is none when it is forged, whatever it holds', () => {
  const good = handle('ana');
  for (const bad of ['', 'x', good.slice(0, -1), `${good}A`, good.replace(/.$/, (c) => (c === 'A' ? 'B' : 'A'))])
    expect(idOf('ana', bad)).toBeUndefined();
});
