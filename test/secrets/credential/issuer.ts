/**
 * An authorization server on loopback: oidc-provider, with people who sign in by the name in the cookie `person` and agree
 * to everything, and records of what was asked. Also client ID metadata documents, registration, revocation and rotation.
 */
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';

// It brings no types.
const { default: Provider } = (await import('oidc-provider' as string)) as { default: any };

export interface Issuer {
  readonly url: string;
  /** PEM of the key of the client `svc`. */
  readonly key: string;
  /** Forms that came to the token endpoint. */
  readonly asked: URLSearchParams[];
  /** Times that the token endpoint was asked for this grant. */
  count(grant: string): number;
  /** From now on the token endpoint answers so late, in milliseconds. */
  slow: number;
  /** From now on whoever registered is forgotten when the token endpoint is asked. */
  forgetful: boolean;
  /** Forgets who registered as this. */
  forget(client: string): Promise<void>;
  close(): Promise<void>;
}

export interface IssuerOptions {
  /** Lives of access tokens, in seconds. */
  readonly ttl?: number;
  readonly metadata?: (facts: Record<string, unknown>) => void;
}

export async function issuer({ ttl = 300, metadata }: IssuerOptions = {}): Promise<Issuer> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const [rs, es] = await Promise.all(['RS256', 'ES256'].map((alg) => generateKeyPair(alg, { extractable: true })));
  const keys = await Promise.all([
    exportJWK(rs!.privateKey).then((jwk) => ({ ...jwk, alg: 'RS256', kid: 'rs' })),
    exportJWK(es!.privateKey).then((jwk) => ({ ...jwk, alg: 'ES256', kid: 'es' })),
  ]);
  const server: Server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const asked: URLSearchParams[] = [];
  const state = { slow: 0, forgetful: false };
  const provider = new Provider(url, {
    jwks: { keys } as never,
    cookies: { keys: ['test'] },
    scopes: ['openid', 'offline_access', 'read', 'write', 'admin'],
    pkce: { required: () => true },
    // The document of https://gw.example.com, wherever the gateway's pages are.
    fetch: async (at: string) =>
      Response.json({
        client_id: String(at),
        client_name: 'Doorward',
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        redirect_uris: ['http://127.0.0.1/callback'],
      }),
    rotateRefreshToken: true,
    issueRefreshToken: async (_ctx: unknown, client: { grantTypeAllowed(type: string): boolean }) =>
      client.grantTypeAllowed('refresh_token'),
    findAccount: (_ctx: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: { url: (_ctx: unknown, interaction: { uid: string }) => `/interaction/${interaction.uid}` },
    ttl: {
      AccessToken: ttl,
      ClientCredentials: ttl,
      RefreshToken: 3600,
      Grant: 3600,
      Session: 3600,
      Interaction: 600,
      IdToken: 600,
    },
    clients: [
      {
        client_id: 'svc',
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: 'ES256',
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
        jwks: { keys: [{ ...(publicKey.export({ format: 'jwk' }) as object), kid: 'k1', alg: 'ES256', use: 'sig' }] },
      },
      {
        client_id: 'gw',
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: ['http://127.0.0.1/callback'],
      },
    ] as never,
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      registration: { enabled: true },
      clientIdMetadataDocument: { enabled: true, ack: 'draft-02' },
      introspection: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined as never,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx: unknown, resource: string) => ({
          scope: 'read write admin offline_access',
          audience: resource,
          accessTokenTTL: ttl,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    } as never,
  } as never);
  const forget = async (client: string): Promise<void> => provider.Client.adapter.destroy(client);
  const handle = provider.callback();
  server.on('request', async (req, res) => {
    if (req.url!.startsWith('/interaction/')) {
      const person = /(?:^|; )person=([^;]+)/.exec(req.headers.cookie ?? '')?.[1] ?? 'nobody';
      const { prompt, params, session, grantId } = await provider.interactionDetails(req, res);
      if (prompt.name === 'login') return provider.interactionFinished(req, res, { login: { accountId: person } });
      const grant = grantId
        ? (await provider.Grant.find(grantId))!
        : new provider.Grant({ accountId: session!.accountId, clientId: params['client_id'] as string });
      grant.addOIDCScope(String(params['scope'] ?? ''));
      grant.addResourceScope(String(params['resource']), String(params['scope'] ?? ''));
      return provider.interactionFinished(
        req,
        res,
        { consent: { grantId: await grant.save() } },
        { mergeWithLastSubmission: true },
      );
    }
    if (metadata && req.url!.startsWith('/.well-known/')) {
      const chunks: Buffer[] = [];
      const end = res.end.bind(res);
      res.end = ((chunk?: unknown) => {
        if (chunk) chunks.push(Buffer.from(chunk as string));
        const facts = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
        metadata(facts);
        res.removeHeader('content-length');
        return end(JSON.stringify(facts));
      }) as never;
    }
    if (req.url === '/token') {
      const chunks: Buffer[] = [];
      for await (const chunk of req) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks).toString();
      asked.push(new URLSearchParams(body));
      (req as unknown as { body: unknown }).body = Object.fromEntries(new URLSearchParams(body));
      if (state.forgetful) await forget(asked.at(-1)!.get('client_id')!);
      if (state.slow > 0) await new Promise((done) => setTimeout(done, state.slow));
    }
    return handle(req, res);
  });
  return {
    url,
    asked,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    count: (grant) => asked.filter((form) => form.get('grant_type') === grant).length,
    get slow() {
      return state.slow;
    },
    set slow(ms: number) {
      state.slow = ms;
    },
    get forgetful() {
      return state.forgetful;
    },
    set forgetful(on: boolean) {
      state.forgetful = on;
    },
    forget,
    close: () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
}
