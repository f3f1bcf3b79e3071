/**
 * Who speaks, by the word of a proxy or a sidecar (guarantee ID11): a signed assertion, or what a mesh says of its peer;
 * each from the addresses of that proxy alone. The same headers from anyone else are refused, not passed over: whoever
 * sends them means to be believed.
 */
import { compactVerify } from 'jose';
import type { Caller } from '../../core/call.ts';
import type { Code } from '../../core/codes/index.ts';
import type { Evidence } from '../../core/gate.ts';
import type { Clock, Maybe } from '../../core/state.ts';
import { inRanges, parseCidr, type Range } from '../../lib/address.ts';
import { base64url, sha256, sha256Hex } from '../../lib/bytes.ts';
import { Generations } from '../../lib/generations.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';
import type { Ask, Kind } from '../chooser.ts';
import { callerOf } from '../facts.ts';
import { name, names } from '../keyfile.ts';
import { type Key, pick } from '../oauth/jwks.ts';
import { demands, jwtParts } from '../parts.ts';
import { MESH_HEADER, type Mesh, meshPeer } from './mesh.ts';
import type { Assertion, ProxiesConfig, ProxyConfig } from './rules.ts';

/** Headers by which proxies name a caller without proof, and those that carry a client certificate. */
const UNSIGNED = [
  'cf-access-authenticated-user-email',
  'client-cert',
  'client-cert-chain',
  'remote-user',
  'ssl-client-cert',
  'tailscale-user-login',
  'tailscale-user-name',
  'x-amzn-mtls-clientcert',
  'x-auth-request-email',
  'x-auth-request-groups',
  'x-auth-request-preferred-username',
  'x-auth-request-user',
  'x-authenticated-groups',
  'x-authenticated-user',
  'x-authenticated-userid',
  'x-client-cert',
  'x-consumer-id',
  'x-consumer-username',
  'x-credential-identifier',
  'x-forwarded-email',
  'x-forwarded-groups',
  'x-forwarded-preferred-username',
  'x-forwarded-user',
  'x-goog-authenticated-user-email',
  'x-goog-authenticated-user-id',
  'x-ms-client-principal',
  'x-ms-client-principal-id',
  'x-ms-client-principal-name',
  'x-remote-group',
  'x-remote-groups',
  'x-remote-user',
  'x-ssl-client-cert',
  'x-webauth-user',
] as const;
const MESH: readonly string[] = Object.values(MESH_HEADER);

interface Proxy {
  readonly config: ProxyConfig;
  readonly ranges: readonly Range[];
  readonly header: string;
}

/** Milliseconds that the clock of a proxy may be ahead. */
const SKEW = 5_000;
const KEPT = 4096;
const ALGORITHMS = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
];

export interface Proxies extends Kind {
  /** Whether a proxy speaks from this address. */
  isOne(address: string): boolean;
  /** Refuses headers of identity that come from elsewhere; asks about the rest. */
  around(ask: Ask): Ask;
}

/** `keys` answers the key set of the row with that index, as its file is now. */
export function proxies(config: ProxiesConfig, keys: (row: number) => readonly Key[], clock: Clock): Proxies {
  const all: readonly Proxy[] = config.map((row) => ({
    config: row,
    ranges: row.addresses.map((text) => parseCidr(text)!),
    header: row.mesh ? MESH_HEADER[row.mesh] : row.assertion!.header,
  }));
  const own = [...new Set([...MESH, ...all.map(({ header }) => header)])];
  const known = new Generations<{ readonly caller: Caller; readonly by: readonly Key[] }>(KEPT);

  function authenticate(evidence: Evidence): Maybe<Caller | Code | undefined> {
    const { peer, header } = evidence;
    for (const [i, proxy] of all.entries()) {
      if (!inRanges(peer.address, proxy.ranges)) continue;
      const sent = header(proxy.header);
      // More than once is not once.
      if (sent === undefined && evidence.has?.(proxy.header)) return 'identity.assertion';
      if (sent === undefined) continue;
      const { mesh, domains = [], tenant, assertion } = proxy.config;
      return mesh ? meshCaller(mesh, domains, tenant, sent) : asserted(assertion!, tenant, sent, i);
    }
    return undefined;
  }

  function asserted(assertion: Assertion, tenant: string, sent: string, i: number): Maybe<Caller | Code> {
    const digest = sha256(sent);
    const id = `${i} ${base64url(digest)}`;
    const now = keys(i);
    const before = known.get(id);
    if (before?.by === now && clock() < before.caller.expires!) return before.caller;
    const credential = Buffer.from(digest).toString('hex').slice(0, 16);
    return assertionCaller(assertion, sent, now, clock(), { tenant, credential }).then((caller) => {
      if (!caller) return 'identity.assertion';
      known.set(id, { caller, by: now });
      return caller;
    });
  }

  return {
    authenticate,
    isOne: (address) => all.some(({ ranges }) => inRanges(address, ranges)),
    around: (ask) => (evidence) => (forwarded(evidence, all, own) ? 'identity.forwarded' : ask(evidence)),
  };
}

