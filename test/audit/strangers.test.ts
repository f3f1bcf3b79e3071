import { describe, expect, it } from 'vitest';
import { KEYS_PER_MINUTE, prefix, Strangers } from '../../src/audit/strangers.ts';
import { verifyLog } from '../../src/audit/verify.ts';
import type { Outcome } from '../../src/core/verdict.ts';
import { attempt, call, caller, clock, folder, KEYS, openLog, read, TRAIL } from './fixture.ts';

describe('the prefix of an address', () => {
  it.each([
    ['203.0.113.9', '203.0.113.0/24'],
    ['::ffff:203.0.113.9', '203.0.113.0/24'],
    ['::ffff:cb00:7109', '203.0.113.0/24'],
    ['2001:db8:1:23ff::1', '2001:db8:1:2300::/56'],
    ['2001:db8:1:23ff:1:2:3:4', '2001:db8:1:2300::/56'],
    ['fe80::1%eth0', 'fe80:0:0:0::/56'],
    ['::1', '0:0:0:0::/56'],
    ['::', '0:0:0:0::/56'],
    ['1::', '1:0:0:0::/56'],
    ['64:ff9b::203.0.113.9', '64:ff9b:0:0::/56'],
    ['-', '-'],
    ['', 'other'],
    ['","x":"', 'other'],
  ])('%s is %s', (address, network) => expect(prefix(address)).toBe(network));
});

describe('attempts of strangers', () => {
  it('are one entry for each code, prefix and minute', async () => {
    const dir = folder();
    const log = await openLog(dir);
    for (let i = 0; i < 500; i++)
      log.attempt(attempt(`a${i}`, { peer: { listener: 'http', address: `203.0.113.${i % 250}` } }));
    log.attempt(attempt('b', { peer: { listener: 'http', address: '198.51.100.1' } }));
    log.attempt(attempt('c', { code: 'door.origin', stage: 'door' }));
    clock.now += 60_000;
    log.attempt(attempt('d'));
    await log.close();
    expect(
      read(dir)
        .filter((e) => e.kind === 'strangers')
        .map(({ code, prefix, minute, count }) => [code, prefix, minute, count]),
    ).toEqual([
      ['identity.missing', '203.0.113.0/24', '2026-11-20T12:00:00.000Z', 500],
      ['identity.missing', '198.51.100.0/24', '2026-11-20T12:00:00.000Z', 1],
      ['door.origin', '203.0.113.0/24', '2026-11-20T12:00:00.000Z', 1],
      ['identity.missing', '203.0.113.0/24', '2026-11-20T12:01:00.000Z', 1],
    ]);
    expect(verifyLog(dir, [KEYS.publicKey]).ok).toBe(true);
  });

  it('keep to their budget, and lose no count', () => {
    const written: { count: number; prefix: string }[] = [];
    const strangers = new Strangers((body) => written.push(JSON.parse(`{${body}}`)));
    for (let i = 0; i < 100_000; i++) {
      strangers.stranger(attempt('a', { peer: { listener: 'http', address: `10.${i >> 8}.${i & 255}.1` } }), 0);
    }
    strangers.flush(60_000);
    expect(written).toHaveLength(KEYS_PER_MINUTE + 1);
    expect(written.reduce((sum, entry) => sum + entry.count, 0)).toBe(100_000);
    expect(written.at(-1)).toMatchObject({ prefix: '*', code: 'identity.missing' });
  });

  it('are written when their minute is over, also if nobody comes', async () => {
    const dir = folder();
    const log = await openLog(dir, { limits: { checkpointMs: 5 } });
    log.attempt(attempt('a'));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(read(dir).filter((e) => e.kind === 'strangers')).toEqual([]);
    clock.now += 60_000;
    await expect.poll(() => read(dir).filter((e) => e.kind === 'strangers').length).toBe(1);
    await log.close();
  });
});

describe('a subject', () => {
  const LIMIT: Outcome = { kind: 'stop', code: 'limits.rate', sent: false, bytes: 0, ms: 0, taint: [] };

  it('has entries of its own until its bucket is empty, then sums', async () => {
    const dir = folder();
    const log = await openLog(dir);
    const other = { ...caller, subject: 'bo' };
    for (let i = 0; i < 100; i++)
      log.attempt(attempt(`a${i}`, { caller, code: 'inventory.unknown', stage: 'inventory', name: 'x' }));
    for (let i = 0; i < 40; i++) await log.outcome(call(`c${i}`), TRAIL, LIMIT);
    log.attempt(attempt('b', { caller: other }));
    await log.outcome(call('p'), TRAIL, { ...LIMIT, code: 'policy.denied' });
    clock.now += 2000;
    await log.outcome(call('l'), TRAIL, LIMIT);
    await log.close();
    const entries = read(dir);
    expect(entries.filter((e) => e.kind === 'attempt')).toHaveLength(61);
    expect(entries.filter((e) => e.kind === 'attempt')[0]).toMatchObject({
      call: 'a0',
      stage: 'inventory',
      code: 'inventory.unknown',
      name: 'x',
      who: { subject: 'ana' },
    });
    expect(entries.filter((e) => e.kind === 'call').map((e) => e.call)).toEqual(['p', 'l']);
    expect(entries.filter((e) => e.kind === 'strangers')).toMatchObject([
      { code: 'inventory.unknown', tenant: 'acme', subject: 'ana', count: 40 },
      { code: 'limits.rate', tenant: 'acme', subject: 'ana', count: 40 },
    ]);
  });
});
