import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bare,
  inRanges,
  isLoopback,
  isMetadataName,
  mayReach,
  parseCidr,
  parseRange,
  standing,
} from '../../src/lib/address.ts';

const ranges = (...texts: string[]) => texts.map((text) => parseRange(text)!);

describe('standing', () => {
  it.each([
    // Public.
    ['1.1.1.1', 'public'],
    ['8.8.8.8', 'public'],
    ['172.15.255.255', 'public'],
    ['172.32.0.0', 'public'],
    ['100.63.255.255', 'public'],
    ['100.128.0.0', 'public'],
    ['2606:4700:4700::1111', 'public'],
    ['::ffff:8.8.8.8', 'public'],
    // Only when named.
    ['127.0.0.1', 'named'],
    ['127.255.255.254', 'named'],
    ['::1', 'named'],
    ['::ffff:127.0.0.1', 'named'],
    ['::127.0.0.1', 'named'],
    ['10.0.0.1', 'named'],
    ['172.16.0.1', 'named'],
    ['192.168.255.255', 'named'],
    ['::ffff:c0a8:1', 'named'],
    ['100.64.0.1', 'named'],
    ['198.18.0.1', 'named'],
    ['198.19.255.255', 'named'],
    ['192.0.2.1', 'named'],
    ['198.51.100.7', 'named'],
    ['203.0.113.80', 'named'],
    ['fc00::1', 'named'],
    ['fd12:3456:789a:1::1', 'named'],
    ['2001:db8::1', 'named'],
    ['64:ff9b::8.8.8.8', 'named'],
    ['64:ff9b::7f00:1', 'named'],
    // Metadata, in every dress.
    ['169.254.169.254', 'never'],
    ['169.254.170.2', 'never'],
    ['169.254.0.1', 'never'],
    ['::ffff:169.254.169.254', 'never'],
    ['::ffff:a9fe:a9fe', 'never'],
    ['64:ff9b::a9fe:a9fe', 'never'],
    ['64:ff9b:1::a9fe:a9fe', 'never'],
    ['2002:a9fe:a9fe::1', 'never'],
    ['168.63.129.16', 'never'],
    ['64:ff9b::168.63.129.16', 'never'],
    ['100.100.100.200', 'never'],
    ['192.0.0.192', 'never'],
    ['fd00:ec2::254', 'never'],
    ['fd00:ec2::23', 'never'],
    ['fd20:ce::254', 'never'],
    ['fe80::1', 'never'],
    ['fe80::1%eth0', 'never'],
    // No place for a server.
    ['0.0.0.0', 'never'],
    ['0.1.2.3', 'never'],
    ['::', 'never'],
    ['255.255.255.255', 'never'],
    ['224.0.0.1', 'never'],
    ['240.0.0.1', 'never'],
    ['ff02::1', 'never'],
    ['fec0::1', 'never'],
    ['100::1', 'never'],
    ['2001::1', 'never'],
    ['2002:808:808::1', 'never'],
    ['::ffff:0:127.0.0.1', 'never'],
    ['5f00::1', 'never'],
    ['1::1', 'never'],
    // No addresses.
    ['', 'never'],
    ['localhost', 'never'],
    ['127.1', 'never'],
    ['0x7f000001', 'never'],
    ['2130706433', 'never'],
    ['0177.0.0.1', 'never'],
    ['127.0.0.1 ', 'never'],
    ['１２７.0.0.1', 'never'],
  ] as const)('of %s is %s', (address, expected) => {
    expect(standing(address)).toBe(expected);
  });

  it('does not depend on how an address is written', () => {
    const byte = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(fc.tuple(byte, byte, byte, byte), (bytes) => {
        const dotted = bytes.join('.');
        const hex = bytes.map((b) => b.toString(16).padStart(2, '0'));
        const mapped = [`::ffff:${dotted}`, `::FFFF:${hex[0]}${hex[1]}:${hex[2]}${hex[3]}`, `0:0:0:0:0:ffff:${dotted}`];
        for (const form of mapped) expect(standing(form)).toBe(standing(dotted));
        // A translator must not reach what the address itself would not.
        if (standing(dotted) === 'never') {
          expect(standing(`64:ff9b::${dotted}`)).toBe('never');
          expect(standing(`2002:${hex[0]}${hex[1]}:${hex[2]}${hex[3]}::`)).toBe('never');
        }
      }),
    );
  });
});

