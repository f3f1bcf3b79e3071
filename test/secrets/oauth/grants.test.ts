/** An issuer that answers whatever it likes: what becomes a token, and what is said of the rest. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemResolve } from '../../../src/net/connect.ts';
import type { OAuthFault } from '../../../src/secrets/oauth/fault.ts';
import { type At, clientCredentials, refresh, revoke } from '../../../src/secrets/oauth/grants.ts';
import { audienceOf, type Token, unfit } from '../../../src/secrets/oauth/token.ts';
import { web } from '../../../src/secrets/oauth/web.ts';

let server: Server;
let at: At;
let answer: { status?: number; body: unknown; headers?: Record<string, string> } = { body: {} };
const TO = { resource: 'https://mcp.example.com/mcp', scopes: ['read'] };
const SECRET = 'planted-secret-7731';

beforeAll(async () => {
  server = createServer((req, res) => {
    req.resume();
    req.on('end', () => {
      const { status = 200, body, headers = {} } = answer;
      res.writeHead(status, { 'content-type': 'application/json', ...headers });
      res.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  at = {
    as: { issuer: url, token_endpoint: `${url}/token`, revocation_endpoint: `${url}/revoke` },
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
