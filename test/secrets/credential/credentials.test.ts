/** Credentials from a real issuer over real sockets. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { audienceOf } from '../../../src/secrets/oauth/token.ts';
import { Browser } from './browser.ts';
import { type Issuer, issuer } from './issuer.ts';
import { caller, proofOf, type Recorder, recorder, rules, type World, world } from './world.ts';

let as: Issuer;
let server: Recorder;
let here: World;
beforeAll(async () => {
  as = await issuer();
  server = await recorder(as.url);
});
afterAll(() => Promise.all([as.close(), server.close()]));
beforeEach(async () => {
  here = await world();
  as.asked.length = 0;
});
afterEach(() => here.close());

const put = (name: string, value: string, tenant = '*') =>
  here.place.open().change((draft) => draft.put('secret', tenant, name, Buffer.from(value)));
const claimsOf = (access: string) =>
  JSON.parse(Buffer.from(access.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>;
const tokenOf = ([, value]: readonly [string, string]) => value.replace(/^Bearer /, '');

describe('a secret', () => {
  it('goes into the header that was named, and follows its rotation', async () => {
    await put('tickets', 'one');
    const mine = rules({ secret: 'vault:tickets', header: 'X-Api-Key' }, server.url);
    expect(await proofOf(here.credentials.of('it', mine, caller('ana')))).toEqual(['x-api-key', 'one']);
    await put('tickets', 'two');
    here.now += 1_001;
    expect(await proofOf(here.credentials.of('it', mine, caller('ana')))).toEqual(['x-api-key', 'two']);
  });

  it('of a tenant is for that tenant alone', async () => {
    await put('tickets', 'acme-own', 'acme');
    const mine = rules({ secret: 'vault:{tenant}/tickets' }, server.url);
    expect(await proofOf(here.credentials.of('it', mine, caller('ana')))).toEqual(['authorization', 'Bearer acme-own']);
    await expect(async () =>
      proofOf(here.credentials.of('it', mine, caller('bo', { tenant: 'globex' }))),
    ).rejects.toMatchObject({
      code: 'upstream.credential',
    });
  });

  it('that no header can carry is never sent', async () => {
    await put('tickets', 'a\r\nX-Evil: 1');
    const mine = rules({ secret: 'vault:tickets' }, server.url);
    await expect(async () => proofOf(here.credentials.of('it', mine, caller('ana')))).rejects.toThrow(
      'upstream.credential',
    );
  });
});

describe('client credentials', () => {
  const mine = () =>
    rules(
      {
        'client-credentials': { issuer: as.url, client: { id: 'svc', key: 'vault:key', kid: 'k1' }, scopes: ['read'] },
      },
      server.url,
    );
  beforeEach(() => put('key', as.key));

  it('are proven by a key, and are for this server alone', async () => {
    const token = tokenOf(await proofOf(here.credentials.of('it', mine(), caller('ana'))));
    expect(audienceOf(token)).toEqual([server.url]);
    const [form] = as.asked;
    expect(form!.get('resource')).toBe(server.url);
    expect(form!.get('client_assertion_type')).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    expect(here.events).toMatchObject([{ what: 'obtained', upstream: 'it', tenant: 'acme' }]);
    expect(JSON.stringify(here.events)).not.toContain(token);
  });

  it('are asked for once by a hundred calls at once', async () => {
    as.slow = 50;
    const all = await Promise.all(
      Array.from({ length: 100 }, () => proofOf(here.credentials.of('it', mine(), caller('ana')))),
    );
    as.slow = 0;
    expect(new Set(all.map(tokenOf)).size).toBe(1);
    expect(as.count('client_credentials')).toBe(1);
  });

  it('are renewed before they end, while calls go on with the old', async () => {
    const first = tokenOf(await proofOf(here.credentials.of('it', mine(), caller('ana'))));
    here.now += 250_000;
    expect(tokenOf(await proofOf(here.credentials.of('it', mine(), caller('ana'))))).toBe(first);
    await expect
      .poll(async () => tokenOf(await proofOf(here.credentials.of('it', mine(), caller('ana')))))
      .not.toBe(first);
    expect(as.count('client_credentials')).toBe(2);
  });

  it('are asked for once more when the server refuses them, by many calls at once', async () => {
    const credential = here.credentials.of('it', mine(), caller('ana'));
    const proof = await proofOf(credential);
    await Promise.all(
      Array.from({ length: 50 }, () => credential.refused({ status: 401, challenge: undefined, proof })),
    );
    expect(as.count('client_credentials')).toBe(2);
    expect(await proofOf(credential)).not.toEqual(proof);
  });

  it('do not grow by what a server demands', async () => {
    const credential = here.credentials.of('it', mine(), caller('ana'));
    const proof = await proofOf(credential);
    const challenge = 'Bearer error="insufficient_scope", scope="admin"';
    await expect(credential.refused({ status: 403, challenge, proof })).rejects.toThrow('upstream.credential');
    expect(as.count('client_credentials')).toBe(1);
  });

  it('that cannot be had end clearly, and are not asked for without end', async () => {
    const wrong = rules(
      {
        'client-credentials': {
          issuer: as.url,
          client: { id: 'stranger', key: 'vault:key', kid: 'k1' },
        },
      },
      server.url,
    );
    for (let i = 0; i < 20; i++)
      await expect(async () => proofOf(here.credentials.of('it', wrong, caller('ana')))).rejects.toMatchObject({
        code: 'upstream.credential',
        detail: expect.stringContaining('invalid_client'),
      });
    expect(as.count('client_credentials')).toBe(1);
  });
});

describe('consent', () => {
  const mine = (more: object = {}) =>
    rules(
      { consent: { issuer: as.url, client: { id: 'gw' }, scopes: ['offline_access', 'read'], ...more } },
      server.url,
    );
  const ask = async (subject: string, which = mine()) => {
    try {
      return { token: tokenOf(await proofOf(here.credentials.of('it', which, caller(subject)))) };
    } catch (error) {
      return error as { code: string; link?: string; detail?: string; token?: undefined };
    }
  };

  it('is asked for with a link, given once, and then works in silence', async () => {
    const first = await ask('ana');
    expect(first).toMatchObject({
      code: 'upstream.connect',
      link: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/connect\//),
    });
    const end = await new Browser('ana-there').connect((first as { link: string }).link);
    expect(end.text).toContain('Connected');
    const { token } = await ask('ana');
    expect(claimsOf(token!)).toMatchObject({ sub: 'ana-there', aud: server.url });
    expect((await ask('bo')).token).toBeUndefined();
    const [form] = as.asked;
    expect(form!.get('code_verifier')).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(form!.get('resource')).toBe(server.url);
  });

  it('outlives the process: another one finds it in the vault', async () => {
    const { link } = (await ask('ana')) as { link: string };
    await new Browser('ana').connect(link);
    const before = (await ask('ana')).token;
    here.credentials.forget();
    expect((await ask('ana')).token).toBe(before);
  });

  it('finds issuer by the metadata of the server, and registers where that was chosen', async () => {
    const found = rules({ consent: { register: true, scopes: ['offline_access', 'read'] } }, server.url);
    const { link } = (await ask('ana', found)) as { link: string };
    expect((await new Browser('ana').connect(link)).text).toContain('Connected');
    expect(claimsOf((await ask('ana', found)).token!)).toMatchObject({ aud: server.url });
    const again = (await ask('bo', found)) as { link: string };
    await new Browser('bo').connect(again.link);
    // One registration, found by its way back and by its id.
    expect(here.place.open().list('client').length).toBe(2);
    // Not chosen: nobody registers.
    const { link: third } = (await ask('cy', rules({ consent: { scopes: ['read'] } }, server.url))) as { link: string };
    expect((await new Browser('cy').connect(third)).text).toContain('does not know us');
  });

  it('registers with a secret where the issuer wants one, and renews the token by it', async () => {
    const strict = await issuer({
      metadata: (facts) => (facts['token_endpoint_auth_methods_supported'] = ['client_secret_basic']),
    });
    const near = await recorder(strict.url);
    const found = rules({ consent: { register: true, scopes: ['offline_access', 'read'] } }, near.url);
    const { link } = (await ask('ana', found)) as { link: string };
    expect((await new Browser('ana').connect(link)).text).toContain('Connected');
    const before = (await ask('ana', found)).token;
    here.now += 400_000;
    const after = (await ask('ana', found)).token;
    expect(after).toBeDefined();
    expect(after).not.toBe(before);
    expect(strict.count('refresh_token')).toBe(1);
    expect(strict.asked.map((form) => form.get('client_id'))).toEqual([null, null]);
    await Promise.all([strict.close(), near.close()]);
  });

  it('goes by a client metadata document where the issuer takes one', async () => {
    const metadata = 'https://gw.example.com/client.json';
    const documented = rules({ consent: { metadata, scopes: ['offline_access', 'read'] } }, server.url);
    const { link } = (await ask('ana', documented)) as { link: string };
    expect((await new Browser('ana').connect(link)).text).toContain('Connected');
    expect(claimsOf((await ask('ana', documented)).token!)).toMatchObject({ client_id: metadata, aud: server.url });
    here.now += 400_000;
    expect((await ask('ana', documented)).token).toBeDefined();
    expect(here.place.open().list('client')).toEqual([]);
  });

  it('is refreshed once by a hundred calls, with a new refresh token each time', async () => {
    const { link } = (await ask('ana')) as { link: string };
    await new Browser('ana').connect(link);
    const before = (await ask('ana')).token;
    for (let round = 1; round <= 3; round++) {
      here.now += 400_000;
      as.slow = 30;
      const all = await Promise.all(Array.from({ length: 100 }, () => ask('ana')));
      as.slow = 0;
      expect(new Set(all.map(({ token }) => token)).size).toBe(1);
      expect(all[0]!.token).not.toBe(before);
      expect(as.count('refresh_token')).toBe(round);
    }
  });

  it('that the issuer took back ends with a link, and the token is gone', async () => {
    const { link } = (await ask('ana')) as { link: string };
    await new Browser('ana').connect(link);
    const { token } = await ask('ana');
    await here.credentials.consented.revoke('it', mine(), { tenant: 'acme', issuer: 'keys', subject: 'ana' });
    expect(here.events.at(-1)).toMatchObject({ what: 'revoked' });
    expect(await ask('ana')).toMatchObject({ code: 'upstream.connect' });
    expect(here.place.open().list('token')).toEqual([]);
    expect(token).toBeDefined();
  });

  it('that is taken back while it is renewed stays gone', async () => {
    const { link } = (await ask('ana')) as { link: string };
    await new Browser('ana').connect(link);
    here.now += 400_000;
    as.slow = 200;
    const waiting = ask('ana');
    await expect.poll(() => as.count('refresh_token')).toBe(1);
    await here.credentials.consented.revoke('it', mine(), { tenant: 'acme', issuer: 'keys', subject: 'ana' });
    as.slow = 0;
    expect(await waiting).toMatchObject({ code: 'upstream.connect' });
    expect(here.place.open().list('token')).toEqual([]);
    expect(await ask('ana')).toMatchObject({ code: 'upstream.connect' });
  });

  it('with a refresh token that is dead asks anew, once', async () => {
    const { link } = (await ask('ana')) as { link: string };
    await new Browser('ana').connect(link);
    await ask('ana');
    const { wallet } = here.credentials.consented;
    const holder = { tenant: 'acme', issuer: 'keys', subject: 'ana' };
    const kept = wallet.get(holder, 'it')!;
    await wallet.put(holder, 'it', { ...kept, refresh: 'dead' });
    here.now += 400_000;
    expect(await ask('ana')).toMatchObject({ code: 'upstream.connect', link: expect.any(String) });
    expect(wallet.get(holder, 'it')).toBeUndefined();
  });

  it('steps up by the union of rights, which the user sees', async () => {
    const { link } = (await ask('ana')) as { link: string };
    await new Browser('ana').connect(link);
    const credential = here.credentials.of('it', mine(), caller('ana'));
    const proof = await proofOf(credential);
    const challenge = 'Bearer error="insufficient_scope", scope="write"';
    const more = (await credential.refused({ status: 403, challenge, proof }).catch((error: unknown) => error)) as {
      link: string;
    };
    const browser = new Browser('ana');
    expect((await browser.go(more.link)).text).toContain('offline_access read write');
    await browser.connect(more.link);
    expect(String(claimsOf((await ask('ana')).token!)['scope'])).toContain('write');
    const again = await proofOf(credential);
    await expect(credential.refused({ status: 403, challenge, proof: again })).rejects.toThrow('upstream.credential');
  });

  it.each([
    ['another resource', { resource: 'https://other.example.com/mcp' }],
    ['another audience', { audience: 'https://other.example.com/' }],
    ['more scopes', { scopes: ['offline_access', 'read', 'admin'] }],
    ['another issuer', { issuer: 'https://id.example.com' }],
  ])('is not used for %s', async (what, more) => {
    const { link } = (await ask('ana')) as { link: string };
    await new Browser('ana').connect(link);
    expect((await ask('ana')).token).toBeDefined();
    const other = rules(
      { consent: { issuer: as.url, client: { id: 'gw' }, scopes: ['offline_access', 'read'], ...more } },
      server.url,
    );
    const said = await ask('ana', other);
    // The audience of a token counts beside its resource.
    if (what === 'another audience') expect(said.token).toBeDefined();
    else expect(said).toMatchObject({ code: 'upstream.connect' });
  });
});
