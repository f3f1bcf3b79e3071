/**
 * What is asked of an issuer: its metadata (RFC 8414, OpenID Connect Discovery), its keys, and whether a token is active
 * (RFC 7662). Through the one way out: checked addresses, verified names, bounded answers, no redirect followed.
 */
import { readFile, stat } from 'node:fs/promises';
import { parseJson } from '../../lib/json/scan.ts';
import { isObject, type JsonObject } from '../../lib/json/types.ts';
import type { Resolve } from '../../net/connect.ts';
import { destination, isFault } from '../../net/destination.ts';
import { type Caps, Dialler, type Outgoing } from '../../net/dialler.ts';
import { once, type Whole } from '../../net/once.ts';
import { type Key, MAX_SET, readKeySet } from './jwks.ts';
import { type IssuerRules, reachOf } from './rules.ts';

/** What an issuer answered cannot be used. The text quotes nothing of it. */
export class RemoteFault extends Error {
  override readonly name = 'RemoteFault';
}

const CAPS: Partial<Caps> = { body: MAX_SET, ratio: 50, head: 5_000, idle: 5_000, total: 8_000 };
const CONNECTIONS = 32;
/** Origins that one issuer is spread over: its own, that of its keys, that of introspection. */
const MAX_ORIGINS = 4;

export class Remote {
  readonly #rules: IssuerRules;
  readonly #resolve: Resolve;
  readonly #diallers = new Map<string, Dialler>();

  constructor(rules: IssuerRules, resolve: Resolve) {
    [this.#rules, this.#resolve] = [rules, resolve];
  }

  /** The usable keys of the issuer. Rejects with RemoteFault, NetFault, or what reading a file throws. */
  async keys(): Promise<readonly Key[]> {
    const { keys } = this.#rules;
    const bytes =
      typeof keys === 'object' && 'file' in keys
        ? await bounded(keys.file)
        : (await this.#get(typeof keys === 'object' ? keys.url : await this.#discover())).body;
    const set = readKeySet(bytes);
    if (!set) throw new RemoteFault('not a key set');
    return set;
  }

  /** The claims of an active token; undefined when it is not active. Rejects with RemoteFault or NetFault. */
  async introspect(token: string, secret: string): Promise<JsonObject | undefined> {
    const { endpoint, client } = this.#rules.introspection!;
    const basic = Buffer.from(`${encodeURIComponent(client)}:${encodeURIComponent(secret)}`).toString('base64');
    const answer = await this.#send(endpoint, {
      method: 'POST',
      headers: ['authorization', `Basic ${basic}`, 'content-type', 'application/x-www-form-urlencoded'],
      body: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString(),
    });
    const claims = jsonOf(answer);
    if (typeof claims['active'] !== 'boolean') throw new RemoteFault('an answer without `active`');
    return claims['active'] ? claims : undefined;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#diallers.values()].map((dialler) => dialler.close()));
  }

  /** Where the keys are. The document must be that of this very issuer (RFC 8414, section 3.3). */
  async #discover(): Promise<string> {
    const { issuer } = this.#rules;
    const { origin, pathname } = new URL(issuer);
    const path = pathname.replace(/\/$/, '');
    // In the order that MCP prescribes to its clients.
    const places = [
      `${origin}/.well-known/oauth-authorization-server${path}`,
      ...(path === '' ? [] : [`${origin}/.well-known/openid-configuration${path}`]),
      `${origin}${path}/.well-known/openid-configuration`,
    ];
    for (const place of places) {
      const answer = await this.#get(place, [404, 405]);
      if (answer.status !== 200) continue;
      const { issuer: said, jwks_uri: keys } = jsonOf(answer);
      if (said !== issuer) throw new RemoteFault('the metadata of another issuer');
      if (typeof keys !== 'string') throw new RemoteFault('metadata without keys');
      return keys;
    }
    throw new RemoteFault('no metadata');
  }

  async #get(url: string, others: readonly number[] = []): Promise<Whole> {
    const answer = await this.#send(url, { method: 'GET', headers: [] });
    if (answer.status !== 200 && !others.includes(answer.status)) throw new RemoteFault(`status ${answer.status}`);
    return answer;
  }

  #send(url: string, request: Pick<Outgoing, 'method' | 'headers' | 'body'>): Promise<Whole> {
    const to = destination({ url, ...reachOf(this.#rules, url) });
    if (isFault(to)) throw new RemoteFault(to.fault);
    const { origin, pathname, search } = to.url;
    let dialler = this.#diallers.get(origin);
    if (!dialler) {
      if (this.#diallers.size >= MAX_ORIGINS) throw new RemoteFault('spread over too many origins');
      dialler = new Dialler(to, { resolve: this.#resolve, connections: CONNECTIONS, connectLimit: 5_000 });
      this.#diallers.set(origin, dialler);
    }
    const headers = ['accept', 'application/json', ...request.headers];
    return once(dialler, { ...request, headers, path: pathname + search, caps: CAPS });
  }
}

function jsonOf({ status, body }: Whole): JsonObject {
  if (status !== 200) throw new RemoteFault(`status ${status}`);
  const parsed = parseJson(body, { maxBytes: MAX_SET, maxDepth: 16, maxString: 65_536, maxMembers: 10_000 });
  if (!parsed.ok || !isObject(parsed.value)) throw new RemoteFault('not a JSON object');
  return parsed.value;
}

async function bounded(file: string): Promise<Uint8Array> {
  if ((await stat(file)).size > MAX_SET) throw new RemoteFault('a file too large for keys');
  return readFile(file);
}
