/** The issuers that are named, and what each says of a token: by its keys, or when asked. */
import type { Code } from '../../core/codes/index.ts';
import type { Clock } from '../../core/state.ts';
import { Generations } from '../../lib/generations.ts';
import type { JsonObject } from '../../lib/json/types.ts';
import { type Compact, isSignedBy, objectOf, readCompact } from '../jws.ts';
import { readClaims, type Token } from './claims.ts';
import type { Key } from './jwks.ts';
import { KeySet } from './keyset.ts';
import type { Remote } from './remote.ts';
import type { IssuerRules } from './rules.ts';

export interface Known {
  readonly token: Token;
  /** How long it may be relied on without asking again, in milliseconds since the epoch. */
  readonly until: number;
  readonly issuer: Issuer;
  /** The key that signed it; absent when the issuer was asked. */
  readonly key?: Key;
}

export interface Issuer {
  readonly rules: IssuerRules;
  readonly remote: Pick<Remote, 'keys' | 'introspect' | 'close'>;
  /** Undefined when its tokens are not checked by keys. */
  readonly keys: KeySet | undefined;
}

export interface IssuersOptions {
  readonly rules: readonly IssuerRules[];
  readonly remote: (rules: IssuerRules) => Issuer['remote'];
  readonly clock: Clock;
  /** The secret for introspection, looked up anew. Throws when it is not there. */
  readonly secret: (rules: IssuerRules) => string;
  /** Keys of an issuer are gone. */
  readonly onGone?: (issuer: Issuer) => void;
  /** An issuer could not be asked. */
  readonly onFault?: (issuer: IssuerRules, error: unknown) => void;
}

/**
 * Questions to an issuer that are open at once, and those about tokens that were never active: strangers can send as many
 * as they like, and must not take all places.
 */
const MAX_OPEN = 128;
const MAX_STRANGE = 64;
const MAX_KID = 256;
/** Claims of ID tokens, logout tokens and the like (OpenID Connect Core 2, Back-Channel Logout 2.4). */
const OTHER_KINDS = ['nonce', 'at_hash', 'c_hash', 's_hash', 'events'] as const;

export class Issuers {
  readonly #options: IssuersOptions;
  readonly #all: readonly Issuer[];
  /** The one that is asked about tokens that name no issuer. */
  readonly #asked: Issuer | undefined;
  readonly #open = new Map<string, Promise<Known | Code>>();
  /** Tokens that were active when last asked about. */
  readonly #active = new Generations<true>(8192);

  constructor(options: IssuersOptions) {
    this.#options = options;
    const { rules, remote, clock, onGone, onFault } = options;
    this.#all = rules.map((one) => {
      const far = remote(one);
      const { refresh, stale } = one;
      const keys =
        one.keys === 'none'
          ? undefined
          : new KeySet({
              load: () => far.keys(),
              clock,
              refresh: typeof one.keys === 'object' && 'file' in one.keys ? 0 : refresh,
              stale,
              onChange: () => onGone?.(issuer),
              onFault: (error) => onFault?.(one, error),
            });
      const issuer: Issuer = { rules: one, remote: far, keys };
      return issuer;
    });
    this.#asked = this.#all.find((issuer) => issuer.rules.introspection);
  }

  /** Whether a bearer token can be one of theirs. */
  takes(token: string): boolean {
    return this.#asked !== undefined || token.includes('.');
  }

  /** Whether what is known of a token still holds: its key is still one of the issuer's. */
  stillHas({ issuer, key }: Known): boolean {
    return key === undefined || (issuer.keys?.has(key) ?? false);
  }

  /** `credential` = digest of the token. Never rejects. */
  async read(token: string, credential: string, at: number): Promise<Known | Code> {
    const compact = readCompact(token);
    const claims = compact && objectOf(compact.payload);
    if (!claims) return this.#asked ? this.#ask(this.#asked, token, credential, at) : 'identity.token';
    const issuer = this.#all.find(({ rules }) => rules.issuer === claims['iss']);
    if (!issuer) return 'identity.issuer';
    if (!issuer.keys) return this.#ask(issuer, token, credential, at);
    return this.#check(issuer, issuer.keys, compact, claims, credential, at);
  }

  /** Fetches what is due, so that no request waits for it. */
  look(): void {
    for (const { keys } of this.#all) keys?.look();
  }

  async close(): Promise<void> {
    for (const { keys } of this.#all) keys?.close();
    await Promise.all(this.#all.map(({ remote }) => remote.close()));
  }

  async #check(
    issuer: Issuer,
    keys: KeySet,
    compact: Compact,
    claims: JsonObject,
    credential: string,
    at: number,
  ): Promise<Known | Code> {
    const { rules } = issuer;
    const { header, algorithm } = compact.head;
    const { kid, typ } = header;
    const type = typ === undefined ? '' : typeof typ === 'string' ? typ.toLowerCase() : undefined;
    if (type === undefined || !rules.types.includes(type)) return 'identity.token';
    if (rules.type === 'JWT' && OTHER_KINDS.some((name) => Object.hasOwn(claims, name))) return 'identity.token';
    if (kid !== undefined && !(typeof kid === 'string' && kid.length <= MAX_KID)) return 'identity.token';
    if (!rules.algorithms.includes(algorithm)) return 'identity.token';
    const token = readClaims(claims, { rules, how: 'jwt', credential, at });
    if (typeof token === 'string') return token;
    const key = await keys.find(kid, algorithm);
    if (key === 'unavailable') return 'identity.unavailable';
    if (key === 'unknown' || !(await isSignedBy(compact, key.jwk, rules.algorithms))) return 'identity.signature';
    return { token, until: token.caller.expires!, issuer, key };
  }

  /** Asks once for all who wait for the same answer. */
  #ask(issuer: Issuer, token: string, credential: string, at: number): Promise<Known | Code> {
    const asked = this.#open.get(credential);
    if (asked) return asked;
    if (this.#open.size >= (this.#active.get(credential) ? MAX_OPEN : MAX_STRANGE))
      return Promise.resolve('identity.unavailable');
    const answer = this.#introspect(issuer, token, credential, at).finally(() => this.#open.delete(credential));
    this.#open.set(credential, answer);
    return answer;
  }

  async #introspect(issuer: Issuer, token: string, credential: string, at: number): Promise<Known | Code> {
    const { rules, remote } = issuer;
    let claims: JsonObject | undefined;
    try {
      claims = await remote.introspect(token, this.#options.secret(rules));
    } catch (error) {
      this.#options.onFault?.(rules, error);
      return 'identity.unavailable';
    }
    if (!claims) return 'identity.inactive';
    const { iss, token_type: type } = claims;
    if (iss !== undefined && iss !== rules.issuer) return 'identity.issuer';
    const read = readClaims(claims, { rules, how: 'introspection', credential, at });
    if (typeof read === 'string') return read;
    // Issuers know refresh tokens too, and say so. What calls itself bound must say to which key.
    const kind = typeof type === 'string' ? type.toLowerCase() : type;
    if (![undefined, 'bearer', 'dpop'].includes(kind as never)) return 'identity.token';
    if (kind === 'dpop' && read.jkt === undefined) return 'identity.token';
    this.#active.set(credential, true);
    return { token: read, until: Math.min(read.caller.expires!, at + rules.introspection!.cache), issuer };
  }
}
