import { inBand } from './row.ts';

const failed = (number: number, hint: string) => inBand(number, 'The tool is not available. Reference {ref}.', hint);

export const run = {
  'audit.unavailable': inBand(
    -31110,
    'The call could not be recorded and was not made. Reference {ref}.',
    'no audit, no call: the log cannot be written',
  ),
  'upstream.start': failed(-31120, 'the server did not start or did not answer the handshake'),
  'upstream.lost': failed(-31121, 'the server ended or the connection broke while the call was open; it may have run'),
  'upstream.busy': failed(-31122, 'no lane is free'),
  'upstream.protocol': failed(-31123, 'the server does not keep to the protocol'),
  'upstream.too-large': failed(-31124, 'the answer is over the reader cap'),
  'upstream.failed': failed(-31125, 'the handler threw'),
  'upstream.address': failed(
    -31126,
    'the address of the server may not be reached: metadata, or private and not named under `private`',
  ),
  'upstream.tls': failed(-31127, 'the server could not prove who it is: certificate, name, pinned key or TLS version'),
  'upstream.unreachable': failed(-31128, 'no connection to the server could be made; nothing was sent'),
  'upstream.refused': failed(-31129, 'the server answered with an HTTP status that is no answer; the detail has it'),
  'upstream.gone': inBand(
    -31133,
    'The question that this answers is no longer open. Make the call again. Reference {ref}.',
    'the call that waited for an answer ran out, was ended, or waits in another process; nothing was repeated',
  ),
  'upstream.asked': inBand(
    -31134,
    'The tool asked for something that is not available here. Reference {ref}.',
    'the server asked for what `asks` does not grant, or the client does not offer',
  ),
  'upstream.declined': inBand(
    -31135,
    'The tool needs something that was not agreed to. Reference {ref}.',
    'the client did not accept the link that the server asked a person to open',
  ),
  'upstream.credential': inBand(
    -31136,
    "The server did not take the gateway's credential. Reference {ref}.",
    'no credential could be had, or the server refused it; doorward secret test <upstream> tries it',
  ),
  'upstream.connect': inBand(
    -31137,
    'Your account at this server is not connected, or not any more. Connect it with `doorward connect {upstream}`, then try again. Reference {ref}.',
    'the user has to consent at the issuer of the server, once',
  ),
  'run.timeout-idle': inBand(
    -31130,
    'The tool did not answer in time. Reference {ref}.',
    'nothing came for the idle limit (60 s)',
  ),
  'run.timeout-hard': inBand(
    -31131,
    'The tool did not answer in time. Reference {ref}.',
    'the call ran into the hard limit (300 s)',
  ),
  'run.revoked': inBand(
    -31138,
    'Your access ended while the call was open; what it had begun may be done. Reference {ref}.',
    'the key, token or certificate of the caller was revoked, or what is known by it changed',
  ),
  'run.cancelled': inBand(-31132, 'The call was cancelled. Reference {ref}.', 'the caller went away or cancelled'),
  'internal.halt': failed(-31140, 'a control threw: this is a defect, please report it'),
  'internal.approval': failed(-31140, 'a control threw: this is a defect, please report it'),
  'internal.asks': failed(-31140, 'a control threw: this is a defect, please report it'),
  'internal.limits': failed(-31140, 'a control threw: this is a defect, please report it'),
  'internal.seal': failed(-31140, 'a control threw: this is a defect, please report it'),
  'internal.input': failed(-31140, 'a control threw: this is a defect, please report it'),
  'internal.policy': failed(-31140, 'a control threw: this is a defect, please report it'),
  'internal.screen': failed(-31140, 'a control threw: this is a defect, please report it'),
  'internal.redact': failed(-31140, 'a control threw: this is a defect, please report it'),
  'internal.output': failed(-31140, 'a control threw: this is a defect, please report it'),
  'internal.run': failed(-31140, 'the pipeline threw: this is a defect, please report it'),
} as const;
