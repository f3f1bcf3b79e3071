/** The official client signs in at a real authorization server, through the gateway, and calls a tool: with and without DPoP. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Client,
  DpopSession,
  type OAuthClientProvider,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPEN_LIMITS, type Served, Site } from './site.ts';

const CALLBACK = 'http://127.0.0.1/callback';
let issuer: ChildProcess;
let place: string;
let site: Site;
let served: Served;

beforeAll(async () => {
  const file = join(import.meta.dirname, '../fixtures/issuer.ts');
  issuer = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'ignore'] });
  place = await new Promise((resolve, reject) => {
    issuer.stdout!.once('data', (text) => resolve(String(text).trim()));
    issuer.once('exit', (code) => reject(new Error(`the issuer ended with ${code}`)));
  });
  site = new Site({ servers: { library: ['library.ts'] }, more: OPEN_LIMITS });
  site.run('review', '--yes', '--no-grants');
  const identity = {
    oauth: {
      issuers: [{ issuer: place, tenant: 'acme', private: ['127.0.0.0/8'] }],
      scopes: { 'library.add': ['books:read', 'books:add'] },
      baseline: ['books:read'],
    },
  };
  const policy = [
    { to: { tenant: 'acme', subject: 'alice' }, allow: ['library.add'] },
    { to: { tenant: 'acme', subject: 'alice' }, allow: ['library.seen'], require: { bound: true } },
  ];
  const text = readFileSync(site.config, 'utf8').replace('policy: []', `policy: ${JSON.stringify(policy)}`);
  writeFileSync(site.config, `${text}identity: ${JSON.stringify(identity)}\n`);
  served = await site.serve();
}, 60_000);
afterAll(async () => {
  await served?.stop();
  site?.close();
  issuer?.kill();
});

/** A client's memory, and the browser of a person who agrees to everything. */
class Person implements OAuthClientProvider {
  readonly redirectUrl = CALLBACK;
  readonly clientMetadata = {
    client_name: 'test',
    redirect_uris: [CALLBACK],
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    application_type: 'native' as const,
  };
  readonly scopes: (string | null)[] = [];
  callback: URLSearchParams | undefined;
  declare dpop: () => DpopSession;
  #client: unknown;
  #tokens: unknown;
  #verifier = '';

  /** `client`: registered beforehand; without it the client registers itself. */
  constructor(client?: string, session?: DpopSession) {
    this.#client = client && { client_id: client };
    if (session) this.dpop = () => session;
  }
  clientInformation(): never {
    return this.#client as never;
  }
  saveClientInformation(information: unknown): void {
    this.#client = information;
  }
  tokens(): never {
    return this.#tokens as never;
  }
  saveTokens(tokens: unknown): void {
    this.#tokens = tokens;
  }
  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }
  codeVerifier(): string {
    return this.#verifier;
  }
  get type(): string | undefined {
    return (this.#tokens as { token_type?: string } | undefined)?.token_type;
  }
  get token(): string {
    return (this.#tokens as { access_token: string }).access_token;
  }

  async redirectToAuthorization(to: URL): Promise<void> {
    this.scopes.push(to.searchParams.get('scope'));
    const jar = new Map<string, string>();
    let url = to.href;
    for (let hop = 0; !url.startsWith(CALLBACK); hop++) {
      if (hop > 10) throw new Error(`lost at ${url}`);
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
      const answer = await fetch(url, { redirect: 'manual', headers: { cookie } });
      for (const line of answer.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
        jar.set(name!, value!);
      }
      const next = answer.headers.get('location');
      if (!next) throw new Error(`${answer.status} ${await answer.text()}`);
      url = new URL(next, url).href;
    }
    this.callback = new URL(url).searchParams;
  }
}

/** Connects as an MCP client does: refused, sent to sign in, back with a code. */
async function signIn(person: Person): Promise<Client> {
  const url = new URL(`${served.url}/library`);
  const first = new StreamableHTTPClientTransport(url, { authProvider: person });
  const client = new Client({ name: 'test', version: '1' });
  await expect(client.connect(first)).rejects.toBeInstanceOf(UnauthorizedError);
  await first.finishAuth(person.callback!);
  const again = new Client({ name: 'test', version: '1' });
  await again.connect(new StreamableHTTPClientTransport(url, { authProvider: person }));
  return again;
}
const said = (result: unknown) => (result as { content: { text: string }[] }).content[0]!.text;

describe('the official client', () => {
  it('finds its way from a 401 to a tool, and steps up when the tool needs more', async () => {
    const person = new Person('known');
    const client = await signIn(person);
    expect(person.type).toMatch(/^bearer$/i);
    // The client asks for a refresh token by itself.
    expect(person.scopes).toEqual(['books:read offline_access']);
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['add', 'seen']);
    const stepped = client.callTool({ name: 'add', arguments: { name: 'Emma' } });
    await expect(stepped).rejects.toBeInstanceOf(UnauthorizedError);
    expect(person.scopes[1]!.split(' ')).toEqual(expect.arrayContaining(['books:add', 'books:read']));
    await (client.transport as StreamableHTTPClientTransport).finishAuth(person.callback!);
    expect(said(await client.callTool({ name: 'add', arguments: { name: 'Emma' } }))).toBe('added');
    await client.close();
  });

  it('proves its key with each request', async () => {
    const person = new Person(undefined, await DpopSession.create());
    const client = await signIn(person);
    expect(person.type).toBe('DPoP');
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['add', 'seen']);
    for (let i = 0; i < 5; i++) expect(said(await client.callTool({ name: 'seen', arguments: {} }))).toContain('{');
    await client.close();
    // Stolen, the token is of no use.
    const { status } = await fetch(`${served.url}/library`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${person.token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: '{}',
    });
    expect(status).toBe(401);
  });
});
