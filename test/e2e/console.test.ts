/** Clients that can show a link are sent to the console; a person decides there, and the same call passes once. */
import { spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { printLock, withUpstream } from '../../src/inventory/lock.ts';
import { parseLock } from '../../src/inventory/parse.ts';
import { http, modern } from '../doors/client.ts';
import { browse, codeFor, decides, owner } from './person.ts';
import { MAIN, OPEN_LIMITS, type Served, Site } from './site.ts';

const INSPECTOR = join(
  import.meta.dirname,
  '../../node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js',
);
const ROUNDS = join(import.meta.dirname, '../fixtures/servers/rounds.ts');
const KEY = 'a key of at least twenty-four bytes';
const LINK = /^http:\/\/127\.0\.0\.1:\d+\/approvals\/[0-9A-Z]{4,6}$/;

let site: Site;
let served: Served;
/** What the webhook was told. */
const noticed: { headers: IncomingHttpHeaders; body: string }[] = [];
const hook = createServer((req, res) => {
  let body = '';
  req.on('data', (chunk: Buffer) => (body += chunk.toString()));
  req.on('end', () => {
    noticed.push({ headers: req.headers, body });
    res.writeHead(204).end();
  });
});
beforeAll(async () => {
  await new Promise<void>((done) => hook.listen(0, '127.0.0.1', done));
  const notice = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/hook`;
  site = new Site({
    servers: { tidy: ['tidy.ts'] },
    upstreams: { rounds: { run: ['node', './rounds/rounds.ts', 'modern'], asks: { elicitation: ['form'] } } },
    fill(dir) {
      writeFileSync(join(dir, 'notice.key'), KEY, { mode: 0o600 });
      mkdirSync(join(dir, 'rounds'));
      cpSync(ROUNDS, join(dir, 'rounds/rounds.ts'));
    },
    more: `${OPEN_LIMITS}console: { port: 0 }
approval:
  places: { tidy.count: { via: client } }
  notice: { url: "${notice}", key: "file:notice.key", private: [127.0.0.0/8] }
`,
  });
  expect(site.run('review', '--yes', '--no-grants').status).toBe(0);
  const text = readFileSync(site.config, 'utf8');
  writeFileSync(
    site.config,
    text.replace('policy: []', 'policy: [{ to: local, ask: [tidy.echo, tidy.count, rounds.both] }]'),
  );
  // Counting is reviewed as a write; what nobody annotated counts as destructive, and takes no answer of a client.
  const lockFile = join(site.dir, 'doorward.lock');
  const { upstreams } = parseLock(readFileSync(lockFile, 'utf8'));
  const tidy = upstreams.get('tidy')!;
  const things = tidy.things.map((pin) =>
    pin.name === 'count' ? { ...pin, facts: { ...pin.facts, writes: true, destructive: false } } : pin,
  );
  expect(site.run('check')).toMatchObject({ status: 2, stderr: expect.stringContaining('reviewed as destructive') });
  writeFileSync(lockFile, printLock(withUpstream({ upstreams }, 'tidy', { ...tidy, things })));
  served = await site.serve();
});
afterAll(async () => {
  await served?.stop();
  hook.close();
  site?.close();
});

const url = (route = 'tidy') => new URL(`${served.url}/${route}`);
const headers = () => ({ Authorization: `Bearer ${site.token()}` });
const echo = (text: string) => ({ name: 'echo', arguments: { text } });
interface Told {
  readonly mode: string;
  readonly url: string;
  readonly message: string;
  readonly elicitationId?: string;
}

describe('SDK v2, 2026-07-28', () => {
  /** What the person does when the client shows them the link. */
  async function connect(shown: (told: Told) => Promise<object>) {
    const client = new ModernClient(
      { name: 't', version: '1' },
      { versionNegotiation: { mode: { pin: '2026-07-28' } }, capabilities: { elicitation: { url: {} } } },
    );
    client.setRequestHandler('elicitation/create', async ({ params }) => (await shown(params as Told)) as never);
    await client.connect(new ModernTransport(url(), { requestInit: { headers: headers() } }));
    return client;
  }

  it('shows the link, and the call goes on when it is granted', async () => {
    const links: string[] = [];
    const client = await connect(async (told) => {
      expect(told).toEqual({ mode: 'url', url: expect.stringMatching(LINK), message: expect.any(String) });
      links.push(told.url);
      const { text } = await decides(site, told.url, 'grant', 'alice');
      expect(text).toContain('&quot;by link é&quot;');
      return { action: 'accept' };
    });
    const said = await client.callTool(echo('by link é'));
    expect(said).toMatchObject({ content: [{ text: 'by link é' }] });
    expect(said.isError).toBeFalsy();
    expect(links).toHaveLength(1);
    await client.close();
  });

  it('is told no when it is denied', async () => {
    const client = await connect(async (told) => {
      await decides(site, told.url, 'deny');
      return { action: 'accept' };
    });
    expect(await client.callTool(echo('denied'))).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining('A person denied this call') }],
    });
    await client.close();
  });

  it('is not asked in a loop while nobody decides', async () => {
    let shown = 0;
    const client = await connect(async () => {
      shown++;
      return { action: 'accept' };
    });
    expect(await client.callTool(echo('nobody'))).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining('This call waits for the approval of a person') }],
    });
    expect(shown).toBe(1);
    await client.close();
  });
});

describe('SDK v1, 2025-11-25', () => {
  it('gets error -32042 with the link, and may call again when it is granted', async () => {
    const client = new LegacyClient({ name: 't', version: '1' }, { capabilities: { elicitation: { url: {} } } });
    await client.connect(new LegacyTransport(url(), { requestInit: { headers: headers() } }) as never);
    const refused = await client.callTool(echo('legacy')).then(
      () => undefined,
      (error: { code: number; data: { elicitations: Told[] } }) => error,
    );
    expect(refused!.code).toBe(-32042);
    const [told] = refused!.data.elicitations;
    expect(told).toMatchObject({ mode: 'url', url: expect.stringMatching(LINK), elicitationId: expect.any(String) });
    await decides(site, told!.url, 'grant', 'bob');
    expect(await client.callTool(echo('legacy'))).toMatchObject({ content: [{ text: 'legacy' }] });
    await client.close();
  });

  it('gets it over stdio too, through the bridge to the running gateway', async () => {
    const client = new LegacyClient({ name: 't', version: '1' }, { capabilities: { elicitation: { url: {} } } });
    const args = [MAIN, '--config', site.config, 'run', '--stdio', 'tidy'];
    await client.connect(new StdioClientTransport({ command: process.execPath, args }));
    const told = await client.callTool(echo('by pipe')).catch((error: { data: { elicitations: Told[] } }) => error);
    await decides(site, (told as { data: { elicitations: Told[] } }).data.elicitations[0]!.url, 'grant');
    expect(await client.callTool(echo('by pipe'))).toMatchObject({ content: [{ text: 'by pipe' }] });
    await client.close();
  });

  it('without the capability is told the id', async () => {
    const client = new LegacyClient({ name: 't', version: '1' });
    await client.connect(new LegacyTransport(url(), { requestInit: { headers: headers() } }) as never);
    expect(await client.callTool(echo('plain'))).toMatchObject({
      isError: true,
      content: [{ text: expect.stringMatching(/waits for the approval of a person: [0-9A-Z]{4,6}\./) }],
    });
    await client.close();
  });
});

describe("a client's own answer, where its place says so", () => {
  const FORM = { capabilities: { elicitation: { form: {} } } };
  const CLIENTS = {
    'v2, 2026-07-28': async (answer: () => object) => {
      const client = new ModernClient(
        { name: 't', version: '1' },
        { versionNegotiation: { mode: { pin: '2026-07-28' } }, ...FORM },
      );
      client.setRequestHandler('elicitation/create', async () => answer() as never);
      await client.connect(new ModernTransport(url(), { requestInit: { headers: headers() } }));
      return client;
    },
    'v1, 2025-11-25, on the stream of the call': async (answer: () => object) => {
      const client = new LegacyClient({ name: 't', version: '1' }, FORM);
      client.setRequestHandler(ElicitRequestSchema, async () => answer() as never);
      await client.connect(new LegacyTransport(url(), { requestInit: { headers: headers() } }) as never);
      return client;
    },
  };
  it.each(Object.entries(CLIENTS))('counts: %s', async (_, connect) => {
    const answers = [{ action: 'accept', content: { approve: true } }, { action: 'decline' }];
    const client = await connect(() => answers.shift() ?? { action: 'cancel' });
    const count = () => client.callTool({ name: 'count', arguments: {} }) as Promise<{ isError?: boolean }>;
    expect((await count()).isError).toBeFalsy();
    const denied = await count();
    expect(JSON.stringify(denied)).toContain('A person denied this call');
    await client.close();
    // The denial is of this very call: the next client must not meet it.
    const { approvals } = (await owner(site, { do: 'list' })) as { approvals: { state: string; via: string }[] };
    expect(approvals).toContainEqual(expect.objectContaining({ state: 'denied', via: 'client-asserted' }));
    writeFileSync(site.config, `${readFileSync(site.config, 'utf8')}# ${Math.random()}\n`);
    const reloads = served.said().split('event.reload ').length;
    await expect.poll(() => served.said().split('event.reload ').length, { timeout: 5000 }).toBeGreaterThan(reloads);
  });
});

