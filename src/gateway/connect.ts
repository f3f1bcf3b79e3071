/** Where users connect their accounts: what the pages need of the house, and when they are opened. */
import type { Identified } from '../core/gate.ts';
import { type Evidence, isCaller } from '../core/gate.ts';
import type { Clock, Maybe, Random } from '../core/state.ts';
import { Consents } from '../secrets/consent/consents.ts';
import type { Offer } from '../secrets/credential/consented.ts';
import type { Credentials } from '../secrets/credential/credentials.ts';
import { type Holder, holderOf } from '../secrets/credential/wallet.ts';
import type { Site } from './site.ts';

export interface ConnectParts {
  readonly port: number;
  /** The URL that users on other machines see. */
  readonly face: string | undefined;
  readonly consents: Consents;
  /** Whether whoever opened the link need not say who it is: the link itself came to the owner of this machine. */
  readonly known: (holder: Holder) => boolean;
  /** Who a credential belongs to that is good for calls of this upstream; undefined when it is no good. */
  readonly prove: (credential: string, upstream: string) => Maybe<Holder | undefined>;
}
/** The pages as the gateway needs them; `console/` has them. */
export interface ConnectPages {
  /** On loopback, with the real port. */
  readonly url: string;
  close(): Promise<void>;
}
export type OpenConnect = (parts: ConnectParts) => Promise<ConnectPages>;

export interface ConnectOptions {
  readonly site: Site;
  readonly open: OpenConnect;
  readonly credentials: Credentials;
  readonly clock: Clock;
  readonly random: Random;
  readonly authenticate: (evidence: Evidence) => Maybe<Identified>;
  /** Whose links need no proof; by default those of the local caller. */
  readonly known?: (holder: Holder) => boolean;
}

/** Rejects when the port cannot be had. */
export async function openConnect(options: ConnectOptions): Promise<ConnectPages & { readonly offer: Offer }> {
  const { site, open, credentials, clock, random, authenticate, known = isLocal } = options;
  const { port, url: face } = site.config.secrets.connect;
  let base = '';
  const { consented, issuers } = credentials;
  const consents = new Consents({ consented, issuers, clock, random, base: () => base });
  const pages = await open({
    port,
    face,
    consents,
    known,
    async prove(credential, upstream) {
      // An access token is for one path: that of the server, or of a bundle that has tools of it.
      for (const route of [upstream, ...bundlesWith(site, upstream)]) {
        const said = await authenticate(evidenceOf(credential, route, face === undefined ? LOOPBACK : ANYWHERE));
        if (isCaller(said)) return holderOf(said);
      }
      return undefined;
    },
  });
  base = face ?? pages.url;
  return {
    ...pages,
    // A link to loopback is of no use to who is elsewhere.
    offer: (wish) => (face !== undefined || known(wish.holder) ? consents.offer(wish) : undefined),
  };
}

const isLocal = ({ tenant, issuer }: Holder) => tenant === 'local' && issuer === 'local';

function bundlesWith({ config }: Site, upstream: string): string[] {
  const isOf = (row: string | { readonly tool: string }) =>
    (typeof row === 'string' ? row : row.tool).startsWith(`${upstream}.`);
  return Object.keys(config.bundles).filter((name) => config.bundles[name]!.tools.some(isOf));
}

/** Who opens a page on loopback is here; where those are who come through a proxy is not known, and no network's. */
const LOOPBACK = '127.0.0.1';
const ANYWHERE = '0.0.0.0';

/** A credential that was pasted into a page: a bearer, without a certificate or a proof of possession. */
function evidenceOf(credential: string, route: string, address: string): Evidence {
  const peer = { listener: 'http', address } as const;
  const request = { method: 'POST', target: `/${route}`, route };
  return { peer, request, header: (name) => (name === 'authorization' ? `Bearer ${credential}` : undefined) };
}
