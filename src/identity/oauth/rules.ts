/** The `identity.oauth` block: whose access tokens are taken, what they must hold, and how claims become facts. */
import { resolve } from 'node:path';
import { z } from 'zod';
import { RulesFault } from '../../core/rules.ts';
import { parseDuration } from '../../lib/time.ts';
import { type DestinationConfig, destination, isFault } from '../../net/destination.ts';
import { tenant } from '../keyfile.ts';

/** Signatures with public keys alone: a shared secret makes issuers of all who verify, and `none` proves nothing. */
const ALGORITHMS = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
] as const;

const SECOND = 1000;
const MINUTE = 60 * SECOND;

function duration(least: number, most: number, form: string) {
  return z.string().transform((text, context) => {
    const ms = parseDuration(text);
    if (ms !== undefined && ms >= least && ms <= most) return ms;
    context.addIssue({ code: 'custom', message: `not a duration in its bounds; write ${form}` });
    return z.NEVER;
  });
}

const url = z.string().min(1).max(2048);

const member = z.string().min(1).max(256);
/** A claim by name, or the way to one inside others: [realm_access, roles]. */
const claim = z.union([member.transform((one) => [one]), z.array(member).min(1).max(4)]);
const scope = z
  .string()
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/, 'a scope has no spaces, quotes or backslashes')
  .refine((text) => text !== '*' && text !== 'offline_access', 'not a scope of a resource');

const issuer = z.strictObject({
  issuer: url.describe('the `iss` of its tokens, to the letter: https://idp.example/realm'),
  tenant: z
    .union([tenant, z.strictObject({ claim, of: z.array(tenant).min(1).max(1000).optional() })])
    .describe('whose callers these are: a name, or { claim: tid, of: [acme, ...] }'),
  algorithms: z
    .array(z.enum(ALGORITHMS))
    .min(1)
    .default(['ES256', 'EdDSA', 'RS256', 'PS256'])
    .describe('how tokens may be signed'),
  type: z
    .enum(['at+jwt', 'JWT'])
    .default('at+jwt')
    .describe('`typ` of its tokens; JWT takes tokens without a type of their own too, a risk to be named'),
  keys: z
    .union([
      z.literal('discovery'),
      z.strictObject({ url }),
      z.strictObject({ file: z.string().min(1).max(4096) }),
      z.literal('none'),
    ])
    .default('discovery')
    .describe('where its keys are: discovery, { url: ... }, { file: keys.json }, or none (introspection alone)'),
  refresh: duration(10 * SECOND, 60 * MINUTE, '10m')
    .prefault('10m')
    .describe('age after which its keys are fetched again: a key that is withdrawn is dead after this long'),
  stale: duration(MINUTE, 24 * 60 * MINUTE, '1h')
    .prefault('1h')
    .describe('age after which keys are not used any more, when no newer ones can be had'),
  introspection: z
    .strictObject({
      endpoint: url.describe('asked about tokens that are no JWT (RFC 7662)'),
      client: z.string().min(1).max(256).describe('who we are there'),
      secret: z.string().min(1).max(4096).describe('our secret there, as file:PATH, env:NAME or vault:NAME'),
      cache: duration(0, MINUTE, '0s to 60s')
        .prefault('0s')
        .describe('how long an answer may be relied on: a revoked token lives on for so long'),
    })
    .optional(),
  jti: z.boolean().default(false).describe('whether a token needs an id'),
  claims: z
    .strictObject({
      subject: claim.prefault('sub'),
      agent: claim.optional().describe('client_id, or azp where there is none'),
      groups: claim.optional().describe('an array of names; no groups without it'),
      scopes: claim.prefault('scope').describe('a text with spaces between, or an array'),
    })
    .prefault({})
    .describe('which claims are which facts: a name, or a way such as [realm_access, roles]'),
  private: z
    .array(z.string())
    .max(16)
    .optional()
    .describe('networks that are not public and may be reached for this issuer: [10.20.0.0/16]'),
  tls: z
    .strictObject({
      ca: z.string().min(1).max(4096).optional().describe('file of the authority that vouches for its servers'),
      pin: z.array(z.string()).min(1).max(8).optional().describe('keys of its server: ["sha256/..."]'),
    })
    .optional(),
});

export const schema = z.strictObject({
  issuers: z.array(issuer).min(1).max(64),
  require: z
    .enum(['bound', 'any'])
    .default('any')
    .describe('bound: only tokens that are bound to a key (DPoP) or a client certificate'),
  scopes: z
    .record(z.string().min(3).max(2048), z.array(scope).min(1).max(32))
    .default({})
    .describe('scopes that a tool needs, by the names of policy lines; a token without them is told which, with 403'),
  baseline: z
    .array(scope)
    .max(32)
    .default([])
    .describe('scopes that clients are told to begin with: few, for they ask for all of them'),
  skew: duration(0, MINUTE, '0s to 60s')
    .prefault('10s')
    .describe('how far the clock of an issuer may be ahead; no token lives longer for it'),
  dpop: z
    .strictObject({
      age: duration(SECOND, 5 * MINUTE, '1s to 5m')
        .prefault('60s')
        .describe('how old a proof may be, or how far ahead'),
      nonce: z.boolean().default(false).describe('whether a proof needs a nonce of ours, good for five minutes'),
    })
    .prefault({}),
});

