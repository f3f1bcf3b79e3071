/** Metadata of strangers: what is believed, and what is refused before anything is called or shown. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemResolve } from '../../../src/net/connect.ts';
import {
  challengeFrom,
  challengeOf,
  endpoint,
  issuerFacts,
  resourceFacts,
} from '../../../src/secrets/oauth/metadata.ts';
import { web } from '../../../src/secrets/oauth/web.ts';
import { cpuMs } from '../../fixtures/cpu.ts';

const over = web({ resolve: systemResolve, private: ['127.0.0.0/8'] });
let server: Server;
let origin: string;
const answers = new Map<string, { status?: number; body?: unknown; headers?: Record<string, string> }>();
const asked: string[] = [];
beforeAll(async () => {
  server = createServer((req, res) => {
    asked.push(req.url!);
    const { status = 200, body = {}, headers = {} } = answers.get(req.url!) ?? { status: 404 };
    res.writeHead(status, { 'content-type': 'application/json', ...headers });
    res.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  answers.clear();
  asked.length = 0;
});

const good = (more: object = {}) => ({
  issuer: origin,
  authorization_endpoint: `${origin}/auth`,
  token_endpoint: `${origin}/token`,
  code_challenge_methods_supported: ['S256'],
  ...more,
});

describe('an issuer', () => {
  it.each([
    ['', ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration']],
    [
      '/tenant1',
      [
        '/.well-known/oauth-authorization-server/tenant1',
        '/.well-known/openid-configuration/tenant1',
        '/tenant1/.well-known/openid-configuration',
      ],
    ],
  ])('with the path %j is looked for where MCP says, in that order', async (path, places) => {
    await expect(issuerFacts(`${origin}${path}`, over)).rejects.toThrow('publishes no metadata');
    expect(asked).toEqual(places);
    answers.set(places.at(-1)!, { body: good({ issuer: `${origin}${path}` }) });
    expect(await issuerFacts(`${origin}${path}`, over)).toMatchObject({ issuer: `${origin}${path}` });
  });

  it.each<[string, (at: string) => object]>([
    ['another name', (at) => ({ issuer: `${at}/` })],
    ['a name in other letters', (at) => ({ issuer: at.replace('http', 'HTTP') })],
    ['a script', () => ({ authorization_endpoint: 'javascript:alert(1)' })],
    ['a file', () => ({ authorization_endpoint: 'file:///etc/passwd' })],
    ['a command (CVE-2025-6514)', () => ({ authorization_endpoint: 'http://www.example.com$(calc.exe)/' })],
    ['a command in quotes', (at) => ({ authorization_endpoint: `${at}/auth";calc;"` })],
    ['a command after a bar', (at) => ({ authorization_endpoint: `${at}/auth|calc` })],
    ['back quotes', (at) => ({ authorization_endpoint: `${at}/\`id\`` })],
    ['a line end', (at) => ({ authorization_endpoint: `${at}/auth\r\nSet-Cookie: a=b` })],
    ['a direction mark', (at) => ({ authorization_endpoint: `${at}/\u202eauth` })],
    ['plaintext elsewhere', () => ({ token_endpoint: 'http://id.example.com/token' })],
    ['a metadata service', () => ({ token_endpoint: 'http://169.254.169.254/latest/' })],
    ['a private network', () => ({ token_endpoint: 'https://10.0.0.1/token' })],
    ['a name and password', () => ({ token_endpoint: 'https://a:b@id.example.com/token' })],
    ['a fragment', () => ({ authorization_endpoint: 'https://id.example.com/auth#x' })],
    ['a number', () => ({ revocation_endpoint: 7 })],
    ['a hidden endpoint', () => ({ registration_endpoint: 'https://[::1]/register' })],
  ])('that says %s is refused whole', async (_, lie) => {
    answers.set('/.well-known/oauth-authorization-server', { body: good(lie(origin)) });
    await expect(issuerFacts(origin, over)).rejects.toThrow(/OAuthFault|issuer|endpoint|URL/);
  });

  it.each([
    ['a redirect', { status: 302, headers: { location: 'http://169.254.169.254/' } }, /HTTP 302/],
    ['a failure', { status: 500 }, /HTTP 500/],
    ['a list', { body: [] }, /no JSON object/],
    ['a page', { body: '<html>' }, /no JSON object/],
    ['megabytes', { body: 'x'.repeat(1 << 20) }, /size/],
  ])('that answers with %s is not followed', async (_, answer, why) => {
    answers.set('/.well-known/oauth-authorization-server', answer as never);
    await expect(issuerFacts(origin, over)).rejects.toThrow(why);
  });

  it('on loopback is not reached unless that is named', async () => {
    await expect(issuerFacts(origin, web({ resolve: systemResolve, private: [] }))).rejects.toThrow(/issuer/);
    expect(asked).toEqual([]);
  });
});

describe('a server', () => {
  const at = () => new URL(`${origin}/mcp`);
  const place = '/.well-known/oauth-protected-resource';

  it('says where its metadata are, and what is needed, to who brings nothing', async () => {
    const challenge = `Bearer scope="read", resource_metadata="${origin}/elsewhere"`;
    answers.set('/mcp', { status: 401, headers: { 'www-authenticate': challenge } });
    expect(await challengeFrom(at(), over)).toBe(challenge);
    answers.set('/mcp', { status: 200, headers: { 'www-authenticate': challenge } });
    expect(await challengeFrom(at(), over)).toBeUndefined();
    answers.set('/mcp', { status: 401 });
    expect(await challengeFrom(at(), over)).toBeUndefined();
    expect(asked).toEqual(['/mcp', '/mcp', '/mcp']);
    // Not there, or not to be reached: the well-known places are asked all the same.
    expect(await challengeFrom(new URL('http://127.0.0.1:1/mcp'), over)).toBeUndefined();
    expect(await challengeFrom(at(), web({ resolve: systemResolve, private: [] }))).toBeUndefined();
    expect(asked.length).toBe(3);
  });

  it('names scopes that can be asked for; the rest is left out', async () => {
    const scopes_supported = ['read', 'two words', 7, 'a"b', 'x'.repeat(300), 'write'];
    answers.set(`${place}/mcp`, { body: { resource: origin, authorization_servers: [origin], scopes_supported } });
    expect((await resourceFacts(at(), undefined, over)).scopes).toEqual(['read', 'write']);
  });

  it('is asked below its own path, then at the root', async () => {
    answers.set(place, { body: { resource: origin, authorization_servers: ['https://id.example.com'] } });
    expect(await resourceFacts(at(), undefined, over)).toMatchObject({ issuers: ['https://id.example.com'] });
    expect(asked).toEqual([`${place}/mcp`, place]);
  });

  it('may say in its challenge where', async () => {
    answers.set('/meta', { body: { resource: `${origin}/mcp`, authorization_servers: ['https://id.example.com'] } });
    const challenge = `Bearer realm="x", resource_metadata="${origin}/meta", scope="read write"`;
    expect(await resourceFacts(at(), challenge, over)).toMatchObject({ resource: `${origin}/mcp` });
    expect(challengeOf(challenge).scopes).toEqual(['read', 'write']);
  });

  it.each([
    ['https://evil.example.com/mcp'],
    ['http://127.0.0.1:1/mcp'],
    ['/mcp/more'],
    ['/mc'],
    ['/mcp?x=1'],
    ['/mcp#x'],
    [7],
    [undefined],
  ])('that speaks for %j is not believed', async (resource) => {
    const said = typeof resource === 'string' && resource.startsWith('/') ? origin + resource : resource;
    answers.set(`${place}/mcp`, { body: { resource: said, authorization_servers: ['https://id.example.com'] } });
    await expect(resourceFacts(at(), undefined, over)).rejects.toThrow('another resource');
  });

  it('cannot have another origin speak for it', async () => {
    const challenge = 'Bearer resource_metadata="https://evil.example.com/meta"';
    await expect(resourceFacts(at(), challenge, over)).rejects.toThrow('another origin');
  });
});

describe('whatever is said', () => {
  it('never becomes a URL that a shell, a page or a terminal could act on', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.webUrl({ withQueryParameters: true, withFragments: true }),
          fc.string(),
          fc.string({ unit: 'grapheme' }).map((s) => `https://id.example.com/${s}`),
        ),
        (text) => {
          let url: URL;
          try {
            url = endpoint(text, 'it', over);
          } catch {
            return;
          }
          expect(url.href).toMatch(/^https:\/\/[A-Za-z0-9.[\]:-]+\/[A-Za-z0-9._~/%:@,+=?&-]*$/);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('is read as a challenge in linear time, whatever it is', () => {
    fc.assert(fc.property(fc.string({ maxLength: 6000 }), (text) => void challengeOf(text)));
    const long = [`Bearer ${'scope="'.repeat(100_000)}`, `Bearer ${' ,'.repeat(100_000)}scope="a`];
    expect(cpuMs(() => void long.map(challengeOf), 100)).toBeLessThan(100);
  });
});
