import { rpc } from './row.ts';

/** One text for every reason, so that an answer tells a stranger nothing (guarantee TR6). */
const who = (hint: string) => rpc(401, -31010, 'authentication required', hint);

export const identity = {
  'identity.missing': who('no credential was sent; the token lies in the state folder'),
  'identity.invalid': who('a credential was sent that is not valid here'),
  'identity.token': who('not an access token as identity.oauth wants it: form, type, algorithm, or a claim'),
  'identity.issuer': who('an access token of an issuer that identity.oauth does not name'),
  'identity.audience': who('an access token for another resource than the path that was asked for'),
  'identity.expired': who('an access token that has expired, or is not valid yet'),
  'identity.signature': who('no key of the issuer made the signature of the access token'),
  'identity.inactive': who('the issuer says that the access token is not active'),
  'identity.bound': who(
    'the access token is bound to a key that the request did not prove, or to none where one is demanded',
  ),
  'identity.proof': who('the DPoP proof is not one for this request'),
  'identity.nonce': who('the DPoP proof lacks a fresh nonce; the client gets one with this answer and tries again'),
  'identity.replay': who('the DPoP proof was used before'),
  'identity.svid': who('neither a certificate nor a token of a workload that identity.spiffe knows'),
  'identity.signed': who(
    'the request is not signed as identity.signatures wants it: key, coverage, age, nonce or body',
  ),
  'identity.chain': who('the token names agents that identity.chains does not let act so'),
  'identity.assertion': who(
    'what a proxy or sidecar says of its peer is not signed, formed or addressed as identity.proxies wants it',
  ),
  'identity.forwarded': who('a header that only a proxy or sidecar may send came from somewhere else'),
  'identity.unavailable': rpc(
    503,
    -31011,
    'authentication unavailable',
    'identity could not be checked; no identity, no call',
  ),
} as const;
