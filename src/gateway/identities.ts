/** Who may speak to this gateway: the OS user by the local token, others by API keys, which follow their file. */
import type { Caller } from '../core/call.ts';
import type { Evidence, Identified } from '../core/gate.ts';
import type { Log } from '../core/ports.ts';
import type { Clock, Maybe } from '../core/state.ts';
import { type Ask, chooser, type Kind } from '../identity/chooser.ts';
import { endOf } from '../identity/issue.ts';
import { type KeyFiles, type KeyRecord, readKeys } from '../identity/keyfile.ts';
import { type ApiKeys, apiKeys, UNAVAILABLE } from '../identity/keys.ts';
import { localIdentity } from '../identity/local.ts';
import { watchFiles } from './watch.ts';

export interface IdentityOptions {
  readonly token: string;
  /** OS user, for the log. */
  readonly user: string;
  /** The file of API keys. */
  readonly keys: string;
  readonly files: Pick<KeyFiles, 'read'>;
  /** Whether API keys are configured now. */
  readonly enabled: () => boolean;
  /** Further ways to prove who speaks, in the order in which they are asked. */
  readonly kinds?: readonly Kind[];
  readonly around?: (ask: Ask) => Ask;
  /** Whether others than this machine can reach the HTTP listener. */
  readonly exposed: boolean;
  readonly clock: Clock;
}

export interface Identities {
  authenticate(evidence: Evidence): Maybe<Identified>;
  /** The caller of this very process and of its bridges. */
  readonly local: Caller;
  /**
   * Follows the file of keys from now on, and tells the log. `ended` hears which callers are known no more, or by other
   * facts: what they hold open must end.
   */
  watch(log: Log, ended: (which: (caller: Caller) => boolean) => void): { close(): void };
}

/** Throws when keys are configured and their file cannot be used. Later that refuses all keys, until it is well again. */
export function openIdentities(options: IdentityOptions): Identities {
  const { files, clock, enabled } = options;
  const local = localIdentity(options.token, options.user);
  // What was last known to be well.
  let records: readonly KeyRecord[] = [];
  let keys: ApiKeys = UNAVAILABLE;

  function load(): void {
    keys = UNAVAILABLE;
    records = readKeys(options.keys, files);
    keys = apiKeys(records, clock);
  }
  try {
    load();
  } catch (error) {
    if (enabled()) throw error;
  }

  return {
    authenticate: chooser({
      local,
      keys: () => (enabled() ? keys : undefined),
      kinds: options.kinds ?? [],
      ...(options.around && { around: options.around }),
      exposed: options.exposed,
    }),
    local: local.caller,
    watch(log, ended) {
      return watchFiles([options.keys], () => {
        const before = records;
        try {
          load();
        } catch (error) {
          log.event('event.keys-refused', { why: error instanceof Error ? error.message : 'cannot be read' });
          return ended(({ how }) => how === 'key');
        }
        const at = clock();
        const [then, now] = [good(before, at), good(records, at)];
        const only = (some: ReadonlyMap<string, string>, others: ReadonlyMap<string, string>) =>
          [...some.keys()].filter((id) => !others.has(id)).slice(0, 20);
        log.event('event.keys', { good: now.size, added: only(now, then), ended: only(then, now) });
        ended(({ how, credential }) => how === 'key' && then.get(credential) !== now.get(credential));
      });
    },
  };
}

/** Id -> all that is known of a key that is good. */
function good(records: readonly KeyRecord[], at: number): ReadonlyMap<string, string> {
  const those = records.filter((record) => endOf(record, at) === undefined);
  return new Map(those.map((record) => [record.id, JSON.stringify(record)]));
}
