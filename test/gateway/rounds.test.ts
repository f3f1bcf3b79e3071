import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Call } from '../../src/core/call.ts';
import { ANSWER_WITHIN, rounds } from '../../src/gateway/rounds.ts';
import type { Json, JsonObject } from '../../src/lib/json/types.ts';
import type { KeyRing } from '../../src/lib/seal.ts';
import { memoryState } from '../../src/store/memory.ts';
import { CALLER, call as made, TOOL } from '../core/fakes.ts';

const keys = new Map(['a', 'b'].map((kid) => [kid, randomBytes(32)]));
const ring = (kid: string, known = ['a', 'b']): KeyRing => ({
  current: () => ({ kid, key: keys.get(kid)! }),
  find: (name) => (known.includes(name) ? keys.get(name) : undefined),
});
let now = 1_000_000;
const clock = () => now;
const state = memoryState(clock);
const house = rounds({ ring: ring('a'), clock, random: randomBytes, state });

const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;
const words = fc.string({ maxLength: 12 });
const calls: fc.Arbitrary<Call> = fc
  .record({
    args: fc.dictionary(words, json, { maxKeys: 4 }),
    subject: words,
    tenant: words,
    agent: fc.array(words, { maxLength: 2 }),
    method: fc.constantFrom('tools/call', 'prompts/get'),
    name: words,
    digest: fc.constantFrom('sha256:0', 'sha256:1'),
    era: fc.constantFrom('2026-07-28', '2025-11-25'),
    upstream: fc.constantFrom('files', 'mail'),
    session: fc.constantFrom('-', 's1', 's2'),
  })
  .map(({ args, subject, tenant, agent, method, name, digest, era, upstream, session }) => {
    const caller = { ...CALLER, subject, tenant, agent };
    const lane = JSON.stringify([upstream, tenant, subject, agent, session, '-']);
    const target = { ...TOOL, upstream, name, digest };
    return { ...made(), args, caller, tenant, method, target, era, upstream, lane, route: upstream } as Call;
  });
const FORM = { method: 'elicitation/create', params: { message: 'x', requestedSchema: { type: 'object' } } };
const question: JsonObject = { resultType: 'input_required', inputRequests: { q: FORM } };
const answered = (call: Call, requestState: Json | undefined, answers: JsonObject = {}): Call => ({
  ...call,
  id: 'ID2',
  resume: { answers, ...(typeof requestState === 'string' && { state: requestState }) },
});
const same = (a: Call, b: Call) =>
  JSON.stringify([a.args, a.caller, a.method, a.target, a.era, a.lane]) ===
  JSON.stringify([b.args, b.caller, b.method, b.target, b.era, b.lane]);

describe('the way back of a question', () => {
  it('opens for the same call, and says again what the server said', () => {
    fc.assert(
      fc.property(calls, fc.option(fc.string()), fc.dictionary(words, json), (call, own, answers) => {
        const { requestState, ...rest } = house.seal(call, question, own ?? undefined)!;
        expect(rest).toEqual(question);
        const opened = house.open(answered(call, requestState, answers));
        expect(opened.parent).toBe(call.id);
        expect(opened.resume).toMatchObject({ answers, opened: { round: 1, asked: { q: { kind: 'form' } } } });
        expect(opened.resume!.state).toBe(own ?? undefined);
        const again = house.seal(opened, question, 'x')!;
        expect(house.open(answered(call, again['requestState'])).resume!.opened!.round).toBe(2);
      }),
    );
  });

  it('opens for no other call', () => {
    fc.assert(
      fc.property(calls, calls, (call, other) => {
        fc.pre(!same(call, other));
        const { requestState } = house.seal(call, question, 'x')!;
        const { resume, parent } = house.open(answered(other, requestState));
        expect([resume!.opened, resume!.state, parent, resume!.fault]).toEqual([
          undefined,
          undefined,
          undefined,
          'of another caller, thing or arguments',
        ]);
      }),
    );
  });

  it('does not open when a character of it was changed, taken away or added', () => {
    const call = made();
    const { requestState } = house.seal(call, question, 'x')!;
    const text = requestState as string;
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.string({ maxLength: 2 }), fc.nat(2), (at, put, cut) => {
        const changed = text.slice(0, at) + put + text.slice(at + cut);
        fc.pre(changed !== text);
        expect(house.open(answered(call, changed)).resume!.opened).toBe(undefined);
      }),
    );
  });

  it('says nothing to who reads it', () => {
    const own = 'the state of a server';
    const { requestState } = house.seal(made(), question, own)!;
    const bytes = Buffer.from((requestState as string).slice(2), 'base64url').toString('latin1');
    for (const text of [own, 'files', 'alice', 'elicitation']) expect(bytes).not.toContain(text);
    expect(house.seal(made(), question, own)).not.toEqual(house.seal(made(), question, own));
  });

  it('opens at every process with the key, also when that is no longer the newest', () => {
    const call = made();
    const { requestState } = house.seal(call, question, 'x')!;
    const at = (keyring: KeyRing) =>
      rounds({ ring: keyring, clock, random: randomBytes, state }).open(answered(call, requestState)).resume!.opened;
    expect(at(ring('b'))).toBeDefined();
    expect(at(ring('b', ['b']))).toBe(undefined);
  });

  it('is good for ten minutes and for one dispatch', async () => {
    const call = made();
    const { requestState } = house.seal(call, question, 'x')!;
    const { opened } = house.open(answered(call, requestState)).resume!;
    expect([await house.spend(opened!), await house.spend(opened!)]).toEqual([true, false]);
    now += ANSWER_WITHIN - 1;
    expect(await house.spend(opened!)).toBe(false);
    expect(house.open(answered(call, requestState)).resume!.opened).toBeDefined();
    now += 1;
    expect(house.open(answered(call, requestState)).resume!.fault).toBe('expired');
  });

  it('carries what was approved, and nothing of what was only asked for', () => {
    const granted = { id: 'K7QD', ground: 'g', via: 'terminal' };
    const spent = { ...made(), approval: { kind: 'spent' as const, ...granted } };
    const { requestState } = house.seal(spent, question, 'x')!;
    expect(house.open(answered(made(), requestState)).approval).toEqual({ kind: 'spent', ...granted });
    const waits = { ...made(), approval: { kind: 'asked' as const, id: 'K7QD', ground: 'g' } };
    const { requestState: other } = house.seal(waits, question, 'x')!;
    expect(house.open(answered(made(), other)).approval).toBe(undefined);
  });

  it('is not made of what is too large', () => {
    expect(house.seal(made(), question, 'x'.repeat(64 * 1024))).toBe(undefined);
  });
});
