/** A question to the owner of a state folder: only with the token, one answer, whatever version asks. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { askOwner } from '../../src/doors/ask-owner.ts';
import { type BridgeDoor, type BridgeOptions, serveBridge } from '../../src/doors/bridge.ts';
import type { JsonObject } from '../../src/lib/json/types.ts';
import { CALLER } from '../core/fakes.ts';
import { ALICE, house } from './house.ts';

let dir: string;
let door: BridgeDoor | undefined;
const HELLO = { version: '1', config: 'c', token: ALICE.slice(7) };

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'owner-'));
});
afterEach(async () => {
  await door?.close();
  door = undefined;
  rmSync(dir, { recursive: true, force: true });
});
async function serve(admin?: BridgeOptions['admin']): Promise<void> {
  const { gate } = house();
  door = await serveBridge({ gate, dir, version: '1', config: 'c', who: () => CALLER, ...(admin && { admin }) });
}

it('is answered over a socket that its user alone can open', async () => {
  await serve(async (question) => ({ heard: question, long: 'x'.repeat(1_000_000) }));
  expect(statSync(join(dir, 'bridge.sock')).mode & 0o777).toBe(0o600);
  expect(await askOwner(dir, HELLO, { do: 'list' })).toMatchObject({ heard: { do: 'list' } });
  expect(await askOwner(dir, { ...HELLO, version: '2' }, { do: 'list' })).toMatchObject({ heard: { do: 'list' } });
});

it('is refused without the token, and for another configuration', async () => {
  const asked: JsonObject[] = [];
  await serve(async (question) => (asked.push(question), {}));
  const { gate } = house();
  // A key of somebody else makes calls; it does not reach the owner.
  const keyed = { ...gate, authenticate: () => ({ ...CALLER, how: 'key' as const }) };
  const other = mkdtempSync(join(tmpdir(), 'owner-'));
  const strict = await serveBridge({
    gate: keyed,
    dir: other,
    version: '1',
    config: 'c',
    who: () => CALLER,
    admin: async (question) => (asked.push(question), {}),
  });
  await expect(askOwner(other, HELLO, {})).rejects.toMatchObject({ why: 'token' });
  await strict.close();
  rmSync(other, { recursive: true });
  await expect(askOwner(dir, { ...HELLO, token: 'x'.repeat(43) }, {})).rejects.toMatchObject({ why: 'token' });
  await expect(askOwner(dir, { ...HELLO, config: 'd' }, {})).rejects.toMatchObject({ why: 'config' });
  expect(asked).toEqual([]);
});

it('is refused by an owner that answers none, and goes nowhere without one', async () => {
  expect(await askOwner(dir, HELLO, {})).toBeUndefined();
  await serve();
  await expect(askOwner(dir, HELLO, {})).rejects.toMatchObject({ why: 'busy' });
});

it('that is too long, too deep or breaks the owner gets no answer', async () => {
  await serve(async () => {
    throw new Error('broken');
  });
  for (const question of [{ do: 'x'.repeat(5000) }, { do: [[[[1]]]] }, {}])
    await expect(askOwner(dir, HELLO, question)).rejects.toThrow('no answer');
});
