/**
 * Tokens that users consented to, in the vault: one for each (tenant, issuer and subject of the caller, server). The place
 * is derived from its owner, the owner stands in it again, and the seal is bound to both: a token is never another's
 * (guarantee SE5).
 */
import { z } from 'zod';
import type { Caller } from '../../core/call.ts';
import { base64url, sha256 } from '../../lib/bytes.ts';
import { type Token, schema as tokenSchema } from '../oauth/token.ts';
import type { Vault } from '../vault/vault.ts';

/** Whose token it is. */
export interface Holder {
  readonly tenant: string;
  /** Who vouched for the caller. */
  readonly issuer: string;
  readonly subject: string;
}

const schema = z.strictObject({
  tenant: z.string(),
  issuer: z.string(),
  subject: z.string(),
  upstream: z.string(),
  token: tokenSchema,
});
export type Kept = z.infer<typeof schema>;

export function holderOf({ tenant, issuer, subject }: Caller | Holder): Holder {
  return { tenant, issuer, subject };
}

/** 43 characters. */
export function placeOf({ tenant, issuer, subject }: Holder, upstream: string): string {
  return base64url(sha256(JSON.stringify([tenant, issuer, subject, upstream])));
}

export class Wallet {
  readonly #vault: Vault;

  constructor(vault: Vault) {
    this.#vault = vault;
  }

  /** Throws what the vault throws. */
  get(holder: Holder, upstream: string): Token | undefined {
    const bytes = this.#vault.get('token', holder.tenant, placeOf(holder, upstream));
    const kept = bytes && read(bytes);
    if (kept === undefined) return undefined;
    const same =
      kept.tenant === holder.tenant &&
      kept.issuer === holder.issuer &&
      kept.subject === holder.subject &&
      kept.upstream === upstream;
    return same ? kept.token : undefined;
  }

  async put(holder: Holder, upstream: string, token: Token): Promise<void> {
    const bytes = Buffer.from(JSON.stringify({ ...holderOf(holder), upstream, token } satisfies Kept));
    await this.#vault.change((draft) => draft.put('token', holder.tenant, placeOf(holder, upstream), bytes));
    bytes.fill(0);
  }

  /** Puts a renewed token in the place of `old`, and answers what is there then; undefined: it was taken back meanwhile. */
  async renew(holder: Holder, upstream: string, token: Token, old: Token): Promise<Token | undefined> {
    const place = placeOf(holder, upstream);
    const bytes = Buffer.from(JSON.stringify({ ...holderOf(holder), upstream, token } satisfies Kept));
    const done = await this.#vault.change((draft) => {
      const there = draft.get('token', holder.tenant, place);
      const kept = there && read(there)?.token;
      if (kept?.access !== old.access) return kept;
      draft.put('token', holder.tenant, place, bytes);
      return token;
    });
    bytes.fill(0);
    return done;
  }

  /** `only`: unless another token took its place meanwhile. */
  async remove(holder: Holder, upstream: string, only?: Token): Promise<void> {
    const place = placeOf(holder, upstream);
    await this.#vault.change((draft) => {
      const bytes = only && draft.get('token', holder.tenant, place);
      if (bytes && read(bytes)?.token.access !== only.access) return;
      draft.remove('token', holder.tenant, place);
    });
  }

  /** All of them. Throws what the vault throws. */
  list(): Kept[] {
    return this.#vault
      .list('token')
      .map(({ tenant, name }) => this.#vault.get('token', tenant, name))
      .map((bytes) => bytes && read(bytes))
      .filter((kept) => kept !== undefined);
  }
}

function read(bytes: Buffer): Kept | undefined {
  const { data } = schema.safeParse(JSON.parse(bytes.toString()));
  bytes.fill(0);
  return data;
}
