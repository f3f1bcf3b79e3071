/**
 * The user's own consent, from the link to the token: authorization code with PKCE (RFC 7636), run by the gateway. A link
 * is one user's alone; a state is made only after that user agreed on our page, is good once, in that browser, and
 * names issuer and verifier that were written down before the redirect (RFC 9207, OAuth 2.1 section 7).
 */
import type { AuthorizationServer } from 'oauth4webapi';
import type { Clock, Random } from '../../core/state.ts';
import { base64url, equal, sha256 } from '../../lib/bytes.ts';
import { Generations } from '../../lib/generations.ts';
import type { Consented, Wish } from '../credential/consented.ts';
import type { Issuers } from '../credential/issuers.ts';
import type { ClientRules } from '../credential/rules.ts';
import { placeOf } from '../credential/wallet.ts';
import { OAuthFault } from '../oauth/fault.ts';
import { authorizationCode, register } from '../oauth/grants.ts';
import { challengeFrom, challengeOf, endpoint, resourceFacts } from '../oauth/metadata.ts';
import { unfit } from '../oauth/token.ts';
import type { Web } from '../oauth/web.ts';

export interface ConsentsWorld {
  readonly consented: Consented;
  readonly issuers: Issuers;
  readonly clock: Clock;
  readonly random: Random;
  /** Where the pages are: scheme, host, port, path, without a slash at the end. */
  readonly base: () => string;
}

/** A link that was given out. */
export interface Ticket extends Wish {
  readonly until: number;
  misses: number;
}

export interface Begun {
  /** At the issuer; made of what `endpoint` lets through. */
  readonly to: URL;
  readonly scopes: readonly string[];
  /** For the browser that comes back: the end of the name of a cookie, and its value. */
  readonly cookie: { readonly name: string; readonly value: string };
}

interface Pending {
  readonly wish: Wish;
  readonly issuer: string;
  readonly client: ClientRules;
  readonly verifier: string;
  readonly redirect: string;
  readonly cookie: Uint8Array;
  readonly until: number;
}

/** Milliseconds, and how many at a time. */
const LIFE = 600_000;
const MAX = 2_000;
/** Wrong credentials that one link takes. */
const MISSES = 3;

export class Consents {
  readonly #world: ConsentsWorld;
  readonly #tickets = new Map<string, Ticket>();
  /** Place of the token -> ticket: asking again gives the same link. */
  readonly #given = new Map<string, string>();
  readonly #pending = new Map<string, Pending>();
  /** Place of the token -> who we were at an issuer that a user was sent to and has not come back from. */
  readonly #sent = new Generations<string>(MAX);

  constructor(world: ConsentsWorld) {
    this.#world = world;
  }

