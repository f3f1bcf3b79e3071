/** Signs a request as a gateway with `identity.signatures` demands it. For programs that call one, and for tests. */
import { createHash, type KeyObject, randomBytes } from 'node:crypto';
import { type Bare, type InnerList, type Item, writeDictionary } from '../../wire/structured.ts';
import { type Algorithm, makeSignature } from './algorithms.ts';
import { COVERED, component, type Message, signatureBase } from './base.ts';

export interface Unsigned {
  readonly method: string;
  /** As the gateway is reached: scheme, host, port, path and query. */
  readonly url: string | URL;
  /** All headers that will be sent; those that a signature must cover are taken. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

export interface SignWith {
  /** Id of the key at the gateway. */
  readonly id: string;
  readonly algorithm: Algorithm;
  /** Private, or the shared secret. */
  readonly key: KeyObject;
  /** Default `doorward`. */
  readonly tag?: string;
  /** Milliseconds since the epoch; default now. */
  readonly at?: number;
  /** Seconds until it expires; default 30. */
  readonly life?: number;
  /** Further headers to cover where they are sent: names of those that bring keys for servers. */
  readonly cover?: readonly string[];
  /** 16 to 128 visible characters; default 16 random bytes. */
  readonly nonce?: string;
}

/** The headers to send besides: `content-digest` (with a body), `signature-input`, `signature`. RFC 9421, RFC 9530. */
export function signRequest(request: Unsigned, how: SignWith): Record<string, string> {
  const { id, algorithm, key, tag = 'doorward', at = Date.now(), life = 30, nonce, cover = [] } = how;
  const url = new URL(request.url);
  const digest =
    request.body === undefined
      ? {}
      : { 'content-digest': `sha-256=:${createHash('sha256').update(request.body).digest('base64')}:` };
  const headers = new Map(
    Object.entries({ ...request.headers, ...digest }).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const message: Message = {
    method: request.method,
    scheme: url.protocol === 'http:' ? 'http' : 'https',
    authority: url.host,
    target: url.pathname + url.search,
    header: (name) => headers.get(name),
  };
  const fields = new Set([...COVERED, ...cover.map((name) => name.toLowerCase())]);
  const names = ['@method', '@target-uri', ...[...fields].filter((name) => headers.has(name))];
  const created = Math.floor(at / 1000);
  const params: [string, Bare][] = [
    ['created', created],
    ['expires', created + life],
    ['nonce', nonce ?? randomBytes(16).toString('base64url')],
    ['keyid', id],
    ['alg', algorithm],
    ['tag', tag],
  ];
  const input: InnerList = {
    items: names.map((value): Item => ({ value, params: new Map() })),
    params: new Map(params),
  };
  const base = signatureBase(input, (name) => component(name, message))!;
  const value = makeSignature(algorithm, key, base);
  return {
    ...digest,
    'signature-input': writeDictionary(new Map([['sig', input]])),
    signature: writeDictionary(new Map([['sig', { value, params: new Map() }]])),
  };
}
