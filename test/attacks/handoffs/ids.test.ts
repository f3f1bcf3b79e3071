/**
 * Every kind of id that Doorward gives out, in the hands of another agent of the same subject and tenant: it says nothing
 * to them, and their attempt takes nothing from its owner (guarantee AZ9: what is one agent's own is never shared).
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { decide as decided } from '../../../src/controls/approval/book.ts';
import { approval } from '../../../src/controls/approval/index.ts';
import { compile, schema } from '../../../src/controls/approval/rules.ts';
import type { Call, Caller, Result } from '../../../src/core/call.ts';
import { Questions } from '../../../src/doors/questions.ts';
import { Sessions } from '../../../src/doors/session.ts';
import { after } from '../../../src/doors/timers.ts';
import { flowing, handleOf } from '../../../src/gateway/flow.ts';
import { page } from '../../../src/gateway/pages.ts';
import { rounds } from '../../../src/gateway/rounds.ts';
import { Tasks } from '../../../src/gateway/tasks.ts';
import { memoryState } from '../../../src/store/memory.ts';
import { openQuarantine } from '../../../src/store/quarantine.ts';
import { Parking } from '../../../src/upstreams/parking.ts';
import { CALLER, call, entry, TOOL } from '../../core/fakes.ts';
import { RING } from '../../doors/house.ts';

const OWNER: Caller = { ...CALLER, how: 'key', agent: ['planner'] };
const OTHERS: readonly (readonly [string, Caller])[] = [
  ['another agent', { ...OWNER, agent: ['billing'] }],
  ['the subject in person', { ...OWNER, agent: [] }],
  ['a chain that begins with it', { ...OWNER, agent: ['planner', 'billing'] }],
  ['a chain that ends with it', { ...OWNER, agent: ['billing', 'planner'] }],
  ['the same agent of another tenant', { ...OWNER, tenant: 'u' }],
];

const folder = mkdtempSync(join(tmpdir(), 'doorward-'));
afterAll(() => rmSync(folder, { recursive: true }));
const clock = () => 1000;
const sealing = { ring: RING, random: (n: number) => randomBytes(n) };
const parts = () => ({ ...sealing, clock, state: memoryState(clock) });
/** A call of one caller, all else alike. */
const by = (caller: Caller, more: Partial<Call> = {}): Call => ({
  ...(call() as Call),
  caller,
  tenant: caller.tenant,
  lane: JSON.stringify(['files', caller.tenant, caller.subject, caller.agent, '-', '-', caller.issuer]),
  ...more,
});
const tried = async <T>(work: () => T | Promise<T>): Promise<Awaited<T> | undefined> => {
  try {
    return await work();
  } catch {
    return undefined;
  }
};

/** What the owner gets -> who may use it: true when it says something to this caller. */
type Kind = () => Promise<(who: Caller) => Promise<boolean>>;

const KINDS: Readonly<Record<string, Kind>> = {
  async session() {
    const sessions = new Sessions(parts());
    const id = sessions.mint(OWNER, 'files', '2025-11-25', { capabilities: {} });
    return async (who) => (await sessions.open(id, who, 'files')) !== undefined;
  },

  async 'end of a session'() {
    const sessions = new Sessions(parts());
    const id = sessions.mint(OWNER, 'files', '2025-11-25', { capabilities: {} });
    return async (who) => (await sessions.end(id, who, 'files')) !== undefined;
  },

  async task() {
    const tasks = new Tasks(parts());
    const at = new Date(0).toISOString();
    const value = { resultType: 'task', taskId: 't1', status: 'working', createdAt: at, lastUpdatedAt: at };
    const made = by(OWNER, { extensions: ['tasks'] });
    const around = tasks.around(made, () => ({ kind: 'result', value }))!;
    const message = (await around.handler(made, undefined as never)) as Result;
    const { message: told } = await around.told({ message, call: made } as never);
    const name = (told as Result).value['taskId'] as string;
    return async (caller) =>
      (await tasks.unsealed(entry({ family: 'task', name }, { caller }))).said.task !== undefined;
  },

  async 'state of a question'() {
    const house = rounds(parts());
    const FORM = { method: 'elicitation/create', params: { message: 'x', requestedSchema: { type: 'object' } } };
    const asked = house.seal(by(OWNER), { resultType: 'input_required', inputRequests: { q: FORM } }, 'own')!;
    const state = asked['requestState'] as string;
    return async (who) => house.open(by(who, { resume: { state, answers: {} } })).resume?.opened !== undefined;
  },

  async 'question on a stream'() {
    const questions = new Questions({ clock, random: sealing.random, after });
    const sent: { id: string }[] = [];
    const value = { resultType: 'input_required', inputRequests: { q: { method: 'roots/list' } }, requestState: 's' };
    void questions.settle({ message: { kind: 'result', value }, outcome: { kind: 'reply', sent: true } } as never, {
      caller: OWNER,
      session: { digest: 's', era: '2025-11-25', claimed: { capabilities: {} } },
      signal: new AbortController().signal,
      send: (text) => void sent.push(JSON.parse(text)),
      again: async () => ({ message: { kind: 'result', value: {} }, outcome: { kind: 'reply', sent: true } }) as never,
      stop: () => {},
      waits: () => () => {},
    });
    const answer = { kind: 'response', id: sent[0]!.id, result: { roots: [] }, facts: {} } as never;
    return async (who) => questions.take(answer, 's', who);
  },

  async 'parked call'() {
    const timers = { set: () => 0, clear: () => {} };
    const parking = new Parking({ timers, random: sealing.random, onEnd: () => {} });
    const talk = {} as never;
    const state = parking.park(by(OWNER), talk)!;
    return async (who) => (await tried(() => parking.take(by(who, { resume: { state, answers: {} } })))) === talk;
  },

  async flow() {
    const flow = handleOf(by(OWNER), sealing);
    return async (caller) => flowing(entry({ flow }, { caller }), RING, clock).said.flow !== undefined;
  },

  async cursor() {
    const list = Array.from({ length: 300 }, (_, i) => ({ name: `t${i}` }));
    const listing = (who: Caller, args: object) => by(who, { method: 'tools/list', family: 'list', args: { ...args } });
    const cursor = page(listing(OWNER, {}), list, 1e6, sealing).nextCursor!;
    return async (who) => (await tried(() => page(listing(who, { cursor }), list, 1e6, sealing))) !== undefined;
  },

  async approval() {
    const rules = compile(schema.parse({}));
    const state = memoryState(clock);
    const wants = (who: Caller) => by(who, { asked: ['policy.ask'], rulesId: 'r', target: TOOL });
    const verdict = await approval.decide!(wants(OWNER), rules, state);
    const { id } = (verdict as { question: { id: string } }).question;
    const owner = { subject: 'local', by: 'root', groups: [], via: 'terminal' } as const;
    expect(await decided(state, id, 'granted', owner, 'r')).toMatchObject({ state: 'granted' });
    return async (who) => (await approval.decide!(wants(who), rules, state)).kind === 'pass';
  },

  async 'released message'() {
    const store = openQuarantine({ dir: folder, ...sealing, clock });
    store.keep(by(OWNER), 'words', 'screen.quarantine');
    store.release(undefined, store.list()[0]!.id);
    return async (who) => store.released(by(who), 'words') !== undefined;
  },
};

it.each(Object.keys(KINDS))('%s: good for its owner alone', async (name) => {
  const use = await KINDS[name]!();
  for (const [who, caller] of OTHERS) expect([who, await use(caller)]).toEqual([who, false]);
  expect(await use(OWNER)).toBe(true);
});
