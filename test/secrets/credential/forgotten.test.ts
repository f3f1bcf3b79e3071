/** Issuers that have forgotten a registration of ours, and servers that have another issuer by now: the user gets a new link. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Browser } from './browser.ts';
import { type Issuer, issuer } from './issuer.ts';
import { caller, proofOf, type Recorder, recorder, rules, type World, world } from './world.ts';

const HOUR = 3_600_000;
/** Beyond the life of a token. */
const LATER = 400_000;
let as: Issuer;
let at: string;
let server: Recorder;
let here: World;
beforeEach(async () => {
  as = await issuer();
  at = as.url;
  server = await recorder(as.url, (facts) => (facts['authorization_servers'] = [at]));
  here = await world();
});
afterEach(async () => {
  await Promise.all([as.close(), server.close(), here.close()]);
});

interface Said {
  readonly token?: string;
  readonly link?: string;
  readonly code?: string;
}
const CONSENT = { register: true, scopes: ['offline_access', 'read'] };
const found = (more: object = {}) => rules({ consent: { ...CONSENT, ...more } }, server.url);
async function ask(subject: string, which = found()): Promise<Said> {
  try {
    return { token: (await proofOf(here.credentials.of('it', which, caller(subject))))[1].slice(7) };
  } catch (error) {
    return error as Said;
  }
}
const connect = async (subject: string) => new Browser(subject).connect((await ask(subject)).link!);
const clients = () => here.credentials.consented.wallet.list().map(({ token }) => token.client);

it('a registration that the issuer forgot is made anew, once, and the user connects again', async () => {
  expect((await connect('ana')).text).toContain('Connected');
  expect((await connect('bo')).text).toContain('Connected');
  const [old] = clients();
  as.forgetful = true;
  here.now += LATER;
  expect(await ask('ana')).toMatchObject({ code: 'upstream.connect', link: expect.stringContaining('/connect/') });
  as.forgetful = false;
  expect((await connect('ana')).text).toContain('Connected');
  expect((await ask('ana')).token).toBeDefined();
  // Bo's token is of the old registration: another link, and the registration that is there by now.
  expect(await ask('bo')).toMatchObject({ code: 'upstream.connect', link: expect.stringContaining('/connect/') });
  expect((await connect('bo')).text).toContain('Connected');
  const now = clients();
  expect([new Set(now).size, now.includes(old!)]).toEqual([1, false]);
  expect(here.events.filter(({ what }) => what === 'ended').map(({ why }) => why)).toEqual([
    'refresh: the issuer says invalid_client',
    'refresh: the issuer says invalid_client',
  ]);
});

it('an issuer that forgets again and again is registered with once an hour', async () => {
  await connect('ana');
  as.forgetful = true;
  here.now += LATER;
  expect((await ask('ana')).link).toBeDefined();
  as.forgetful = false;
  await connect('ana');
  as.forgetful = true;
  here.now += LATER;
  expect(await ask('ana')).toMatchObject({ code: 'upstream.credential', link: undefined });
  here.now += HOUR;
  expect(await ask('ana')).toMatchObject({ code: 'upstream.connect', link: expect.any(String) });
});

it('a registration that is forgotten before the code is exchanged is made anew with the next link', async () => {
  as.forgetful = true;
  expect((await connect('ana')).text).toContain('invalid_client');
  as.forgetful = false;
  expect((await connect('ana')).text).toContain('Connected');
});

it('an issuer that only tells the user that it does not know us is registered with at the next try', async () => {
  await connect('ana');
  const [old] = clients();
  await as.forget(old!);
  // The user is stranded at the issuer, and asks again.
  const stranded = await connect('bo');
  expect([stranded.status, stranded.url.startsWith(as.url)]).toEqual([400, true]);
  expect((await connect('bo')).text).toContain('Connected');
  expect(clients()).toEqual([old, expect.not.stringMatching(old!)]);
  // Not so for who only comes a second time.
  const known = clients()[1];
  await here.credentials.consented.revoke('it', found(), { tenant: 'acme', issuer: 'keys', subject: 'bo' });
  expect((await connect('bo')).text).toContain('Connected');
  expect(clients()[1]).toBe(known);
});

it('who we are by configuration is not registered anew', async () => {
  await connect('ana');
  const [id] = clients();
  const named = rules({ consent: { ...CONSENT, register: false, issuer: as.url, client: { id: id! } } }, server.url);
  as.forgetful = true;
  here.now += LATER;
  expect(await ask('ana', named)).toMatchObject({ code: 'upstream.credential', link: undefined });
});

it('a server that has another issuer by now leads its users there', async () => {
  await connect('ana');
  const next = await issuer();
  try {
    here.now += LATER;
    const before = { url: as.url };
    // Out of order is not moved.
    await as.close();
    expect(await ask('ana')).toMatchObject({ code: 'upstream.credential', link: undefined });
    at = next.url;
    here.now += LATER;
    expect(await ask('ana')).toMatchObject({ code: 'upstream.connect', link: expect.any(String) });
    const done = await connect('ana');
    expect(done.text).toContain('Connected');
    const [kept] = here.credentials.consented.wallet.list();
    expect([kept!.token.issuer, kept!.token.issuer === before.url]).toEqual([next.url, false]);
  } finally {
    await next.close();
  }
});
