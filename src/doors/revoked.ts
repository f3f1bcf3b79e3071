/**
 * Lists of revoked certificates (RFC 5280 section 5; guarantee TR2). OpenSSL looks at them in the handshake, as a whole
 * and for the whole chain. This is for what it cannot do: connections that are open already, authorities that have no list
 * beside others that have one, and lists that are over and are to count all the same.
 */
import { verify, type X509Certificate } from 'node:crypto';
import { DerFault, type Element, elements, SEQUENCE } from '../identity/spiffe/der.ts';

/** What a certificate has in a list: its issuer's name and its number, in hex of their DER. */
export interface CertificateId {
  readonly issuer: string;
  readonly serial: string;
}

interface RevokedList {
  readonly issuer: string;
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly until: number;
  readonly serials: ReadonlySet<string>;
  readonly pem: string;
  isSignedBy(authority: X509Certificate): boolean;
}

export interface Revocation {
  /** Whether a certificate is not to be believed at this time. */
  refuses(ids: readonly CertificateId[], at: number): boolean;
  /** In PEM, each. */
  readonly pem: readonly string[];
  /** When the first list is over, in milliseconds since the epoch. */
  readonly until: number;
  /** Issuer, in hex -> when its newest list was made. */
  readonly made: ReadonlyMap<string, number>;
  /** Names (DER, hex) of the authorities whose lists are here, signed by one that is known. */
  readonly issuers: ReadonlySet<string>;
}

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OID = 0x06;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const EXTENSIONS = 0xa0;
/** Certificates in a list, and lists in a file. */
const MOST = 200_000;
const MAX_LISTS = 64;

/** Object ids of signature algorithms (RFC 5758, RFC 8017, RFC 8410), in hex of their content. */
const DIGESTS: Readonly<Record<string, string | null>> = {
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2b6570': null,
};

/**
 * `bytes`: lists in PEM, or one in DER. A list that none of the `authorities` signed only takes away, unless OpenSSL
 * looks at them all in the handshake, with the whole chain (`strict`). `ended`: whether a list that is over refuses all of its issuer,
 * or goes on. Throws DerFault.
 */
export function revocation(
  bytes: Uint8Array,
  authorities: readonly X509Certificate[],
  ended: 'refuse' | 'accept',
  strict = false,
): Revocation {
  const lists = readLists(bytes);
  const vouched = lists.filter((list) => authorities.some((one) => list.isSignedBy(one)));
  const byIssuer = new Map<string, RevokedList[]>();
  for (const list of lists) byIssuer.set(list.issuer, [...(byIssuer.get(list.issuer) ?? []), list]);
  const good = new Set(strict ? lists : vouched);
  const refused = ({ issuer, serial }: CertificateId, at: number): boolean => {
    const own = byIssuer.get(issuer);
    if (!own) return false;
    const current = own.some((list) => good.has(list) && at >= list.from && (ended === 'accept' || at < list.until));
    return !current || own.some(({ serials }) => serials.has(serial));
  };
  return {
    refuses: (ids, at) => ids.some((id) => refused(id, at)),
    pem: lists.map(({ pem }) => pem),
    until: Math.min(...lists.map(({ until }) => until)),
    made: new Map([...byIssuer].map(([issuer, own]) => [issuer, Math.max(...own.map(({ from }) => from))])),
    issuers: new Set(vouched.map(({ issuer }) => issuer)),
  };
}

/** Of a certificate in DER. Throws DerFault. */
export function idOf(certificate: Uint8Array): CertificateId {
  const [tbs] = inside(elements(certificate)[0]);
  const parts = inside(tbs);
  // The version comes first, where there is one.
  const [serial, , issuer] = parts[0]?.tag === EXTENSIONS ? parts.slice(1) : parts;
  if (serial?.tag !== INTEGER || issuer?.tag !== SEQUENCE) throw new DerFault();
  return { issuer: hexOf(issuer.whole), serial: hexOf(serial.content) };
}

/**
 * Of a chain in DER, the nearest first. By the name in the certificate, and by that of the authority above it: one name
 * can be written in several ways (RFC 5280 section 7.1), and lists have the authority's. Throws DerFault.
 */
