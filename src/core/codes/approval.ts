import { inBand } from './row.ts';

export const approval = {
  'approval.needed': inBand(
    -31070,
    'This call waits for the approval of a person. Reference {ref}.',
    'doorward approve',
  ),
  'approval.unavailable': inBand(
    -31071,
    'This call needs the approval of a person, which is not available here. Reference {ref}.',
    'nobody can be asked for this kind of call',
  ),
} as const;
