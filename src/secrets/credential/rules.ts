/** The `credential` block of a server that is reached by URL: what proves to it for whom the gateway asks. */
import { resolve } from 'node:path';
import { z } from 'zod';
import { RulesFault } from '../../core/rules.ts';
import { destination, isFault } from '../../net/destination.ts';
import { parseReference, type Reference, ReferenceFault } from '../references.ts';

const text = z.string().min(1).max(2048);
const reference = z.string().min(5).max(4096);
const scopes = z
  .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/, 'not a scope (RFC 6749, section 3.3)'))
  .max(64)
  .optional()
  .describe('what is asked for, no more than the tools need');
const ALGS = ['ES256', 'ES384', 'ES512', 'EdDSA', 'PS256', 'PS384', 'PS512', 'RS256'] as const;

const client = z
  .strictObject({
    id: text.describe('our name at the issuer'),
    key: reference
      .optional()
      .describe('private key that signs for us (private_key_jwt): file:, env: or vault: of a PEM or JWK'),
    alg: z.enum(ALGS).optional().describe('how it signs; ES256 by default'),
    kid: text.optional().describe('name of the key at the issuer'),
    secret: reference.optional().describe('shared secret, where the issuer takes no key: file:, env: or vault:'),
  })
  .describe('who we are at the issuer');
const issuer = text.describe('https URL of the authorization server, exactly as it names itself');
const resource = text.optional().describe('what the token is for (RFC 8707); the URL of the server by default');
const audience = text.optional().describe('`aud` of tokens of this server, where it is not `resource`');

/** Exactly one kind; `compile` sees to it. */
export const schema = z
  .strictObject({
    secret: reference
      .optional()
      .describe(
        'one secret for all callers: file:PATH, env:NAME or vault:NAME; vault:{tenant}/NAME = that of the tenant of the caller',
      ),
    caller: z
      .strictObject({ header: text.describe('header of the request to Doorward that brings it') })
      .optional()
      .describe('a key that each caller brings for this server; kept in memory alone'),
    'client-credentials': z
      .strictObject({ issuer, client, scopes, resource, audience })
      .optional()
      .describe('tokens of our own (RFC 6749, section 4.4)'),
    exchange: z
      .strictObject({ issuer, client, scopes, resource, audience })
      .optional()
      .describe("tokens in exchange for the caller's (RFC 8693)"),
    'id-jag': z
      .strictObject({
        issuer: issuer.describe("identity provider that signed the caller's token"),
        client,
        server: z
          .strictObject({ issuer, client })
          .describe('authorization server of the MCP server, and who we are there'),
        scopes,
        resource,
        audience,
      })
      .optional()
      .describe(
        'tokens by an identity assertion grant: exchange at the identity provider, then a grant at the server’s issuer',
      ),
    consent: z
      .strictObject({
        issuer: issuer.optional().describe('authorization server; found through the metadata of the server by default'),
        client: client.optional().describe('who we are there, if we are known'),
        metadata: text
          .optional()
          .describe('https URL of our client metadata document, where the issuer takes one as our name'),
        register: z.boolean().optional().describe('register by itself where nothing else is left (RFC 7591)'),
        scopes,
        resource,
        audience,
      })
      .optional()
      .describe("the user's own consent: each connects an account once"),
    review: reference
      .optional()
      .describe('what `doorward review` and `secret test` use, where callers bring their own: file:, env: or vault:'),
    header: text.optional().describe('header for `secret` and `caller`; Authorization by default'),
    scheme: text.optional().describe('word before the secret; Bearer in Authorization, none in other headers'),
    private: z
      .array(z.string())
      .max(16)
      .optional()
      .describe('networks that are not public and may be reached for the issuer'),
    ca: text.optional().describe('file of the authority that vouches for the issuer, instead of those of the system'),
  })
  .describe('what proves to the server for whom we ask; nothing by default');

export type CredentialConfig = z.infer<typeof schema>;