export function idsOf(chain: readonly Uint8Array[]): CertificateId[] {
  return chain.flatMap((certificate, at) => {
    const id = idOf(certificate);
    const above = chain[at + 1];
    const issuer = above === undefined ? id.issuer : subjectOf(above);
    return issuer === id.issuer ? [id] : [id, { issuer, serial: id.serial }];
  });
}

/** The name of an authority as its lists have it. Throws DerFault. */
export function subjectOf(certificate: Uint8Array): string {
  const parts = inside(inside(elements(certificate)[0])[0]);
  const name = parts[parts[0]?.tag === EXTENSIONS ? 5 : 4];
  if (name?.tag !== SEQUENCE) throw new DerFault();
  return hexOf(name.whole);
}

const BEGIN = '-----BEGIN X509 CRL-----';
const PEM = /-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]+)-----END X509 CRL-----/g;

function readLists(bytes: Uint8Array): RevokedList[] {
  const text = Buffer.from(bytes).toString('latin1');
  const blocks = [...text.matchAll(PEM)];
  const all = blocks.length > 0 ? blocks.map(([, text]) => Buffer.from(text!, 'base64')) : [bytes];
  // One that is cut off must not go missing in silence.
  if (all.length > MAX_LISTS || text.split(BEGIN).length - 1 !== blocks.length) throw new DerFault();
  return all.map(readList);
}

function readList(der: Uint8Array): RevokedList {
  const [list, ...more] = elements(der);
  const [tbs, algorithm, signature] = inside(list);
  if (more.length > 0 || !tbs || signature?.tag !== BIT_STRING || signature.content[0] !== 0) throw new DerFault();
  const parts = inside(tbs);
  const [signed, issuer, from, until, ...rest] = parts[0]?.tag === INTEGER ? parts.slice(1) : parts;
  if (issuer?.tag !== SEQUENCE || hexOf(signed!.whole) !== hexOf(algorithm!.whole)) throw new DerFault();
  const revoked = rest[0]?.tag === SEQUENCE ? elements(rest[0].content, MOST) : [];
  const extensions = rest.find(({ tag }) => tag === EXTENSIONS);
  // A list of changes, or of some certificates alone, says so critically: it is not read as a whole one.
  if (extensions && inside(inside(extensions)[0]).some(isCritical)) throw new DerFault();
  const [oid] = inside(algorithm);
  const digest = oid?.tag === OID ? DIGESTS[hexOf(oid.content)] : undefined;
  const name = hexOf(issuer.whole);
  const base64 = Buffer.from(der).toString('base64').replace(/.{64}/g, '$&\n');
  return {
    issuer: name,
    from: timeOf(from),
    until: timeOf(until),
    serials: new Set(revoked.map(serialOf)),
    pem: `-----BEGIN X509 CRL-----\n${base64}\n-----END X509 CRL-----\n`,
    isSignedBy({ raw, publicKey }) {
      if (digest === undefined || subjectOf(raw) !== name) return false;
      try {
        return verify(digest, tbs.whole, publicKey, signature.content.subarray(1));
      } catch {
        // A key of another kind.
        return false;
      }
    },
  };
}

function serialOf(entry: Element): string {
  const [serial, , extensions] = inside(entry);
  if (serial?.tag !== INTEGER || (extensions && elements(extensions.content).some(isCritical))) throw new DerFault();
  return hexOf(serial.content);
}

function isCritical(extension: Element): boolean {
  return inside(extension).length > 2;
}

/** UTCTime until 2049, GeneralizedTime from then on (RFC 5280 section 5.1.2.4), in UTC and with seconds. */
function timeOf(element: Element | undefined): number {
  const text = Buffer.from(element?.content ?? []).toString('latin1');
  const short = element?.tag === UTC_TIME;
  if (!short && element?.tag !== GENERALIZED_TIME) throw new DerFault();
  const digits = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(text);
  if (!digits || (digits[1]!.length === 2) !== short) throw new DerFault();
  const [year, month, day, hour, minute, second] = digits.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return Date.UTC(short ? (year < 50 ? 2000 : 1900) + year : year, month - 1, day, hour, minute, second);
}

function inside(element: Element | undefined): Element[] {
  if (element === undefined || (element.tag !== SEQUENCE && element.tag !== EXTENSIONS)) throw new DerFault();
  return elements(element.content);
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