describe('a server that asks back twice', () => {
  const NAMES: Record<string, string> = { name: 'Ann', city: 'Bern' };
  interface Form {
    readonly requestedSchema: { readonly properties: object };
  }
  const filled = ({ requestedSchema }: Form) => {
    const [field] = Object.keys(requestedSchema.properties);
    return { action: 'accept', content: { [field!]: NAMES[field!] } };
  };
  const capabilities = { elicitation: { url: {}, form: {} } };
  const both = { name: 'both', arguments: {} };

  it('needs one approval for the whole call: 2026-07-28', async () => {
    const asked: string[] = [];
    const client = new ModernClient(
      { name: 't', version: '1' },
      { versionNegotiation: { mode: { pin: '2026-07-28' } }, capabilities },
    );
    client.setRequestHandler('elicitation/create', async ({ params }) => {
      asked.push(params.mode ?? 'form');
      if (params.mode !== 'url') return filled(params as unknown as Form) as never;
      await decides(site, params.url, 'grant', 'carol');
      return { action: 'accept' };
    });
    await client.connect(new ModernTransport(url('rounds'), { requestInit: { headers: headers() } }));
    const said = JSON.stringify(await client.callTool(both));
    expect(said).toContain('Ann');
    expect(said).toContain('Bern');
    expect(asked).toEqual(['url', 'form', 'form']);
    await client.close();
    const log = site.run('audit', 'tail', '--json', '-n', '100').stdout;
    const ids = [...log.matchAll(/"kind":"pass","approval":"([0-9A-Z]+)","via":"console"/g)].map(([, id]) => id);
    const last = ids.slice(-3);
    expect(last).toEqual([last[0], last[0], last[0]]);
    expect(last[0]).toBeDefined();
  });

  it('needs one approval for the whole call: 2025-11-25, on its stream', async () => {
    let forms = 0;
    const client = new LegacyClient({ name: 't', version: '1' }, { capabilities });
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
      forms++;
      return filled(params as unknown as Form) as never;
    });
    await client.connect(new LegacyTransport(url('rounds'), { requestInit: { headers: headers() } }) as never);
    const error = await client.callTool(both).then(
      () => undefined,
      (refused: { data: { elicitations: Told[] } }) => refused,
    );
    await decides(site, error!.data.elicitations[0]!.url, 'grant', 'carol');
    expect(JSON.stringify(await client.callTool(both))).toContain('Bern');
    expect(forms).toBe(2);
    // The next call is another one.
    await expect(client.callTool(both)).rejects.toMatchObject({ code: -32042 });
    await client.close();
  });
});

