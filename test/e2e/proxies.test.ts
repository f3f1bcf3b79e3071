/** Proxies and sidecars before the running program, and whoever plays one. */
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { jwt } from '../identity/jwt.ts';
import { SecureSite } from './secure.ts';

const POLICY =
  '[{ to: { subject: web, via: proxy }, allow: [tidy.echo] }, { to: { subject: "spiffe://cluster.local/ns/a/sa/web", via: proxy }, allow: [tidy.echo] }, { to: { subject: web, agent: planner }, allow: [tidy.echo] }]';
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const KEYS = JSON.stringify({ keys: [{ ...pair.publicKey.export({ format: 'jwk' }), kid: 'k' }] });
const assertion = (claims: object = {}) =>
  jwt(
    { iss: 'https://proxy.example', aud: 'doorward', sub: 'web', exp: Date.now() / 1000 + 60, ...claims },
    { kid: 'k' },
    pair.privateKey,
  );
const rows = (address: string) =>
  `{ proxies: [{ addresses: ["${address}"], assertion: { header: x-assertion, issuer: "https://proxy.example", audience: doorward, keys: ./proxy.json } }, { addresses: ["${address}"], mesh: istio, domains: [cluster.local] }], chains: { agents: { planner: { clients: [planner-prod] } } } }`;

let site: SecureSite;
beforeAll(() => {
  site = new SecureSite();
  site.put('proxy.json', KEYS);
});
afterEach(() => site.stop());
afterAll(() => site.close());
const status = (headers: Record<string, string>) => site.status({ headers });
const CERT = { 'x-forwarded-client-cert': 'Hash=0a;URI=spiffe://cluster.local/ns/a/sa/web' };

it('are believed from their address', async () => {
  site.configure(rows('127.0.0.1/32'), POLICY);
  await site.start();
  expect(await status({ 'x-assertion': assertion() })).toBe(200);
  expect(await status(CERT)).toBe(200);
  expect(site.audit()).toMatch(/"subject":"web".*"how":"proxy"/);
  expect(await status({ 'x-assertion': assertion({ aud: 'other' }) })).toBe(401);
  expect(await status({ 'x-forwarded-user': 'web' })).toBe(401);
  // A chain in the assertion: known by its client, and refused for another.
  expect(await status({ 'x-assertion': assertion({ act: { sub: 'planner' }, client_id: 'planner-prod' }) })).toBe(200);
  expect(await status({ 'x-assertion': assertion({ act: { sub: 'planner' }, client_id: 'other' }) })).toBe(401);
  site.put('proxy.json', JSON.stringify({ keys: [] }));
  await site.heard('event.signers-refused');
  expect(await status({ 'x-assertion': assertion() })).toBe(401);
  site.put('proxy.json', KEYS);
});

it('are heard however many of their users are refused', async () => {
  site.configure(rows('127.0.0.1/32'), POLICY);
  await site.start();
  // At once, so that nothing flows back meanwhile.
  await Promise.all(Array.from({ length: 20 }, () => status({ 'x-assertion': assertion({ aud: 'other' }) })));
  expect(await status({ 'x-assertion': assertion({ aud: 'other' }) })).toBe(429);
  expect([await status({}), await status({ 'x-assertion': assertion() }), await status(CERT)]).toEqual([429, 200, 200]);
});

it('are refused from any other, whatever else they bring', async () => {
  site.configure(rows('10.0.0.5/32').replace('{ proxies', '{ keys: true, proxies'), POLICY);
  const key = site.site.run('key', 'create', '--subject', 'web').stdout.trim();
  await site.start();
  const headers = { authorization: `Bearer ${key}` };
  const good = await site.call({ headers });
  expect([good.status, good.text.includes('unknown name')]).toEqual([200, true]);
  for (const more of [{ 'x-assertion': assertion() }, CERT, { 'x-forwarded-user': 'web' }])
    expect(await status({ ...headers, ...more })).toBe(401);
  // Attempts of strangers are added up; what is left is written at the end.
  await site.stop();
  expect(site.audit()).toContain('identity.forwarded');
});
