import { describe, expect, it } from 'vitest';
import { RulesFault } from '../../../src/core/rules.ts';
import { type CredentialConfig, compile, schema } from '../../../src/secrets/credential/rules.ts';

const URL_ = 'https://mcp.example.com/mcp';
const make = (config: object) =>
  compile(schema.parse(config) as CredentialConfig, ['upstreams', 'it', 'credential'], URL_, '/site');
const key = { issuer: 'https://id.example.com', client: { id: 'gw', key: 'vault:key' } };

describe('a credential', () => {
  it('of a secret goes into Authorization as Bearer, unless another header is named', () => {
    expect(make({ secret: 'vault:a' })).toMatchObject({ header: 'authorization', scheme: 'Bearer' });
    expect(make({ secret: 'vault:a', header: 'X-Api-Key' })).toMatchObject({ header: 'x-api-key', scheme: '' });
    expect(make({ secret: 'file:a' })).toMatchObject({ way: { secret: { kind: 'file', path: '/site/a' } } });
  });

  it('by tokens is for the URL of the server, unless another resource is named', () => {
    expect(make({ exchange: key })).toMatchObject({ way: { resource: URL_, audience: URL_ } });
    expect(make({ exchange: { ...key, resource: 'https://mcp.example.com' } })).toMatchObject({
      way: { resource: 'https://mcp.example.com', audience: 'https://mcp.example.com' },
    });
  });

  it.each<[string, object]>([
    ['no credential', {}],
    ['more than one', { secret: 'vault:a', exchange: key }],
    ['a secret by value', { secret: 'hunter2' }],
    ['a header of ours', { secret: 'vault:a', header: 'Mcp-Session-Id' }],
    ['a header of the connection', { secret: 'vault:a', header: 'Host' }],
    ['a cookie', { secret: 'vault:a', header: 'Cookie' }],
    ['a header with a line end', { secret: 'vault:a', header: 'X\r\nY' }],
    ['a scheme with a space', { secret: 'vault:a', scheme: 'Bearer x' }],
    ['a header for tokens', { exchange: key, header: 'X-Api-Key' }],
    ['an issuer without TLS', { exchange: { ...key, issuer: 'http://id.example.com' } }],
    ['an issuer on a private network', { exchange: { ...key, issuer: 'https://10.0.0.1' } }],
    ['an issuer with a query', { exchange: { ...key, issuer: 'https://id.example.com/?a' } }],
    ['a client without proof', { exchange: { ...key, client: { id: 'gw' } } }],
    ['a client with two proofs', { exchange: { ...key, client: { id: 'gw', key: 'vault:a', secret: 'vault:b' } } }],
    ['a key by value', { exchange: { ...key, client: { id: 'gw', key: 'hunter2' } } }],
    ['a client of no issuer', { consent: { client: { id: 'gw' } } }],
    ['a document without TLS', { consent: { metadata: 'http://gw.example.com/client.json' } }],
    ['a document without a path', { consent: { metadata: 'https://gw.example.com/' } }],
    ['a resource that is no URI', { consent: { resource: 'tickets' } }],
    ["the caller's own sign-in passed on", { caller: { header: 'Authorization' } }],
    ["the caller's proof passed on", { caller: { header: 'DPoP' } }],
    ["the caller's cookie passed on", { caller: { header: 'Cookie' } }],
  ])('with %s is refused, without a word of it', (_, config) => {
    try {
      make(config);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(RulesFault);
      expect(String(error) + (error as RulesFault).fix).not.toContain('hunter2');
    }
  });

  it.each(['a b', 'a"b', 'a\\b', ''])('asks for no scope such as %j', (scope) => {
    expect(schema.safeParse({ consent: { scopes: [scope] } }).success).toBe(false);
  });
});