/** While no proxies are configured: nobody's word is taken. */
export function withoutProxies(ask: Ask): Ask {
  return (evidence) => (forwarded(evidence, [], MESH) ? 'identity.forwarded' : ask(evidence));
}

/** Whether a request has a header of identity that its sender may not send. */
function forwarded(evidence: Evidence, all: readonly Proxy[], own: readonly string[]): boolean {
  const has = (name: string) => evidence.has?.(name) ?? evidence.header(name) !== undefined;
  const address = evidence.peer.address;
  const near = all.filter(({ ranges }) => inRanges(address, ranges));
  for (const name of own) if (has(name) && !near.some(({ header }) => header === name)) return true;
  // What a proxy that is known says besides is not looked at.
  return near.length === 0 && UNSIGNED.some(has);
}

function meshCaller(mesh: Mesh, domains: readonly string[], tenant: string, sent: string): Caller | Code {
  const id = meshPeer(mesh, sent, domains);
  if (id === undefined) return 'identity.assertion';
  const credential = sha256Hex(id).slice(0, 16);
  return callerOf({ tenant }, id, { issuer: `mesh:${mesh}`, how: 'proxy', credential });
}

/** The caller of an assertion that is signed, for us, now; undefined for any other. */
async function assertionCaller(
  assertion: Assertion,
  token: string,
  keys: readonly Key[],
  at: number,
  { tenant, credential }: Pick<Caller, 'tenant' | 'credential'>,
): Promise<Caller | undefined> {
  const parts = jwtParts(token);
  if (!parts || demands(parts)) return undefined;
  const { header, payload } = parts;
  const { alg, kid } = header;
  if (typeof alg !== 'string' || !ALGORITHMS.includes(alg) || (kid !== undefined && typeof kid !== 'string'))
    return undefined;
  const { iss, aud, exp, nbf, iat } = payload;
  const only = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud;
  if (iss !== assertion.issuer || only !== assertion.audience) return undefined;
  if (typeof exp !== 'number' || at >= exp * 1000) return undefined;
  for (const time of [nbf, iat])
    if (time !== undefined && (typeof time !== 'number' || time * 1000 > at + SKEW)) return undefined;
  const subject = name.safeParse(claimOf(payload, assertion.subject));
  const groups = names.safeParse(assertion.groups === undefined ? [] : (claimOf(payload, assertion.groups) ?? []));
  const strength = strengthOf(payload);
  const key = pick(keys, kid, alg);
  if (!subject.success || !groups.success || !strength || !key) return undefined;
  try {
    await compactVerify(token, key.jwk, { algorithms: [alg] });
  } catch {
    return undefined;
  }
  const stated = { tenant, subject: subject.data, groups: groups.data };
  const proved = { issuer: assertion.issuer, how: 'proxy' as const, credential, expires: exp * 1000 };
  return Object.freeze({ ...callerOf(stated, subject.data, proved), strength, claims: Object.freeze(payload) });
}

function claimOf(claims: JsonObject, claim: string): Json | undefined {
  return isObject(claims) && Object.hasOwn(claims, claim) ? claims[claim] : undefined;
}

function strengthOf({ acr, amr = [], auth_time: since }: JsonObject): Caller['strength'] | undefined {
  const methods = names.safeParse(amr);
  if (!methods.success || (acr !== undefined && !name.safeParse(acr).success)) return undefined;
  if (since !== undefined && typeof since !== 'number') return undefined;
  return Object.freeze({
    amr: Object.freeze(methods.data),
    ...(typeof acr === 'string' && { acr }),
    ...(typeof since === 'number' && { at: since * 1000 }),
  });
}
