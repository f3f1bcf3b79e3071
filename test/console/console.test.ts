/** The console over real sockets, and what somebody would try who is not let in. */
import { afterEach, describe, expect, it } from 'vitest';
import { CODE_LIFE, TRIES } from '../../src/console/codes.ts';
import { IDLE, LONGEST } from '../../src/console/sessions.ts';
import { sessionOf, world } from './world.ts';

type World = Awaited<ReturnType<typeof world>>;
const open: World[] = [];
async function make(...args: Parameters<typeof world>): Promise<World> {
  const made = await world(...args);
  open.push(made);
  return made;
}
afterEach(async () => {
  for (const one of open.splice(0)) await one.console.close();
});

const WRONG = 'This code is not valid';
const told = ({ events }: World) => events.map(({ code, data }) => `${code} ${data['what'] ?? data['decision']}`);

describe('signing in', () => {
  it('takes a code once, in any spelling, and shows what the link was for', async () => {
    const w = await make();
    const { id } = await w.waits({ args: { path: '/etc/hosts' } });
    const { code } = w.console.issue({ subject: 'bob', groups: [] });
    expect(code).toMatch(/^[2-9B-DF-HJ-NP-TW-Z]{4}-[2-9B-DF-HJ-NP-TW-Z]{4}$/);
    const page = await w.ask('/sign-in', { code: ` ${code.toLowerCase().replace('-', ' ')} `, id });
    expect(page.status).toBe(200);
    expect(page.text).toContain('/etc/hosts');
    expect(page.text).toContain('signed in as <b>bob</b>');
    expect(await w.ask('/sign-in', { code })).toMatchObject({ status: 403, text: expect.stringContaining(WRONG) });
    expect(told(w)).toEqual(['event.console code', 'event.console sign-in', 'event.console sign-in refused']);
    expect(JSON.stringify(w.events)).not.toContain(code);
  });

  it('ends a code with its time', async () => {
    const w = await make();
    const { code } = w.console.issue({ subject: 'bob', groups: [] });
    w.pass(CODE_LIFE);
    expect((await w.ask('/sign-in', { code })).status).toBe(403);
  });

  it('ends every code after five wrong guesses', async () => {
    const w = await make();
    const codes = ['bob', 'eve'].map((subject) => w.console.issue({ subject, groups: [] }).code);
    for (let i = 0; i < TRIES; i++) expect((await w.ask('/sign-in', { code: '2222-2222' })).status).toBe(403);
    for (const code of codes) expect((await w.ask('/sign-in', { code })).status).toBe(403);
    expect((await w.signIn()).status).toBe(200);
  });

  it('lets four wrong guesses be', async () => {
    const w = await make();
    const { code } = w.console.issue({ subject: 'bob', groups: [] });
    for (let i = 1; i < TRIES; i++) await w.ask('/sign-in', { code: '2222-2222' });
    expect((await w.ask('/sign-in', { code })).status).toBe(200);
  });

  it('ends the code that a person had before', async () => {
    const w = await make();
    const { code } = w.console.issue({ subject: 'bob', groups: [] });
    w.console.issue({ subject: 'bob', groups: [] });
    expect((await w.ask('/sign-in', { code })).status).toBe(403);
  });

  it('does not fill the log with guesses, and counts what it left out', async () => {
    const w = await make();
    for (let i = 0; i < 30; i++) await w.ask('/sign-in', { code: 'x' });
    expect(w.events).toHaveLength(10);
    w.pass(6000);
    await w.ask('/sign-in', { code: 'x' });
    expect(w.events.at(-1)!.data).toEqual({ what: 'sign-in refused', before: 20 });
  });

  it('makes a new session each time: nobody can prepare one', async () => {
    const w = await make();
    const { code } = w.console.issue({ subject: 'bob', groups: [] });
    const page = await w.ask('/sign-in', { code, session: 'prepared' }, { cookie: 'session=prepared' });
    expect(sessionOf(page)).not.toBe('prepared');
    expect((await w.ask('/approvals', { session: 'prepared' })).status).toBe(403);
    expect((await w.signIn('bob')).session).not.toBe(sessionOf(page));
  });
});

