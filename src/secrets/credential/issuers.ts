/** Issuers that tokens come from: their metadata, remembered for a while, and who we are there. */
import type { Clock } from '../../core/state.ts';
import { Generations } from '../../lib/generations.ts';
import type { Resolve } from '../../net/connect.ts';
import { clientOf } from '../oauth/client.ts';
import type { At } from '../oauth/grants.ts';
import { issuerFacts } from '../oauth/metadata.ts';
import { type Web, web } from '../oauth/web.ts';
import type { Places } from '../references.ts';
import type { Vault } from '../vault/vault.ts';
import { Registrations } from './registrations.ts';
import type { ClientRules, CredentialRules } from './rules.ts';

type Facts = Awaited<ReturnType<typeof issuerFacts>>;

interface IssuersWorld {
  readonly clock: Clock;
  readonly resolve: Resolve;
  readonly places: Places;
  readonly vault: Vault;
}

const LIFE = 600_000;
const MAX_ISSUERS = 256;

export class Issuers {
  readonly #known = new Generations<{ readonly until: number; readonly facts: Promise<Facts> }>(MAX_ISSUERS);
  readonly registrations: Registrations;
  readonly #world: IssuersWorld;

  constructor(world: IssuersWorld) {
    this.#world = world;
    this.registrations = new Registrations(world.vault, world.clock);
  }

  web({ web: { private: named, ca } }: Pick<CredentialRules, 'web'>): Web {
    return web({ resolve: this.#world.resolve, private: named, ...(ca !== undefined && { ca }) });
  }

  /** Rejects with OAuthFault. */
  async at(issuer: string, client: ClientRules, rules: CredentialRules): Promise<At> {
    const { clock, places } = this.#world;
    const over = this.web(rules);
    const as = await this.facts(issuer, over);
    const registered = client.key || client.secret ? undefined : this.registrations.of(issuer, client.id);
    return { as, client: await clientOf(client, as, places, registered), web: over, clock };
  }

  facts(issuer: string, over: Web): Promise<Facts> {
    const { clock } = this.#world;
    // Whoever may be reached for one server is not thereby reached for another.
    const key = JSON.stringify([issuer, over.options.private, over.options.ca ?? '']);
    const known = this.#known.get(key);
    if (known && clock() < known.until) return known.facts;
    const facts = issuerFacts(issuer, over);
    this.#known.set(key, { until: clock() + LIFE, facts });
    facts.catch(() => this.#known.set(key, { until: 0, facts }));
    return facts;
  }
}
