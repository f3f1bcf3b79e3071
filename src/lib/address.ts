/**
 * Which addresses the gateway may connect to (guarantee IS4). Classes come from the IANA special-purpose registries
 * (RFC 6890) as `ipaddr.js` has them; what a cloud answers secrets on is a list of its own, because some of it counts
 * as public (168.63.129.16).
 */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** `named`: only where the configuration names its range for the destination. `never`: not even then. */
export type Standing = 'public' | 'named' | 'never';

/** A range that a configuration names. */
export interface Range {
  readonly base: ipaddr.IPv4 | ipaddr.IPv6;
  readonly bits: number;
}

/** Link-local as a whole: metadata of AWS (also for containers), Azure, Google Cloud, OpenStack and others lies there. */
const METADATA = [
  '169.254.0.0/16',
  'fe80::/10',
  '168.63.129.16/32', // Azure wire server
  '100.100.100.200/32', // Alibaba Cloud
  '192.0.0.192/32', // Oracle Cloud
  'fd00:ec2::/32', // AWS
  'fd20:ce::/32', // Google Cloud
  'fd00:c1::/32', // Oracle Cloud
  'fd00:42::/32', // Scaleway
].map(range);

/** Names that lead to metadata in some cloud, whatever they resolve to here. */
const METADATA_NAMES: ReadonlySet<string> = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'metadata.azure.internal',
  'metadata.tencentyun.com',
  'metadata.packet.net',
  'metadata.platformequinix.com',
  'instance-data',
  'instance-data.ec2.internal',
  'rancher-metadata',
]);

/** What a configuration may name; anything wider, or public, is a mistake. */
const NAMEABLE = [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10', // carrier-grade NAT (RFC 6598)
  '198.18.0.0/15', // benchmarks (RFC 2544)
  '192.0.2.0/24', // documentation (RFC 5737)
  '198.51.100.0/24',
  '203.0.113.0/24',
  '::1/128',
  'fc00::/7',
  '2001:db8::/32', // documentation (RFC 3849)
  '64:ff9b::/96', // NAT64 (RFC 6052); the address inside is judged as well
  '64:ff9b:1::/48',
].map(range);

const GLOBAL = range('2000::/3');

/** `address` is the text of one IPv4 or IPv6 address as the resolver or a socket gives it; anything else is `never`. */
export function standing(address: string): Standing {
  const parsed = parse(address);
  if (parsed === undefined) return 'never';
  if (METADATA.some((one) => contains(one, parsed))) return 'never';
  const inner = embedded(parsed);
  if (inner !== undefined && standing(inner) === 'never') return 'never';
  if (parsed.range() === 'unicast') {
    // Space that is not handed out yet may be used inside a network (also ::7f00:1).
    return parsed.kind() === 'ipv4' || contains(GLOBAL, parsed) ? 'public' : 'never';
  }
  return NAMEABLE.some((one) => contains(one, parsed)) ? 'named' : 'never';
}

/** Whether a connection may be made: public, or in one of the named ranges, and so is what is embedded in it. */
export function mayReach(address: string, named: readonly Range[]): boolean {
  const parsed = parse(address);
  if (parsed === undefined) return false;
  switch (standing(address)) {
    case 'never':
      return false;
    case 'public':
      return true;
    case 'named': {
      const inner = embedded(parsed);
      return named.some((one) => contains(one, parsed)) && (inner === undefined || mayReach(inner, named));
    }
  }
}

/** 127.0.0.0/8 and ::1, the only place for plaintext. */
export function isLoopback(address: string): boolean {
  return parse(address)?.range() === 'loopback';
}

export function isMetadataName(host: string): boolean {
  return METADATA_NAMES.has(bare(host));
}

/** A host in the one form in which it is compared: lower case, no brackets, no final dot. */
export function bare(host: string): string {
  const low = host.toLowerCase();
  if (low.startsWith('[') && low.endsWith(']')) return low.slice(1, -1);
  return low.endsWith('.') ? low.slice(0, -1) : low;
}

/** A range in CIDR form that a configuration may name, or undefined. */
export function parseRange(text: string): Range | undefined {
  const [address = '', , ...rest] = text.split('/');
  if (rest.length > 0 || isIP(address) === 0 || !ipaddr.isValidCIDR(text)) return undefined;
  const made = range(text);
  const wide = NAMEABLE.find((one) => one.bits <= made.bits && contains(one, made.base));
  return wide === undefined ? undefined : made;
}

/** Any range in CIDR form, public ones too; undefined when the text is none, or names a host inside of one. */
export function parseCidr(text: string): Range | undefined {
  const [address = '', bits = ''] = text.split('/');
  if (isIP(address) === 0 || !/^(0|[1-9][0-9]{0,2})$/.test(bits) || !ipaddr.isValidCIDR(text)) return undefined;
  const made = range(text);
  // Addresses are compared in their IPv4 form, so such a range would hold none.
  if (made.base instanceof ipaddr.IPv6 && made.base.isIPv4MappedAddress()) return undefined;
  const first =
    made.base.kind() === 'ipv4' ? ipaddr.IPv4.networkAddressFromCIDR(text) : ipaddr.IPv6.networkAddressFromCIDR(text);
  return first.toNormalizedString() === made.base.toNormalizedString() ? made : undefined;
}

/** Whether an address, as a socket gives it, lies in one of the ranges. False for what is no address. */
export function inRanges(address: string, ranges: readonly Range[]): boolean {
  const parsed = parse(address);
  return parsed !== undefined && ranges.some((one) => contains(one, parsed));
}

function range(text: string): Range {
  const [base, bits] = ipaddr.parseCIDR(text);
  return { base, bits };
}

/** An IPv4-mapped address is that IPv4 address. Scoped addresses (fe80::1%eth0) are link-local by nature. */
function parse(address: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  return isIP(address) === 0 ? undefined : ipaddr.process(address);
}

function contains({ base, bits }: Range, address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return base.kind() === address.kind() && address.match(base as ipaddr.IPv6, bits);
}

/** The IPv4 address that a translator on the way would connect to: NAT64, 6to4, Teredo, SIIT, IPv4-compatible. */
function embedded(address: ipaddr.IPv4 | ipaddr.IPv6): string | undefined {
  if (address.kind() === 'ipv4') return undefined;
  const bytes = address.toByteArray();
  const at = (start: number, flip = 0) =>
    bytes
      .slice(start, start + 4)
      .map((byte) => byte ^ flip)
      .join('.');
  switch (address.range()) {
    case '6to4':
      return at(2);
    case 'teredo':
      return at(12, 0xff);
    case 'rfc6052':
    case 'rfc6145':
      return at(12);
    default:
      return undefined;
  }
}
