/**
 * Everything of a running gateway that has to do with credentials at servers: it follows the vault, opens the pages where
 * users connect when a server needs them, and gives back the tokens of a server that is no longer configured.
 */
import type { Offer } from '../secrets/credential/consented.ts';
import type { UpstreamRules } from '../upstreams/rules.ts';
import { type ConnectOptions, type ConnectPages, type OpenConnect, openConnect } from './connect.ts';
import { type CredentialOptions, rulesOf, type SiteCredentials, siteCredentials } from './credentials.ts';
import { watchFiles } from './watch.ts';

export interface AccountOptions
  extends Omit<CredentialOptions, 'offer'>,
    Pick<ConnectOptions, 'site' | 'authenticate'> {
  /** File of the vault. */
  readonly file: string;
  readonly open: OpenConnect | undefined;
}

export interface Accounts extends SiteCredentials {
  /** New rules are in force; `before` = those until now. */
  reloaded(before: ReadonlyMap<string, UpstreamRules>): Promise<void>;
  close(): Promise<void>;
}

type Upstreams = ReadonlyMap<string, UpstreamRules>;

/** Rejects when the port of the pages cannot be had. */
export async function openAccounts(options: AccountOptions): Promise<Accounts> {
  const { clock, random, upstreams, open, site, authenticate, onEvent } = options;
  let pages: (ConnectPages & { readonly offer: Offer }) | undefined;
  const credentials = siteCredentials({ ...options, offer: (wish) => pages?.offer(wish) });
  const { all } = credentials;
  const ensure = async (): Promise<void> => {
    if (pages || !open || ![...upstreams().values()].some((one) => rulesOf(one)?.way.kind === 'consent')) return;
    pages = await openConnect({ site, open, credentials: all, clock, random, authenticate });
  };
  await ensure();
  const watcher = watchFiles([options.file], () => all.forget());

  return {
    ...credentials,
    async reloaded(before: Upstreams) {
      try {
        await ensure();
        const now = upstreams();
        for (const [name, rules] of before) {
          const [then, still] = [rulesOf(rules), rulesOf(now.get(name))];
          if (then?.way.kind === 'consent' && still?.way.kind !== 'consent') await all.consented.revokeAll(name, then);
        }
      } catch (error) {
        onEvent({ what: 'failed', why: error instanceof Error ? error.message : 'failed' });
      }
    },
    async close() {
      watcher.close();
      await pages?.close();
    },
  };
}
