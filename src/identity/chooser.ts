/** Which identity answers for a request: the one place that a door asks (guarantee ID1). */
import { CODES } from '../core/codes/index.ts';
import { type Evidence, type Identified, isCaller } from '../core/gate.ts';
import type { Maybe } from '../core/state.ts';
import { type ApiKeys, isKey } from './keys.ts';
import { bearer, type LocalIdentity } from './local.ts';

/** One way to prove who speaks. */
export interface Kind {
  /**
   * Undefined when the request brings no evidence of this kind: the next one is asked. Any other answer is final, so that
   * bad evidence of one kind is never made up for by another.
   */
  authenticate(evidence: Evidence): Maybe<Identified | undefined>;
  /** What a 401 offers of this kind, as values of WWW-Authenticate: a function of the request alone, never of the reason. */
  challenge?(evidence: Evidence): readonly string[];
}

/** Who speaks, by all that a request brings. */
export type Ask = (evidence: Evidence) => Maybe<Identified>;

export interface Identities {
  readonly local: LocalIdentity;
  /** Undefined while API keys are not configured. */
  readonly keys: () => ApiKeys | undefined;
  /** Asked in this order, after the local token and API keys. */
  readonly kinds?: readonly Kind[];
  /** What is asked of a request before and after its credential, whatever kind that is. */
  readonly around?: (ask: Ask) => Ask;
  /** Whether others than this machine can reach the HTTP listener: the local token is then good for stdio only. */
  readonly exposed: boolean;
}

/** Every 401 offers the same, whichever kind refused: what all kinds have to offer, `Bearer` where that is nothing. */
export function chooser({ local, keys, kinds = [], around = (ask) => ask, exposed }: Identities): Ask {
  const all: readonly Kind[] = [owner(local, exposed), apiKey(keys), ...kinds, NOBODY];
  const challenged = (said: Identified, evidence: Evidence): Identified => {
    const code = isCaller(said) ? undefined : typeof said === 'string' ? said : said.code;
    if (code === undefined || CODES[code].http !== 401) return said;
    const challenge = all.flatMap((kind) => kind.challenge?.(evidence) ?? []);
    if (challenge.length === 0) return said;
    return typeof said === 'string' ? { code, challenge } : said;
  };
  const from = async (
    next: number,
    first: Promise<Identified | undefined>,
    evidence: Evidence,
  ): Promise<Identified> => {
    let said = await first;
    for (let i = next; said === undefined && i < all.length; i++) said = await all[i]!.authenticate(evidence);
    return said!;
  };
  const ask = around((evidence) => {
    for (const [i, kind] of all.entries()) {
      const said = kind.authenticate(evidence);
      if (said instanceof Promise) return from(i + 1, said, evidence);
      if (said !== undefined) return said;
    }
    return 'identity.missing';
  });
  return (evidence) => {
    // The socket of bridges is for the OS user alone, who needs no other credential.
    if (evidence.peer.listener === 'stdio') return local.check(evidence.header('authorization'));
    const said = ask(evidence);
    return said instanceof Promise ? said.then((one) => challenged(one, evidence)) : challenged(said, evidence);
  };
}

function apiKey(keys: () => ApiKeys | undefined): Kind {
  return {
    authenticate({ header, peer }) {
      const sent = header('authorization');
      const token = sent?.includes('dw_') ? bearer(sent) : undefined;
      if (token === undefined || !isKey(token)) return undefined;
      return keys()?.authenticate(token, peer.address) ?? 'identity.invalid';
    },
  };
}

/** The first one, so that the token of this machine is shown to nobody else. */
function owner(local: LocalIdentity, exposed: boolean): Kind {
  return {
    authenticate({ header }) {
      const said = local.check(header('authorization'));
      if (typeof said === 'string') return undefined;
      return exposed ? 'identity.invalid' : said;
    },
  };
}

/** The last one: what no kind took for its own. */
const NOBODY: Kind = {
  authenticate: ({ header }) => (header('authorization') === undefined ? 'identity.missing' : 'identity.invalid'),
};