describe('a link without a sign-in', () => {
  it('is the same page for an approval that exists and for one that does not', async () => {
    const w = await make();
    const { id, key } = await w.waits({ args: { secret: 'in the arguments' } });
    const known = await w.ask(`/approvals/${id}`);
    const unknown = await w.ask('/approvals/ZZZZ');
    expect(known.status).toBe(200);
    expect(known.text.replaceAll(id, 'ZZZZ')).toBe(unknown.text);
    expect(known.text).not.toContain('in the arguments');
    // Nor do the refusals of posts know the difference.
    const posts = async (one: string) => (await w.ask('/decide', { session: '', id: one, key, do: 'grant' })).text;
    expect((await posts(id)).replaceAll(id, 'ZZZZ')).toBe(await posts('ZZZZ'));
  });

  it.each(['/approvals/<script>', '/approvals/K7QD/x', '/approvals/', '/approval', '/style'])(
    'is none: %s',
    async (path) => {
      const w = await make();
      expect((await w.ask(encodeURI(path))).status).toBe(404);
    },
  );
});

describe('a session', () => {
  it('ends when it is idle, when it is old, and when it is left', async () => {
    const w = await make();
    const { session } = await w.signIn();
    w.pass(IDLE - 1);
    expect((await w.ask('/approvals', { session })).status).toBe(200);
    w.pass(IDLE);
    expect((await w.ask('/approvals', { session })).status).toBe(403);

    const { session: old } = await w.signIn();
    for (let at = 0; at + IDLE - 1 < LONGEST; at += IDLE - 1) {
      expect((await w.ask('/approvals', { session: old })).status).toBe(200);
      w.pass(IDLE - 1);
    }
    w.pass(IDLE - 1);
    expect((await w.ask('/approvals', { session: old })).status).toBe(403);

    const { session: left } = await w.signIn();
    expect((await w.ask('/sign-out', { session: left })).status).toBe(200);
    expect((await w.ask('/approvals', { session: left })).status).toBe(403);
  });

  it('is no cookie: a browser has nothing that it could send by itself', async () => {
    const w = await make();
    const page = await w.signIn();
    expect(page.headers['set-cookie']).toBeUndefined();
    const { session } = page;
    expect((await w.ask('/approvals', {}, { cookie: `session=${session}` })).status).toBe(403);
    expect((await w.ask(`/approvals?session=${session}`, {})).status).toBe(403);
  });

  it('is one of at most 32: the one idle longest makes room', async () => {
    const w = await make();
    const first = await w.signIn();
    const second = await w.signIn();
    await w.ask('/approvals', { session: first.session });
    for (let i = 2; i < 33; i++) await w.signIn();
    expect((await w.ask('/approvals', { session: second.session })).status).toBe(403);
    expect((await w.ask('/approvals', { session: first.session })).status).toBe(200);
  });
});

