/** An issuer that answers whatever it likes: what becomes a token, and what is said of the rest. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemResolve } from '../../../src/net/connect.ts';
import { clientOf } from '../../../src/secrets/oauth/client.ts';
import type { OAuthFault } from '../../../src/secrets/oauth/fault.ts';
import { type At, clientCredentials, refresh, register, revoke } from '../../../src/secrets/oauth/grants.ts';
import { audienceOf, type Token, unfit } from '../../../src/secrets/oauth/token.ts';
import { web } from '../../../src/secrets/oauth/web.ts';

let server: Server;
let at: At;
let answer: { status?: number; body: unknown; headers?: Record<string, string> } = { body: {} };
/** The last request. */
let heard: { body: string; authorization: string | undefined } = { body: '', authorization: undefined };
const TO = { resource: 'https://mcp.example.com/mcp', scopes: ['read'] };
const SECRET = 'planted-secret-7731';

beforeAll(async () => {
  server = createServer((req, res) => {
    let body = '';
    req.on('data', (chunk: Buffer) => (body += chunk.toString()));
    req.on('end', () => {
      heard = { body, authorization: req.headers.authorization };
      const { status = 200, body: said, headers = {} } = answer;
      res.writeHead(status, { 'content-type': 'application/json', ...headers });
      res.end(typeof said === 'string' ? said : JSON.stringify(said));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  at = {
    as: {
      issuer: url,
      token_endpoint: `${url}/token`,
      revocation_endpoint: `${url}/revoke`,
      registration_endpoint: `${url}/register`,
    },
    client: { is: { client_id: 'gw' }, auth: oauth.ClientSecretPost(SECRET) },
    web: web({ resolve: systemResolve, private: ['127.0.0.0/8'] }),
    clock: () => 1_000,
  };
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

describe('a token', () => {
  it('is what the issuer gave, with what was asked', async () => {
    answer = { body: { access_token: 'abc', token_type: 'bearer', expires_in: 60 } };
    expect(await clientCredentials(at, TO)).toEqual({
      access: 'abc',
      expires: 61_000,
      obtained: 1_000,
      issuer: at.as.issuer,
      client: 'gw',
      resource: TO.resource,
      asked: ['read'],
      scopes: ['read'],
    });
  });

  it.each<[string, typeof answer, string]>([
    ['an error', { status: 400, body: { error: 'invalid_grant', error_description: SECRET } }, 'invalid_grant'],
    ['an error that quotes', { status: 400, body: { error: `no ${SECRET}\u001b[31m` } }, 'an error'],
    ['another kind of token', { body: { access_token: 'abc', token_type: 'mac' } }, 'UNSUPPORTED'],
    ['a token that is bound to a key', { body: { access_token: 'abc', token_type: 'DPoP' } }, 'not supported'],
    ['a token with a line end', { body: { access_token: 'a\r\nX-Evil: 1', token_type: 'bearer' } }, 'no header'],
    ['a token with a space', { body: { access_token: 'a b', token_type: 'bearer' } }, 'no header'],
    ['no token', { body: { token_type: 'bearer' } }, 'INVALID_RESPONSE'],
    ['a number', { body: { access_token: 7, token_type: 'bearer' } }, 'INVALID_RESPONSE'],
    ['a negative life', { body: { access_token: 'abc', token_type: 'bearer', expires_in: -1 } }, 'INVALID_RESPONSE'],
    ['a page', { body: `<b>${SECRET}</b>`, headers: { 'content-type': 'text/html' } }, 'OAUTH'],
    ['a redirect', { status: 307, body: {}, headers: { location: 'http://169.254.169.254/' } }, 'OAUTH'],
    ['megabytes', { body: { access_token: 'a'.repeat(1 << 20), token_type: 'bearer' } }, 'size'],
  ])('is not made of %s, and nothing of it is quoted', async (_, said, why) => {
    answer = said;
    const error = (await clientCredentials(at, TO).catch((fault: unknown) => fault)) as OAuthFault;
    expect(error.name).toBe('OAuthFault');
    expect(error.message).toContain(why);
    expect(`${error.stack}${JSON.stringify(error)}${String(error.cause)}`).not.toContain(SECRET);
    expect(error.message).toMatch(/^[\x20-\x7e]+$/);
  });

  it('keeps its refresh token unless there is a new one', async () => {
    const old = {
      access: 'a',
      refresh: 'r1',
      obtained: 0,
      issuer: at.as.issuer,
      client: 'gw',
      resource: TO.resource,
      asked: ['read'],
      scopes: ['read'],
    };
    answer = { body: { access_token: 'b', token_type: 'bearer' } };
    expect(await refresh(at, old)).toMatchObject({ access: 'b', refresh: 'r1' });
    answer = { body: { access_token: 'c', token_type: 'bearer', refresh_token: 'r2' } };
    expect(await refresh(at, old)).toMatchObject({ access: 'c', refresh: 'r2' });
  });

  it('is given back where that is offered', async () => {
    const token = { access: 'a', obtained: 0, issuer: '', client: 'gw', resource: '', asked: [], scopes: [] };
    answer = { body: '' };
    expect(await revoke(at, token)).toBe(true);
    const { revocation_endpoint: _none, ...as } = at.as;
    expect(await revoke({ ...at, as }, token)).toBe(false);
  });
});

describe('a registration', () => {
  const BACK = 'http://127.0.0.1:1/callback';
  const by = (methods?: string[]) => ({
    ...at.as,
    ...(methods && { token_endpoint_auth_methods_supported: methods }),
  });
  const given = (more: object) => ({ status: 201, body: { client_id: 'id', ...more } });

  it.each([
    [undefined, 'none'],
    [['private_key_jwt'], 'none'],
    [['client_secret_basic', 'none'], 'none'],
    [['client_secret_post', 'client_secret_basic'], 'client_secret_basic'],
    [['client_secret_post'], 'client_secret_post'],
  ])('at an issuer of %j asks for %s', async (methods, wanted) => {
    answer = given({ client_secret: 's-1', client_secret_expires_at: 0 });
    const post = wanted === 'client_secret_post';
    const made = await register(by(methods), BACK, at.web);
    expect(made).toEqual(wanted === 'none' ? { id: 'id' } : { id: 'id', secret: 's-1', post });
    expect(JSON.parse(heard.body)).toMatchObject({
      token_endpoint_auth_method: wanted,
      application_type: 'native',
      redirect_uris: [BACK],
    });
  });

  it.each<[string, object, object]>([
    ['another method', { token_endpoint_auth_method: 'client_secret_post', client_secret: 's' }, { post: true }],
    ['no secret after all', { token_endpoint_auth_method: 'none' }, { id: 'id' }],
    ['an end', { client_secret: 's', client_secret_expires_at: 5 }, { until: 5_000 }],
  ])('takes %s as the issuer has it', async (_, more, made) => {
    answer = given(more);
    expect(await register(by(['client_secret_basic']), BACK, at.web)).toMatchObject(made);
  });

  it.each<[string, typeof answer, string]>([
    ['no id', { status: 201, body: { client_secret: SECRET } }, 'an id'],
    ['an id with a line end', given({ client_id: 'a\r\nb' }), 'an id'],
    ['no secret', given({}), 'a secret'],
    ['a secret that no form takes', given({ client_secret: `${SECRET}\u0000` }), 'a secret'],
    ['a key', given({ token_endpoint_auth_method: 'private_key_jwt' }), 'a way to prove'],
    ['nothing', { status: 201, body: 'null' }, 'an id'],
    ['a page', { status: 200, body: `<b>${SECRET}</b>` }, 'failed'],
    ['no', { status: 400, body: { error: 'invalid_redirect_uri', error_description: SECRET } }, 'invalid_redirect_uri'],
    ['a failure', { status: 500, body: SECRET }, 'OAUTH'],
    ['a redirect', { status: 307, body: {}, headers: { location: 'http://169.254.169.254/' } }, 'OAUTH'],
  ])('is none with %s, and nothing of it is quoted', async (_, said, why) => {
    answer = said;
    const made = register(by(['client_secret_basic']), BACK, at.web);
    const error = (await made.catch((fault: unknown) => fault)) as OAuthFault;
    expect([error.name, error.message]).toEqual(['OAuthFault', expect.stringContaining(why)]);
    expect(`${error.stack}${JSON.stringify(error)}`).not.toContain(SECRET);
  });

  it('proves itself by a form in a header, as forms are encoded', async () => {
    answer = { body: { access_token: 'abc', token_type: 'bearer' } };
    const registered = { id: 'an-id_1.2', secret: 'a:b c-é', post: false };
    const client = await clientOf({ id: registered.id, alg: 'ES256' }, at.as, {} as never, registered);
    await clientCredentials({ ...at, client }, TO);
    const [, pair] = heard.authorization!.split(' ');
    expect(Buffer.from(pair!, 'base64').toString()).toBe('an-id_1.2:a%3Ab+c-%C3%A9');
  });
});

describe('before each use', () => {
  const jwt = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;
  const token = (more: Partial<Token>): Token => ({
    access: 'opaque',
    obtained: 0,
    issuer: 'https://id',
    client: 'gw',
    resource: 'https://x',
    asked: ['a'],
    scopes: ['a'],
    ...more,
  });
  const wanted = { resource: 'https://x', audience: 'https://x', scopes: ['a'], issuer: 'https://id' };

  it.each<[string, Partial<Token>, boolean]>([
    ['opaque', {}, true],
    ['for this audience', { access: jwt({ aud: 'https://x' }) }, true],
    ['for this audience and others', { access: jwt({ aud: ['https://y', 'https://x'] }) }, true],
    ['without an audience', { access: jwt({ sub: 'x' }) }, true],
    ['for another audience', { access: jwt({ aud: 'https://y' }) }, false],
    ['for a longer audience', { access: jwt({ aud: 'https://x.evil.example' }) }, false],
    ['for nobody', { access: jwt({ aud: [] }) }, false],
    ['for another resource', { resource: 'https://y' }, false],
    ['of another issuer', { issuer: 'https://id/' }, false],
    ['with less than is wanted', { asked: [], scopes: [] }, false],
    ['given less than was asked', { scopes: [] }, true],
  ])('a token %s is judged', (_, more, good) => {
    expect(unfit(token(more), wanted) === undefined).toBe(good);
  });

  it('three parts that are no JWT have no audience', () => {
    for (const text of ['a.b.c', '..', 'e30.e30', 'e30.bnVsbA.x', `e30.${'A'.repeat(9)}.x`, 'a.b.c.d'])
      expect(audienceOf(text)).toBeUndefined();
  });
});
