/** Tokens in exchange for the caller's own, which goes to the issuer that was configured, and nowhere else. */
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Caller } from '../../../src/core/call.ts';
import { type Swap, swap } from './swap.ts';
import { caller, proofOf, rules, type World, world } from './world.ts';

const URL_ = 'https://mcp.example.com/mcp';
const jwt = (tid: string, sub: string) => `e30.${Buffer.from(JSON.stringify({ tid, sub })).toString('base64url')}.c2ln`;
let as: Swap;
let here: World;
beforeAll(async () => (as = await swap({ life: 60 })));
afterAll(() => as.close());
beforeEach(async () => {
  here = await world();
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  await here.place.open().change((draft) => draft.put('secret', '*', 'key', Buffer.from(pem)));
  as.heard.length = 0;
});
afterEach(() => here.close());

const client = { id: 'gw', key: 'vault:key' };
const mine = () => rules({ exchange: { issuer: as.url, client, scopes: ['read'] } }, URL_);
const coming = (subject: string, over: Partial<Caller> = {}) => {
  const one = caller(subject, { how: 'jwt', ...over });
  here.credentials.inbound.bring(one, 'token', jwt(one.tenant, subject));
  return one;
};

describe('exchange', () => {
  it('names the caller as subject and us as actor, for this server', async () => {
    const [, value] = await proofOf(here.credentials.of('it', mine(), coming('ana')));
    expect(value).toMatch(/^Bearer ex\.acme\.ana\.\d+$/);
    const { form } = as.heard[0]!;
    expect(form.get('subject_token')).toBe(jwt('acme', 'ana'));
    expect([form.get('resource'), form.get('scope')]).toEqual([URL_, 'read']);
    expect(JSON.stringify(here.events)).not.toContain(jwt('acme', 'ana').slice(4, 20));
  });

  it('is made once for one credential, and never used for another', async () => {
    const [ana, again, bo] = [coming('ana'), coming('ana', { credential: 'newer' }), coming('bo')];
    const all = await Promise.all(
      [ana, ana, ana, again, bo, bo].map((one) => proofOf(here.credentials.of('it', mine(), one))),
    );
    expect(as.heard.length).toBe(3);
    expect(new Set(all.slice(0, 3).map(String)).size).toBe(1);
    expect(String(all[3])).not.toBe(String(all[0]));
    expect(String(all[5])).toContain('ex.acme.bo.');
  });

  it('is not made for who brought nothing, or whose token has ended', async () => {
    await expect(async () => proofOf(here.credentials.of('it', mine(), caller('ana')))).rejects.toMatchObject({
      detail: expect.stringContaining('brought no token'),
    });
    const short = coming('ana', { expires: Date.now() + 1_000 });
    await proofOf(here.credentials.of('it', mine(), short));
    here.now += 1_001;
    await expect(async () => proofOf(here.credentials.of('it', mine(), short))).rejects.toThrow('upstream.credential');
  });

  it('finds nothing under a copy of the caller', async () => {
    const copy = JSON.parse(JSON.stringify(coming('ana'))) as Caller;
    expect(here.credentials.inbound.get(copy, 'token')).toBeUndefined();
  });
});

describe('identity assertion grants', () => {
  const both = (there: string) =>
    rules({ 'id-jag': { issuer: as.url, client, server: { issuer: there, client }, scopes: ['read'] } }, URL_);

  it('go through the identity provider to the issuer of the server', async () => {
    const [, value] = await proofOf(here.credentials.of('it', both(as.url), coming('ana')));
    expect(value).toMatch(/^Bearer ex\.acme\.ana\./);
    expect(as.heard.map(({ form }) => form.get('grant_type')!.split(':').at(-1))).toEqual([
      'token-exchange',
      'jwt-bearer',
    ]);
    expect(as.heard[0]!.form.get('audience')).toBe(as.url);
    expect(as.heard[1]!.form.get('subject_token')).toBeNull();
  });

  it('are not tried where the issuer does not offer them', async () => {
    const plain = await swap({ idJag: false });
    await expect(async () => proofOf(here.credentials.of('it', both(plain.url), coming('ana')))).rejects.toMatchObject({
      detail: expect.stringContaining('does not offer'),
    });
    expect(as.heard).toEqual([]);
    await plain.close();
  });
});

describe('a key that the caller brings', () => {
  const own = () => rules({ caller: { header: 'X-Tickets-Key' }, header: 'X-Api-Key' }, URL_);

  it('goes on under the name that was configured, for that caller alone', async () => {
    const ana = caller('ana');
    here.credentials.inbound.bring(ana, 'x-tickets-key', 'key-of-ana');
    expect(await proofOf(here.credentials.of('it', own(), ana))).toEqual(['x-api-key', 'key-of-ana']);
    for (const other of [caller('bo'), caller('ana'), caller('ana', { tenant: 'globex' })])
      await expect(async () => proofOf(here.credentials.of('it', own(), other))).rejects.toThrow('upstream.credential');
  });

  it('is forgotten ten minutes after it was last brought', async () => {
    const ana = caller('ana');
    here.credentials.inbound.bring(ana, 'x-tickets-key', 'key-of-ana');
    here.now += 600_001;
    await expect(async () => proofOf(here.credentials.of('it', own(), ana))).rejects.toThrow('upstream.credential');
  });
});
