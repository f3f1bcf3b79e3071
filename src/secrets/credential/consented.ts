/** Tokens by the user's own consent: from the vault, refreshed in silence, and asked for anew when they are no use. */
import type { Caller } from '../../core/call.ts';
import { Ended } from '../../core/ended.ts';
import type { Clock, Maybe } from '../../core/state.ts';
import { Generations } from '../../lib/generations.ts';
import type { Json } from '../../lib/json/types.ts';
import { OAuthFault } from '../oauth/fault.ts';
import { refresh, revoke } from '../oauth/grants.ts';
import { challengeFrom, challengeOf, resourceFacts } from '../oauth/metadata.ts';
import { type Token, unfit } from '../oauth/token.ts';
import type { Vault } from '../vault/vault.ts';
import { bearer, type Credential, type Proof, type Refusal } from './credential.ts';
import { Flights } from './flights.ts';
import type { Issuers } from './issuers.ts';
import type { ClientRules, ConsentWay, CredentialRules } from './rules.ts';
import { type Holder, holderOf, placeOf, Wallet } from './wallet.ts';

/** What a user is asked to consent to. */
export interface Wish {
  readonly upstream: string;
  readonly rules: CredentialRules;
  readonly way: ConsentWay;
  readonly holder: Holder;
  readonly scopes: readonly string[];
  /** What the server said when it refused. */
  readonly challenge?: string;
}
/** A link for this user alone; undefined where no page is served. */
export type Offer = (wish: Wish) => string | undefined;

interface ConsentWorld {
  readonly vault: Vault;
  readonly clock: Clock;
  readonly onEvent: (data: Readonly<Record<string, Json>>) => void;
  readonly offer?: Offer;
}

const MAX_STEPS = 10_000;
const MAX_SCOPES = 64;
/** Milliseconds between two questions to a server about its issuer, and servers. */
const ASK = 60_000;
const MAX_SERVERS = 256;

export class Consented {
  readonly wallet: Wallet;
  readonly #world: ConsentWorld;
  readonly #issuers: Issuers;
  readonly #flights: Flights;
  /** What a server demanded beyond what is configured; the user sees it before consenting. */
  readonly #more = new Generations<readonly string[]>(MAX_STEPS);
  /** Server -> when it was last asked who gives out its tokens. */
  readonly #asked = new Generations<number>(MAX_SERVERS);

  constructor(world: ConsentWorld, issuers: Issuers) {
    this.#world = world;
    this.#issuers = issuers;
    this.wallet = new Wallet(world.vault);
    this.#flights = new Flights(world.clock);
  }

  forget(): void {
    this.#flights.clear();
  }

  of(upstream: string, rules: CredentialRules, way: ConsentWay, caller: Caller): Credential {
    const holder = holderOf(caller);
    const key = placeOf(holder, upstream);
    const fresh = () => this.#fresh(upstream, rules, way, holder);
    const needed = (why: string, challenge?: string) => this.#needed(why, { upstream, rules, way, holder }, challenge);
    return {
      proof: (): Maybe<Proof> => {
        let held = this.#flights.peek(key);
        if (held === undefined) {
          held = this.#kept(holder, upstream);
          if (held !== undefined) this.#flights.set(key, held);
        }
        if (held === undefined) throw needed('not connected');
        const wrong = unfit(held, way);
        if (wrong !== undefined) throw needed(wrong);
        const got = this.#flights.token(key, fresh);
        return got instanceof Promise
          ? got.then(bearer, (error: unknown) => {
              throw this.#ended(error, needed);
            })
          : bearer(got);
      },
      refused: async ({ status, challenge, proof }: Refusal) => {
        const held = this.#flights.peek(key) ?? this.#kept(holder, upstream);
        if (status === 403) {
          const wanted = challengeOf(challenge).scopes ?? [];
          const more = wanted.filter((scope) => !held?.asked.includes(scope));
          if (more.length === 0)
            throw new Ended('stop', 'upstream.credential', 'too few rights, although all were asked for');
          this.#more.set(key, [...new Set([...(this.#more.get(key) ?? []), ...more])].slice(0, MAX_SCOPES));
          throw needed('the server wants more rights', challenge);
        }
        if (held !== undefined && bearer(held)[1] !== proof[1]) return;
        if (held?.refresh === undefined) throw needed('the server refused the token', challenge);
        try {
          await this.#flights.renew(key, fresh);
        } catch (error) {
          throw this.#ended(error, needed);
        }
      },
    };
  }

  /** Keeps what a user consented to. */
  async connected({ upstream, holder }: Pick<Wish, 'upstream' | 'holder'>, token: Token): Promise<void> {
    await this.wallet.put(holder, upstream, token);
    this.#flights.set(placeOf(holder, upstream), token);
    const { issuer, scopes } = token;
    this.#world.onEvent({ upstream, ...whom(holder), issuer, what: 'connected', scopes });
  }

