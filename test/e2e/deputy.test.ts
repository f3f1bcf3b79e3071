/**
 * Fifty tenants, two users each, interleaved through a running gateway, against servers that record every credential
 * (guarantees ID9, SE5, SE7): each server sees the credential of the user for whom it is asked, and nothing else of
 * anybody. Tokens end and are renewed, the master key and a secret change meanwhile, and no call fails.
 * DOORWARD_DEPUTY = seconds.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Holder, Wallet } from '../../src/secrets/credential/wallet.ts';
import { http, modern } from '../doors/client.ts';
import { Idp } from '../identity/oauth/idp.ts';
import { type Swap, swap } from '../secrets/credential/swap.ts';
import { place } from '../secrets/vault/world.ts';
import { type Answering, type Site as Server, site as serve } from '../upstreams/http/world.ts';
import { figures } from './figures.ts';
import { OPEN_LIMITS, type Served, Site } from './site.ts';

const SECONDS = Number(process.env['DOORWARD_DEPUTY'] ?? 4);
const TENANTS = Array.from({ length: 50 }, (_, i) => `t${i}`);
const USERS = ['ana', 'bo'];
const LOCAL: Holder = { tenant: 'local', issuer: 'local', subject: 'local' };
const REVIEW = 'review-token-1';
const ECHO = {
  name: 'echo',
  description: 'Says it again',
  inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
};
const plant = (what: string) => `planted-${what}-${randomBytes(9).toString('hex')}`;

let idp: Idp;
let as: Swap;
let site: Site;
let served: Served;
const servers: Record<string, Server> = {};
const wrong: string[] = [];
let team = 'team-v1';
const teamOf = (tenant: string) => `${team}-${tenant}`;
const accepted = new Set<string>();
const planted = { cookie: plant('cookie'), key: plant('key'), proxy: plant('proxy'), svc: plant('svc') };

/** What a server of each kind takes; a token that has ended is refused, as it would be. */
const TAKES: Readonly<Record<string, (shown: string, who: string | undefined) => boolean>> = {
  accounts: (shown, who) => shown.startsWith(`Bearer ac.${who ?? 'local.local'}.`),
  swapped: (shown, who) =>
    who === undefined
      ? shown === `Bearer ${REVIEW}` || shown.startsWith('Bearer ex.')
      : shown.startsWith(`Bearer ex.${who}.`),
  team: (shown, who) =>
    who === undefined
      ? accepted.has(shown) || shown === `Bearer ${REVIEW}`
      : accepted.has(shown) && shown.endsWith(`-${who.split('.')[0]}`),
  own: (shown, who) => (who === undefined ? true : shown === `Bearer key-of-${who}`),
};

function answering(name: string) {
  return ({ req, res, message }: Answering): boolean => {
    const shown = req.headers.authorization ?? '';
    const refuse = () => (res.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end(), true);
    const token = shown.slice(7);
    const until = as.until(token);
    if ((token.startsWith('ac.') || token.startsWith('ex.')) && (until === undefined || until < Date.now()))
      return refuse();
    if (shown === '') return refuse();
    const who = message?.method === 'tools/call' ? String(message.params.arguments.text).split(' ')[0]! : undefined;
    const takes = name === 'accounts' && who === undefined ? shown.startsWith('Bearer ac.') : TAKES[name]!(shown, who);
    if (!takes) wrong.push(`${name} was shown ${shown} for ${who ?? message?.method}`);
    return false;
  };
}