describe('a named range', () => {
  it.each([
    ['10.1.2.3', ['10.0.0.0/8'], true],
    ['10.1.2.3', ['10.1.2.3/32'], true],
    ['10.1.2.4', ['10.1.2.3/32'], false],
    ['10.1.2.3', ['192.168.0.0/16'], false],
    ['127.0.0.1', ['127.0.0.0/8'], true],
    ['::ffff:127.0.0.1', ['127.0.0.0/8'], true],
    ['::1', ['127.0.0.0/8'], false],
    ['::1', ['::1/128'], true],
    ['8.8.8.8', [], true],
    ['127.0.0.1', [], false],
    ['169.254.169.254', ['10.0.0.0/8', '127.0.0.0/8'], false],
    ['fd00:ec2::254', ['fc00::/7'], false],
    ['fd12::1', ['fc00::/7'], true],
    // NAT64 needs its own range, and what lies behind it the right one.
    ['64:ff9b::8.8.8.8', [], false],
    ['64:ff9b::8.8.8.8', ['64:ff9b::/96'], true],
    ['64:ff9b::10.0.0.1', ['64:ff9b::/96'], false],
    ['64:ff9b::10.0.0.1', ['64:ff9b::/96', '10.0.0.0/8'], true],
    ['64:ff9b::169.254.169.254', ['64:ff9b::/96'], false],
  ] as const)('lets %s with %j: %s', (address, named, expected) => {
    expect(mayReach(address, ranges(...named))).toBe(expected);
  });

  it.each([
    '0.0.0.0/0',
    '::/0',
    '8.0.0.0/8',
    '169.254.0.0/16',
    '169.254.169.254/32',
    '10.0.0.0/7',
    'fe80::/10',
    '10.0.0.0',
    '10.0.0.0/8/8',
    '10.0.0.0/33',
    '10/8',
    '0x0a.0.0.0/8',
    '*',
    '',
    'localhost',
  ])('cannot be %s', (text) => {
    expect(parseRange(text)).toBeUndefined();
  });
});

describe('a range of callers', () => {
  it.each(['10.0.0.0/8', '10.0.0.1/32', '8.8.8.0/24', '0.0.0.0/0', '::/0', '::1/128', '2001:db8::/32'])(
    'can be %s',
    (text) => expect(parseCidr(text)).toBeDefined(),
  );
  it.each([
    '10.0.0.1/8',
    '2001:db8::1/32',
    '1.2.3.4',
    '10/8',
    '010.0.0.0/8',
    '10.0.0.0/08',
    '10.0.0.0/33',
    '10.0.0.0/8/8',
    '::ffff:10.0.0.0/104',
    'fe80::%1/64',
    '1.2.3.0/24 ',
    '',
  ])('cannot be %j', (text) => expect(parseCidr(text)).toBeUndefined());
  it.each([
    ['10.1.2.3', true],
    ['::ffff:10.1.2.3', true],
    ['11.1.2.3', false],
    ['2001:db8:1::1', true],
    ['2001:db9::1', false],
    ['::a01:203', false],
    ['-', false],
    ['', false],
  ])('holds %s: %s', (address, inside) => {
    expect(inRanges(address, [parseCidr('10.0.0.0/8')!, parseCidr('2001:db8::/32')!])).toBe(inside);
  });
});

describe('names', () => {
  it.each(['metadata.google.internal', 'METADATA.google.internal.', 'instance-data', 'metadata', 'metadata.goog'])(
    '%s is metadata',
    (name) => expect(isMetadataName(name)).toBe(true),
  );
  it.each(['example.com', 'metadata.example.com', 'my-metadata'])('%s is not', (name) =>
    expect(isMetadataName(name)).toBe(false),
  );
  it('are compared in one form', () => {
    expect(['EXAMPLE.com.', '[::1]', 'example.com'].map(bare)).toEqual(['example.com', '::1', 'example.com']);
  });
  it.each([
    ['127.0.0.1', true],
    ['::1', true],
    ['127.9.9.9', true],
    ['10.0.0.1', false],
    ['localhost', false],
  ] as const)('%s is loopback: %s', (address, expected) => expect(isLoopback(address)).toBe(expected));
});