describe.each(['legacy', 'modern'])('the Inspector, %s', (era) => {
  it('is told, and passes once it is granted', { timeout: 60_000 }, async () => {
    const home = join(site.dir, 'home');
    mkdirSync(home, { recursive: true });
    const text = `inspected ${era}`;
    const call = () =>
      spawnSync(
        process.execPath,
        `${INSPECTOR} --cli ${served.url}/tidy --transport http --protocol-era ${era} --method tools/call --tool-name echo`
          .split(' ')
          .concat('--header', `Authorization: Bearer ${site.token()}`, '--tool-arg', `text=${text}`),
        { encoding: 'utf8', timeout: 60_000, env: { PATH: process.env['PATH']!, HOME: home, NO_COLOR: '1' } },
      );
    const { stdout, stderr } = call();
    const id = /(?:person: |approvals\/)([0-9A-Z]{4,6})/.exec(stdout + stderr)?.[1];
    expect(id, stdout + stderr).toBeDefined();
    await owner(site, { do: 'grant', id: id! });
    expect(call().stdout).toContain(text);
  });
});

describe('a state that comes back', () => {
  const URLS = { elicitation: { url: {} } };
  async function ask(args: object, more: object = {}) {
    const { headers: own, body } = modern(1, 'echo', args);
    const { params } = body as { params: { _meta: object } };
    const sent = {
      ...body,
      params: {
        ...params,
        ...more,
        _meta: { ...params._meta, 'io.modelcontextprotocol/clientCapabilities': URLS },
      },
    };
    const { json } = await http(served.url, { path: '/tidy', headers: { ...own, ...headers() }, body: sent });
    return json['result'] as { resultType: string; requestState?: string; content?: { text: string }[] };
  }
  const answered = (requestState: string | undefined) => ({
    requestState,
    inputResponses: { approval: { action: 'accept', content: { approve: true } } },
  });
  const idOf = (said: object) => /(?:person: )([0-9A-Z]{4,6})/.exec(JSON.stringify(said))![1]!;
  const grant = (id: string) => owner(site, { do: 'grant', id });

  it('grants nothing by itself, whatever the client says with it', async () => {
    const { requestState } = await ask({ text: 'claims' });
    const again = await ask({ text: 'claims' }, answered(requestState));
    expect(again).toMatchObject({ resultType: 'complete', isError: true });
    expect(JSON.stringify(again)).toContain('waits for the approval');
  });

  it('is good for the same arguments alone', async () => {
    const first = await ask({ text: 'this' });
    await grant(idOf(first));
    const other = await ask({ text: 'that' }, answered(first.requestState));
    expect(other.resultType).toBe('input_required');
    expect(idOf(other)).not.toBe(idOf(first));
    expect(await ask({ text: 'this' }, answered(first.requestState))).toMatchObject({ content: [{ text: 'this' }] });
    // Spent: the same state asks anew.
    expect((await ask({ text: 'this' }, answered(first.requestState))).resultType).toBe('input_required');
  });

  it('spends no other approval than the one that it names', async () => {
    const first = await ask({ text: 'named' });
    await grant(idOf(first));
    expect(await ask({ text: 'named' })).toMatchObject({ content: [{ text: 'named' }] });
    const second = await ask({ text: 'named' });
    expect(idOf(second)).not.toBe(idOf(first));
    await grant(idOf(second));
    expect(idOf(await ask({ text: 'named' }, answered(first.requestState)))).toBe(idOf(second));
    expect(await ask({ text: 'named' }, answered(second.requestState))).toMatchObject({ content: [{ text: 'named' }] });
  });
});