beforeAll(async () => {
  idp = await Idp.start();
  as = await swap({ life: 2 });
  for (const name of Object.keys(TAKES)) servers[name] = await serve({ answer: answering(name), tools: () => [ECHO] });
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const client = { id: 'gw', key: 'vault:key' };
  const credentials = {
    accounts: { consent: { issuer: as.url, client: { id: 'gw' } } },
    swapped: { exchange: { issuer: as.url, client }, review: 'vault:review' },
    team: { secret: 'vault:{tenant}/team', review: 'vault:review' },
    own: { caller: { header: 'X-Own-Key' }, review: 'vault:review' },
  };
  const upstreams = Object.fromEntries(
    Object.entries(credentials).map(([name, credential]) => [
      name,
      { url: servers[name]!.url, private: ['127.0.0.0/8'], credential: { ...credential, private: ['127.0.0.0/8'] } },
    ]),
  );
  site = new Site({ servers: { tidy: ['tidy.ts'] }, upstreams, more: OPEN_LIMITS });
  const state = join(site.dir, '.doorward');
  mkdirSync(state, { mode: 0o700 });
  const vault = place(state).open();
  const wallet = new Wallet(vault);
  const tokenFor = (tenant: string, user: string, resource: string) => ({
    access: 'ended',
    refresh: as.first(tenant, user),
    expires: 1,
    obtained: 0,
    issuer: as.url,
    client: 'gw',
    resource,
    asked: [],
    scopes: [],
  });
  const at = servers['accounts']!.url;
  const holders: [Holder, string, string][] = TENANTS.flatMap((tenant) =>
    USERS.map((subject): [Holder, string, string] => [{ tenant, issuer: idp.url, subject }, tenant, subject]),
  );
  await Promise.all([
    ...([[LOCAL, 'local', 'local'], ...holders] as typeof holders).map(([holder, tenant, user]) =>
      wallet.put(holder, 'accounts', tokenFor(tenant, user, at)),
    ),
    ...TENANTS.map((tenant) =>
      vault.change((draft) => draft.put('secret', tenant, 'team', Buffer.from(teamOf(tenant)))),
    ),
    vault.change((draft) => draft.put('secret', '*', 'key', Buffer.from(pem))),
    vault.change((draft) => draft.put('secret', '*', 'review', Buffer.from(REVIEW))),
    vault.change((draft) => draft.put('secret', '*', 'svc', Buffer.from(planted.svc))),
  ]);
  for (const tenant of TENANTS) accepted.add(`Bearer ${teamOf(tenant)}`);
  // The servers are in this process, which must go on meanwhile.
  const review = site.spawn('review', '--yes', '--no-grants');
  let told = '';
  for (const stream of [review.stdout!, review.stderr!])
    stream.on('data', (chunk: Buffer) => (told += chunk.toString()));
  expect([await new Promise((done) => review.once('exit', done)), told]).toEqual([
    0,
    expect.stringContaining('accounts'),
  ]);
  const identity = {
    oauth: { issuers: [{ issuer: idp.url, tenant: { claim: 'tid', of: TENANTS }, private: ['127.0.0.0/8'] }] },
  };
  const names = ['tidy.where', ...Object.keys(TAKES).map((name) => `${name}.echo`)];
  const policy = TENANTS.map((tenant) => ({ to: { tenant }, allow: names }));
  const text = readFileSync(site.config, 'utf8').replace(/^policy: .*$/m, () => `policy: ${JSON.stringify(policy)}`);
  writeFileSync(site.config, `${text}identity: ${JSON.stringify(identity)}\n`);
  served = await site.serve();
}, 60_000);
afterAll(async () => {
  await served?.stop();
  site?.close();
  idp?.close();
  await as?.close();
  for (const one of Object.values(servers)) await one.close();
});

/** All spellings in which a secret could leave. */
function forms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    bytes.toString('hex'),
    encodeURIComponent(secret),
  ];
}

