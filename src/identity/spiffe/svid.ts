/**
 * X.509-SVIDs (guarantee ID4; SPIFFE X509-SVID sections 2 to 5): one SPIFFE id, on the certificate of a workload, and
 * a chain to an authority of that very trust domain. The listener has proved that the client holds the key, and that
 * some authority it believes has signed; whose authority that is, is asked here.
 */
import { X509Certificate } from 'node:crypto';
import {
  ALT_NAME,
  CONSTRAINTS,
  CRL_SIGN,
  DIGITAL_SIGNATURE,
  EXTENDED_USAGE,
  type Extensions,
  extensionsOf,
  KEY_CERT_SIGN,
  KEY_USAGE,
} from './der.ts';
import { parseSpiffeId, type SpiffeId } from './id.ts';

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
/** A critical extension of another kind would have to be obeyed (RFC 5280 section 4.2): such a chain is not believed. */
const UNDERSTOOD: ReadonlySet<string> = new Set([ALT_NAME, KEY_USAGE, CONSTRAINTS, EXTENDED_USAGE]);
/** Certificates between a workload and its authority. */
const DEPTH = 4;

export interface X509Svid extends SpiffeId {
  /** End of the first certificate of the chain that ends, in milliseconds since the epoch. */
  readonly until: number;
}

/**
 * Whose certificate it is at the time `at`, or why it is nobody's. `chain` is DER as the client sent it, its own first;
 * `authorities` answers for a trust domain, undefined for one that is not known; `vouched` is true of
 * authorities that the listener had, and no others, when it verified the chain. Node may not tell the certificates
 * between (nodejs/node#65579): then that is the proof.
 */
export function x509Svid(
  chain: readonly Uint8Array[],
  authorities: (trustDomain: string) => readonly X509Certificate[] | undefined,
  at: number,
  vouched: (authorities: readonly X509Certificate[]) => boolean = () => false,
): X509Svid | { readonly why: string } {
  let read: Link[];
  try {
    read = chain.slice(0, DEPTH + 1).map(linkOf);
  } catch {
    return { why: 'not a certificate' };
  }
  const [leaf, ...others] = read;
  const uri = leaf?.extensions.uris[0];
  if (!leaf || uri === undefined || leaf.extensions.uris.length !== 1) return { why: 'not exactly one URI' };
  const id = parseSpiffeId(uri);
  if (!id || id.path === '') return { why: 'no SPIFFE id of a workload' };
  const { usage, ca } = leaf.extensions;
  if (ca) return { why: 'the certificate of an authority' };
  if (!usage?.has(DIGITAL_SIGNATURE) || usage.has(KEY_CERT_SIGN) || usage.has(CRL_SIGN))
    return { why: 'a key for other uses' };
  // Node calls extended key usage `keyUsage`.
  const purposes = leaf.certificate.keyUsage as string[] | undefined;
  if (purposes && !purposes.includes(CLIENT_AUTH)) return { why: 'not for clients' };
  const roots = authorities(id.trustDomain);
  if (!roots) return { why: 'a trust domain that is not known' };
  const until = path(leaf, others, roots, at, 0) ?? (vouched(roots) ? ownEnd(leaf, at) : undefined);
  return until === undefined ? { why: 'no chain to its trust domain' } : { ...id, until };
}

interface Link {
  readonly certificate: X509Certificate;
  readonly extensions: Extensions;
}

function linkOf(der: Uint8Array): Link {
  const certificate = new X509Certificate(der);
  // What is read is what was verified.
  return { certificate, extensions: extensionsOf(certificate.raw) };
}

/** When the first certificate on the way from `link` to an authority ends; undefined when there is no way. */
function path(
  { certificate, extensions }: Link,
  others: readonly Link[],
  roots: readonly X509Certificate[],
  at: number,
  depth: number,
): number | undefined {
  if (!isCurrent(certificate, at) || !extensions.critical.every((name) => UNDERSTOOD.has(name))) return undefined;
  const own = certificate.validToDate.getTime();
  for (const root of roots) {
    const { pathLength = DEPTH } = extensionsOf(root.raw);
    if (isCurrent(root, at) && depth <= pathLength && signed(certificate, root))
      return Math.min(own, root.validToDate.getTime());
  }
  for (const [i, issuer] of others.entries()) {
    const { ca, usage, pathLength = DEPTH } = issuer.extensions;
    if (!ca || !usage?.has(KEY_CERT_SIGN) || depth > pathLength || !signed(certificate, issuer.certificate)) continue;
    const rest = path(issuer, others.toSpliced(i, 1), roots, at, depth + 1);
    if (rest !== undefined) return Math.min(own, rest);
  }
  return undefined;
}

function ownEnd({ certificate, extensions }: Link, at: number): number | undefined {
  const plain = isCurrent(certificate, at) && extensions.critical.every((name) => UNDERSTOOD.has(name));
  return plain ? certificate.validToDate.getTime() : undefined;
}

function signed(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function isCurrent({ validFromDate, validToDate }: X509Certificate, at: number): boolean {
  return at >= validFromDate.getTime() && at < validToDate.getTime();
}
