/**
 * Who the gateway takes for its peer (guarantee TR9): TLS 1.3, a verified chain, the right name, and by choice an own
 * CA, pinned keys, and a client certificate. Sessions are never resumed, so each connection is verified in full.
 */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { checkServerIdentity, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { NetFault } from './fault.ts';

/** Absolute paths of PEM files. `pins` are SHA-256 digests of SubjectPublicKeyInfo in base64 (as in RFC 7469). */
export interface TrustFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly pins: readonly string[];
}

/** Digest in base64, from `sha256/<base64>`. */
export function parsePin(text: string): string | undefined {
  const base64 = /^sha256\/([A-Za-z0-9+/]{43}=)$/.exec(text)?.[1];
  if (base64 === undefined) return undefined;
  return Buffer.from(base64, 'base64').toString('base64') === base64 ? base64 : undefined;
}

export class Trust {
  readonly #files: TrustFiles;
  #made: { stamp: string; context: SecureContext } | undefined;

  constructor(files: TrustFiles) {
    this.#files = files;
  }

  /** What the files say now; read again when one of them changed. Throws NetFault: no file, no connection. */
  context(): SecureContext {
    const { ca, cert, key } = this.#files;
    try {
      const stamp = [ca, cert, key].map((file) => (file === undefined ? '-' : stampOf(file))).join(' ');
      if (this.#made?.stamp === stamp) return this.#made.context;
      const context = createSecureContext({
        minVersion: 'TLSv1.3',
        ...(ca !== undefined && { ca: readFileSync(ca) }),
        ...(cert !== undefined && key !== undefined && { cert: readFileSync(cert), key: readFileSync(key) }),
      });
      this.#made = { stamp, context };
      return context;
    } catch (error) {
      throw new NetFault('tls', `own files: ${(error as NodeJS.ErrnoException).code ?? 'not usable'}`, true);
    }
  }

  /** Why the peer of a finished handshake is not the one that is meant; undefined = it is. */
  refuse(socket: TLSSocket, host: string): string | undefined {
    // The handshake has refused these already; a session that was resumed by accident would not have been asked.
    if (!socket.authorized || socket.isSessionReused()) return 'the certificate was not verified';
    if (checkServerIdentity(host, socket.getPeerCertificate()) !== undefined)
      return 'the certificate is for another name';
    const { pins } = this.#files;
    if (pins.length === 0) return undefined;
    const key = socket.getPeerX509Certificate()?.publicKey.export({ type: 'spki', format: 'der' });
    const digest = key && createHash('sha256').update(key).digest('base64');
    return digest !== undefined && pins.includes(digest) ? undefined : 'the key is not the pinned one';
  }
}

function stampOf(file: string): string {
  const { ino, size, ctimeNs, mtimeNs } = statSync(file, { bigint: true });
  return `${ino}.${size}.${ctimeNs}.${mtimeNs}`;
}
