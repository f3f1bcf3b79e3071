/**
 * API keys as a credential (guarantees ID5, ID7). Every key that is not good, for whatever reason, is one and the same
 * refusal, and takes the same steps to it: a digest, a look into one map, a comparison in constant time, the end, the
 * hours and the address.
 */
import type { Caller } from '../core/call.ts';
import type { Code } from '../core/codes/index.ts';
import type { Clock } from '../core/state.ts';
import { inRanges, parseCidr, type Range } from '../lib/address.ts';
import { equal, sha256 } from '../lib/bytes.ts';
import { type Hours, parseHours } from '../lib/hours.ts';
import type { KeyRecord } from './keyfile.ts';

/** `dw_`, 12 hex digits, `_`, 43 characters of base64url. The local token is shorter. */
const SHAPE = /^dw_([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;

export function isKey(token: string): boolean {
  return SHAPE.test(token);
}

export interface ApiKeys {
  /** The caller behind a key, or the code of the refusal. `address` is that of the peer. */
  authenticate(key: string, address: string): Caller | Code;
}

/** While the file of keys cannot be used nobody is known by one. */
export const UNAVAILABLE: ApiKeys = Object.freeze({ authenticate: () => 'identity.unavailable' as const });

interface Known {
  readonly digest: Uint8Array;
  readonly until: number;
  readonly hours: Hours;
  readonly always: boolean;
  readonly ranges: readonly Range[];
  readonly anywhere: boolean;
  readonly caller: Caller;
}

/** Asked where a key has no bounds of its own, so that it takes no less to refuse. */
const HOURS = parseHours('Mon-Sun 00:00-24:00 UTC')!;
const NEVER: Hours = { open: () => false };
const ANYWHERE: readonly Range[] = [parseCidr('0.0.0.0/0')!, parseCidr('::/0')!];

export function apiKeys(records: readonly KeyRecord[], clock: Clock): ApiKeys {
  const known = new Map(records.map((record) => [record.id, knownOf(record)]));
  const nobody = knownOf({
    id: '',
    digest: '00'.repeat(32),
    tenant: '',
    subject: '',
    agent: [],
    groups: [],
    scopes: [],
    created: 0,
    expires: 0,
  });
  return {
    authenticate(key, address) {
      const digest = sha256(key);
      const { until, hours, always, ranges, anywhere, caller, ...found } =
        known.get(SHAPE.exec(key)?.[1] ?? '') ?? nobody;
      const at = clock();
      // All of it is asked, whatever came before.
      const same = equal(digest, found.digest);
      const open = hours.open(at) || always;
      const near = inRanges(address, ranges) || anywhere;
      return same && at < until && open && near ? caller : 'identity.invalid';
    },
  };
}

function knownOf(record: KeyRecord): Known {
  const { id, digest, tenant, subject, agent, groups, scopes, tools, addresses, hours, expires, revoked } = record;
  const until = revoked === undefined ? expires : 0;
  return {
    digest: Buffer.from(digest, 'hex'),
    until,
    hours: hours === undefined ? HOURS : (parseHours(hours) ?? NEVER),
    always: hours === undefined,
    ranges: addresses?.map((text) => parseCidr(text)!) ?? ANYWHERE,
    anywhere: addresses === undefined,
    caller: Object.freeze({
      tenant,
      subject,
      agent: Object.freeze([...agent]),
      groups: Object.freeze([...groups]),
      scopes: Object.freeze([...scopes]),
      issuer: 'keys',
      how: 'key',
      strength: Object.freeze({ amr: Object.freeze([]) }),
      credential: id,
      expires,
      ...(tools && { tools: Object.freeze([...tools]) }),
      claims: Object.freeze({}),
    }),
  };
}