  /** A link for this user; undefined while too many are open. Other rights make another link, and end the one before. */
  offer(wish: Wish): string | undefined {
    const key = placeOf(wish.holder, wish.upstream);
    const before = this.#given.get(key);
    const open = before === undefined ? undefined : this.look(before);
    if (open && String(open.scopes) === String(wish.scopes)) return this.#linkOf(before!);
    if (before !== undefined) this.#tickets.delete(before);
    if (!room(this.#tickets, this.#world.clock())) return undefined;
    const ticket = base64url(this.#world.random(32));
    if (this.#given.size >= 2 * MAX) this.#given.clear();
    this.#given.set(key, ticket);
    this.#tickets.set(ticket, { ...wish, until: this.#world.clock() + LIFE, misses: 0 });
    return this.#linkOf(ticket);
  }

  #linkOf(ticket: string): string {
    return `${this.#world.base()}/connect/${ticket}`;
  }

  look(ticket: string): Ticket | undefined {
    const found = this.#tickets.get(ticket);
    return found && this.#world.clock() < found.until ? found : undefined;
  }

  /** Somebody else opened it, or mistyped: after a few times it is spent. */
  missed(ticket: string): void {
    const found = this.#tickets.get(ticket);
    if (found && ++found.misses >= MISSES) this.#tickets.delete(ticket);
  }

  /** The user agreed: finds the issuer, and the way there. The ticket is spent. Rejects with OAuthFault. */
  async begin(ticket: string): Promise<Begun> {
    const { issuers, clock, random } = this.#world;
    const wish = this.look(ticket);
    this.#tickets.delete(ticket);
    if (wish === undefined) throw new OAuthFault('the link is spent or too old');
    if (!room(this.#pending, clock())) throw new OAuthFault('too many are connecting');
    const { way, rules } = wish;
    const web = issuers.web(rules);
    const { issuer, scopes } = await issuerOf(wish, issuers.web({ web: rules.near }));
    const as = await issuers.facts(issuer, web);
    if (!as.code_challenge_methods_supported?.includes('S256'))
      throw new OAuthFault('the issuer does not offer PKCE with S256');
    const to = endpoint(as.authorization_endpoint, 'authorization_endpoint', web);
    const { client, redirect } = await this.#client(wish, as, web);
    const [state, verifier, cookie] = [0, 1, 2].map(() => base64url(random(32))) as [string, string, string];
    const query = {
      response_type: 'code',
      client_id: client.id,
      redirect_uri: redirect,
      code_challenge: base64url(sha256(verifier)),
      code_challenge_method: 'S256',
      state,
      resource: way.resource,
      ...(scopes.length > 0 && { scope: scopes.join(' ') }),
      // OpenID Connect gives out refresh tokens only then.
      ...(scopes.includes('offline_access') && { prompt: 'consent' }),
    };
    for (const [name, value] of Object.entries(query)) to.searchParams.set(name, value);
    const pending = { wish: { ...wish, scopes }, issuer, client, verifier, redirect, cookie: sha256(cookie) };
    this.#pending.set(state, { ...pending, until: clock() + LIFE });
    return { to, scopes, cookie: { name: cookieOf(state), value: cookie } };
  }

  /**
   * The browser came back, by this path. `cookies` answers the value of the cookie whose name ends so. Resolves when the
   * token is kept. Rejects with OAuthFault.
   */
  async finish(path: string, query: URLSearchParams, cookies: (name: string) => string | undefined): Promise<Wish> {
    const { issuers, consented, clock, base } = this.#world;
    const state = query.getAll('state');
    const pending = state.length === 1 ? this.#pending.get(state[0]!) : undefined;
    // Another way back is that of another issuer.
    if (pending === undefined || clock() >= pending.until || pending.redirect !== base() + path)
      throw new OAuthFault('this state is not open');
    const cookie = cookies(cookieOf(state[0]!));
    if (cookie === undefined || !equal(sha256(cookie), pending.cookie))
      throw new OAuthFault('another browser began this');
    this.#pending.delete(state[0]!);
    const { wish, issuer, client, redirect, verifier } = pending;
    const { way, rules, scopes } = wish;
    this.#sent.set(placeOf(wish.holder, wish.upstream), '');
    const at = await issuers.at(issuer, client, rules);
    const how = { state: state[0]!, verifier, redirect };
    const token = await authorizationCode(at, { resource: way.resource, scopes }, query, how).catch(
      async (error: OAuthFault) => {
        // The user asks for another link, which registers us anew.
        if (error.unknown && client !== way.client && client.id !== way.metadata)
          await issuers.registrations.lost(issuer, client.id, this.#home());
        throw error;
      },
    );
    const wrong = unfit(token, { ...way, issuer });
    if (wrong !== undefined) throw new OAuthFault(wrong);
    await consented.connected(wish, token);
    return wish;
  }

  /**
   * Known there > our metadata document > registered now, if that was chosen. An issuer that a server named must not get
   * the code of another one (mix-up): what is registered has a way back of its own, and where the way back is shared
   * the issuer has to sign it with its name (RFC 9700, section 4.4).
   */
  async #client(
    { way, holder, upstream }: Wish,
    as: AuthorizationServer,
    web: Web,
  ): Promise<{ client: ClientRules; redirect: string }> {
    const home = this.#world.base();
    const shared = `${home}/callback`;
    if (way.client) return { client: way.client, redirect: shared };
    if (way.metadata !== undefined && as['client_id_metadata_document_supported'] === true) {
      if (way.issuer === undefined && as.authorization_response_iss_parameter_supported !== true)
        throw new OAuthFault('the issuer does not say who it is on the way back: name it as `issuer` if you trust it');
      return { client: { id: way.metadata, alg: 'ES256' }, redirect: shared };
    }
    if (!way.register || as.registration_endpoint === undefined)
      throw new OAuthFault('the issuer does not know us: name a `client`, a `metadata` document, or allow `register`');
    const redirect = `${shared}/${base64url(sha256(as.issuer)).slice(0, 22)}`;
    const place = placeOf(holder, upstream);
    const { registrations } = this.#world.issuers;
    let id = registrations.at(as.issuer, this.#home());
    // An issuer that has forgotten us shows its error to the user, who then asks for another link.
    if (id !== undefined && this.#sent.peek(place) === id && (await registrations.lost(as.issuer, id, this.#home())))
      id = undefined;
    if (id === undefined) {
      const registered = await register(as, redirect, web);
      await registrations.keep(as.issuer, this.#home(), registered);
      ({ id } = registered);
    }
    this.#sent.set(place, id);
    return { client: { id, alg: 'ES256' }, redirect };
  }

  /** Where what comes back comes to. Ports of loopback are free (RFC 8252, section 7.3). */
  #home(): string {
    const home = this.#world.base();
    return home.startsWith('http:') ? 'native' : home;
  }
}

const cookieOf = (state: string): string => base64url(sha256(state)).slice(0, 12);

/** Who gives out tokens, and what is asked for: as configured, else as its challenge says, else as its metadata do. */
async function issuerOf(
  { way, challenge, scopes, rules }: Wish,
  web: Web,
): Promise<{ issuer: string; scopes: readonly string[] }> {
  if (way.issuer !== undefined) return { issuer: way.issuer, scopes };
  const server = new URL(rules.server);
  const said = challenge ?? (await challengeFrom(server, web));
  const facts = await resourceFacts(server, said, web);
  if (facts.resource !== way.resource)
    throw new OAuthFault('the server calls itself by another name: configure `resource` as its metadata has it');
  const [issuer] = facts.issuers;
  if (issuer === undefined) throw new OAuthFault('the server names no authorization server');
  if (scopes.length > 0) return { issuer, scopes };
  return { issuer, scopes: challengeOf(said).scopes ?? facts.scopes };
}

/** Whether one more has room; what is over makes some. */
function room(map: Map<string, { readonly until: number }>, now: number): boolean {
  if (map.size < MAX) return true;
  for (const [key, { until }] of map) if (now >= until) map.delete(key);
  return map.size < MAX;
}
