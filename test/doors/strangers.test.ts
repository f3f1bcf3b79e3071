import { describe, expect, it } from 'vitest';
import { addressKey, CHARGE, STRANGER_RULES, Strangers } from '../../src/doors/strangers.ts';

describe('the limit by address', () => {
  it('costs nothing until something is refused', () => {
    const strangers = new Strangers(() => 0);
    for (let i = 0; i < 10_000; i++) expect(strangers.wait('10.0.0.1')).toBe(0);
    expect(strangers.size).toBe(0);
  });

  it('lets ten failed sign-ins through, then one a second', () => {
    let now = 0;
    const strangers = new Strangers(() => now);
    for (let i = 0; i < 10; i++) {
      expect(strangers.wait('10.0.0.1')).toBe(0);
      strangers.charge('10.0.0.1', CHARGE.signIn);
    }
    expect(strangers.wait('10.0.0.1')).toBe(1);
    expect(strangers.wait('10.0.0.2')).toBe(0);
    now = 999;
    expect(strangers.wait('10.0.0.1')).toBe(0);
    strangers.charge('10.0.0.1', CHARGE.signIn);
    expect(strangers.wait('10.0.0.1')).toBe(1);
  });

  it('counts a refused request a tenth of a failed sign-in', () => {
    const strangers = new Strangers(() => 0);
    for (let i = 0; i < 99; i++) strangers.charge('a', CHARGE.refused);
    expect(strangers.wait('a')).toBe(0);
    strangers.charge('a', CHARGE.refused);
    expect(strangers.wait('a')).toBe(1);
  });

  it('locks nobody out for longer than a few seconds, however long they knocked', () => {
    let now = 0;
    const strangers = new Strangers(() => now);
    for (let i = 0; i < 10_000; i++) strangers.charge('a', CHARGE.signIn);
    expect(strangers.wait('a')).toBeLessThanOrEqual(2);
    now = strangers.wait('a') * 1000;
    expect(strangers.wait('a')).toBe(0);
  });

  it('survives a clock that goes back', () => {
    let now = 10_000;
    const strangers = new Strangers(() => now);
    for (let i = 0; i < 10; i++) strangers.charge('a', CHARGE.signIn);
    now = 0;
    expect(strangers.wait('a')).toBe(1);
  });

  it('remembers a bounded number of addresses', () => {
    const strangers = new Strangers(() => 0, { ...STRANGER_RULES, addresses: 100 });
    for (let i = 0; i < 100_000; i++) strangers.charge(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 1);
    expect(strangers.size).toBeLessThanOrEqual(200);
  });

  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['-', '-'],
  ])('counts %s as %s', (address, key) => expect(addressKey(address)).toBe(key));
});
