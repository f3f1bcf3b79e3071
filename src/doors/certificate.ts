/**
 * What a TLS listener proves itself with, and whom it believes (guarantees TR1 to TR4): one chain with its key, the
 * host names that it is served under, and by choice the authorities of client certificates. Pure: bytes come in.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { sha256Hex } from '../lib/bytes.ts';
import { type Revocation, revocation, subjectOf } from './revoked.ts';

/** PEM files as read. */
export interface Pem {
  readonly cert: Uint8Array;
  readonly key: Uint8Array;
  /** Certificates of the authorities whose client certificates count. */
  readonly clients?: Uint8Array;
  /** Further ones that come and go; empty = none now. */
  readonly trust?: Uint8Array;
  /** Lists of revoked certificates: PEM, or one in DER. */
  readonly crl?: Uint8Array;
}

export type PemFile = Exclude<keyof Pem, 'trust'>;
/** Whether a list that is over refuses all of its issuer, or counts on. */
export type Ended = 'refuse' | 'accept';

export interface Credentials {
  readonly context: SecureContext;
  /** Host names in lower case: a client that names no one of them gets no certificate. */
  readonly hosts: ReadonlySet<string>;
  /** End of validity, in milliseconds since the epoch: the earliest of the chain. */
  readonly until: number;
  /** SHA-256 of the certificate, in hex. */
  readonly fingerprint: string;
  readonly clients?: ClientAuthorities;
}

/** Whose client certificates count. */
export interface ClientAuthorities {
  /** The same for the same authorities, in whatever order. */
  readonly digest: string;
  /** SHA-256 of each certificate, in hex. */
  readonly each: ReadonlySet<string>;
  readonly revocation?: Revocation;
}

/** These files cannot be served. `file` is the one to look at. The text quotes no content. */
export class CertificateFault extends Error {
  readonly file: PemFile;
  readonly fix: string;
  constructor(file: PemFile, message: string, fix: string) {
    super(message);
    this.file = file;
    this.fix = fix;
  }
}

const PEM = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;
/** A name as it can stand in a ClientHello and a Host header. */
const HOST = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/;

/**
 * Checks the files at the time `at` and makes them usable. With `host` that name alone is served and must be covered;
 * without, every DNS name of the certificate that is no wildcard. Throws CertificateFault.
 */
export function credentials(pem: Pem, at: number, host?: string, ended: Ended = 'refuse'): Credentials {
  const chain = certificates(pem.cert, 'cert');
  const [leaf] = chain as [X509Certificate];
  if (!leaf.checkPrivateKey(privateKey(pem.key)))
    throw new CertificateFault(
      'key',
      'the key does not belong to the certificate',
      'put the two files that were issued together there',
    );
  for (const { validFromDate, validToDate } of chain) {
    if (at >= validToDate.getTime()) throw new CertificateFault('cert', 'the certificate has expired', 'renew it');
    if (at < validFromDate.getTime())
      throw new CertificateFault(
        'cert',
        'the certificate is not valid yet',
        'check the clock of this machine, or the certificate',
      );
  }
  const names = host === undefined ? namesOf(leaf) : [host];
  if (host !== undefined && !covers(leaf, host))
    throw new CertificateFault(
      'cert',
      `the certificate is not for ${host}`,
      `get one with ${host} as subjectAltName, or mend listen.url`,
    );
  if (names.length === 0)
    throw new CertificateFault(
      'cert',
      'the certificate has no DNS name to be served under',
      'get one with a subjectAltName, or set listen.url',
    );
  const own = pem.clients ? certificates(pem.clients, 'clients') : [];
  const clients = (pem.clients ?? pem.trust) && [
    ...own,
    ...(pem.trust?.length ? certificates(pem.trust, 'clients') : []),
  ];
  // OpenSSL wants a list of each authority in a chain, and none that is over.
  const strict = ended === 'refuse' && pem.trust === undefined;
  const lists = clients && pem.crl && listsOf(pem.crl, clients, ended, strict);
  if (lists) for (const one of own) complete(one, lists);
  try {
    return Object.freeze({
      context: createSecureContext({
        cert: Buffer.from(pem.cert),
        key: Buffer.from(pem.key),
        ...(clients && { ca: clients.map((one) => one.toString()) }),
        ...(lists && strict && { crl: [...lists.pem] }),
        minVersion: 'TLSv1.3',
      }),
      hosts: new Set(names),
      until: Math.min(...chain.map(({ validToDate }) => validToDate.getTime())),
      fingerprint: sha256Hex(leaf.raw),
      ...(clients && { clients: { ...authoritiesOf(clients), ...(lists && { revocation: lists }) } }),
    });
  } catch {
    throw new CertificateFault(
      'cert',
      'the pair cannot be used',
      'TLS 1.3 takes ECDSA, Ed25519 and RSA keys of 2048 bits and more',
    );
  }
}

function listsOf(
  bytes: Uint8Array,
  authorities: readonly X509Certificate[],
  ended: Ended,
  strict: boolean,
): Revocation {
  try {
    return revocation(bytes, authorities, ended, strict);
  } catch {
    throw new CertificateFault(
      'crl',
      'there is no list of revoked certificates in it that can be read',
      'write whole lists (RFC 5280) of 200,000 certificates at most: -----BEGIN X509 CRL----- blocks, or one in DER',
    );
  }
}

function complete({ raw, subject }: X509Certificate, { issuers }: Revocation): void {
  if (issuers.has(subjectOf(raw))) return;
  throw new CertificateFault(
    'crl',
    `there is no list in it that ${JSON.stringify(subject.slice(0, 128))} signed`,
    'put the list of each authority of client certificates there; an empty list will do',
  );
}

function authoritiesOf(certificates: readonly X509Certificate[]): ClientAuthorities {
  const each = new Set(certificates.map(({ raw }) => sha256Hex(raw)).sort());
  return { digest: sha256Hex([...each].join(' ')), each };
}

function certificates(bytes: Uint8Array, file: 'cert' | 'clients'): X509Certificate[] {
  const blocks = Buffer.from(bytes).toString('latin1').match(PEM) ?? [];
  try {
    if (blocks.length > 0) return blocks.map((block) => new X509Certificate(block));
  } catch {
    // Told below.
  }
  throw new CertificateFault(
    file,
    'there is no certificate in PEM form in it',
    'write -----BEGIN CERTIFICATE----- blocks, the own one first',
  );
}

function privateKey(bytes: Uint8Array): KeyObject {
  try {
    return createPrivateKey(Buffer.from(bytes));
  } catch {
    throw new CertificateFault(
      'key',
      'there is no private key in PEM form in it, or it needs a password',
      'write it as unencrypted PKCS #8, mode 0600',
    );
  }
}

/** RFC 9525: names are those of subjectAltName; the subject's common name is none. */
function covers(leaf: X509Certificate, host: string): boolean {
  return leaf.checkHost(host, { subject: 'never', partialWildcards: false }) !== undefined;
}

function namesOf(leaf: X509Certificate): string[] {
  const listed = (leaf.subjectAltName ?? '').split(', ').filter((name) => name.startsWith('DNS:'));
  return listed.map((name) => name.slice(4).toLowerCase()).filter((name) => HOST.test(name) && covers(leaf, name));
}
