import { inBand } from './row.ts';

export const approval = {
  'approval.needed': inBand(
    -31070,
    'This call waits for the approval of a person: {approval}. Do not retry before it is granted. Reference {ref}.',
    'doorward approve',
  ),
  'approval.sensitive': inBand(
    -31074,
    'This call needs the approval of a person. Reference {ref}.',
    'the place is marked sensitive: approval.places',
  ),
  'approval.unavailable': inBand(
    -31071,
    'This call needs the approval of a person, which is not available here. Reference {ref}.',
    'nobody can be asked for this kind of call',
  ),
  'approval.denied': inBand(
    -31072,
    'A person denied this call. Do not retry. Reference {ref}.',
    'the denial holds for this very call until it expires',
  ),
  'approval.full': inBand(
    -31073,
    'Too many calls wait for the approval of a person. Reference {ref}.',
    'decide what waits: doorward approve',
  ),
} as const;
