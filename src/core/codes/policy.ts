import { inBand, rpc } from './row.ts';

export const policy = {
  'policy.denied': inBand(
    -31060,
    'This call is not allowed. Reference {ref}.',
    'no grant covers it with these arguments now: doorward explain',
  ),
  'policy.ask': inBand(-31061, 'This call needs the approval of a person. Reference {ref}.', 'the grant says ask'),
  'policy.failed': inBand(
    -31062,
    'This call is not allowed. Reference {ref}.',
    'policy evaluation failed: a failed evaluation is a denial',
  ),
  'policy.flow': inBand(
    -31064,
    'This call is not allowed after what this session has read. Reference {ref}.',
    'a toxic flow (see `flows`): `detail` names what was read and what the tool can do',
  ),
  'policy.task': inBand(
    -31065,
    'This call is not part of the task at hand. Reference {ref}.',
    'see `tasks`: `detail` says what lies outside',
  ),
  'policy.never': inBand(
    -31066,
    'This call gives an argument that a caller may not give. Reference {ref}.',
    'the grant names it under `never`',
  ),
  'policy.expired': inBand(
    -31080,
    'This call is not allowed any more. Reference {ref}.',
    'the grant ended: detail says when. Who still needs it gets a later `until`',
  ),
  'policy.set': rpc(200, -31067, 'edited', 'an argument was set as the grant says'),
  'policy.fields': rpc(200, -31068, 'edited', 'fields of the result were left out as the grant says'),
  'policy.scope': rpc(
    403,
    -31069,
    'insufficient scope',
    'the access token lacks a scope that identity.oauth.scopes names',
  ),
  'policy.strength': rpc(
    401,
    -31078,
    'this call needs a stronger or a more recent sign-in',
    'the grant says `require`: acr, amr or max-age, which the token of the caller does not meet',
  ),
  'policy.proof': rpc(
    403,
    -31079,
    'this call needs a proof that the request does not bring',
    'the grant says `require`: bound, signed or certificate; detail names which',
  ),
  'policy.filtered': rpc(200, -31063, 'filtered', 'entries were removed from a listing'),
} as const;
