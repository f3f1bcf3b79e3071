import { inBand, rpc } from './row.ts';

const TEXT = 'A sealed value in the arguments cannot be used here. Reference {ref}.';

export const seal = {
  'seal.unknown': inBand(-31150, TEXT, 'not sealed by this gateway, or changed on the way'),
  'seal.foreign': inBand(-31151, TEXT, 'sealed for another caller, or for other upstreams: see `to` in doorward.lock'),
  'seal.expired': inBand(-31152, TEXT, 'sealed too long ago: see `minutes` in doorward.lock'),
  'seal.plain': inBand(
    -31153,
    'An argument of this tool is taken only as a sealed value that another tool returned. Reference {ref}.',
    'doorward.lock says `require` for this tool',
  ),
  'seal.many': inBand(
    -31155,
    'The call was refused: too many of its fields travel sealed. Reference {ref}.',
    'over 256 sealed fields in one message: name a place above them',
  ),
  'seal.sealed': rpc(
    200,
    -31154,
    'edited',
    'fields of the result were sealed; what could not be told apart was withheld',
  ),
} as const;
