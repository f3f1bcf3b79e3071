import { inBand } from './row.ts';

const TEXT = 'This was halted by a person. Do not retry. Reference {ref}.';

export const halt = {
  'halt.all': inBand(-31160, TEXT, 'everything is halted: doorward halt all --resume'),
  'halt.upstream': inBand(-31161, TEXT, 'the upstream is halted: doorward halt <upstream> --resume'),
  'halt.tool': inBand(-31162, TEXT, 'the tool is halted: doorward halt <upstream.tool> --resume'),
  'halt.caller': inBand(-31163, TEXT, 'the caller is halted: doorward halt caller:<subject> --resume'),
} as const;
