import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { CallView } from '../../src/core/call.ts';
import { openQuarantine } from '../../src/store/quarantine.ts';

let dir: string;
let now = 1_000_000;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'doorward-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const key = randomBytes(32);
const ring = { current: () => ({ kid: 'k', key }), find: (kid: string) => (kid === 'k' ? key : undefined) };
const limits = { count: 3, bytes: 4000, ms: 10_000 };
const open = (r = ring) => openQuarantine({ dir, ring: r, clock: () => now, random: randomBytes, limits });
const call = (id: string, tenant = 't') =>
  ({
    id,
    tenant,
    caller: { tenant, issuer: 'https://a.example.com', subject: 'ana', agent: [] },
    upstream: 'files',
    target: { kind: 'tool', name: 'read' },
  }) as unknown as CallView;

it('keeps a message for a person, sealed, across restarts', () => {
  open().keep(call('c1'), { content: ['hidden words'] }, 'screen.quarantine');
  const [file] = readdirSync(dir);
  expect(statSync(join(dir, file!)).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(dir, file!), 'latin1')).not.toContain('hidden');
  const [kept] = open().list('t');
  expect(kept).toMatchObject({
    call: 'c1',
    code: 'screen.quarantine',
    subject: 'ana',
    message: { content: ['hidden words'] },
  });
  expect(open().open('t', kept!.id)).toEqual(kept);
});

it('answers another tenant, and ids that are none, as unknown', () => {
  const store = open();
  store.keep(call('c1'), null, 'screen.quarantine');
  const { id } = store.list('t')[0]!;
  expect([store.list('u'), store.open('u', id), store.discard('u', id)]).toEqual([[], undefined, false]);
  for (const bad of ['', '..', '../keys', `${id}.sealed`, id.replace('0', '9')])
    expect(store.open('t', bad)).toBeUndefined();
  expect(store.discard('t', id)).toBe(true);
  expect(readdirSync(dir)).toEqual([]);
});

it('does not open for another key, nor under another name', () => {
  const store = open();
  store.keep(call('c1'), 'x', 'screen.quarantine');
  const { id } = store.list('t')[0]!;
  const other = randomBytes(32);
  expect(open({ current: () => ({ kid: 'k', key: other }), find: () => other }).list('t')).toEqual([]);
  const moved = id.replace(/-.{16}$/, `-${'a'.repeat(16)}`);
  renameSync(join(dir, `${id}.sealed`), join(dir, `${moved}.sealed`));
  expect(open().open('t', moved)).toBeUndefined();
});

it('is bounded in number, bytes and time: the oldest makes room', () => {
  const store = open();
  const calls = () => store.list('t').map((k) => k.call);
  for (const id of ['c1', 'c2', 'c3', 'c4']) {
    now++;
    store.keep(call(id), 'x', 'screen.quarantine');
  }
  expect(calls()).toEqual(['c2', 'c3', 'c4']);
  store.keep(call('c5'), 'x'.repeat(2300), 'screen.quarantine');
  expect(calls()).toEqual(['c4', 'c5']);
  expect(() => store.keep(call('c6'), 'x'.repeat(9000), 'screen.quarantine')).toThrow('larger than the whole');
  now += limits.ms;
  expect(calls()).toEqual([]);
  store.keep(call('c7'), 'x', 'screen.quarantine');
  expect(readdirSync(dir)).toHaveLength(1);
});

it('lets a released message pass once, to whom it was kept from, also after a restart', () => {
  const store = open();
  const message = { content: ['words'] };
  store.keep(call('c1'), message, 'screen.quarantine');
  const [{ id }] = store.list('t') as unknown as [{ id: string }];
  expect(store.released(call('c2'), message)).toBeUndefined();
  expect([store.release('u', id), store.release(undefined, id)]).toEqual([false, true]);
  const again = open();
  const other = (more: object) => ({ ...call('c3'), caller: { ...call('c3').caller, ...more } });
  expect(again.released(other({ subject: 'bob' }), message)).toBeUndefined();
  expect(again.released(other({ issuer: 'https://b.example.com' }), message)).toBeUndefined();
  expect(again.released(other({ agent: ['bot'] }), message)).toBeUndefined();
  expect(again.released(call('c3', 'u'), message)).toBeUndefined();
  expect(again.released(call('c3'), { content: ['word'] })).toBeUndefined();
  expect(again.released(call('c3'), message)).toBe(id);
  expect(again.released(call('c4'), message)).toBeUndefined();
  expect(open().list()).toEqual([]);
});

it('does not let pass what was discarded after its release', () => {
  const store = open();
  store.keep(call('c1'), 'x', 'screen.quarantine');
  const [{ id }] = store.list() as unknown as [{ id: string }];
  store.release(undefined, id);
  store.discard(undefined, id);
  expect(store.released(call('c2'), 'x')).toBeUndefined();
});