  /** Gives back the token of one user (RFC 7009), and forgets it whatever the issuer says. False: there was none. */
  async revoke(upstream: string, rules: CredentialRules | undefined, holder: Holder): Promise<boolean> {
    const token = this.wallet.get(holder, upstream);
    if (token === undefined) return false;
    await this.wallet.remove(holder, upstream);
    this.#flights.drop(placeOf(holder, upstream));
    const about = { upstream, ...whom(holder), issuer: token.issuer };
    try {
      if (rules?.way.kind !== 'consent') throw new OAuthFault('the server is not configured any more');
      const at = await this.#issuers.at(token.issuer, clientFor(token, rules.way), rules);
      const told = await revoke(at, token);
      this.#world.onEvent({ ...about, what: 'revoked', ...(!told && { why: 'the issuer offers no revocation' }) });
    } catch (error) {
      this.#world.onEvent({ ...about, what: 'forgotten', why: error instanceof Error ? error.message : 'failed' });
    }
    return true;
  }

  /** The tokens of all users of one server. */
  async revokeAll(upstream: string, rules: CredentialRules | undefined): Promise<number> {
    const mine = this.wallet.list().filter((kept) => kept.upstream === upstream);
    for (const holder of mine) await this.revoke(upstream, rules, holder);
    return mine.length;
  }

  #kept(holder: Holder, upstream: string): Token | undefined {
    try {
      return this.wallet.get(holder, upstream);
    } catch (error) {
      throw new Ended('stop', 'upstream.credential', error instanceof Error ? error.message : 'the vault stays shut');
    }
  }

  #needed(why: string, wish: Omit<Wish, 'scopes' | 'challenge'>, challenge?: string): Ended {
    const { upstream, holder, way } = wish;
    const key = placeOf(holder, upstream);
    const asked = this.#flights.peek(key)?.asked ?? [];
    const scopes = [...new Set([...way.scopes, ...asked, ...(this.#more.get(key) ?? [])])].slice(0, MAX_SCOPES);
    const ended = new Ended('stop', 'upstream.connect', why);
    ended.link = this.#world.offer?.({ ...wish, scopes, ...(challenge !== undefined && { challenge }) });
    return ended;
  }

  #ended(error: unknown, needed: (why: string) => Ended): Ended {
    if (error instanceof Ended) return error;
    if (error instanceof OAuthFault && error.final) return needed(error.message);
    return new Ended('stop', 'upstream.credential', error instanceof Error ? error.message : 'failed');
  }

  /**
   * Why a token was not renewed, and whether only its user can help: also where the issuer has forgotten a registration of
   * ours, or the server has another issuer by now.
   */
  async #judged(error: unknown, old: Token, rules: CredentialRules, way: ConsentWay): Promise<unknown> {
    if (error instanceof OAuthFault && error.unknown) {
      // Who we are by configuration is not ours to change.
      const registered = old.client !== way.client?.id && old.client !== way.metadata;
      const helps = registered && (await this.#issuers.registrations.lost(old.issuer, old.client));
      return new OAuthFault(error.message, helps || error.final);
    }
    const final = error instanceof OAuthFault && error.final;
    if (final || way.issuer !== undefined || !(await this.#moved(rules, old.issuer))) return error;
    return new OAuthFault('the server has another issuer now', true);
  }

  async #moved(rules: CredentialRules, issuer: string): Promise<boolean> {
    const now = this.#world.clock();
    if (now - (this.#asked.peek(rules.server) ?? -Infinity) < ASK) return false;
    this.#asked.set(rules.server, now);
    const web = this.#issuers.web({ web: rules.near });
    try {
      const server = new URL(rules.server);
      const { issuers } = await resourceFacts(server, await challengeFrom(server, web), web);
      return issuers.length > 0 && !issuers.includes(issuer);
    } catch {
      return false;
    }
  }

  async #fresh(upstream: string, rules: CredentialRules, way: ConsentWay, holder: Holder): Promise<Token> {
    const { clock, onEvent } = this.#world;
    const key = placeOf(holder, upstream);
    const old = this.wallet.get(holder, upstream);
    const held = this.#flights.peek(key);
    // Another process was first.
    if (old && held && old.access !== held.access && (old.expires ?? 0) > clock()) return old;
    if (old?.refresh === undefined) throw new OAuthFault('the token has ended and cannot be renewed', true);
    const about = { upstream, ...whom(holder), issuer: old.issuer };
    try {
      const at = await this.#issuers.at(old.issuer, clientFor(old, way), rules);
      const token = await refresh(at, old);
      const wrong = unfit(token, way);
      if (wrong !== undefined) throw new OAuthFault(wrong, true);
      // Before it is used: the old refresh token may be dead by now.
      const kept = await this.wallet.renew(holder, upstream, token, old);
      if (kept === undefined) {
        await revoke(at, token).catch(() => {});
        throw new OAuthFault('the token was taken back', true);
      }
      onEvent({ ...about, what: 'refreshed' });
      return kept;
    } catch (caught) {
      const error = await this.#judged(caught, old, rules, way);
      const final = error instanceof OAuthFault && error.final;
      if (final) {
        this.#more.set(key, old.asked);
        this.#flights.drop(key);
        await this.wallet.remove(holder, upstream, old);
      }
      onEvent({ ...about, what: final ? 'ended' : 'failed', why: error instanceof Error ? error.message : 'failed' });
      throw error;
    }
  }
}

/** Who we were when the token was obtained: another registration of ours is another client (SEP-2352). */
export function clientFor({ client, issuer }: Token, way: ConsentWay): ClientRules {
  if (way.client?.id === client && (way.issuer === undefined || way.issuer === issuer)) return way.client;
  return { id: client, alg: 'ES256' };
}

const whom = ({ tenant, subject }: Holder) => ({ tenant, subject });
