import { rpc } from './row.ts';

/** Happenings that only the log sees. */
const event = (hint: string) => rpc(200, -31150, '', hint);

export const events = {
  'event.start': event('the gateway started; data names version, rules and risks taken'),
  'event.stop': event('the gateway stopped in order'),
  'event.reload': event('new rules are in force'),
  'event.reload-refused': event('a changed configuration was bad; the old rules stay in force'),
  'event.torn-tail': event('an incomplete last line was cut at start'),
  'event.drift': event('a server describes something differently than reviewed; it is held'),
  'event.approval': event('a person decided about a call that waited; data names decision, approval, caller and who'),
  'event.quarantine': event('a person released or discarded a kept message; data.what, never the message'),
  'event.console': event('a person signed in to the console, failed to, or left it; data.what'),
  'event.notice': event('a webhook was told that a call waits, or could not be; data.what and data.why'),
  'event.halt': event('a person halted something, or let it go on; data names what, who and why'),
  'event.listen': event('the gateway ended a stream of change notifications; data.why'),
  'event.parked': event('a call that waited for its client was ended at its server; data names upstream, call and why'),
  'event.lane': event('a server process started or ended'),
  'event.stderr': event('a server wrote to its error stream'),
  'event.protocol': event('a server broke the protocol, or asked for what it may not; the line was dropped or refused'),
  'event.keys': event('the file of API keys changed and is in force; data names the keys that began and ended'),
  'event.keys-refused': event('the file of API keys cannot be used: no key is accepted until it is mended'),
  'event.issuer': event('an issuer of access tokens cannot be asked, or withdrew keys; data names it and why'),
  'event.certificate': event('a new certificate is in force'),
  'event.certificate-refused': event('changed certificate files cannot be used; the old certificate stays in force'),
  'event.credential': event(
    "a caller's credential at a server was obtained, renewed, connected, refused or revoked; data.what, never the credential",
  ),
  'event.vault': event(
    'a person took an older vault for the newest, after a restore; data.what, data.by and its numbers',
  ),
  'event.trust': event('a trust bundle of SPIFFE is in force; data.domain'),
  'event.trust-refused': event(
    'a trust bundle cannot be had; the last good one stays in force for identity.spiffe.stale, then nobody of the domain does',
  ),
  'event.signers': event('the keys of signed requests, or of the assertions of proxies, changed and are in force'),
  'event.signers-refused': event(
    'keys of signed requests or of assertions cannot be used: none of them is accepted until that is mended',
  ),
  'event.lost': event('attempts or events found no room in the log while its disk was slow or failed; data.count'),
} as const;
