/** Where the gateway may send requests: a URL of the configuration, and what may be reached by its name. */
import { isIP } from 'node:net';
import { bare, isLoopback, isMetadataName, mayReach, parseRange, type Range } from '../lib/address.ts';
import type { TrustFiles } from './trust.ts';
import { parsePin } from './trust.ts';

/** As configured. Paths of files are absolute. */
export interface DestinationConfig {
  readonly url: string;
  /** Ranges in CIDR form that the name may lead to although they are not public. */
  readonly private?: readonly string[];
  readonly tls?: {
    readonly ca?: string | undefined;
    readonly pin?: readonly string[] | undefined;
    readonly cert?: string | undefined;
    readonly key?: string | undefined;
  };
}

export interface Destination {
  readonly url: URL;
  /** Host name or address, in the form in which it is compared. */
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  readonly named: readonly Range[];
  readonly trust: TrustFiles;
}

/** `at` = the member of the configuration that is wrong. */
export interface DestinationFault {
  readonly at: readonly (string | number)[];
  readonly fault: string;
  readonly fix: string;
}

const MAX_URL = 2048;

/** A Destination, or what is wrong with it. Nothing is resolved or opened here. */
export function destination(config: DestinationConfig): Destination | DestinationFault {
  const named: Range[] = [];
  for (const [i, text] of (config.private ?? []).entries()) {
    const range = parseRange(text);
    if (range === undefined)
      return {
        at: ['private', i],
        fault: 'not a private range; public, link-local and metadata addresses cannot be named',
        fix: 'write the network in CIDR form, such as 10.20.0.0/16 or 127.0.0.0/8',
      };
    named.push(range);
  }
  const pins: string[] = [];
  for (const [i, text] of (config.tls?.pin ?? []).entries()) {
    const pin = parsePin(text);
    if (pin === undefined)
      return {
        at: ['tls', 'pin', i],
        fault: 'not a pin',
        fix: 'write sha256/ and the base64 of the digest of the key',
      };
    pins.push(pin);
  }
  const { ca, cert, key } = config.tls ?? {};
  if ((cert === undefined) !== (key === undefined))
    return { at: ['tls'], fault: 'a client certificate needs both `cert` and `key`', fix: 'name both files, or none' };
  const url = parseUrl(config.url);
  const bad = (fault: string, fix: string): DestinationFault => ({ at: ['url'], fault, fix });
  if (url === undefined) return bad('not a URL', 'write https://host/path');
  const secure = url.protocol === 'https:';
  if (!secure && url.protocol !== 'http:') return bad('not an https URL', 'write https://host/path');
  if (url.username !== '' || url.password !== '')
    return bad('a URL with a name or a password in it', 'leave them out: credentials do not belong into a URL');
  if (url.hash !== '') return bad('a URL with a fragment', 'leave out what follows #');
  const host = bare(url.hostname);
  if (host === '' || isMetadataName(host)) return bad('a host that is never reached', 'name the server itself');
  const literal = isIP(host) !== 0;
  if (literal && !mayReach(host, named))
    return bad('an address that is not public', 'name its range under `private` if it is meant');
  if (!secure && !(literal ? isLoopback(host) : isLocalhost(host)))
    return bad('plaintext to another machine', 'use https; http is for loopback alone');
  if (!secure && loopbacks(named).length === 0 && !literal)
    return bad('loopback that is not named', 'add private: [127.0.0.0/8] if a server of this machine is meant');
  if (!secure && config.tls !== undefined) return bad('`tls` without https', 'use https, or leave `tls` out');
  return {
    url,
    host,
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    secure,
    named,
    trust: { pins, ...(ca !== undefined && { ca }), ...(cert !== undefined && key !== undefined && { cert, key }) },
  };
}

export function isFault(made: Destination | DestinationFault): made is DestinationFault {
  return 'fault' in made;
}

/** `localhost` and what ends with it never leaves the machine and is never asked of a resolver (RFC 6761). */
export function isLocalhost(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost');
}

/** What `localhost` stands for: the loopback addresses that are named. */
export function loopbacks(named: readonly Range[]): string[] {
  return ['127.0.0.1', '::1'].filter((address) => mayReach(address, named));
}

/** Redirects that keep method and body (RFC 9110, section 15.4). */
export function isRedirect(status: number): boolean {
  return status >= 300 && status < 400 && status !== 304;
}

/**
 * Where a redirect leads, if it stays at the destination: same scheme, host and port, and a status that keeps method and
 * body. Everything else is undefined: another origin was neither reviewed nor checked, and is never followed.
 */
export function nextHop(from: URL, status: number, location: string | undefined): URL | undefined {
  if ((status !== 307 && status !== 308) || location === undefined) return undefined;
  const to = parseUrl(location, from);
  if (to === undefined || to.origin !== from.origin || to.username !== '' || to.password !== '') return undefined;
  to.hash = '';
  return to;
}

/** No control characters, spaces or backslashes, which URL parsers repair in different ways. */
function parseUrl(text: string, base?: URL): URL | undefined {
  if (text.length > MAX_URL || !/^[\x21-\x5b\x5d-\x7e]+$/.test(text)) return undefined;
  if (base === undefined && !/^https?:\/\/[^/]/i.test(text)) return undefined;
  return URL.parse(text, base?.href) ?? undefined;
}
