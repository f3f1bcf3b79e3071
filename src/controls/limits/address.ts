/** What counts as one address: an IPv4 address, or the /64 of an IPv6 one, which a single host owns whole. */
import { isIPv6 } from 'node:net';

export function addressKey(address: string): string {
  const bare = address.split('%')[0]!;
  if (!isIPv6(bare)) return address;
  const dotted = /^::ffff:([0-9.]+)$/i.exec(bare)?.[1];
  if (dotted !== undefined) return dotted;
  const [head, tail] = bare.split('::') as [string, string?];
  const groups = head === '' ? [] : head.split(':');
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  // A dotted end stands for two groups.
  const length = groups.length + rest.length + (rest.at(-1)?.includes('.') ? 1 : 0);
  const full = tail === undefined ? groups : [...groups, ...Array<string>(8 - length).fill('0'), ...rest];
  return `${full
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
