/** Workloads by their SPIFFE ids (guarantee ID4): the certificate of the connection, or a JWT-SVID as bearer token. */
import { X509Certificate } from 'node:crypto';
import type { Caller } from '../../core/call.ts';
import type { Code } from '../../core/codes/index.ts';
import type { Evidence } from '../../core/gate.ts';
import type { Clock } from '../../core/state.ts';
import { base64url, sha256, sha256Hex } from '../../lib/bytes.ts';
import { Generations } from '../../lib/generations.ts';
import type { Kind } from '../chooser.ts';
import { callerOf } from '../facts.ts';
import { resourceOf, type Where } from '../origin.ts';
import { extensionsOf } from './der.ts';
import type { SpiffeId } from './id.ts';
import { claimsSpiffe, jwtSvid } from './jwt-svid.ts';
import { type SpiffeConfig, statedOf } from './rules.ts';
import { x509Svid } from './svid.ts';
import type { Trust } from './trust.ts';

/** Verified SVIDs that are remembered. */
const KEPT = 4096;
const TOKEN = /^(Bearer|DPoP) +([A-Za-z0-9._-]{16,8192})$/i;

/** Whom an SVID was found to be, under one version of the bundles. */
interface Known {
  readonly version: number;
  readonly caller: Caller;
}

/** Two kinds, since a bearer token comes before the certificate of the connection that brings it. */
export function workloads(
  config: SpiffeConfig,
  trust: Trust,
  where: Where,
  clock: Clock,
): { token: Kind; certificate: Kind } {
  const known = new Generations<Known>(KEPT);
  /** Digests of tokens that are of another kind: read once. */
  const foreign = new Generations<true>(KEPT);

  /** Verified once under each version of the bundles; a bundle that becomes stale makes no new version. */
  function remembered(key: string): Caller | Code | undefined {
    const found = known.get(key);
    if (found?.version !== trust.version) return undefined;
    const { issuer, expires } = found.caller;
    const alive = clock() < expires! && trust.of(issuer.slice('spiffe://'.length)) !== undefined;
    return alive ? found.caller : 'identity.svid';
  }
  function remember(key: string, caller: Caller): Caller {
    known.set(key, { version: trust.version, caller });
    return caller;
  }

  function caller(id: SpiffeId, until: number, how: Pick<Caller, 'credential'> & Partial<Caller>): Caller {
    return callerOf(statedOf(config, id.id, id.trustDomain), id.id, {
      issuer: `spiffe://${id.trustDomain}`,
      how: 'svid',
      expires: until,
      claims: Object.freeze({ spiffe: id.id }),
      ...how,
    });
  }

  function certificate(evidence: Evidence): Caller | Code | undefined {
    const { certificate: leaf, issuers = [], authorities, peer } = evidence;
    // A credential that is sent speaks for itself; the certificate is then only what carries it.
    if (!leaf || evidence.header('authorization') !== undefined) return undefined;
    const key = `${peer.tls?.fingerprint ?? sha256Hex(leaf)} ${authorities?.digest}`;
    const before = remembered(key);
    if (before !== undefined) return before;
    if (!isWorkload(leaf)) return undefined;
    const believed = (domain: string) => trust.of(domain)?.x509;
    const said = x509Svid([leaf, ...issuers], believed, clock(), (roots) => areAll(authorities?.each, roots));
    if ('why' in said) return 'identity.svid';
    const print = sha256(leaf);
    return remember(
      key,
      caller(said, said.until, { key: base64url(print), credential: Buffer.from(print).toString('hex').slice(0, 16) }),
    );
  }

  function token(evidence: Evidence): Caller | Code | Promise<Caller | Code> | undefined {
    const [, scheme, sent] = TOKEN.exec(evidence.header('authorization') ?? '') ?? [];
    if (!sent?.includes('.')) return undefined;
    const place = where();
    if (!place) return 'identity.unavailable';
    const audience = resourceOf(place, evidence.request?.route ?? '');
    const key = `${base64url(sha256(sent))} ${audience}`;
    if (foreign.get(key)) return undefined;
    const bearer = scheme!.length === 'Bearer'.length;
    const before = bearer ? remembered(key) : undefined;
    if (before !== undefined) return before;
    const claimed = claimsSpiffe(sent);
    if (!claimed || !trust.knows(claimed.trustDomain)) {
      foreign.set(key, true);
      return undefined;
    }
    // A JWT-SVID is bound to no key; what is, and has such a subject, is an issuer's word about a workload.
    if (!bearer) return 'identity.svid';
    return jwtSvid(sent, audience, (domain) => trust.of(domain), clock()).then((said) =>
      'why' in said
        ? 'identity.svid'
        : remember(key, caller(said, said.until, { credential: sha256Hex(sent).slice(0, 16) })),
    );
  }
  return { token: { authenticate: token }, certificate: { authenticate: certificate } };
}

/** Whether all that the listener believed are authorities of the domain: whichever of them vouched, it was one of these. */
function areAll(believed: ReadonlySet<string> | undefined, roots: readonly X509Certificate[]): boolean {
  if (!believed || believed.size === 0) return false;
  const own = new Set(roots.map(({ raw }) => sha256Hex(raw)));
  for (const one of believed) if (!own.has(one)) return false;
  return true;
}

/** Whether a certificate names a workload at all: others belong to whoever asks for client certificates. */
function isWorkload(leaf: Uint8Array): boolean {
  try {
    return extensionsOf(new X509Certificate(leaf).raw).uris.some((uri) => uri.toLowerCase().startsWith('spiffe:'));
  } catch {
    // Node could read it, this reader could not: it is not passed over as something else.
    return true;
  }
}
