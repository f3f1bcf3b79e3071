/** Which tokens are judged as those of workloads, and which are left to others. */
import { generateKeyPairSync } from 'node:crypto';
import { expect, it } from 'vitest';
import { isCaller } from '../../../src/core/gate.ts';
import { type Place, placeAt } from '../../../src/identity/origin.ts';
import { parseBundle } from '../../../src/identity/spiffe/bundle.ts';
import { Trust } from '../../../src/identity/spiffe/trust.ts';
import { workloads } from '../../../src/identity/spiffe/workloads.ts';
import { jwt } from '../jwt.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const trust = new Trust(['prod.example'], () => NOW, 60_000);
const jwk = { ...pair.publicKey.export({ format: 'jwk' }), kid: 'k1', use: 'jwt-svid' };
trust.put('prod.example', parseBundle(Buffer.from(JSON.stringify({ keys: [jwk] }))));
const CONFIG = { domains: { 'prod.example': {} }, callers: {}, stale: 60_000 } as never;
let place: Place | undefined = placeAt('http://gate:1');
const { token } = workloads(
  CONFIG,
  trust,
  () => place,
  () => NOW,
);

const made = (claims: object) =>
  jwt(
    { sub: 'spiffe://prod.example/x', aud: 'http://gate:1/files', exp: NOW / 1000 + 60, ...claims },
    { kid: 'k1' },
    pair.privateKey,
  );
async function asked(scheme: string, text: string, host = 'gate:1'): Promise<unknown> {
  const headers: Record<string, string> = { host, authorization: `${scheme} ${text}` };
  const said = await token.authenticate({
    peer: { listener: 'http', address: '127.0.0.1' },
    header: (name) => headers[name],
    request: { method: 'POST', target: '/files', route: 'files' },
  });
  return said !== undefined && isCaller(said) ? said.subject : said;
}

it('takes a token of a domain that is known, and leaves the others', async () => {
  expect(await asked('Bearer', made({}))).toBe('spiffe://prod.example/x');
  expect(await asked('Bearer', made({ sub: 'spiffe://other.example/x' }))).toBeUndefined();
  expect(await asked('DPoP', made({ sub: 'alice' }))).toBeUndefined();
});

it('lets no issuer speak for a workload by another scheme', async () => {
  const one = made({});
  // Known by now, and still no token that a key is bound to.
  for (const scheme of ['Bearer', 'bearer']) expect(await asked(scheme, one)).toBe('spiffe://prod.example/x');
  for (const scheme of ['DPoP', 'dpop'])
    for (const text of [one, made({ cnf: { jkt: 'A'.repeat(43) } })])
      expect(await asked(scheme, text)).toBe('identity.svid');
});

it('wants the public address, whatever Host and connection say', async () => {
  place = placeAt('https://gate.example/');
  const here = made({ aud: 'https://gate.example/files' });
  // Plain HTTP to a proxy that ends TLS, under a name of its own.
  expect(await asked('Bearer', here, 'inner:8808')).toBe('spiffe://prod.example/x');
  expect(await asked('Bearer', made({ aud: 'http://inner:8808/files' }), 'inner:8808')).toBe('identity.svid');
  place = undefined;
  expect(await asked('Bearer', here)).toBe('identity.unavailable');
});
