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
  'policy.filtered': rpc(200, -31063, 'filtered', 'entries were removed from a listing'),
} as const;