export type OAuthConfig = z.infer<typeof schema>;
export type ClaimPath = readonly string[];

/** One issuer, checked. Times in milliseconds, paths absolute. */
export interface IssuerRules {
  readonly issuer: string;
  readonly tenant: string | { readonly claim: ClaimPath; readonly of?: readonly string[] | undefined };
  readonly algorithms: readonly string[];
  readonly type: 'at+jwt' | 'JWT';
  /** Values of `typ` that are taken, in lower case; '' = none. */
  readonly types: readonly string[];
  readonly keys: { readonly url: string } | { readonly file: string } | 'discovery' | 'none';
  readonly refresh: number;
  readonly stale: number;
  readonly introspection?: NonNullable<OAuthConfig['issuers'][number]['introspection']> | undefined;
  readonly jti: boolean;
  readonly skew: number;
  readonly claims: OAuthConfig['issuers'][number]['claims'];
  /** Beside the URL. */
  readonly reach: Omit<DestinationConfig, 'url'>;
}

const TYPED = ['at+jwt', 'application/at+jwt'];
const UNTYPED = [...TYPED, 'jwt', 'application/jwt', ''];

/** Throws RulesFault with a path into `identity.oauth`. `base` is the folder of the configuration. */
export function compile({ issuers, skew }: OAuthConfig, base: string): readonly IssuerRules[] {
  const made = issuers.map((one, i) => compileIssuer(one, ['issuers', i], base, skew));
  made.forEach((one, i) => {
    if (made.findIndex(({ issuer: other }) => other === one.issuer) !== i)
      throw new RulesFault(['issuers', i, 'issuer'], 'an issuer occurs twice', 'keep one');
    if (made.slice(0, i).some((other) => overlap(other.tenant, one.tenant)))
      throw new RulesFault(
        ['issuers', i, 'tenant'],
        'two issuers could speak for one tenant: a subject of one would be taken for that of the other',
        'give each a tenant of its own, or list those that it may name: { claim: tid, of: [acme] }',
      );
  });
  const asked = made.findLastIndex(({ introspection }) => introspection !== undefined);
  if (made.findIndex(({ introspection }) => introspection !== undefined) !== asked)
    throw new RulesFault(
      ['issuers', asked, 'introspection'],
      'a token that is no JWT names no issuer',
      'keep introspection for one issuer',
    );
  return made;
}

function compileIssuer(
  config: OAuthConfig['issuers'][number],
  path: (string | number)[],
  base: string,
  skew: number,
): IssuerRules {
  const { keys, introspection, tls, private: named } = config;
  const reach = {
    ...(named && { private: named }),
    ...(tls && { tls: { ...tls, ca: tls.ca === undefined ? undefined : resolve(base, tls.ca) } }),
  };
  const check = (at: readonly string[], address: string) => {
    const made = destination({ url: address, ...reachOf({ reach }, address) });
    if (isFault(made)) throw new RulesFault([...path, ...(made.at[0] === 'url' ? at : made.at)], made.fault, made.fix);
  };
  check(['issuer'], config.issuer);
  if (config.issuer.includes('?'))
    throw new RulesFault([...path, 'issuer'], 'an issuer has no query', 'RFC 8414 section 2');
  if (typeof keys === 'object' && 'url' in keys) check(['keys', 'url'], keys.url);
  if (introspection) check(['introspection', 'endpoint'], introspection.endpoint);
  if (keys === 'none' && !introspection)
    throw new RulesFault([...path, 'keys'], 'neither keys nor introspection', 'say how its tokens are checked');
  if (config.stale < config.refresh)
    throw new RulesFault([...path, 'stale'], 'shorter than `refresh`', 'keys must live until newer ones are fetched');
  return {
    ...config,
    keys: typeof keys === 'object' && 'file' in keys ? { file: resolve(base, keys.file) } : keys,
    types: config.type === 'JWT' ? UNTYPED : TYPED,
    skew,
    reach,
  };
}

/** Over plain HTTP, which is for loopback alone, there is no TLS to configure. */
export function reachOf({ reach }: Pick<IssuerRules, 'reach'>, url: string): IssuerRules['reach'] {
  if (!url.startsWith('http:')) return reach;
  const { tls: _tls, ...rest } = reach;
  return rest;
}

function overlap(one: IssuerRules['tenant'], other: IssuerRules['tenant']): boolean {
  const list = (tenant: IssuerRules['tenant']) => (typeof tenant === 'string' ? [tenant] : tenant.of);
  const [a, b] = [list(one), list(other)];
  return a === undefined || b === undefined || a.some((tenant) => b.includes(tenant));
}
