/**
 * Why a connection or an exchange of the gateway itself failed. The message is for the log, never for a caller; it
 * quotes nothing that the other side sent.
 */
export type NetCause =
  /** Not allowed: metadata, private and not named, plaintext off loopback. */
  | 'address'
  | 'resolve'
  | 'connect'
  /** Certificate, name, pin, version, or our own files. */
  | 'tls'
  | 'time'
  | 'size'
  | 'encoding'
  | 'protocol'
  /** The connection ended in the middle. */
  | 'lost'
  | 'closed';

export class NetFault extends Error {
  readonly reason: NetCause;
  /** No byte of the request can have reached the other side. */
  readonly unsent: boolean;
  constructor(reason: NetCause, message: string, unsent = false) {
    super(message);
    this.reason = reason;
    this.unsent = unsent;
  }
}
