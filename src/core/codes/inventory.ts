import { inBand, rpc } from './row.ts';

/** The first three answer byte for byte alike: what may not be seen does not exist (guarantee AZ3). */
const unknown = (hint: string) => rpc(200, -32602, 'unknown name', hint);

export const inventory = {
  'inventory.unknown': unknown('no reviewed tool, prompt or resource has that name'),
  'inventory.held': unknown('new or changed since review: doorward review'),
  'inventory.hidden': unknown('the caller may not list it'),
  'inventory.changed': inBand(
    -31030,
    'This tool changed since it was reviewed and is held. Reference {ref}.',
    'the server now describes it differently: doorward review',
  ),
  'inventory.package': inBand(
    -31031,
    'The server behind this tool cannot be started. Reference {ref}.',
    'the package differs from the pinned digest: doorward review',
  ),
} as const;
