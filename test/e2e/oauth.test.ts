/** OAuth through a gateway as users start it: tokens of an issuer, scopes of tools, metadata, streams that end. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, http, INITIALIZE, META, modern } from '../doors/client.ts';
import { open } from '../gateway/listener.ts';
import { Prover } from '../identity/oauth/gate.ts';
import { Idp, pair } from '../identity/oauth/idp.ts';
import { OPEN_LIMITS, type Served, Site } from './site.ts';

let idp: Idp;
let site: Site;
let served: Served;
beforeAll(async () => {
  idp = await Idp.start();
  site = new Site({ servers: { library: ['library.ts'] }, more: OPEN_LIMITS });
  const reviewed = site.run('review', '--yes', '--no-grants');
  expect(reviewed.stderr).toBe('');
  const identity = {
    oauth: {
      issuers: [{ issuer: idp.url, tenant: 'acme', private: ['127.0.0.0/8'] }],
      scopes: { 'library.add': ['books:add', 'books:read'] },
      baseline: ['books:read'],
    },
  };
  const policy = [
    { to: { tenant: 'acme', subject: 'alice', via: 'jwt' }, allow: ['library.add', 'library.steps'] },
    { to: { tenant: 'acme', subject: 'alice' }, allow: ['library.seen'], require: { bound: true } },
  ];
  const text = readFileSync(site.config, 'utf8').replace('policy: []', `policy: ${JSON.stringify(policy)}`);
  writeFileSync(site.config, `${text}identity: ${JSON.stringify(identity)}\n`);
  served = await site.serve();
}, 60_000);
afterAll(async () => {
  await served?.stop();
  site?.close();
  idp?.close();
});

const url = () => `${served.url}/library`;
function call(name: string, headers: Record<string, string>, args: object = {}): Promise<Answer> {
  const base = modern(1, name, args);
  return http(served.url, { ...base, path: '/library', headers: { ...base.headers, ...headers } });
}
async function list(headers: Record<string, string>): Promise<string[]> {
  const base = modern(1, 'x', {});
  const body = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: META } };
  const asked = { ...base.headers, 'mcp-method': 'tools/list', 'mcp-name': undefined, ...headers };
  const { json } = await http(served.url, { path: '/library', headers: asked, body });
  return (json['result'] as { tools: { name: string }[] }).tools.map(({ name }) => name);
}
const with_ = (token: string) => ({ authorization: `Bearer ${token}` });

describe('an access token', () => {
  it('makes calls, and is told which scopes a tool needs', async () => {
    const poor = await idp.token(url(), { claims: { scope: 'books:read' } });
    expect(await list(with_(poor))).toEqual(['add', 'seen', 'steps']);
    const short = await call('add', with_(poor), { name: 'Emma' });
    expect(short.status).toBe(403);
    const challenge = short.headers['www-authenticate'] as string;
    expect(challenge).toContain('Bearer error="insufficient_scope"');
    expect(challenge).toContain('scope="books:add books:read"');
    expect(challenge).toContain(`resource_metadata="${served.url}/.well-known/oauth-protected-resource/library"`);
    expect(short.json['error']).toMatchObject({ code: -31069 });
    const rich = await idp.token(url(), { claims: { scope: 'books:add books:read' } });
    expect((await call('add', with_(rich), { name: 'Emma' })).status).toBe(200);
    const other = await idp.token(url(), { claims: { sub: 'bob', scope: 'books:add books:read' } });
    const hidden = await call('add', with_(other), { name: 'Emma' });
    expect(hidden.json['error']).toMatchObject({ code: -32602 });
  });

  it('that is bound may do what only bound ones may', async () => {
    expect((await call('seen', with_(await idp.token(url())))).status).toBe(403);
    const prover = await Prover.make();
    const token = await idp.token(url(), { claims: { cnf: { jkt: prover.jkt } } });
    const headers = async () => ({ authorization: `DPoP ${token}`, dpop: await prover.prove(url(), token) });
    expect(await list(await headers())).toEqual(['add', 'seen', 'steps']);
    expect((await call('seen', await headers())).status).toBe(200);
  });
});

describe('a session of an older revision', () => {
  const OLDER = { 'mcp-protocol-version': '2025-11-25' };
  const begun = async (token: string) => {
    const { headers } = await http(served.url, { path: '/library', headers: with_(token), body: INITIALIZE });
    return headers['mcp-session-id'] as string;
  };
  const within = (session: string, headers: Record<string, string>) =>
    http(served.url, {
      path: '/library',
      headers: { ...OLDER, 'mcp-session-id': session, ...headers },
      body: { jsonrpc: '2.0', id: 2, method: 'tools/list', params: {} },
    });

  it('goes on with a newer token of its caller, and is nothing to anybody else', async () => {
    const session = await begun(await idp.token(url()));
    expect((await within(session, with_(await idp.token(url(), { claims: { jti: 'next' } })))).status).toBe(200);
    for (const claims of [{ sub: 'bob' }, { client_id: 'agent-2' }])
      expect((await within(session, with_(await idp.token(url(), { claims })))).status).toBe(404);
    expect((await within(session, {})).status).toBe(401);
    expect((await within(session, { authorization: `Bearer ${site.token()}` })).status).toBe(404);
  });

  it('has a stream that ends with the token that opened it', async () => {
    const exp = Math.ceil(Date.now() / 1000) + 2;
    const token = await idp.token(url(), { claims: { exp } });
    const headers = { ...with_(token), ...OLDER, 'mcp-session-id': await begun(token) };
    const stream = await open(served.url, { method: 'GET', path: '/library', headers });
    expect(stream.status).toBe(200);
    while (!stream.ended()) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(Date.now() - exp * 1000).toBeGreaterThan(-50);
    expect(Date.now() - exp * 1000).toBeLessThan(1500);
  });
});

describe('before that', () => {
  it('everybody reads where tokens come from, for whatever path', async () => {
    const get = (path: string) => http(served.url, { method: 'GET', path });
    const expected = (route: string) => ({
      resource: `${served.url}/${route}`,
      authorization_servers: [idp.url],
      scopes_supported: ['books:read'],
      bearer_methods_supported: ['header'],
    });
    const base = '/.well-known/oauth-protected-resource';
    for (const path of [base, `${base}/library`]) expect((await get(path)).json).toMatchObject(expected('library'));
    expect((await get(`${base}/other`)).json).toMatchObject(expected('other'));
    for (const path of [
      `${base}/a/b`,
      `${base}/`,
      `${base}x`,
      `${base}/library?x`,
      '/.well-known/openid-configuration',
    ])
      expect([path, (await get(path)).status]).toEqual([path, path === `${base}/` ? 200 : 401]);
  });

  it('all are sent there, in the same words', async () => {
    const ask = async (path: string, authorization?: string) => {
      const { status, headers, text } = await http(served.url, { ...modern(1, 'x'), path, headers: { authorization } });
      const { date: _date, ...rest } = headers;
      const same = JSON.stringify(rest).replaceAll(path.slice(1), 'PATH');
      return [status, text.replace(/"id":[^,}]+/, ''), same].join(' ');
    };
    const bad = await idp.token(url(), { claims: { exp: 1 } });
    const elsewhere = await idp.token(`${served.url}/other`);
    const answers = new Set<string>();
    // Few: an address that fails too often is told so.
    for (const path of ['/library', '/nothing'])
      for (const token of [bad, elsewhere, 'x'.repeat(43)]) answers.add(await ask(path, `Bearer ${token}`));
    expect([...answers]).toEqual([...answers].slice(0, 1));
    expect(await ask('/library')).toBe(await ask('/nothing'));
    expect(await ask('/library')).toMatch(/^401 .*Bearer resource_metadata=/);
  });
});

describe('a stream', () => {
  const begin = (token: string) => {
    const headers = { ...with_(token), 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'subscriptions/listen' };
    const params = { notifications: { toolsListChanged: true }, _meta: META };
    const body = { jsonrpc: '2.0', id: 's', method: 'subscriptions/listen', params };
    return open(served.url, { method: 'POST', path: '/library', headers, body });
  };

  it('ends when the key that signed its token is withdrawn', async () => {
    const stream = await begin(await idp.token(url()));
    const next = await pair();
    idp.published = [next.jwk];
    const other = await begin(await idp.token(url(), { key: next }));
    while (!stream.ended()) await new Promise((resolve) => setTimeout(resolve, 20));
    expect([other.status, other.ended()]).toEqual([200, false]);
    other.leave();
    idp.signing = next;
  });

  it('ends with the token that opened it', async () => {
    const exp = Math.ceil(Date.now() / 1000) + 2;
    const token = await idp.token(url(), { claims: { exp } });
    const stream = await begin(token);
    expect(stream.status).toBe(200);
    while (!stream.ended()) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(Date.now() - exp * 1000).toBeGreaterThan(-50);
    expect(Date.now() - exp * 1000).toBeLessThan(1500);
    expect((await call('steps', with_(token))).status).toBe(401);
  });
});

describe('a change of the configuration', () => {
  const SLOW = { timeout: 8000, interval: 300 };
  const rewrite = (from: string, to: string) => {
    const text = readFileSync(site.config, 'utf8');
    expect(text).toContain(from);
    writeFileSync(site.config, text.replace(from, to));
  };

  it('is told where it is wrong, and not taken', async () => {
    const token = await idp.token(url());
    const before = readFileSync(site.config, 'utf8');
    rewrite(`"issuer":"${idp.url}"`, '"issuer":"http://idp.example"');
    const { status, stderr, stdout } = site.run('check');
    expect([status, stderr + stdout]).toEqual([
      2,
      expect.stringMatching(/doorward\.yaml:\d+:\d+.*plaintext to another machine/),
    ]);
    writeFileSync(site.config, before);
    const asked = '"introspection":{"endpoint":"https://idp.example/i","client":"c","secret":"of the client"}';
    rewrite('"tenant":"acme","private"', `${asked},"tenant":"acme","private"`);
    const said = site.run('check').stderr;
    expect(said).toMatch(/doorward\.yaml:\d+:\d+: a secret stands here by value/);
    expect(said).not.toContain('of the client');
    writeFileSync(site.config, before);
    rewrite('"library.add":', '"library.nothing":');
    expect(site.run('check').stderr + site.run('check').stdout).toMatch(/doorward\.yaml:\d+:\d+/);
    writeFileSync(site.config, before);
    expect((await call('steps', with_(token))).status).toBe(200);
  });

  it('holds for tokens that were known before', async () => {
    const token = await idp.token(url());
    expect(await list(with_(token))).toEqual(['add', 'seen', 'steps']);
    rewrite('"tenant":"acme","private"', '"tenant":"beta","private"');
    // The grants are for acme.
    await expect.poll(() => list(with_(token)).catch(() => []), SLOW).toEqual([]);
    rewrite('"tenant":"beta","private"', '"tenant":"acme","private"');
    await expect.poll(() => list(with_(token)).catch(() => []), SLOW).toEqual(['add', 'seen', 'steps']);
    rewrite('identity:', '# identity:');
    await expect.poll(async () => (await call('steps', with_(token))).status, SLOW).toBe(401);
  });
});
