/** The way of consent under attack: links that are passed on, states of others, browsers that are mixed up, issuers that lie. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Browser } from './credential/browser.ts';
import { type Issuer, issuer } from './credential/issuer.ts';
import { caller, proofOf, type Recorder, recorder, rules, type World, world } from './credential/world.ts';

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
});
afterEach(() => here.close());

const mine = (at = as.url) =>
  rules({ consent: { issuer: at, client: { id: 'gw' }, scopes: ['offline_access', 'read'] } }, server.url);
async function ask(
  subject: string,
  which = mine(),
  where = here,
): Promise<{ token?: string; link: string; code?: string }> {
  try {
    const [, value] = await proofOf(where.credentials.of('it', which, caller(subject)));
    return { token: value.slice(7), link: '' };
  } catch (error) {
    return error as { link: string };
  }
}
const on = (text: string) => /href="([^"]+)">Go on/.exec(text)![1]!.replaceAll('&amp;', '&');
const subOf = (token: string) =>
  (JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { sub: string }).sub;

describe('a link', () => {
  it('is the same while it is open, and good once', async () => {
    const { link } = await ask('ana');
    expect((await ask('ana')).link).toBe(link);
    expect((await ask('bo')).link).not.toBe(link);
    const browser = new Browser('ana');
    await browser.go(link, {});
    expect(await browser.go(link, {})).toMatchObject({ status: 404, text: expect.stringContaining('spent') });
  });

  it('ends after ten minutes', async () => {
    const { link } = await ask('ana');
    here.now += 600_001;
    expect((await new Browser('ana').go(link)).status).toBe(404);
  });

  it('makes nothing happen when it is only looked at', async () => {
    const { link } = await ask('ana');
    const page = await new Browser('ana').go(link);
    expect(page.text).toContain('Agree only if you started this yourself');
    expect(page.text).not.toContain(as.url);
    expect((await new Browser('ana').go(link)).status).toBe(200);
  });

  it('keeps the rights that it was shown with: other rights make another link', async () => {
    const { link } = await ask('ana');
    await new Browser('ana').connect(link);
    const credential = here.credentials.of('it', mine(), caller('ana'));
    const more = async (scope: string) => {
      const challenge = `Bearer error="insufficient_scope", scope="${scope}"`;
      const proof = await proofOf(credential);
      return (await credential.refused({ status: 403, challenge, proof }).catch((error: unknown) => error)) as {
        link: string;
      };
    };
    const first = await more('write');
    const browser = new Browser('ana');
    expect((await browser.go(first.link)).text).not.toContain('admin');
    const second = await more('admin');
    expect(second.link).not.toBe(first.link);
    expect((await browser.go(first.link, {})).status).toBe(404);
    expect((await browser.go(second.link)).text).toContain('admin');
  });

  it('cannot be agreed to by another page', async () => {
    const { link } = await ask('ana');
    const post = (headers: Record<string, string>) =>
      fetch(link, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: '',
      });
    expect((await post({ origin: 'https://evil.example.com' })).status).toBe(403);
    expect((await post({})).status).toBe(403);
    expect((await post({ origin: new URL(link).origin, 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    const framed = await fetch(link);
    expect(framed.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(framed.headers.get('x-frame-options')).toBe('DENY');
  });

  it.each(['it', 'kit'])('is that of a user with an access token for the path /%s', async (path) => {
    let reachable = true;
    const prove = (token: string, route: string) => (token === 'for-ana' && route === path ? caller('ana') : undefined);
    const far = await world(() => reachable, prove, { other: { tools: ['x.echo'] }, kit: { tools: ['it.echo'] } });
    const { link } = await ask('ana', mine(), far);
    reachable = false;
    expect((await new Browser('ana').go(link, { credential: 'for-eve' })).status).toBe(403);
    expect((await new Browser('ana').go(link, { credential: 'for-ana' })).text).toContain('Sign in at');
    await far.close();
  });

  it('of a user elsewhere wants that user, whoever opens it', async () => {
    const keys = new Map([
      ['key-of-ana', caller('ana')],
      ['key-of-eve', caller('eve')],
    ]);
    let reachable = true;
    // A link is only given out where it can be reached; the page asks again.
    const far = await world(
      () => reachable,
      (key) => keys.get(key),
    );
    const { link } = await ask('ana', mine(), far);
    reachable = false;
    const eve = new Browser('eve');
    expect((await eve.go(link)).text).toContain('Your key or token');
    expect((await eve.go(link, { credential: 'key-of-eve' })).status).toBe(403);
    expect((await eve.go(link, { credential: '' })).status).toBe(403);
    const done = await new Browser('ana').connect(link, { credential: 'key-of-ana' });
    expect(done.text).toContain('Connected');
    // Three misses spend a link.
    reachable = true;
    const { link: second } = await ask('bo', mine(), far);
    reachable = false;
    for (let i = 0; i < 3; i++) expect((await eve.go(second, { credential: 'guess' })).status).toBe(403);
    expect((await eve.go(second)).status).toBe(404);
    await far.close();
  });
});

describe('the way back', () => {
  it('needs the browser that agreed', async () => {
    const { link } = await ask('ana');
    const text = (await new Browser('ana').go(link, {})).text;
    // Somebody else is made to follow the link to the issuer.
    const other = await new Browser('victim').go(on(text));
    expect(other).toMatchObject({ status: 400, text: expect.stringContaining('another browser began this') });
    expect((await ask('ana')).token).toBeUndefined();
  });

  it('is walked once', async () => {
    const { link } = await ask('ana');
    const browser = new Browser('ana');
    const end = await browser.connect(link);
    expect(end.text).toContain('Connected');
    expect(await browser.go(end.url)).toMatchObject({
      status: 400,
      text: expect.stringContaining('this state is not open'),
    });
  });

  it.each([
    ['no state', (url: URL) => url.searchParams.delete('state'), 'not open'],
    ['two states', (url: URL) => url.searchParams.append('state', url.searchParams.get('state')!), 'not open'],
    ['a guessed state', (url: URL) => url.searchParams.set('state', 'A'.repeat(43)), 'not open'],
    ['another issuer (mix-up)', (url: URL) => url.searchParams.set('iss', 'https://evil.example.com'), 'consent'],
    ['no issuer, though it was announced', (url: URL) => url.searchParams.delete('iss'), 'consent'],
    ['another code', (url: URL) => url.searchParams.set('code', 'stolen'), 'invalid_grant'],
  ])('with %s is refused', async (_, change, why) => {
    const { link } = await ask('ana');
    const browser = new Browser('ana');
    const { text } = await browser.go(link, {});
    // The issuer's answer, caught before it comes back.
    const answer = await caught(browser, on(text), new URL(link).origin);
    change(answer);
    const end = await browser.go(answer.href);
    expect(end.status).toBe(400);
    expect(end.text).toContain(why);
    expect(end.text).not.toContain('evil.example.com');
    expect((await ask('ana')).token).toBeUndefined();
  });
});

it('an issuer without PKCE by S256 is not used, nor one that lies about itself', async () => {
  const plain = await issuer({ metadata: (facts) => delete facts['code_challenge_methods_supported'] });
  const { link } = await ask('ana', mine(plain.url));
  expect((await new Browser('ana').connect(link)).text).toContain('PKCE');
  await plain.close();
  const lying = await issuer({ metadata: (facts) => (facts['issuer'] = 'https://id.example.com') });
  const second = await ask('bo', mine(lying.url));
  expect((await new Browser('bo').connect(second.link)).text).toContain('another issuer');
  await lying.close();
});

it('an issuer that a server named gets no code of another issuer, over whatever way back (mix-up)', async () => {
  const registered = rules({ consent: { register: true, scopes: ['read'] } }, server.url);
  const { link } = await ask('ana', registered);
  const browser = new Browser('ana');
  const to = new URL(on((await browser.go(link, {})).text));
  const home = new URL(link).origin;
  expect(to.searchParams.get('redirect_uri')).toMatch(new RegExp(`^${home}/callback/[A-Za-z0-9_-]{22}$`));
  // The answer of another issuer, which knows us by the shared way back.
  const answer = await caught(browser, to.href, home);
  answer.pathname = '/callback';
  expect(await browser.go(answer.href)).toMatchObject({ status: 400, text: expect.stringContaining('not open') });
  // By its metadata alone we are known everywhere by one way back: then the issuer has to say who it is.
  const silent = await issuer({
    metadata: (facts) => {
      delete facts['authorization_response_iss_parameter_supported'];
      facts['client_id_metadata_document_supported'] = true;
    },
  });
  const near = await recorder(silent.url);
  const documented = rules({ consent: { metadata: 'https://gw.example.com/client.json', scopes: ['read'] } }, near.url);
  const second = await ask('bo', documented);
  expect((await new Browser('bo').connect(second.link)).text).toContain('does not say who it is');
  await Promise.all([silent.close(), near.close()]);
});

it('two users who are mixed up end with their own accounts', async () => {
  const [a, b] = [await ask('ana'), await ask('bo')];
  const [ana, bo] = [new Browser('ana'), new Browser('bo')];
  const [pageA, pageB] = [await ana.go(a.link, {}), await bo.go(b.link, {})];
  expect((await ana.go(on(pageB.text))).status).toBe(400);
  expect((await bo.go(on(pageB.text))).text).toContain('Connected');
  expect((await ana.go(on(pageA.text))).text).toContain('Connected');
  expect(subOf((await ask('ana')).token!)).toBe('ana');
  expect(subOf((await ask('bo')).token!)).toBe('bo');
});

/** Follows to the point where the issuer sends the browser back to `home`, and answers with that URL. */
async function caught(browser: Browser, url: string, home: string): Promise<URL> {
  const real = globalThis.fetch;
  let found: URL | undefined;
  globalThis.fetch = (async (input: URL, init: RequestInit) => {
    const at = new URL(input);
    if (at.origin !== home) return real(input, init);
    found = at;
    return new Response('', { status: 200 });
  }) as typeof fetch;
  try {
    await browser.go(url);
  } finally {
    globalThis.fetch = real;
  }
  return found!;
}
