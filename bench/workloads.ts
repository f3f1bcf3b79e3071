/** Workloads, signed requests and the refusal of foreign headers, as subjects of the benchmark of identity. */
import { createHash, createSecretKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import type { Evidence } from '../src/core/gate.ts';
import type { Ask, Kind } from '../src/identity/chooser.ts';
import { callerOf } from '../src/identity/facts.ts';
import { Once } from '../src/identity/once.ts';
import { placeAt } from '../src/identity/origin.ts';
import { withCertificate, withSignature } from '../src/identity/proofs.ts';
import { withoutProxies } from '../src/identity/proxies/index.ts';
import { type SignWith, signRequest } from '../src/identity/signatures/sign.ts';
import { type SignatureKey } from '../src/identity/signatures/verify.ts';
import { spiffe } from '../src/identity/spiffe/rules.ts';
import { Trust } from '../src/identity/spiffe/trust.ts';
import { workloads } from '../src/identity/spiffe/workloads.ts';
import { jwt } from '../test/identity/jwt.ts';
import { Authority } from '../test/net/pki.ts';

const ID = 'spiffe://prod.example/ns/ci/agent';
const HOST = 'gate.example';
const BODY = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: 'x'.repeat(1024) }));
const tokens = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');
const secret = createSecretKey(Buffer.alloc(32, 1));

const ca = new Authority();
const pair = ca.issue(`URI:${ID}`, { client: true, lines: 'keyUsage=critical,digitalSignature\n' });
const root = new X509Certificate(ca.root.cert);
const certificate = new X509Certificate(pair.cert).raw;
ca.remove();

const trust = new Trust(['prod.example'], Date.now, 3_600_000);
const bundle = { x509: [root], jwt: new Map([['k', tokens.publicKey]]) };
trust.put('prod.example', bundle);
const where = () => placeAt(`https://${HOST}`);
const known = workloads(spiffe.parse({ domains: { 'prod.example': { bundle: 'x' } } }), trust, where, Date.now);
const key = (id: string, algorithm: SignatureKey['algorithm'], of: SignatureKey['key']): [string, SignatureKey] => [
  id,
  { id, algorithm, key: of, caller: callerOf({}, id, { issuer: 'signatures', how: 'signature', credential: id }) },
];
const rules = {
  required: false,
  tag: 'doorward',
  keys: new Map([key('ed', 'ed25519', ed.publicKey), key('mac', 'hmac-sha256', secret)]),
};
const once = new Once({ life: 65_000, each: 1 << 20, all: 1 << 21 });

export const kinds: readonly Kind[] = [known.token, known.certificate];
export const around = (ask: Ask): Ask =>
  withoutProxies(withSignature(withCertificate(ask), () => rules, where, once, Date.now));

const tls = { protocol: 'TLSv1.3', cipher: 'x', fingerprint: createHash('sha256').update(certificate).digest('hex') };
function evidence(headers: Record<string, string>): Evidence {
  const all: Record<string, string> = { host: HOST, 'content-type': 'application/json', ...headers };
  return {
    peer: { listener: 'http', address: '127.0.0.1', tls },
    header: (name) => all[name],
    has: (name) => all[name] !== undefined,
    request: { method: 'POST', target: '/files', route: 'files' },
    body: async () => BODY,
  };
}
const exp = Math.floor(Date.now() / 1000) + 3600;
let made = 0;
const token = (jti?: number) =>
  jwt({ sub: ID, aud: `https://${HOST}/files`, exp, jti }, { kid: 'k' }, tokens.privateKey);
const bearer = (text: string) => evidence({ authorization: `Bearer ${text}` });
const kept = token();
function signed(how: SignWith): Evidence {
  const headers = { 'content-type': 'application/json', 'mcp-method': 'tools/call' };
  return evidence({
    ...headers,
    ...signRequest({ method: 'POST', url: `https://${HOST}/files`, headers, body: BODY }, how),
  });
}

/** One request of each kind. */
export const SUBJECTS: readonly (readonly [name: string, make: () => Evidence])[] = [
  ['X.509-SVID, known', () => ({ ...evidence({}), certificate })],
  [
    'X.509-SVID, first seen',
    () => ({ ...evidence({}), certificate, authorities: { digest: String(made++), each: new Set<string>() } }),
  ],
  ['JWT-SVID, known', () => bearer(kept)],
  ['JWT-SVID, first seen, ES256', () => bearer(token(made++))],
  ['signed request of 1 kB, Ed25519', () => signed({ id: 'ed', algorithm: 'ed25519', key: ed.privateKey })],
  ['signed request of 1 kB, HMAC', () => signed({ id: 'mac', algorithm: 'hmac-sha256', key: secret })],
];
