/**
 * The credentials of callers at servers (guarantees ID9, SE5): for each caller and server its own, made or renewed when
 * a request needs one. What a caller proved itself by to Doorward is never among them.
 */
import type { Caller } from '../../core/call.ts';
import { Ended } from '../../core/ended.ts';
import { principalOf } from '../../core/principal.ts';
import type { Clock, Maybe, Random } from '../../core/state.ts';
import { base64url, sha256 } from '../../lib/bytes.ts';
import type { Json } from '../../lib/json/types.ts';
import type { Resolve } from '../../net/connect.ts';
import { OAuthFault } from '../oauth/fault.ts';
import { clientCredentials, exchange, idJag } from '../oauth/grants.ts';
import { type Token, unfit } from '../oauth/token.ts';
import { type Places, ReferenceFault, resolveReference } from '../references.ts';
import type { Vault } from '../vault/vault.ts';
import { Consented, type Offer } from './consented.ts';
import { bearer, type Credential, type Proof, type Refusal } from './credential.ts';
import { Flights } from './flights.ts';
import { Inbound } from './inbound.ts';
import { Issuers } from './issuers.ts';
import type { CredentialRules, Way } from './rules.ts';

export interface CredentialWorld {
  readonly vault: Vault;
  readonly places: Places;
  readonly resolve: Resolve;
  readonly clock: Clock;
  readonly random: Random;
  /** For the log; holds no secret. */
  readonly onEvent: (data: Readonly<Record<string, Json>>) => void;
  /** Where a user can consent; absent = nowhere but at the terminal. */
  readonly offer?: Offer;
}

type Minted = Extract<Way, { kind: 'client-credentials' | 'exchange' | 'id-jag' }>;

/** Milliseconds for which a secret is not looked up again. */
const LOOK = 1_000;
/** What a header may hold (RFC 9110, section 5.5), without spaces at its ends. */
const VALUE = /^[\x21-\x7e](?:[\x20-\x7e]{0,8190}[\x21-\x7e])?$/;

export class Credentials {
  readonly inbound: Inbound;
  readonly issuers: Issuers;
  readonly consented: Consented;
  readonly #world: CredentialWorld;
  readonly #minted: Flights;
  readonly #names = new WeakMap<CredentialRules, string>();
  readonly #secrets = new Map<string, { readonly value: string; readonly until: number }>();

  constructor(world: CredentialWorld) {
    this.#world = world;
    this.inbound = new Inbound(world.clock, world.random(32));
    this.issuers = new Issuers(world);
    this.#minted = new Flights(world.clock);
    this.consented = new Consented(world, this.issuers);
  }

  /** The credential of one caller at one server. Its functions reject (or throw) with Ended. */
  of(upstream: string, rules: CredentialRules, caller: Caller): Credential {
    const { way } = rules;
    switch (way.kind) {
      case 'secret':
        return this.#secret(rules, way, caller.tenant);
      case 'caller':
        return {
          proof: () => headerOf(rules, this.inbound.get(caller, way.from) ?? none(`no ${way.from} was brought`)),
          refused: () => Promise.reject(ended('the server refused the key that the caller brought')),
        };
      case 'consent':
        return this.consented.of(upstream, rules, way, caller);
      default:
        return this.#mint(upstream, rules, way, caller);
    }
  }

  /** The vault was changed by another hand: what was known of it is asked again. */
  forget(): void {
    this.#secrets.clear();
    this.consented.forget();
  }

  #secret(rules: CredentialRules, { secret }: Extract<Way, { kind: 'secret' }>, tenant: string): Credential {
    const { clock, places, vault } = this.#world;
    const key = JSON.stringify(secret.kind === 'tenant' ? [secret, tenant] : secret);
    const look = (): string => {
      try {
        if (secret.kind !== 'tenant') return resolveReference(secret, places);
        return vault.get('secret', tenant, secret.name)?.toString() ?? none(`no secret ${secret.name} for this tenant`);
      } catch (error) {
        if (error instanceof Ended) throw error;
        throw ended(error instanceof ReferenceFault || error instanceof Error ? error.message : 'cannot be read');
      }
    };
    const value = (anew: boolean): string => {
      const known = this.#secrets.get(key);
      if (known && !anew && clock() < known.until) return known.value;
      const found = look();
      if (this.#secrets.size >= 1024) this.#secrets.clear();
      this.#secrets.set(key, { value: found, until: clock() + LOOK });
      return found;
    };
    return {
      proof: () => headerOf(rules, value(false)),
      // async, so that a fault of the look-up rejects.
      refused: async ({ proof }) => {
        if (headerOf(rules, value(true))[1] === proof[1]) throw ended('the server refused the secret');
      },
    };
  }

