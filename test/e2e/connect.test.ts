/** A user connects an account through a running gateway: by a client that can show links, and by the terminal. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { http, INITIALIZE, META, modern } from '../doors/client.ts';
import { Browser } from '../secrets/credential/browser.ts';
import { type Issuer, issuer } from '../secrets/credential/issuer.ts';
import { type Answering, type Site as Server, site as serve } from '../upstreams/http/world.ts';
import { OPEN_LIMITS, type Served, Site } from './site.ts';

const ECHO = {
  name: 'echo',
  description: 'Says it again',
  inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
};
let as: Issuer;
let server: Server;
let site: Site;
let served: Served;
/** What the server refuses. */
const refused = new Set<string>();
const shown: string[] = [];

function answer({ req, res, message }: Answering): boolean {
  const { authorization } = req.headers;
  if (message?.method === 'tools/call') shown.push(authorization ?? '');
  if (authorization?.startsWith('Bearer ey') && !refused.has(authorization)) return false;
  res.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end();
  return true;
}

/** A verb of the program, beside this process, which serves what it talks to. */
async function run(args: string[], heard: (text: string) => void = () => {}): Promise<{ code: number; said: string }> {
  const child = site.spawn(...args);
  let said = '';
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      heard(said);
    });
  const code = await new Promise<number>((done) => child.once('exit', (status) => done(status ?? -1)));
  return { code, said };
}

/** `doorward connect`, and the browser of this person. */
async function connect(person: string, ...more: string[]): Promise<{ code: number; said: string }> {
  let gone = false;
  return run(['connect', 'tickets', ...more], (said) => {
    const link = /^http:\S+$/m.exec(said)?.[0];
    if (!link || gone) return;
    gone = true;
    void new Browser(person).connect(link);
  });
}

beforeAll(async () => {
  as = await issuer();
  server = await serve({ answer, tools: () => [ECHO] });
  const credential = {
    consent: { issuer: as.url, client: { id: 'gw' }, scopes: ['offline_access', 'read'] },
    private: ['127.0.0.0/8'],
  };
  site = new Site({
    upstreams: { tickets: { url: server.url, private: ['127.0.0.0/8'], credential } },
    more: OPEN_LIMITS,
  });
}, 60_000);
afterAll(async () => {
  await served?.stop();
  site?.close();
  await Promise.all([as?.close(), server?.close()]);
});

const call = (text: string, capabilities: object, more: object = {}) => {
  const { headers, body } = modern(1, 'echo', { text }) as { headers: Record<string, string>; body: any };
  const _meta = { ...META, 'io.modelcontextprotocol/clientCapabilities': capabilities };
  const params = { ...body.params, _meta, ...more };
  return http(served.url, {
    path: '/tickets',
    headers: { ...headers, authorization: `Bearer ${site.token()}` },
    body: { ...body, params },
  });
};