describe('deciding', () => {
  it('grants what was looked at, once, and tells the log who did', async () => {
    const w = await make();
    const { id, key } = await w.waits();
    const { session } = await w.signIn('bob', [], id);
    const form = { session, id, key, do: 'grant' };
    expect((await w.ask('/decide', form)).text).toContain('Granted: the caller may make this very call again');
    expect((await w.ask('/decide', form)).text).toContain('decided already');
    expect(await w.desk.find(id)).toMatchObject({ state: 'granted', by: 'bob', via: 'console' });
    expect(w.events.at(-1)).toMatchObject({
      code: 'event.approval',
      data: { decision: 'granted', approval: id, by: 'bob', via: 'console', caller: { subject: 'alice' } },
    });
  });

  it('denies', async () => {
    const w = await make();
    const { id, key } = await w.waits();
    const { session } = await w.signIn();
    expect((await w.ask('/decide', { session, id, key, do: 'deny' })).text).toContain('Denied');
    expect(await w.desk.find(id)).toMatchObject({ state: 'denied', by: 'bob', via: 'console' });
  });

  it.each([
    ['no session', (form: Record<string, string>) => ({ ...form, session: '' }), 403],
    ['another session', (form: Record<string, string>) => ({ ...form, session: 'A'.repeat(43) }), 403],
    ['no such approval', (form: Record<string, string>) => ({ ...form, id: 'ZZZZ' }), 200],
    ['another approval of that id', (form: Record<string, string>) => ({ ...form, key: 'f'.repeat(64) }), 200],
    ['no binding', (form: Record<string, string>) => ({ ...form, key: '' }), 200],
    ['another wish', (form: Record<string, string>) => ({ ...form, do: 'spend' }), 404],
  ])('decides nothing with %s', async (_, change, status) => {
    const w = await make();
    const { id, key } = await w.waits();
    const { session } = await w.signIn();
    expect((await w.ask('/decide', change({ session, id, key, do: 'grant' }))).status).toBe(status);
    expect(await w.desk.find(id)).toMatchObject({ state: 'waiting', agreed: [] });
  });

  it('is not for the one who asked', async () => {
    const w = await make();
    const { id, key } = await w.waits();
    const { session } = await w.signIn('alice');
    expect((await w.ask('/decide', { session, id, key, do: 'grant' })).text).toContain('somebody else must');
    expect(await w.desk.find(id)).toMatchObject({ state: 'waiting' });
  });

  it('needs four eyes of the group where the place says so: nobody counts twice, nor does another group', async () => {
    const w = await make({ approvers: ['sre'], count: 2 });
    const { id, key } = await w.waits();
    const [bob, eve, dan] = await Promise.all([
      w.signIn('bob', ['sre']),
      w.signIn('eve', ['ops', 'sre']),
      w.signIn('dan'),
    ]);
    const grant = async ({ session }: { session: string }) =>
      (await w.ask('/decide', { session, id, key, do: 'grant' })).text;
    expect(await grant(dan)).toContain('another group is needed');
    expect(await grant(bob)).toContain('Somebody else must agree too');
    expect(await grant(bob)).toContain('You agreed already');
    // Another session of the same person is the same person.
    expect(await grant(await w.signIn('bob', ['sre']))).toContain('You agreed already');
    expect(await w.desk.find(id)).toMatchObject({ state: 'waiting', agreed: [{ subject: 'bob', via: 'console' }] });
    expect(await grant(eve)).toContain('Granted');
    expect(await w.desk.find(id)).toMatchObject({ state: 'granted', agreed: [{ by: 'bob' }, { by: 'eve' }] });
  });

  it('takes the voices of two who come at once as two', async () => {
    const w = await make({ count: 2 });
    const { id, key } = await w.waits();
    const people = await Promise.all(['bob', 'eve'].map((name) => w.signIn(name)));
    await Promise.all(people.map(({ session }) => w.ask('/decide', { session, id, key, do: 'grant' })));
    expect(await w.desk.find(id)).toMatchObject({ state: 'granted' });
  });

  it('shows what is void, and does not grant it', async () => {
    const w = await make();
    const { id, key } = await w.waits();
    w.rules('rules-2');
    const page = await w.signIn('bob', [], id);
    expect(page.text).toContain('the rules changed');
    expect(page.text).not.toContain('Grant, once');
    const { session } = page;
    expect((await w.ask('/decide', { session, id, key, do: 'grant' })).text).toContain('The rules changed');
    expect(await w.desk.find(id)).toMatchObject({ state: 'waiting' });
  });
});

