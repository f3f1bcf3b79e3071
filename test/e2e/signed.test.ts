/** Signed requests through the running program: alone, on top of a key, demanded of all, and what must not pass. */
import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type SignWith, signRequest } from '../../src/identity/signatures/sign.ts';
import { freePort, SecureSite, type Signable } from './secure.ts';

const POLICY = '[{ to: { subject: ci }, allow: [tidy.echo] }]';
const ed = generateKeyPairSync('ed25519');
const secret = Buffer.alloc(32, 9);
const ED: SignWith = { id: 'ci-1', algorithm: 'ed25519', key: ed.privateKey };
const MAC: SignWith = { id: 'mac', algorithm: 'hmac-sha256', key: createSecretKey(secret) };
const keys = (required = false) =>
  `{ keys: true, signatures: { required: ${required}, keys: { ci-1: { algorithm: ed25519, public: ./ci.pem, subject: ci }, mac: { algorithm: hmac-sha256, secret: "file:./ci.mac", subject: ci }, eve: { algorithm: ed25519, public: ./eve.pem } } } }`;
const eve = generateKeyPairSync('ed25519');

let site: SecureSite;
beforeAll(() => {
  site = new SecureSite();
  site.put('ci.pem', ed.publicKey.export({ type: 'spki', format: 'pem' }));
  site.put('eve.pem', eve.publicKey.export({ type: 'spki', format: 'pem' }));
  site.put('ci.mac', secret.toString('latin1'));
});
afterEach(() => site.stop());
afterAll(() => site.close());
const by = (how: SignWith) => (request: Signable) => signRequest(request, how);

describe('a signed request', () => {
  it('is a caller, once', async () => {
    site.configure(keys(), POLICY);
    await site.start();
    expect(await site.status({ sign: by(ED) })).toBe(200);
    expect(await site.status({ sign: by(MAC) })).toBe(200);
    let kept: [Record<string, string>, string] | undefined;
    const sign = (request: Signable) => {
      const made = signRequest(request, ED);
      kept = [{ ...request.headers, ...made }, request.body];
      return made;
    };
    expect(await site.status({ sign })).toBe(200);
    expect((await site.send(...kept!)).status).toBe(401);
    expect((await site.call({ sign: by({ ...ED, at: Date.now() - 61_000, life: 300 }) })).status).toBe(401);
    const other = (request: Signable) => signRequest({ ...request, body: request.body.replace('"a"', '"b"') }, ED);
    expect(await site.status({ sign: other })).toBe(401);
    expect(site.audit()).toMatch(/"subject":"ci".*"how":"signature"/);
  });

  it('covers a key that the caller brings for a server', async () => {
    site.configure(keys(), POLICY);
    const tickets = '{ url: "https://mcp.tickets.example/mcp", credential: { caller: { header: X-Tickets-Key } } }';
    const text = readFileSync(site.site.config, 'utf8');
    writeFileSync(site.site.config, text.replace('upstreams:\n', `upstreams:\n  tickets: ${tickets}\n`));
    await site.start();
    const headers = { 'x-tickets-key': 'of-ci' };
    expect(await site.status({ headers, sign: by({ ...ED, cover: ['X-Tickets-Key'] }) })).toBe(200);
    expect(await site.status({ headers, sign: by(ED) })).toBe(401);
    expect(await site.status({ headers: { 'x-other': 'x' }, sign: by(ED) })).toBe(200);
  });

  it('vouches for a key of the same caller, and for no other', async () => {
    site.configure(keys(true), POLICY);
    const key = site.site.run('key', 'create', '--subject', 'ci').stdout.trim();
    await site.start();
    const headers = { authorization: `Bearer ${key}` };
    expect(await site.status({ headers, sign: by(ED) })).toBe(200);
    // The key alone is not enough here, nor with the signature of somebody else, nor put to a signature afterwards.
    expect(await site.status({ headers })).toBe(401);
    expect(await site.status({ headers, sign: by({ ...ED, id: 'eve', key: eve.privateKey }) })).toBe(401);
    const before = (request: Signable) => {
      const { authorization: _, ...others } = request.headers;
      return signRequest({ ...request, headers: others }, ED);
    };
    expect(await site.status({ headers, sign: before })).toBe(401);
    expect(await site.status({ headers: { authorization: 'Bearer dw_000000000000_no' }, sign: by(ED) })).toBe(401);
  });

  it('is one no more when its key is taken away', async () => {
    site.configure(keys(), POLICY);
    await site.start();
    expect(await site.status({ sign: by(ED) })).toBe(200);
    rmSync(join(site.site.dir, 'ci.pem'));
    await site.heard('event.signers-refused');
    expect(await site.status({ sign: by(ED) })).toBe(401);
    site.put('ci.pem', ed.publicKey.export({ type: 'spki', format: 'pem' }));
    await site.heard('event.signers ');
    expect(await site.status({ sign: by(ED) })).toBe(200);
  });

  it('is taken by a key that is configured later, and stays used across the change', async () => {
    site.configure(keys(), POLICY);
    await site.start();
    let kept: [Record<string, string>, string] | undefined;
    const sign = (request: Signable) => {
      const made = signRequest(request, ED);
      kept = [{ ...request.headers, ...made }, request.body];
      return made;
    };
    expect(await site.status({ sign })).toBe(200);
    const late: SignWith = { id: 'late', algorithm: 'ed25519', key: eve.privateKey };
    expect(await site.status({ sign: by(late) })).toBe(401);
    const more = 'late: { algorithm: ed25519, public: ./eve.pem, subject: ci }, eve:';
    site.configure(keys().replace('eve:', more), POLICY);
    await site.heard('event.reload ');
    expect(await site.status({ sign: by(late) })).toBe(200);
    expect((await site.send(...kept!)).status).toBe(401);
  });

  it('is by a secret of the vault, where that is configured', async () => {
    const vaulted = keys().replace('file:./ci.mac', 'vault:ci-mac');
    site.configure(vaulted, POLICY);
    const missing = site.site.run('run');
    expect([missing.status, missing.stderr]).toEqual([2, expect.stringContaining('doorward secret set ci-mac')]);
    const child = site.site.spawn('secret', 'set', 'ci-mac');
    child.stdin!.end(`${secret.toString('latin1')}\n`);
    await once(child, 'exit');
    await site.start();
    expect(await site.status({ sign: by(MAC) })).toBe(200);
  });

  it('that was used is not good after a restart either', async () => {
    site.configure(keys(), POLICY);
    // At one address, so that all but the time fits.
    const text = readFileSync(site.site.config, 'utf8');
    writeFileSync(site.site.config, text.replace('port: 0', `port: ${await freePort()}`));
    await site.start();
    let kept: [Record<string, string>, string] | undefined;
    const sign = (request: Signable) => {
      const made = signRequest(request, ED);
      kept = [{ ...request.headers, ...made }, request.body];
      return made;
    };
    expect(await site.status({ sign })).toBe(200);
    await site.stop();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await site.start();
    expect((await site.send(...kept!)).status).toBe(401);
    expect(await site.status({ sign: by(ED) })).toBe(200);
  });

  it('needs keys that can be used', () => {
    site.configure(keys().replace('./eve.pem', './ci.mac'), POLICY);
    const { status, stderr } = site.site.run('run');
    expect(status).toBe(2);
    expect(stderr).toMatch(/doorward\.yaml:\d+:\d+: identity\.signatures\.keys\.eve: not a public key for ed25519/);
  });
});