it('has told a webhook, signed, what waits, and not with which arguments', () => {
  const told = noticed.find(({ body }) => body.includes('"name":"echo"'))!;
  const { headers: by, body } = told;
  const signed = createHmac('sha256', KEY).update(`${by['webhook-id']}.${by['webhook-timestamp']}.${body}`);
  expect(by['webhook-signature']).toBe(`v1,${signed.digest('base64')}`);
  const { data } = JSON.parse(body) as { data: { link: string; caller: object } };
  expect(data.link).toMatch(LINK);
  expect(data.caller).toEqual({ tenant: 'local', subject: 'local', agent: [] });
  expect(noticed.map((one) => one.body).join()).not.toMatch(/by link|legacy|nobody|denied/);
});

it('has told the log who signed in and who granted', () => {
  const log = site.run('audit', 'tail', '--json', '-n', '500').stdout;
  expect(log).toMatch(/"code":"event\.console","data":\{"what":"code","for":"alice"/);
  expect(log).toMatch(/"code":"event\.console","data":\{"what":"sign-in","by":"alice"/);
  expect(log).toMatch(
    /"decision":"granted","approval":"[^"]+","by":"alice","approver":"alice","groups":\[\],"via":"console"/,
  );
  expect(log).toMatch(/"id":"approval","way":"in","kind":"pass","approval":"[^"]+","via":"console"/);
});

it('is void after a restart: sessions, codes, links and what waits', async () => {
  const consoleOf = () => /console {2}(http:\/\/\S+)/.exec(served.said())![1]!;
  const field = (text: string, name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1] ?? '';
  const { headers: own, body } = modern(1, 'echo', { text: 'before' });
  const ask = async () =>
    (await http(served.url, { path: '/tidy', headers: { ...own, ...headers() }, body })).text.match(
      /person: (\w+)/,
    )![1]!;
  const id = await ask();
  const signed = await browse(`${consoleOf()}/sign-in`, { code: await codeFor(site, { as: 'bob' }), id });
  const late = await codeFor(site, { as: 'eve' });
  const form = { session: field(signed.text, 'session'), id, key: field(signed.text, 'key'), do: 'grant' };
  expect(form.key).toHaveLength(64);
  await served.stop();
  served = await site.serve();
  expect((await browse(`${consoleOf()}/decide`, form)).status).toBe(403);
  expect((await browse(`${consoleOf()}/sign-in`, { code: late, id })).status).toBe(403);
  const again = await browse(`${consoleOf()}/sign-in`, { code: await codeFor(site, { as: 'bob' }), id });
  expect(again.text).toContain('No such approval waits any more');
  const decided = await browse(`${consoleOf()}/decide`, { ...form, session: field(again.text, 'session') });
  expect(decided.text).toContain('No such approval waits any more');
  expect(await ask()).not.toBe(id);
});