export interface ClientRules {
  readonly id: string;
  readonly key?: Reference;
  readonly alg: (typeof ALGS)[number];
  readonly kid?: string;
  readonly secret?: Reference;
}
interface Common {
  readonly scopes: readonly string[];
  readonly resource: string;
  readonly audience: string;
}
type Direct<K> = { readonly kind: K; readonly issuer: string; readonly client: ClientRules } & Common;
export type Way =
  | { readonly kind: 'secret'; readonly secret: Reference | { readonly kind: 'tenant'; readonly name: string } }
  | { readonly kind: 'caller'; readonly from: string }
  | Direct<'client-credentials'>
  | Direct<'exchange'>
  | ({
      readonly kind: 'id-jag';
      readonly issuer: string;
      readonly client: ClientRules;
      readonly server: { readonly issuer: string; readonly client: ClientRules };
    } & Common)
  | ({
      readonly kind: 'consent';
      readonly issuer?: string;
      readonly client?: ClientRules;
      readonly metadata?: string;
      readonly register: boolean;
    } & Common);
export type ConsentWay = Extract<Way, { kind: 'consent' }>;

export interface Reach {
  readonly private: readonly string[];
  readonly ca?: string;
}

/** Checked, with references parsed and files absolute; nothing is looked up yet. */
export interface CredentialRules {
  readonly way: Way;
  /** For the operator, where the way is one of callers alone. */
  readonly review?: Reference;
  /** URL of the server itself. */
  readonly server: string;
  readonly header: string;
  readonly scheme: string;
  /** How the issuer may be reached, and how the server may. */
  readonly web: Reach;
  readonly near: Reach;
}

const KINDS = ['secret', 'caller', 'client-credentials', 'exchange', 'id-jag', 'consent'] as const;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;
/** Headers that say other things than who asks. */
const TAKEN =
  /^(host|connection|content-.*|transfer-.*|te|trailer|upgrade|keep-alive|expect|accept.*|mcp-.*|last-event-id|proxy-.*|forwarded|x-forwarded-.*|cookie)$/;

type Path = readonly (string | number)[];

/** Throws RulesFault; `path` leads to the block, `url` is that of the server, which is reached as `near` says. */
export function compile(
  config: CredentialConfig,
  path: Path,
  url: string,
  base: string,
  near: Reach = { private: [] },
): CredentialRules {
  const kinds = KINDS.filter((kind) => config[kind] !== undefined);
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1)
    throw new RulesFault(
      path,
      kind ? 'more than one credential' : 'no credential',
      `write one of: ${KINDS.join(', ')}`,
    );
  const header = (config.header ?? 'authorization').toLowerCase();
  const own = kind === 'secret' || kind === 'caller';
  if (!TOKEN.test(header) || TAKEN.test(header))
    throw new RulesFault([...path, 'header'], 'not a header for a credential', 'write Authorization, or X-Api-Key');
  if (!own && (config.header !== undefined || config.scheme !== undefined))
    throw new RulesFault([...path, 'header'], 'tokens go into Authorization', 'leave `header` and `scheme` out');
  const scheme = config.scheme ?? (header === 'authorization' ? 'Bearer' : '');
  if (scheme !== '' && !TOKEN.test(scheme))
    throw new RulesFault([...path, 'scheme'], 'not a word', 'write Bearer, or leave it out');
  const web = {
    private: config.private ?? [],
    ...(config.ca !== undefined && { ca: resolve(base, config.ca) }),
  };
  const place = { path: [...path, kind], url, base, web };
  const { review } = config;
  const listing = review === undefined ? {} : { review: referenceOf(review, [...path, 'review'], base) };
  return { way: wayOf(config, kind, place), ...listing, server: url, header, scheme, web, near };
}

interface Place {
  readonly path: Path;
  readonly url: string;
  readonly base: string;
  readonly web: CredentialRules['web'];
}

