import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Call } from '../../src/core/call.ts';
import { isOnePage, PAGE, page } from '../../src/gateway/pages.ts';
import type { JsonObject } from '../../src/lib/json/types.ts';
import { CALLER, call } from '../core/fakes.ts';
import { RING } from '../doors/house.ts';

const SEALING = { ring: RING, random: randomBytes };
const entries = (count: number): JsonObject[] => Array.from({ length: count }, (_, i) => ({ name: `tool-${i}` }));
const listing = (change: Partial<Call> = {}, cursor?: string): Call => ({
  ...call({ method: 'tools/list', family: 'list', name: '' }),
  args: cursor === undefined ? {} : { cursor },
  ...change,
});

function all(of: readonly JsonObject[], bytes: number): { entries: JsonObject[]; pages: number } {
  const seen: JsonObject[] = [];
  let cursor: string | undefined;
  let pages = 0;
  do {
    const one = page(listing({}, cursor), of, bytes, SEALING);
    expect(one.entries.length).toBeGreaterThan(of.length === 0 ? -1 : 0);
    expect(one.entries.length).toBeLessThanOrEqual(PAGE);
    seen.push(...one.entries);
    cursor = one.nextCursor;
    pages++;
  } while (cursor !== undefined);
  return { entries: seen, pages };
}

describe('pages', () => {
  it('hold each entry once, in order, whatever they are cut to', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3 * PAGE }), fc.integer({ min: 1, max: 20_000 }), (count, bytes) => {
        const of = entries(count);
        expect(all(of, bytes).entries).toEqual(of);
      }),
      { numRuns: 30 },
    );
  });

  it('are one for what fits, and then nothing is sealed', () => {
    expect(page(listing(), entries(PAGE), 1e6, SEALING)).toEqual({ entries: entries(PAGE) });
    expect(isOnePage(listing(), entries(PAGE), 1e6)).toBe(true);
    expect(isOnePage(listing(), entries(PAGE + 1), 1e6)).toBe(false);
    expect(isOnePage(listing(), entries(3), 30)).toBe(false);
    expect(isOnePage(listing({}, 'x'), entries(3), 1e6)).toBe(false);
    expect(all(entries(PAGE + 1), 1e6).pages).toBe(2);
  });
});

describe('a cursor', () => {
  const of = entries(PAGE + 5);
  const cursor = page(listing(), of, 1e6, SEALING).nextCursor!;
  const refused = (wanted: Call, list = of) => expect(() => page(wanted, list, 1e6, SEALING)).toThrow('frame.cursor');

  it('is good for its caller, also with another credential', () => {
    const renewed = listing({ caller: { ...CALLER, credential: 'renewed' } }, cursor);
    expect(page(renewed, of, 1e6, SEALING).entries).toHaveLength(5);
  });

  it.each([
    ['another subject', { caller: { ...CALLER, subject: 'bob' } }],
    ['another tenant', { caller: { ...CALLER, tenant: 'u' } }],
    ['another agent', { caller: { ...CALLER, agent: ['robot'] } }],
    ['another route', { route: 'notes' }],
    ['another listing', { method: 'prompts/list' }],
  ] as const)('is useless for %s', (_who, change) => refused(listing(change, cursor)));

  it('is useless when the listing changed', () => {
    refused(listing({}, cursor), of.slice(1));
    refused(
      listing({}, cursor),
      of.map((one) => ({ ...one, description: 'new' })),
    );
  });

  it.each(['', '0', 'k.', `${cursor}A`, cursor.slice(1), cursor.replace(/.$/, (c) => (c === 'A' ? 'B' : 'A'))])(
    'is refused when made up: %s',
    (text) => refused(listing({}, text)),
  );
});
