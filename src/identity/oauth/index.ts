/**
 * OAuth 2.1 resource server (guarantees ID2, ID3): who speaks, by an access token for exactly the route that is asked
 * for, of an issuer that is named, and by proof of the key that it is bound to. What is known of a token is remembered
 * under its digest, no longer than it and the key that signed it last; what proves possession never is.
 */
import type { Evidence, Identified } from '../../core/gate.ts';
import type { Clock, Maybe, Random, State } from '../../core/state.ts';
import { base64url, sha256 } from '../../lib/bytes.ts';
import { Generations } from '../../lib/generations.ts';
import type { KeyRing } from '../../lib/seal.ts';
import type { Kind } from '../chooser.ts';
import { MAX_TOKEN } from '../jws.ts';
import type { Address } from './address.ts';
import type { Token } from './claims.ts';
import { type Issuer, Issuers, type Known } from './issuers.ts';
import { type Proof, Proofs } from './proof.ts';
import type { OAuthConfig } from './rules.ts';

export interface OAuthOptions {
  readonly config: Pick<OAuthConfig, 'require' | 'dpop'>;
  readonly issuers: Issuers;
  /** Undefined until the listener knows where it is. */
  readonly address: () => Address | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly ring: KeyRing;
  /** Remembers proofs; shared by all gateways that serve one public address. */
  readonly state: Pick<State, 'take' | 'swap'>;
  /** When this gateway began, in milliseconds since the epoch. */
  readonly since: number;
}

/** RFC 6750 2.1 and RFC 9449 7.1. One space: two readers could take more differently. */
const CREDENTIALS = /^(Bearer|DPoP) ([A-Za-z0-9._~+/-]+={0,2})$/i;
const MAX_CREDENTIALS = MAX_TOKEN + 'Bearer '.length;
/** Tokens that are remembered. */
const TOKENS = 4096;
/** Proofs are remembered in so many spaces of the state, by key: each has its own bound. */
const SPACES = 4;
/** Proofs of one key, so that none fills the memory of all. */
const RATE = { perSecond: 200, burst: 1000 };

export class OAuth implements Kind {
  readonly #options: OAuthOptions;
  readonly #proofs: Proofs;
  readonly #tokens = new Generations<Known>(TOKENS);

  constructor(options: OAuthOptions) {
    this.#options = options;
    const { config, ring, random, since } = options;
    this.#proofs = new Proofs({ ...config.dpop, since }, ring, random);
  }

  authenticate(evidence: Evidence): Maybe<Identified | undefined> {
    const { request } = evidence;
    const sent = evidence.header('authorization');
    if (!request || sent === undefined || sent.length > MAX_CREDENTIALS) return undefined;
    const [, scheme, token] = CREDENTIALS.exec(sent) ?? [];
    if (scheme === undefined || token === undefined) return undefined;
    const dpop = scheme.length === 4;
    const { issuers, clock, address: where } = this.#options;
    // A token that names no issuer can be that of another kind.
    if (!dpop && !issuers.takes(token)) return undefined;
    const address = where();
    if (!address) return 'identity.unavailable';
    const at = clock();
    const digest = base64url(sha256(token));
    let proof: Proof | undefined;
    if (dpop) {
      const about = { method: request.method, url: address.resource(request.route), ath: digest, at };
      const said = this.#proofs.check(evidence.header('dpop') ?? '', about);
      if (said === 'identity.nonce') return this.#nonce(address, request.route, at);
      if (typeof said === 'string') return said;
      proof = said;
    }
    const audience = address.resource(request.route);
    const known = this.#tokens.get(digest);
    if (known && at < known.until && issuers.stillHas(known))
      return this.#admit(known.token, audience, proof, evidence);
    return issuers.read(token, digest, at).then((said) => {
      if (typeof said === 'string') return said;
      if (said.until > at) this.#tokens.set(digest, said);
      return this.#admit(said.token, audience, proof, evidence);
    });
  }

  challenge(evidence: Evidence): readonly string[] {
    const sent = evidence.header('authorization') !== undefined;
    const address = evidence.request && this.#options.address();
    return address?.challenge(evidence.request!.route, sent ? 'invalid_token' : undefined) ?? [];
  }

  /** Whether what a caller of `issuer` proved is known no more, because the key that signed it is gone. */
  isOver(credential: string, issuer: Issuer): boolean {
    const known = this.#tokens.peek(credential);
    return known === undefined || (known.issuer === issuer && !this.#options.issuers.stillHas(known));
  }

  #admit({ caller, audience, jkt, x5t }: Token, wanted: string, proof: Proof | undefined, evidence: Evidence) {
    if (audience !== wanted) return 'identity.audience';
    // Bound and not proved, proved and not bound, bound to another key: all the same.
    if (jkt !== proof?.jkt) return 'identity.bound';
    if (x5t !== undefined && x5t !== (evidence.certificate && base64url(sha256(evidence.certificate))))
      return 'identity.bound';
    if (this.#options.config.require === 'bound' && caller.key === undefined) return 'identity.bound';
    return proof ? this.#spend(proof, caller) : caller;
  }

  /** A proof is good once. Throws when there is no room to remember one more: none is forgotten before its time. */
  #spend({ jkt, jti, until }: Proof, caller: Token['caller']): Maybe<Identified> {
    const { state, clock } = this.#options;
    const space = `identity.dpop.${jkt.charCodeAt(0) % SPACES}`;
    const judge = (fresh: boolean): Identified => (fresh ? caller : 'identity.replay');
    const remember = (ok: boolean): Maybe<Identified> => {
      if (!ok) return 'door.rate';
      // A moment longer than it is good for.
      const first = state.swap(space, `${jkt} ${jti}`, undefined, 1, until - clock() + 1000);
      return first instanceof Promise ? first.then(judge) : judge(first);
    };
    const taken = state.take(space, jkt, RATE);
    return taken instanceof Promise ? taken.then(({ ok }) => remember(ok)) : remember(taken.ok);
  }

  #nonce(address: Address, route: string, at: number): Identified {
    const [, challenge] = address.challenge(route, 'use_dpop_nonce');
    return {
      code: 'identity.nonce',
      challenge: [challenge!],
      headers: ['DPoP-Nonce', this.#proofs.nonce(at)],
    };
  }
}