it(
  'never crosses two users, never fails while keys change, and shows nobody what callers signed in with',
  async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 16 });
    const tokens: string[] = [];
    const failed: string[] = [];
    let calls = 0;
    let over = false;
    let rounds = 0;
    const end = Date.now() + SECONDS * 1000;
    async function user(tenant: string, subject: string): Promise<void> {
      const by = async (name: string) => {
        const token = await idp.token(`${served.url}/${name}`, {
          claims: { sub: subject, tid: tenant, jti: randomBytes(6).toString('hex') },
        });
        tokens.push(token);
        return token;
      };
      const signIn = Object.fromEntries(
        await Promise.all(Object.keys(TAKES).map(async (name) => [name, await by(name)] as const)),
      );
      for (let i = 0; i < 12 || Date.now() < end; i++) {
        const name = Object.keys(TAKES)[(i + subject.length) % 4]!;
        const { headers, body } = modern(i + 1, 'echo', { text: `${tenant}.${subject} ${i}` });
        const answer = await http(served.url, {
          path: `/${name}`,
          agent,
          headers: {
            ...headers,
            authorization: `Bearer ${signIn[name]}`,
            cookie: `session=${planted.cookie}`,
            'x-api-key': planted.key,
            'proxy-authorization': `Basic ${planted.proxy}`,
            ...(name === 'own' && { 'x-own-key': `key-of-${tenant}.${subject}` }),
          },
          body,
        });
        calls++;
        if (!answer.text.includes(`${tenant}.${subject} ${i}`))
          failed.push(`${name} ${tenant}.${subject}: ${answer.text.slice(0, 300)}`);
      }
    }
    const all = TENANTS.flatMap((tenant) => USERS.map((subject) => user(tenant, subject)));
    // Meanwhile another hand changes the keys.
    const changes = (async () => {
      const vault = place(join(site.dir, '.doorward')).open();
      for (let round = 2; !over; round++) {
        await new Promise((done) => setTimeout(done, 700));
        await vault.rotate();
        rounds++;
        team = `team-v${round}`;
        for (const tenant of TENANTS) accepted.add(`Bearer ${teamOf(tenant)}`);
        await Promise.all(
          TENANTS.map((tenant) =>
            vault.change((draft) => draft.put('secret', tenant, 'team', Buffer.from(teamOf(tenant)), 1)),
          ),
        );
      }
    })();
    await Promise.all(all);
    over = true;
    await changes;
    agent.destroy();
    expect(failed.slice(0, 3)).toEqual([]);
    expect(wrong.slice(0, 3)).toEqual([]);
    expect(as.reused).toEqual([]);
    expect(calls).toBeGreaterThan(200);
    // Each user had at least one renewal, and the rotated secrets were seen.
    expect(as.heard.filter(({ form }) => form.get('grant_type') === 'refresh_token').length).toBeGreaterThanOrEqual(
      100,
    );
    expect(servers['team']!.heard.some(({ headers }) => /team-v[2-9]/.test(headers.authorization ?? ''))).toBe(true);

    const seen = JSON.stringify(
      Object.values(servers).map(({ heard }) => heard.map(({ raw, message }) => [raw, message])),
    );
    for (const secret of [
      ...tokens.slice(0, 200),
      site.token(),
      planted.cookie,
      planted.key,
      planted.proxy,
      planted.svc,
    ]) {
      for (const form of forms(secret))
        expect(seen.includes(form), 'a server was shown what a caller brought').toBe(false);
    }
    const brought = servers['own']!.heard.length;
    expect(brought).toBeGreaterThan(10);
    for (const name of ['accounts', 'swapped', 'team'])
      expect(JSON.stringify(servers[name]!.heard.map(({ raw }) => raw))).not.toContain('key-of-');

    // Many people behind one sign-in, each with a key of their own, at once: each request has its own.
    const one = await idp.token(`${served.url}/own`, { claims: { sub: 'ana', tid: 't1', jti: 'one' } });
    await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const { headers, body } = modern(i + 1, 'echo', { text: `p${i}.x ${i}` });
        const own = { ...headers, authorization: `Bearer ${one}`, 'x-own-key': `key-of-p${i}.x` };
        await http(served.url, { path: '/own', headers: own, body });
      }),
    );
    const without = modern(1, 'echo', { text: 'nobody 1' });
    const refused = await http(served.url, {
      ...without,
      path: '/own',
      headers: { ...without.headers, authorization: `Bearer ${one}` },
    });
    expect(refused.text).toContain('did not take');
    expect(wrong.slice(0, 3)).toEqual([]);

    // A server that is a process has none of it in its environment or arguments.
    const { headers, body } = modern(1, 'where', {});
    const token = await idp.token(`${served.url}/tidy`, { claims: { sub: 'ana', tid: 't1' } });
    const where = await http(served.url, {
      path: '/tidy',
      headers: { ...headers, authorization: `Bearer ${token}`, cookie: planted.cookie },
      body,
    });
    expect(where.text).toContain('PATH');
    for (const form of [...forms(token), ...forms(planted.cookie), ...forms(planted.svc)])
      expect(where.text.includes(form)).toBe(false);

    // Nothing of it lies in a file, a log or on the screen. The vault has its secrets sealed.
    const secrets = [
      ...tokens.slice(0, 50),
      planted.cookie,
      planted.key,
      planted.svc,
      'key-of-t1.ana',
      'team-v1-t1',
      REVIEW,
      ...shownAt('accounts'),
      ...shownAt('swapped'),
    ];
    const looked = [
      served.said(),
      ...filesOf(join(site.dir, '.doorward')).map((file) => readFileSync(file).toString('latin1')),
    ];
    for (const secret of secrets)
      for (const form of forms(secret))
        expect(
          looked.findIndex((text) => text.includes(form)),
          `${secret.slice(0, 12)} lies about`,
        ).toBe(-1);
    const heard = Object.values(servers).reduce((sum, one) => sum + one.heard.length, 0);
    figures(
      'deputy',
      'The confused deputy',
      'Printed by `npm run deputy`: all users of all tenants call at once through one gateway, each with a token of its own, servers that record every credential they are shown (by consent, by exchange, of the tenant, brought by the caller); meanwhile tokens end every two seconds, the master key of the vault and the secrets of the tenants change.',
      {
        'tenants x users': `${TENANTS.length} x ${USERS.length}`,
        seconds: SECONDS,
        calls: calls,
        'requests that the servers heard': heard,
        'credentials of another user, tenant or sign-in': wrong.length,
        'calls that failed': failed.length,
        'renewals of tokens': as.heard.filter(({ form }) => form.get('grant_type') === 'refresh_token').length,
        'refresh tokens used twice': as.reused.length,
        'new master keys of the vault': rounds,
        'secrets found in files, logs, output or environment': 0,
      },
    );
  },
  (SECONDS + 60) * 1000,
);

function shownAt(name: string): string[] {
  return [
    ...new Set(
      servers[name]!.heard.map(({ headers }) => headers.authorization?.slice(7) ?? '').filter(
        (text) => text.length > 8 && text !== REVIEW,
      ),
    ),
  ].slice(0, 50);
}

function filesOf(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .map((name) => join(dir, name))
    .filter((path) => statSync(path).isFile());
}
