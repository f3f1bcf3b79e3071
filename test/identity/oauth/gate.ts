/** A door that takes access tokens, over real sockets: everything between the listener and the call is the real thing. */
import { createHash, randomBytes } from 'node:crypto';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import type { Clock, State } from '../../../src/core/state.ts';
import { type HttpDoor, type HttpOptions, serveHttp } from '../../../src/doors/http.ts';
import { STRANGER_RULES } from '../../../src/doors/strangers.ts';
import { chooser } from '../../../src/identity/chooser.ts';
import { localIdentity } from '../../../src/identity/local.ts';
import { Address } from '../../../src/identity/oauth/address.ts';
import { OAuth } from '../../../src/identity/oauth/index.ts';
import { Issuers } from '../../../src/identity/oauth/issuers.ts';
import { Remote } from '../../../src/identity/oauth/remote.ts';
import { compile, schema } from '../../../src/identity/oauth/rules.ts';
import { memoryState } from '../../../src/store/memory.ts';
import { type Answer, type Ask, http, modern } from '../../doors/client.ts';
import { type House, house } from '../../doors/house.ts';
import type { Idp } from './idp.ts';

export const LOCAL = 'the-token-of-this-machine-0123456789abcdefg';

export interface Setup {
  /** Of the one issuer. */
  readonly issuer?: object;
  /** Further issuers, whole. */
  readonly others?: readonly object[];
  readonly oauth?: object;
  readonly clock?: Clock;
  readonly since?: number;
  readonly state?: State;
  readonly door?: Partial<HttpOptions>;
  readonly secret?: () => string;
}

export class Gate {
  readonly door: HttpDoor;
  readonly house: House;
  readonly issuers: Issuers;
  readonly oauth: OAuth;
  readonly address: Address;
  /** Why issuers could not be asked. */
  readonly faults: readonly string[];

  private constructor(
    door: HttpDoor,
    inside: House,
    parts: { issuers: Issuers; oauth: OAuth; address: Address; faults: string[] },
  ) {
    [this.door, this.house] = [door, inside];
    [this.issuers, this.oauth, this.address, this.faults] = [parts.issuers, parts.oauth, parts.address, parts.faults];
  }

  static async start(idp: Pick<Idp, 'url'>, setup: Setup = {}): Promise<Gate> {
    const { clock = Date.now, issuer = {}, others = [], oauth: more = {} } = setup;
    const config = schema.parse({
      issuers: [{ issuer: idp.url, tenant: 'acme', private: ['127.0.0.0/8'], ...issuer }, ...others],
      ...more,
    });
    const inside = house();
    const faults: string[] = [];
    const issuers = new Issuers({
      rules: compile(config, '/'),
      remote: (rules) => new Remote(rules, () => Promise.reject(new Error('no names in tests'))),
      clock,
      secret: setup.secret ?? (() => 'of the client'),
      onFault: (_, error) => void faults.push((error as Error).message),
    });
    let address: Address = undefined as never;
    const oauth = new OAuth({
      config,
      issuers,
      address: () => address,
      clock,
      random: randomBytes,
      ring: inside.ring,
      state: setup.state ?? memoryState(clock),
      since: setup.since ?? 0,
    });
    const local = localIdentity(LOCAL, 'me');
    const door = await serveHttp({
      gate: {
        ...inside.gate,
        authenticate: chooser({ local, keys: () => undefined, kinds: [oauth], exposed: false }),
      },
      host: '127.0.0.1',
      port: 0,
      ring: inside.ring,
      state: inside.state,
      strangers: { ...STRANGER_RULES, burst: 1e9 },
      identities: true,
      oauth: {
        document: (path) => address.document(path),
        insufficient: (route, scopes, error = 'insufficient_scope') => address.challenge(route, error, scopes),
      },
      ...setup.door,
    });
    address = new Address({ config, origin: door.url, only: 'files', certificates: setup.door?.tls !== undefined });
    return new Gate(door, inside, { issuers, oauth, address, faults });
  }

  get resource(): string {
    return `${this.door.url}/files`;
  }

  /** One call of `echo` with these headers. */
  call(headers: Record<string, string | undefined>, over: Ask = {}): Promise<Answer> {
    const base = modern(1, 'echo', { a: 1 });
    return http(this.door.url, { ...base, ...over, headers: { ...base.headers, ...headers, ...over.headers } });
  }

  bearer(token: string): Promise<Answer> {
    return this.call({ authorization: `Bearer ${token}` });
  }

  /** Code of the last refusal, or `200`. */
  async verdict(answer: Promise<Answer> | Answer): Promise<string> {
    const { status } = await answer;
    return status === 200 ? '200' : this.house.attempts.at(-1)!.code;
  }

  async close(): Promise<void> {
    await this.door.close(0);
    await this.issuers.close();
  }
}

export interface ProofOver {
  readonly claims?: object;
  readonly header?: object;
  readonly key?: Prover;
}

/** A client's key and the proofs that it makes. */
export class Prover {
  readonly jwk: JWK;
  readonly jkt: string;
  readonly #key: CryptoKey;
  readonly #alg: string;

  private constructor(key: CryptoKey, jwk: JWK, alg: string) {
    [this.#key, this.jwk, this.#alg] = [key, jwk, alg];
    const { crv, kty, x, y } = jwk;
    this.jkt = createHash('sha256')
      .update(JSON.stringify({ crv, kty, x, ...(y && { y }) }))
      .digest('base64url');
  }

  static async make(alg = 'ES256'): Promise<Prover> {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    return new Prover(privateKey, await exportJWK(publicKey), alg);
  }

  prove(url: string, token: string, { claims = {}, header = {} }: ProofOver = {}): Promise<string> {
    const ath = createHash('sha256').update(token).digest('base64url');
    const usual = { jti: randomBytes(12).toString('base64url'), htm: 'POST', htu: url, ath };
    return new SignJWT({ ...usual, iat: Math.floor(Date.now() / 1000), ...claims })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: this.#alg, jwk: this.jwk, ...header } as never)
      .sign(this.#key);
  }
}