describe('an account', () => {
  it('is connected at the terminal, so that the server can be reviewed', async () => {
    const before = await run(['review', '--yes']);
    expect(before).toMatchObject({ code: 2, said: expect.stringContaining('doorward connect tickets') });
    expect(await connect('ana')).toMatchObject({ code: 0, said: expect.stringContaining('tickets is connected') });
    expect(await run(['secret', 'test', 'tickets'])).toMatchObject({
      code: 0,
      said: expect.stringContaining('1 tool listed'),
    });
    expect((await run(['review', '--yes'])).code).toBe(0);
    writeFileSync(site.config, readFileSync(site.config, 'utf8').replace(/^( +)ask:/m, '$1allow:'));
    served = await site.serve();
    expect((await call('hello', {})).text).toContain('hello');
  }, 60_000);

  it('is given back, which a running gateway sees', async () => {
    expect(await run(['secret', 'revoke', 'tickets'])).toMatchObject({
      code: 0,
      said: expect.stringContaining('1 token: revoked'),
    });
    await new Promise((done) => setTimeout(done, 700));
    const answer = await call('hello', {});
    expect(answer.text).toContain('doorward connect tickets');
    expect(answer.json['result']).toMatchObject({ isError: true });
    expect((await run(['secret', 'revoke', 'tickets'])).code).toBe(1);
  });

  it('is connected by a client that shows the link, and the same call goes on', async () => {
    const first = await call('hello', { elicitation: { url: {} } });
    const { resultType, inputRequests, requestState } = first.json['result'] as any;
    expect(resultType).toBe('input_required');
    const { mode, url } = inputRequests.connect.params;
    expect([mode, new URL(url).hostname]).toEqual(['url', '127.0.0.1']);
    const back = { inputResponses: { connect: { action: 'accept' } }, requestState };
    // Without having been there: told in words, not sent in a circle.
    const early = await call('hello', { elicitation: { url: {} } }, back);
    expect(early.text).toContain('doorward connect tickets');
    expect((await new Browser('ana').connect(url)).text).toContain('Connected');
    expect((await call('hello', { elicitation: { url: {} } }, back)).text).toContain('hello');
    // What our client answered to us went no further.
    expect(JSON.stringify(server.heard.map(({ message }) => message))).not.toContain('inputResponses');
  });

  it('is asked for by error -32042 where that is the way', async () => {
    await run(['secret', 'revoke', 'tickets']);
    await new Promise((done) => setTimeout(done, 700));
    const authorization = `Bearer ${site.token()}`;
    const hello = {
      ...INITIALIZE,
      params: { ...(INITIALIZE as any).params, capabilities: { elicitation: { url: {} } } },
    };
    const opened = await http(served.url, { path: '/tickets', headers: { authorization }, body: hello });
    const session = {
      'mcp-session-id': String(opened.headers['mcp-session-id']),
      'mcp-protocol-version': '2025-11-25',
      authorization,
    };
    const body = {
      jsonrpc: '2.0',
      id: 2,
      method: 'tools/call',
      params: { name: 'echo', arguments: { text: 'hello' } },
    };
    const { text } = await http(served.url, { path: '/tickets', headers: session, body });
    expect(text).toContain('-32042');
    const url = /http:\/\/127\.0\.0\.1:\d+\/connect\/[A-Za-z0-9_-]{43}/.exec(text)![0];
    expect((await new Browser('ana').connect(url)).text).toContain('Connected');
    expect((await call('again', {})).text).toContain('again');
  });

  it('that the server refuses is renewed once, and the call made once more, no oftener', async () => {
    shown.length = 0;
    await call('warm', {});
    refused.add(shown.at(-1)!);
    shown.length = 0;
    expect((await call('once more', {})).text).toContain('once more');
    expect(shown.length).toBe(2);
    expect(new Set(shown).size).toBe(2);
    // Whatever is shown is refused now.
    shown.length = 0;
    const never = refused.has.bind(refused);
    refused.has = () => true;
    const end = await call('never', {});
    refused.has = never;
    expect(end.text).toContain('did not take');
    expect(shown.length).toBe(2);
    expect((await call('well again', {})).text).toContain('well again');
  });

  it('of a server that leaves the configuration is given back', async () => {
    const before = as.asked.length;
    const text = readFileSync(site.config, 'utf8');
    writeFileSync(
      site.config,
      text.replace(
        /"credential":\{"consent".*?\}\}?,"private":\["127\.0\.0\.0\/8"\]\}/,
        '"credential":{"secret":"env:NOTHING"}',
      ),
    );
    expect(readFileSync(site.config, 'utf8')).not.toBe(text);
    await expect
      .poll(async () => (await run(['secret', 'list'])).said.includes('token'), { timeout: 15_000, interval: 500 })
      .toBe(false);
    expect(before).toBeLessThanOrEqual(as.asked.length);
    expect(served.said()).not.toMatch(/Bearer ey|eyJ/);
  }, 30_000);
});
