/** The `identity.oauth` block: what is refused at the start, and where it says so; and what clients are told. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { judgePosture } from '../../../src/config/posture/index.ts';
import { RulesFault } from '../../../src/core/rules.ts';
import { Address } from '../../../src/identity/oauth/address.ts';
import { compile, schema } from '../../../src/identity/oauth/rules.ts';

const ISSUER = { issuer: 'https://idp.example', tenant: 'acme' };
const OTHER = { issuer: 'https://other.example', tenant: 'beta' };
const asked = { endpoint: 'https://idp.example/introspect', client: 'c', secret: 'env:X' };

describe('the worked example', () => {
  it('is one that a gateway takes', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/oauth.md'), 'utf8');
    const { config } = loadConfig(/```yaml\n(.*?)```/s.exec(page)![1]!, 'oauth.md');
    expect(compile(config.identity.oauth!, '/etc')).toHaveLength(1);
    const machine = { root: false, container: false };
    const findings = judgePosture({ config, machine, pinned: new Map(), now: 0 });
    expect(findings.filter(({ severity }) => severity === 'critical')).toEqual([]);
  });
});

describe('the block', () => {
  it('is short when all is usual', () => {
    const [rules] = compile(schema.parse({ issuers: [ISSUER] }), '/etc');
    expect(rules).toMatchObject({
      issuer: 'https://idp.example',
      tenant: 'acme',
      algorithms: ['ES256', 'EdDSA', 'RS256', 'PS256'],
      types: ['at+jwt', 'application/at+jwt'],
      keys: 'discovery',
      refresh: 600_000,
      stale: 3_600_000,
      skew: 10_000,
      claims: { subject: ['sub'], scopes: ['scope'] },
    });
  });

  it.each<[string, object[], string]>([
    ['an issuer twice', [ISSUER, { ...ISSUER, tenant: 'beta' }], 'issuers.1.issuer'],
    ['two issuers for a tenant', [ISSUER, { ...OTHER, tenant: 'acme' }], 'issuers.1.tenant'],
    [
      'an issuer that may name any tenant beside another',
      [ISSUER, { ...OTHER, tenant: { claim: 'tid' } }],
      'issuers.1.tenant',
    ],
    [
      'an issuer that may name the tenant of another',
      [ISSUER, { ...OTHER, tenant: { claim: 'tid', of: ['acme'] } }],
      'issuers.1.tenant',
    ],
    [
      'two that are asked',
      [
        { ...ISSUER, introspection: asked },
        { ...OTHER, introspection: asked },
      ],
      'issuers.1.introspection',
    ],
    ['an issuer in the clear', [{ ...ISSUER, issuer: 'http://idp.example' }], 'issuers.0.issuer'],
    ['an issuer on loopback that is not named', [{ ...ISSUER, issuer: 'http://127.0.0.1:1' }], 'issuers.0.issuer'],
    ['an issuer with a query', [{ ...ISSUER, issuer: 'https://idp.example/?a' }], 'issuers.0.issuer'],
    ['keys in the clear', [{ ...ISSUER, keys: { url: 'http://idp.example/jwks' } }], 'issuers.0.keys.url'],
    ['keys at a metadata service', [{ ...ISSUER, keys: { url: 'https://169.254.169.254/' } }], 'issuers.0.keys.url'],
    [
      'a question in the clear',
      [{ ...ISSUER, introspection: { ...asked, endpoint: 'http://x.example/' } }],
      'issuers.0.introspection.endpoint',
    ],
    ['neither keys nor questions', [{ ...ISSUER, keys: 'none' }], 'issuers.0.keys'],
    ['keys that die before newer ones come', [{ ...ISSUER, refresh: '30m', stale: '10m' }], 'issuers.0.stale'],
    ['a public network named as private', [{ ...ISSUER, private: ['8.8.8.0/24'] }], 'issuers.0.private.0'],
  ])('is refused with %s', (_name, issuers, path) => {
    let fault: unknown;
    try {
      compile(schema.parse({ issuers }), '/etc');
    } catch (error) {
      fault = error;
    }
    expect(fault).toBeInstanceOf(RulesFault);
    expect((fault as RulesFault).path.join('.')).toBe(path);
    expect((fault as RulesFault).fix).not.toBe('');
  });

  it.each<[string, object]>([
    ['the algorithm none', { issuers: [{ ...ISSUER, algorithms: ['none'] }] }],
    ['a shared secret', { issuers: [{ ...ISSUER, algorithms: ['HS256'] }] }],
    ['no algorithm', { issuers: [{ ...ISSUER, algorithms: [] }] }],
    ['no issuer', { issuers: [] }],
    ['the tenant of the OS user', { issuers: [{ ...ISSUER, tenant: 'local' }] }],
    ['all tenants', { issuers: [{ ...ISSUER, tenant: '*' }] }],
    ['a tenant that hides', { issuers: [{ ...ISSUER, tenant: 'ac\u200bme' }] }],
    ['no tenant', { issuers: [{ issuer: 'https://idp.example' }] }],
    ['an hour of skew', { issuers: [ISSUER], skew: '1h' }],
    ['proofs of ten minutes', { issuers: [ISSUER], dpop: { age: '10m' } }],
    ['answers that live for an hour', { issuers: [{ ...ISSUER, introspection: { ...asked, cache: '1h' } }] }],
    ['keys that nobody renews', { issuers: [{ ...ISSUER, refresh: '7d' }] }],
    ['the scope *', { issuers: [ISSUER], scopes: { 'files.read': ['*'] } }],
    ['offline_access among scopes', { issuers: [ISSUER], baseline: ['offline_access'] }],
    ['a scope that could end a header', { issuers: [ISSUER], baseline: ['a"b'] }],
    ['a member that nothing reads', { issuers: [{ ...ISSUER, audience: 'x' }] }],
  ])('does not know %s', (_name, block) => {
    expect(schema.safeParse(block).success).toBe(false);
  });

  it('lets issuers share a claim for the tenant when they share no tenant', () => {
    const issuers = [
      { ...ISSUER, tenant: { claim: 'tid', of: ['a', 'b'] } },
      { ...OTHER, tenant: { claim: ['org', 'id'], of: ['c'] } },
    ];
    expect(compile(schema.parse({ issuers }), '/etc').map(({ tenant }) => tenant)).toEqual([
      { claim: ['tid'], of: ['a', 'b'] },
      { claim: ['org', 'id'], of: ['c'] },
    ]);
  });
});

describe('what clients are told', () => {
  const address = (over: object = {}, more: object = {}) =>
    new Address({
      config: schema.parse({ issuers: [ISSUER, OTHER], baseline: ['read'], ...over }),
      origin: 'https://gate.example',
      certificates: false,
      ...more,
    });
  const BASE = '/.well-known/oauth-protected-resource';

  it('is where tokens come from', () => {
    expect(address().document(`${BASE}/files`)).toEqual({
      resource: 'https://gate.example/files',
      authorization_servers: ['https://idp.example', 'https://other.example'],
      bearer_methods_supported: ['header'],
      scopes_supported: ['read'],
      dpop_signing_alg_values_supported: ['ES256', 'EdDSA', 'Ed25519'],
    });
    expect(address({ require: 'bound' }).document(`${BASE}/files`)).toMatchObject({
      dpop_bound_access_tokens_required: true,
    });
    const both = address({ require: 'bound' }, { certificates: true }).document(`${BASE}/files`);
    expect(both).toMatchObject({ tls_client_certificate_bound_access_tokens: true });
    expect(both).not.toHaveProperty('dpop_bound_access_tokens_required');
  });

  it('is at the origin itself only while there is one route', () => {
    expect(address().document(BASE)).toBeUndefined();
    expect(address({}, { only: 'files' }).document(BASE)).toMatchObject({ resource: 'https://gate.example/files' });
  });

  it.each([
    '',
    '/',
    '/files',
    `${BASE}x`,
    `${BASE}/a/b`,
    `${BASE}/../x`,
    `${BASE}/A`,
    `${BASE}/%66iles`,
    `${BASE}/x"y`,
  ])('is not at %j', (path) => {
    expect(address().document(path)).toBeUndefined();
  });

  it('quotes nothing of a request that is not a name', () => {
    for (const route of ['x"y', 'a/b', '', 'A', 'x'.repeat(33), 'a\r\nb'])
      expect(address().challenge(route)[0]).toBe(
        'Bearer resource_metadata="https://gate.example/.well-known/oauth-protected-resource", scope="read"',
      );
    expect(address().challenge('files', 'insufficient_scope', ['a', 'b'])).toEqual([
      'Bearer error="insufficient_scope", resource_metadata="https://gate.example/.well-known/oauth-protected-resource/files", scope="a b"',
      'DPoP algs="ES256 EdDSA Ed25519", error="insufficient_scope", resource_metadata="https://gate.example/.well-known/oauth-protected-resource/files", scope="a b"',
    ]);
  });
});
