/** A URL that a caller gives (guarantee IS4): only http and https, only to what is public by its name or address. */
import { isIP } from 'node:net';
import { bare, isMetadataName, standing } from './address.ts';
import { climbs } from './traversal.ts';

const MAX_URL = 2_048;
/** Names that mean this machine or the network around it (RFC 6761, 6762, 8375; what routers and clouds use). */
const INNER =
  /(?:^|\.)(?:localhost|local|localdomain|internal|intranet|lan|home|corp|private|home\.arpa|arpa|test|invalid|onion)$/;
/** Public names that stand for whatever address is written in front of them, or for this machine. */
const MIRRORS =
  /(?:^|\.)(?:nip\.io|sslip\.io|xip\.io|xip\.name|localtest\.me|lvh\.me|vcap\.me|lacolhost\.com|fbi\.com|yoogle\.com|1u\.ms|rbndr\.us|rebind\.network|rebind\.it|burpcollaborator\.net|oastify\.com|interact\.sh|localdomain\.pw|localho\.st|localh\.st|bugbounty\.dod\.network|bugbounty\.click|r3dir\.me|127-0-0-1\.org\.uk)$/;

/** Why not; undefined for a URL that may be fetched as far as its text tells (the connection judges the rest). */
export function urlFault(text: string): string | undefined {
  if (text.length > MAX_URL) return 'too long';
  if (/[^\x21-\x5b\x5d-\x7e]/.test(text)) return 'characters that parsers repair in different ways';
  if (!/^https?:\/\/[^/?#]/i.test(text)) return 'no http or https URL';
  const url = URL.parse(text);
  if (url === null) return 'no URL';
  if (url.username !== '' || url.password !== '' || /^[^/?#]*@/.test(text.slice(text.indexOf('//') + 2)))
    return 'a name or password in it';
  const host = bare(url.hostname);
  if (isIP(host) !== 0) {
    if (standing(host) !== 'public') return 'an address that is not public';
    return text.toLowerCase().includes(`//${url.host}`) ? undefined : 'an address written in another form';
  }
  if (climbs(url.pathname) || climbs(text.slice(text.indexOf('//') + 2).split(/[?#]/, 1)[0]!))
    return 'a path that climbs';
  if (isMetadataName(host) || INNER.test(host) || !host.includes('.')) return 'a name of an inner network';
  return MIRRORS.test(host) ? 'a name that stands for any address' : undefined;
}

/** Schemes that have an address with an `@` and no host. */
const ADDRESSED = /^(?:mailto|acct|sips?|xmpp|im|tel):/i;
/** Numbers that fetchers read as an address, and others as an id, a version or a DOI (`10.1000/182`). */
const NUMBER = /^(?!127\.)\d+(?:\.\d+){0,2}\.?$|^0x[0-9a-f]{1,6}$/i;

/**
 * Why a text without a scheme, where a URL is expected, can only name something that is not public: `10.0.0.1/x`,
 * `localhost:8080`, `admin@[::1]`. Undefined for what may as well be a relative path.
 */
export function schemelessFault(text: string): string | undefined {
  // As URL parsers do.
  const start = text
    .slice(0, MAX_URL)
    .trimStart()
    .replaceAll(/[\t\n\r]/g, '');
  if (/^[/?#\\]/.test(start) || ADDRESSED.test(start)) return undefined;
  const url = URL.parse(`http://${start}`);
  if (url === null) return undefined;
  const host = bare(url.hostname);
  const [authority = ''] = start.split(/[/?#\\]/, 1);
  if (isIP(host) !== 0)
    return NUMBER.test(authority) || standing(host) === 'public' ? undefined : 'an address that is not public';
  if (host === 'localhost' || host.endsWith('.localhost') || (host.includes('.') && isMetadataName(host)))
    return 'a name of an inner network';
  // `settings.local` is a file as well as a host; with a port or a path behind it, it is a host.
  const more = authority.length < start.length || /:\d+$/.test(authority);
  if (host.includes('.') && more && INNER.test(host)) return 'a name of an inner network';
  return MIRRORS.test(host) ? 'a name that stands for any address' : undefined;
}
