import { inBand } from './row.ts';

export const input = {
  'input.schema': inBand(
    -31050,
    'The arguments do not match the schema of this tool. Reference {ref}.',
    'doorward explain shows which rule',
  ),
  'input.size': inBand(
    -31051,
    'An argument is too long, too deep or has too many items. Reference {ref}.',
    'string 8,192 bytes, 1,000 items, depth 15; a reviewed exception can raise them',
  ),
  'input.invisible': inBand(
    -31052,
    'An argument contains invisible or direction-changing characters. Reference {ref}.',
    'allow the field by review if it needs them',
  ),
  'input.digits': inBand(
    -31053,
    'A number in the arguments cannot be carried exactly. Reference {ref}.',
    'send it as text, or review the field as `digits`',
  ),
  'input.path': inBand(
    -31054,
    'A path argument leaves its root. Reference {ref}.',
    'reviewed path fields may not hold .., absolute paths outside the root, or control characters',
  ),
  'input.url': inBand(
    -31057,
    'A URL argument leads where this tool may not go. Reference {ref}.',
    'only http and https to public names and addresses; a reviewed field (exceptions.urls) may hold any',
  ),
  'input.code': inBand(
    -31058,
    'A plain argument holds code or markup. Reference {ref}.',
    '`detail` says of which kind; a reviewed field (exceptions.code) may hold it',
  ),
  'input.number': inBand(
    -31059,
    'A number makes no sense here. Reference {ref}.',
    'a quantity below zero; a reviewed field (exceptions.negative) may hold it',
  ),
  'input.misfit': inBand(
    -31055,
    'The call was refused. Reference {ref}.',
    'after an edit by a control the arguments no longer match the pinned schema',
  ),
  'input.pattern': inBand(
    -31056,
    'The arguments could not be checked in time. Reference {ref}.',
    "a pattern of the tool's schema ran over its budget",
  ),
} as const;
