/**
 * Who we are at issuers that we registered with by ourselves (RFC 7591), in the vault. A registration is good at its issuer
 * alone (SEP-2352), and only until the issuer's secret ends, if it gave one out.
 */
import { z } from 'zod';
import type { Clock } from '../../core/state.ts';
import { base64url, sha256 } from '../../lib/bytes.ts';
import type { Registered } from '../oauth/client.ts';
import { OAuthFault } from '../oauth/fault.ts';
import type { Vault } from '../vault/vault.ts';

const schema = z.strictObject({
  id: z.string(),
  secret: z.string().optional(),
  post: z.boolean().optional(),
  /** Milliseconds since the epoch. */
  until: z.number().optional(),
});

export class Registrations {
  readonly #vault: Vault;
  readonly #clock: Clock;

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
    return found;
  }

  async keep(issuer: string, home: string, registered: Registered): Promise<void> {
    const bytes = Buffer.from(JSON.stringify(registered));
    await this.#vault.change((draft) => {
      draft.put('client', '*', placeOf(issuer, 'home', home), bytes);
      // Tokens are renewed by who obtained them, also when that is not the newest registration.
      if (registered.secret !== undefined) draft.put('client', '*', placeOf(issuer, 'id', registered.id), bytes);
    });
    bytes.fill(0);
  }

  #get(issuer: string, by: 'home' | 'id', name: string): Registered | undefined {
    const bytes = this.#vault.get('client', '*', placeOf(issuer, by, name));
    if (bytes === undefined) return undefined;
    const { data } = schema.safeParse(JSON.parse(bytes.toString()));
    bytes.fill(0);
    return data as Registered | undefined;
  }

  #ended({ until }: Registered): boolean {
    return until !== undefined && this.#clock() >= until;
  }
}

const placeOf = (...name: readonly string[]): string => base64url(sha256(JSON.stringify(name)));
