/** Which identity answers for a credential: the one place that a door asks (guarantee ID1). */
import type { Caller } from '../core/call.ts';
import type { Code } from '../core/codes/index.ts';
import type { Evidence } from '../core/gate.ts';
import { type ApiKeys, isKey } from './keys.ts';
import { bearer, type LocalIdentity } from './local.ts';

export interface Identities {
  readonly local: LocalIdentity;
  /** Undefined while API keys are not configured. */
  readonly keys: () => ApiKeys | undefined;
  /** Whether others than this machine can reach the HTTP listener: the local token is then good for stdio only. */
  readonly exposed: boolean;
}

export function chooser({ local, keys, exposed }: Identities): (evidence: Evidence) => Caller | Code {
  return (evidence) => {
    const { listener, address } = evidence.peer;
    const header = evidence.header('authorization');
    // The socket of bridges is for the OS user alone, who needs no key.
    if (listener === 'stdio') return local.check(header);
    const token = header?.includes('dw_') ? bearer(header) : undefined;
    const known = token !== undefined && isKey(token) ? keys() : undefined;
    if (known) return known.authenticate(token!, address);
    const said = local.check(header);
    return exposed && typeof said !== 'string' ? 'identity.invalid' : said;
  };
}
