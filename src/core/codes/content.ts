import { inBand, rpc } from './row.ts';

export const content = {
  'screen.stripped': rpc(200, -31081, 'edited', 'invisible text was removed'),
  'screen.quarantine': inBand(
    -31082,
    'The content was held for review. Reference {ref}.',
    'kept sealed in the quarantine',
  ),
  'screen.labelled': rpc(
    200,
    -31083,
    'edited',
    'the content reads like instructions and was put in a frame; `what` names the evidence',
  ),
  'screen.argument': inBand(
    -31085,
    'The arguments read like instructions to a model. Reference {ref}.',
    'a person is asked, or the call stops, as `screen.arguments` says',
  ),
  'screen.judge': inBand(
    -31084,
    'The content could not be judged. Reference {ref}.',
    'the judge over HTTP did not answer in time, and the configuration says that nothing passes then',
  ),
  'redact.secret': rpc(200, -31090, 'edited', 'a secret was replaced; `what` names its kind'),
  'redact.card': rpc(200, -31091, 'edited', 'a card number was replaced'),
  'redact.overflow': inBand(
    -31092,
    'The content was refused. Reference {ref}.',
    'more candidates for secrets than can be checked: refused rather than passed',
  ),
  'output.too-large': inBand(
    -31100,
    'The result is too large. Reference {ref}.',
    'structured results over the cap are refused whole',
  ),
  'output.cut': rpc(200, -31101, 'edited', 'text over the cap was cut with a notice'),
  'output.schema': inBand(
    -31102,
    'The result does not have the promised shape. Reference {ref}.',
    'structuredContent does not match the pinned output schema',
  ),
  'output.error': inBand(
    -31103,
    'The tool failed. Reference {ref}.',
    'the real error is in the log under the reference',
  ),
  'output.shape': inBand(
    -31104,
    'The tool gave an answer that is not valid. Reference {ref}.',
    'the result is not one of MCP',
  ),
  'output.provenance': rpc(200, -31108, 'edited', 'the result says where it comes from, signed'),
  'output.dropped': rpc(200, -31106, 'edited', 'members that were not reviewed were left out; `what` names the place'),
  'output.session': inBand(
    -31109,
    'This session has read as much as it may in an hour. Reference {ref}.',
    'over the bytes of a session (output.session)',
  ),
  'output.active': rpc(
    200,
    -31119,
    'edited',
    'script or other active content was marked or made plain words; `what` names the kinds',
  ),
  'output.flood': inBand(
    -31107,
    'The tool sent too many messages. Reference {ref}.',
    'over the cap for messages before the result (output.interim)',
  ),
} as const;