function wayOf(config: CredentialConfig, kind: (typeof KINDS)[number], place: Place): Way {
  switch (kind) {
    case 'secret':
      return { kind, secret: secretOf(config.secret!, place.path, place.base) };
    case 'caller': {
      const from = config.caller!.header.toLowerCase();
      if (!TOKEN.test(from) || TAKEN.test(from) || from === 'authorization' || from === 'dpop')
        throw new RulesFault(
          [...place.path, 'header'],
          'not a header of its own',
          'write a name such as X-Tickets-Key',
        );
      return { kind, from };
    }
    case 'client-credentials':
    case 'exchange': {
      const { issuer: at, client: who, ...rest } = config[kind]!;
      const direct = { issuer: issuerOf(at, place), client: clientOf(who, place), ...common(rest, place) };
      return kind === 'exchange' ? { kind, ...direct } : { kind, ...direct };
    }
    case 'id-jag': {
      const { issuer: at, client: who, server, ...rest } = config[kind]!;
      const there = { ...place, path: [...place.path, 'server'] };
      return {
        kind,
        issuer: issuerOf(at, place),
        client: clientOf(who, place),
        server: { issuer: issuerOf(server.issuer, there), client: clientOf(server.client, there) },
        ...common(rest, place),
      };
    }
    case 'consent': {
      const { issuer: at, client: who, metadata, register = false, ...rest } = config.consent!;
      if (who !== undefined && at === undefined)
        throw new RulesFault(
          [...place.path, 'client'],
          'a client without its issuer',
          'name the `issuer` that knows it',
        );
      if (metadata !== undefined) documentOf(metadata, place);
      return {
        kind,
        register,
        ...(at !== undefined && { issuer: issuerOf(at, place) }),
        ...(who && { client: clientOf(who, place, true) }),
        ...(metadata !== undefined && { metadata }),
        ...common(rest, place),
      };
    }
  }
}

type Rest = { scopes?: string[] | undefined; resource?: string | undefined; audience?: string | undefined };

function common({ scopes: asked = [], resource: named, audience: aud }: Rest, { url, path }: Place): Common {
  const to = named ?? url;
  if (URL.parse(to) === null || to.includes('#'))
    throw new RulesFault(
      [...path, 'resource'],
      'not an absolute URI without fragment',
      'leave it out, or write the URL',
    );
  return { scopes: asked, resource: to, audience: aud ?? to };
}

function issuerOf(at: string, { path, web }: Place): string {
  const made = destination({ url: at, private: web.private });
  if (isFault(made)) throw new RulesFault([...path, 'issuer'], made.fault, made.fix);
  if (made.url.search !== '')
    throw new RulesFault([...path, 'issuer'], 'an issuer with a query', 'write it as its metadata says it');
  return at;
}

function documentOf(metadata: string, { path }: Place): void {
  const url = URL.parse(metadata);
  if (url?.protocol !== 'https:' || url.pathname === '/' || url.hash !== '' || url.href !== metadata)
    throw new RulesFault([...path, 'metadata'], 'not an https URL with a path', 'write https://host/client.json');
}

function clientOf(config: z.infer<typeof client>, { path, base }: Place, open = false): ClientRules {
  const { id, key, alg = 'ES256', kid, secret } = config;
  if (key !== undefined && secret !== undefined)
    throw new RulesFault([...path, 'client'], 'both `key` and `secret`', 'keep `key`');
  if (key === undefined && secret === undefined && !open)
    throw new RulesFault(
      [...path, 'client'],
      'neither `key` nor `secret`',
      'a client proves who it is: give it a `key`',
    );
  const at = (member: 'key' | 'secret', value: string | undefined) =>
    value === undefined ? {} : { [member]: referenceOf(value, [...path, 'client', member], base) };
  return { id, alg, ...(kid !== undefined && { kid }), ...at('key', key), ...at('secret', secret) };
}

function secretOf(value: string, path: Path, base: string): Extract<Way, { kind: 'secret' }>['secret'] {
  const own = /^vault:\{tenant\}\/(.*)$/s.exec(value)?.[1];
  if (own === undefined) return referenceOf(value, path, base);
  referenceOf(`vault:${own}`, path, base);
  return { kind: 'tenant', name: own };
}

function referenceOf(value: string, path: Path, base: string): Reference {
  try {
    return parseReference(value, base);
  } catch (error) {
    if (error instanceof ReferenceFault) throw new RulesFault(path, error.message, error.fix);
    throw error;
  }
}
