/** An issuer of access tokens on loopback that says exactly what a test wants, true or not. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK } from 'jose';

export interface Pair {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export async function pair(alg = 'ES256', kid = `k-${Math.random().toString(36).slice(2)}`): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

const SIGN: Readonly<Record<string, object>> = {
  ES256: { name: 'ECDSA', hash: 'SHA-256' },
  ES384: { name: 'ECDSA', hash: 'SHA-384' },
  EdDSA: { name: 'Ed25519' },
  RS256: { name: 'RSASSA-PKCS1-v1_5' },
  PS256: { name: 'RSA-PSS', saltLength: 32 },
};

/** A JWS of whatever is given: what a library refuses to make is made too. */
export async function signed(header: object, payload: string, { privateKey, alg }: Pick<Pair, 'privateKey' | 'alg'>) {
  const part = (text: string) => Buffer.from(text).toString('base64url');
  const input = `${part(JSON.stringify(header))}.${part(payload)}`;
  const signature = await crypto.subtle.sign(SIGN[alg] as never, privateKey, Buffer.from(input));
  return `${input}.${Buffer.from(signature).toString('base64url')}`;
}

export interface Made {
  readonly claims?: object;
  readonly header?: object;
  readonly key?: Pick<Pair, 'privateKey' | 'alg' | 'kid'>;
  /** The payload itself, in place of claims. */
  readonly payload?: string;
}

export class Idp {
  readonly #server: Server;
  readonly url: string;
  /** What the key set says; those that sign are apart. */
  published: (JWK | object)[];
  signing: Pair;
  /** Answers in place of the usual ones, by path. */
  readonly answers = new Map<string, { status?: number; body: string; delay?: number }>();
  /** Paths that were asked for. */
  readonly asked: string[] = [];
  /** What is said of opaque tokens. */
  readonly opaque = new Map<string, object>();
  authorization: string | undefined;

  private constructor(server: Server, signing: Pair) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.signing = signing;
    this.published = [signing.jwk];
    server.on('request', (req, res) => {
      void this.#answer(req).then(({ status = 200, body }) => {
        res.writeHead(status, { 'content-type': 'application/json' }).end(body);
      });
    });
  }

  static async start(alg = 'ES256'): Promise<Idp> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Idp(server, await pair(alg));
  }

  /** A token for `audience`, good for five minutes, unless told otherwise. */
  async token(audience: string, { claims = {}, header = {}, key = this.signing, payload }: Made = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const usual = {
      iss: this.url,
      aud: audience,
      sub: 'alice',
      client_id: 'agent-1',
      iat: now,
      exp: now + 300,
      jti: 'j',
    };
    const all: Record<string, unknown> = { ...usual, ...claims };
    const protectedHeader = { alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header };
    return signed(protectedHeader, payload ?? JSON.stringify(all), key);
  }

  async #answer(req: IncomingMessage): Promise<{ status?: number; body: string }> {
    const path = req.url!;
    this.asked.push(path);
    const own = this.answers.get(path);
    if (own) {
      if (own.delay) await new Promise((resolve) => setTimeout(resolve, own.delay));
      return own;
    }
    if (path === '/.well-known/oauth-authorization-server')
      return { body: JSON.stringify({ issuer: this.url, jwks_uri: `${this.url}/jwks` }) };
    if (path === '/jwks') return { body: JSON.stringify({ keys: this.published }) };
    if (path === '/introspect') {
      this.authorization = req.headers.authorization;
      let text = '';
      for await (const chunk of req) text += chunk;
      const said = this.opaque.get(new URLSearchParams(text).get('token') ?? '');
      return { body: JSON.stringify(said ?? { active: false }) };
    }
    return { status: 404, body: '{}' };
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
