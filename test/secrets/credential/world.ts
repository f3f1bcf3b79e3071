/** Credentials over a vault of their own, as a gateway has them, and servers that record what they are shown. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openConnectPages } from '../../../src/console/connect.ts';
import type { Caller } from '../../../src/core/call.ts';
import { openConnect } from '../../../src/gateway/connect.ts';
import { systemResolve } from '../../../src/net/connect.ts';
import type { Offer } from '../../../src/secrets/credential/consented.ts';
import type { Credential, Proof } from '../../../src/secrets/credential/credential.ts';
import { Credentials } from '../../../src/secrets/credential/credentials.ts';
import { type CredentialConfig, type CredentialRules, compile } from '../../../src/secrets/credential/rules.ts';
import { readPrivate } from '../../../src/store/private.ts';
import { type Place, place, random } from '../vault/world.ts';

export const PRIVATE = { private: ['127.0.0.0/8'] };

export function caller(subject: string, over: Partial<Caller> = {}): Caller {
  return Object.freeze({
    tenant: 'acme',
    subject,
    agent: [],
    groups: [],
    scopes: [],
    issuer: 'keys',
    how: 'key',
    strength: { amr: [] },
    credential: `id-of-${subject}`,
    claims: {},
    ...over,
  });
}

export const rules = (config: CredentialConfig, url: string): CredentialRules =>
  compile({ ...PRIVATE, ...config }, ['upstreams', 'it', 'credential'], url, '/', PRIVATE);

export interface World {
  readonly credentials: Credentials;
  readonly place: Place;
  readonly events: Record<string, unknown>[];
  now: number;
  /** `known` callers need not prove themselves on the page. */
  close(): Promise<void>;
}

export async function world(
  known: (subject: string) => boolean = () => true,
  prove?: (credential: string, route: string) => Caller | undefined,
  bundles: object = {},
): Promise<World> {
  const here = place();
  const vault = here.open();
  const events: Record<string, unknown>[] = [];
  let offer: Offer | undefined;
  const shift = { now: 0 };
  const clock = () => Date.now() + shift.now;
  const places = {
    files: { read: readPrivate },
    env: {},
    vault: (name: string) => vault.get('secret', '*', name)?.toString(),
  };
  const credentials = new Credentials({
    vault,
    places,
    resolve: systemResolve,
    clock,
    random,
    onEvent: (data) => void events.push(data),
    offer: (wish) => offer?.(wish),
  });
  const pages = await openConnect({
    site: { config: { bundles, secrets: { connect: { port: 0 } } } } as never,
    open: openConnectPages,
    known: ({ subject }) => known(subject),
    credentials,
    clock,
    random,
    authenticate: ({ header, request }) =>
      prove?.(header('authorization')?.slice(7) ?? '', request?.route ?? '-') ?? 'identity.invalid',
  });
  offer = pages.offer;
  return {
    credentials,
    place: here,
    events,
    get now() {
      return shift.now;
    },
    set now(ms: number) {
      shift.now = ms;
    },
    async close() {
      await pages.close();
      here.close();
    },
  };
}

/** What one request would prove itself by, and what the server says to it. */
export async function proofOf(credential: Credential): Promise<Proof> {
  return credential.proof();
}

export interface Recorder {
  readonly url: string;
  /** Authorization headers, in order. */
  readonly seen: string[];
  close(): Promise<void>;
}

/** A server that says where its issuer is, and records who comes. */
export async function recorder(
  issuer: string,
  facts: (facts: Record<string, unknown>) => void = () => {},
): Promise<Recorder> {
  const seen: string[] = [];
  const server = createServer((req, res) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    if (req.url!.startsWith('/.well-known/oauth-protected-resource')) {
      const said = { resource: `${url}/mcp`, authorization_servers: [issuer], scopes_supported: ['read'] };
      facts(said);
      return void res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(said));
    }
    seen.push(req.headers.authorization ?? '');
    res.writeHead(200).end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    seen,
    close: () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
}