describe('what another page or another name tries', () => {
  it.each([
    ['a foreign host (DNS rebinding)', { host: 'evil.example:80' }, 421],
    ['a host of another port', { host: '127.0.0.1:1' }, 421],
    ['a loopback name that is not served', { host: '[::1]:80' }, 421],
    ['a foreign origin', { origin: 'http://evil.example' }, 403],
    ['the origin of another local server', { origin: 'http://127.0.0.1:9' }, 403],
    ['an origin of none', { origin: 'null' }, 403],
    ['a page of another site', { 'sec-fetch-site': 'cross-site' }, 403],
    ['a page of another port', { 'sec-fetch-site': 'same-site' }, 403],
    ['JSON', { 'content-type': 'application/json' }, 400],
    ['plain text, as forms of other pages can send', { 'content-type': 'text/plain' }, 400],
    ['a compressed body', { 'content-encoding': 'gzip' }, 400],
  ])('is refused: %s', async (_, headers, status) => {
    const w = await make();
    const { id, key } = await w.waits();
    const { session } = await w.signIn();
    const page = await w.ask('/decide', { session, id, key, do: 'grant' }, headers);
    expect(page).toMatchObject({ status, text: '' });
    expect(await w.desk.find(id)).toMatchObject({ state: 'waiting' });
  });

  it('is refused: a form without an origin', async () => {
    const w = await make();
    const { code } = w.console.issue({ subject: 'bob', groups: [] });
    expect((await w.ask('/sign-in', { code }, { origin: [] })).status).toBe(403);
  });

  it('is refused: a read by a script of another origin', async () => {
    const w = await make();
    expect((await w.ask('/', undefined, { origin: 'http://evil.example' })).status).toBe(403);
    expect((await w.ask('/', undefined, { host: 'evil.example' })).status).toBe(421);
  });

  it.each(['HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])('is refused: %s', async (method) => {
    const w = await make();
    const page = await w.ask('/', undefined, { origin: w.console.url }, method);
    expect(page).toMatchObject({ status: 405, text: '', headers: { allow: 'GET, POST' } });
    // A preflight of another origin gets no permission.
    const foreign = await w.ask('/', undefined, { origin: 'http://evil.example' }, method);
    expect(foreign.headers['access-control-allow-origin']).toBeUndefined();
    expect(foreign.status).toBe(403);
  });

  it.each([
    ['a field twice', 'session=a&session=b'],
    ['a form over its cap', `session=${'a'.repeat(9000)}`],
  ])('is refused: %s', async (_, form) => {
    const w = await make();
    expect((await w.ask('/approvals', form)).status).toBe(400);
  });

  it.each(['/', '/approvals/K7QD', '/style.css', '/nothing'])('cannot frame, keep or script %s', async (path) => {
    const w = await make();
    const { headers } = await w.ask(path);
    expect(headers['content-security-policy']).toBe(
      "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
    expect(headers).toMatchObject({
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
      'cache-control': 'no-store',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('text of others', () => {
  const XSS = `"><script>alert(1)</script><img src=x onerror=alert(1)>'`;
  it('is inert as tool, argument, answer, caller, agent and approver', async () => {
    const w = await make();
    const { id } = await w.waits({
      args: { [XSS]: XSS, nested: [XSS] },
      tool: { name: XSS },
      upstream: XSS,
      caller: { subject: XSS, tenant: XSS, agent: [XSS] },
      resume: { answers: { [XSS]: XSS } },
    });
    const page = await w.signIn(XSS, [XSS], id);
    const list = await w.ask('/approvals', { session: page.session });
    for (const { text } of [page, list]) {
      expect(text).toContain('alert(1)');
      expect(text).not.toMatch(/<script|<img/);
    }
  });

  it('shows what could not be seen, and keeps its direction to itself', async () => {
    const w = await make();
    const { id } = await w.waits({
      args: { to: 'a\u200bb', rtl: '\u202egnp.exe', tag: '\u{e0041}' },
      caller: { subject: 'al\u200bice' },
    });
    const { text } = await w.signIn('bob', [], id);
    expect(text).toContain('al<mark>&lt;U+200B&gt;</mark>ice');
    expect(text).toContain('&quot;a<mark>\\u200b</mark>b&quot;');
    expect(text).toContain('<bdi dir="ltr">&quot;<mark>\\u202e</mark>gnp.exe&quot;</bdi>');
    expect(text).toContain('<mark>\\udb40</mark><mark>\\udc41</mark>');
    expect(text).not.toMatch(/[\u200b\u202e\u{e0041}]/u);
  });
});