  #mint(upstream: string, rules: CredentialRules, way: Minted, caller: Caller): Credential {
    // Our own token is one for a tenant; an exchanged one is that of one credential of one caller.
    const own = way.kind === 'client-credentials' ? [caller.tenant] : [principalOf(caller), caller.credential];
    const key = JSON.stringify([upstream, this.#nameOf(rules), ...own]);
    const fresh = () => this.#fresh(upstream, rules, way, caller);
    return {
      proof: (): Maybe<Proof> => {
        if (way.kind !== 'client-credentials' && this.inbound.get(caller, 'token') === undefined)
          throw ended('the caller brought no token that could be exchanged');
        const got = this.#minted.token(key, fresh);
        return got instanceof Promise
          ? got.then(bearer, (error: unknown) => {
              throw asEnded(error);
            })
          : bearer(got);
      },
      refused: async ({ status, proof }: Refusal) => {
        // A server that asks for more rights than were configured is not given them.
        if (status === 403) throw ended('the server wants scopes that are not configured');
        const held = this.#minted.peek(key);
        if (held !== undefined && bearer(held)[1] !== proof[1]) return;
        await this.#minted.renew(key, fresh).catch((error: unknown) => {
          throw asEnded(error);
        });
      },
    };
  }

  /** Other rules have another name; made once for each set. */
  #nameOf(rules: CredentialRules): string {
    let name = this.#names.get(rules);
    if (name === undefined) this.#names.set(rules, (name = base64url(sha256(JSON.stringify(rules)))));
    return name;
  }

  async #fresh(upstream: string, rules: CredentialRules, way: Minted, caller: Caller): Promise<Token> {
    const { onEvent, random } = this.#world;
    const { tenant, subject } = caller;
    const about = { upstream, tenant, issuer: way.issuer, ...(way.kind !== 'client-credentials' && { subject }) };
    try {
      const at = await this.issuers.at(way.issuer, way.client, rules);
      const token = await this.#grant(at, rules, way, caller, random);
      const wrong = unfit(token, way);
      if (wrong !== undefined) throw new OAuthFault(wrong);
      onEvent({ ...about, what: 'obtained', by: way.kind, scopes: token.scopes });
      return token;
    } catch (error) {
      onEvent({ ...about, what: 'failed', by: way.kind, why: error instanceof Error ? error.message : 'failed' });
      throw error;
    }
  }

  async #grant(
    at: Awaited<ReturnType<Issuers['at']>>,
    rules: CredentialRules,
    way: Minted,
    caller: Caller,
    random: Random,
  ): Promise<Token> {
    if (way.kind === 'client-credentials') return clientCredentials(at, way);
    const subject = this.inbound.get(caller, 'token');
    if (subject === undefined) throw new OAuthFault('the token of the caller has ended');
    if (way.kind === 'exchange') {
      const { audience, resource, scopes } = way;
      return exchange(at, { resource, scopes, ...(audience !== resource && { audience }) }, subject, random);
    }
    const there = await this.issuers.at(way.server.issuer, way.server.client, rules);
    return idJag(at, there, way, subject);
  }
}

function headerOf({ header, scheme }: CredentialRules, value: string): Proof {
  if (!VALUE.test(value)) throw ended('a secret that no header can carry');
  return [header, scheme === '' ? value : `${scheme} ${value}`];
}

function ended(detail: string): Ended {
  return new Ended('stop', 'upstream.credential', detail);
}

function asEnded(error: unknown): Ended {
  if (error instanceof Ended) return error;
  return ended(error instanceof Error ? error.message : 'failed');
}

function none(detail: string): never {
  throw ended(detail);
}
