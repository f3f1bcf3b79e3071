/** What a grant demands of the proof of who speaks, through the running program: told how to come back, and let in then. */
import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { signRequest } from '../../src/identity/signatures/sign.ts';
import { jwt } from '../identity/jwt.ts';
import { SecureSite } from './secure.ts';

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const secret = Buffer.alloc(32, 5);
const IDENTITY =
  '{ keys: true, proxies: [{ addresses: ["127.0.0.1/32"], assertion: { header: x-assertion, issuer: "https://proxy.example", audience: doorward, keys: ./proxy.json } }], signatures: { keys: { mac: { algorithm: hmac-sha256, secret: "file:./mac", subject: ci } } } }';
const assertion = (claims: object) =>
  jwt(
    { iss: 'https://proxy.example', aud: 'doorward', sub: 'ann', exp: Date.now() / 1000 + 60, ...claims },
    { kid: 'k' },
    pair.privateKey,
  );
let site: SecureSite;
beforeAll(() => {
  site = new SecureSite();
  site.put('proxy.json', JSON.stringify({ keys: [{ ...pair.publicKey.export({ format: 'jwk' }), kid: 'k' }] }));
  site.put('mac', secret.toString('latin1'));
  copyFileSync(site.ca.root.certFile, join(site.site.dir, 'clients.pem'));
});
afterEach(() => site.stop());
afterAll(() => site.close());

it('tells a person which sign-in is needed, and takes that one', async () => {
  site.configure(IDENTITY, '[{ to: { subject: ann }, allow: [tidy.echo], require: { acr: [gold], max-age: 5m } }]');
  await site.start();
  const call = (claims: object) => site.call({ headers: { 'x-assertion': assertion(claims) } });
  const now = Math.floor(Date.now() / 1000);
  expect((await call({ acr: 'gold', auth_time: now })).status).toBe(200);
  for (const weak of [{}, { acr: 'silver', auth_time: now }, { acr: 'gold' }, { acr: 'gold', auth_time: now - 301 }]) {
    const { status, headers, text } = await call(weak);
    expect(status).toBe(401);
    expect(headers['www-authenticate']).toBe(
      'Bearer error="insufficient_user_authentication", acr_values="gold", max_age="300"',
    );
    expect(text).toContain('a stronger or a more recent sign-in');
  }
  expect(site.audit()).toContain('policy.strength');
});

it('demands a signature or a certificate of those whom the grant names', async () => {
  site.configure(
    IDENTITY,
    '[{ to: { subject: ci }, allow: [tidy.echo], require: { signed: true } }, { to: { subject: bo }, allow: [tidy.echo], require: { certificate: true } }]',
    ', clients: ./clients.pem',
  );
  const key = (subject: string) => ({
    headers: { authorization: `Bearer ${site.site.run('key', 'create', '--subject', subject).stdout.trim()}` },
  });
  const [ci, bo] = [key('ci'), key('bo')];
  await site.start();
  const cert = site.ca.issue('DNS:bo', { client: true });
  const sign = (request: Parameters<typeof signRequest>[0]) =>
    signRequest(request, { id: 'mac', algorithm: 'hmac-sha256', key: createSecretKey(secret) });
  expect([await site.status(ci), await site.status({ ...ci, cert }), await site.status({ ...ci, sign })]).toEqual([
    403, 403, 200,
  ]);
  expect([await site.status(bo), await site.status({ ...bo, cert })]).toEqual([403, 200]);
  expect(site.audit()).toMatch(/"credential":"[0-9a-f]{12}","signed":"mac"/);
});
