import { rpc } from './row.ts';

/** One text for every reason, so that an answer tells a stranger nothing (guarantee TR6). */
const who = (hint: string) => rpc(401, -31010, 'authentication required', hint);

export const identity = {
  'identity.missing': who('no credential was sent; the token lies in the state folder'),
  'identity.invalid': who('a credential was sent that is not valid here'),
  'identity.unavailable': rpc(
    503,
    -31011,
    'authentication unavailable',
    'identity could not be checked; no identity, no call',
  ),
} as const;
