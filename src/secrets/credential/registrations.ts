/**
 * Who we are at issuers that we registered with by ourselves (RFC 7591), in the vault. A registration is good at its issuer
 * alone (SEP-2352), and only until the issuer's secret ends, if it gave one out.
 */
import { z } from 'zod';
import type { Clock } from '../../core/state.ts';
import { base64url, sha256 } from '../../lib/bytes.ts';
import { Generations } from '../../lib/generations.ts';
import type { Registered } from '../oauth/client.ts';
import { OAuthFault } from '../oauth/fault.ts';
import type { Vault } from '../vault/vault.ts';

const schema = z.strictObject({
  id: z.string(),
  secret: z.string().optional(),
  post: z.boolean().optional(),
  /** Milliseconds since the epoch. */
  until: z.number().optional(),
  /** What comes back comes to this place; absent in old ones that are found by it. */
  home: z.string().optional(),
});

/** Milliseconds between two registrations at an issuer that says that it does not know us. */
const AGAIN = 3_600_000;
const MAX_ISSUERS = 256;

export class Registrations {
  readonly #vault: Vault;
  readonly #clock: Clock;
  /** Issuer -> when it last knew nothing of us. */
  readonly #lost = new Generations<number>(MAX_ISSUERS);

  constructor(vault: Vault, clock: Clock) {
    this.#vault = vault;
    this.#clock = clock;
  }

  /** Our id there; `home` tells apart what comes back to different places. Undefined: register, again if need be. */
  at(issuer: string, home: string): string | undefined {
    const found = this.#get(issuer, 'home', home);
    return found && !this.#ended(found) ? found.id : undefined;
  }

  /** The secret that a token was obtained with; undefined where the id is enough. Throws OAuthFault when it has ended. */
  of(issuer: string, id: string): Registered | undefined {
    const found = this.#get(issuer, 'id', id);
    if (found && this.#ended(found)) throw new OAuthFault('our registration at the issuer has ended', true);
    const { home: _, ...registered } = found ?? { id };
    return found && registered;
  }

  /**
   * The issuer does not know this id: the next consent at `home` registers anew. What tokens were obtained with stays, in
   * case it was wrong. False: that was so within the hour already, and who we are now is no more known.
   */
  async lost(issuer: string, id: string, home = this.#get(issuer, 'id', id)?.home): Promise<boolean> {
    if (home === undefined || this.#get(issuer, 'home', home)?.id !== id) return true;
    const now = this.#clock();
    if (now - (this.#lost.peek(issuer) ?? -Infinity) < AGAIN) return false;
    this.#lost.set(issuer, now);
    await this.#vault.change((draft) => draft.remove('client', '*', placeOf(issuer, 'home', home)));
    return true;
  }

  async keep(issuer: string, home: string, registered: Registered): Promise<void> {
    const bytes = Buffer.from(JSON.stringify({ ...registered, home }));
    await this.#vault.change((draft) => {
      draft.put('client', '*', placeOf(issuer, 'home', home), bytes);
      // Tokens are renewed by who obtained them, also when that is not the newest registration.
      draft.put('client', '*', placeOf(issuer, 'id', registered.id), bytes);
    });
    bytes.fill(0);
  }

  #get(issuer: string, by: 'home' | 'id', name: string): Kept | undefined {
    const bytes = this.#vault.get('client', '*', placeOf(issuer, by, name));
    if (bytes === undefined) return undefined;
    const { data } = schema.safeParse(JSON.parse(bytes.toString()));
    bytes.fill(0);
    return data as Kept | undefined;
  }

  #ended({ until }: Registered): boolean {
    return until !== undefined && this.#clock() >= until;
  }
}

type Kept = Registered & { readonly home?: string };

const placeOf = (...name: readonly string[]): string => base64url(sha256(JSON.stringify(name)));
