/**
 * The TLS side of the HTTP listener: TLS 1.3 alone, one cipher, the post-quantum hybrid first and X25519 as its floor
 * (guarantee TR1). The server's own context holds no certificate. What a client gets is decided by the name it asks
 * for, so that no name and a wrong name get none (TR3), and a new certificate needs no restart (TR4).
 */
import { constants } from 'node:crypto';
import type { Server, ServerOptions } from 'node:http';
import { createServer } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Peer } from '../core/call.ts';
import type { Clock } from '../core/state.ts';
import { sha256Hex } from '../lib/bytes.ts';
import type { ClientAuthorities, Credentials } from './certificate.ts';
import { type CertificateId, idsOf } from './revoked.ts';

export interface TlsOptions {
  /** What is in force; asked at each handshake. */
  readonly current: () => Credentials;
  /** Client certificates: not asked for, verified when one is shown, or demanded. */
  readonly clients: 'off' | 'optional' | 'required';
}

/** What the handshake of a connection has shown. */
export interface Link {
  readonly peer: Peer;
  /** The name that the client asked for, in lower case. */
  readonly host: string;
  /** Present when a client certificate was shown: the authorities that it was verified by, when it ends, and itself. */
  readonly client?: {
    readonly authorities: ClientAuthorities | undefined;
    readonly until: number;
    /** DER. */
    readonly certificate: Uint8Array;
    /** DER, the nearest first; none where Node does not tell them. */
    readonly issuers: readonly Uint8Array[];
    /** Of itself and of those. */
    readonly ids: readonly CertificateId[];
  };
}

export interface SecureOptions {
  readonly http: ServerOptions;
  readonly tls: TlsOptions;
  /** Milliseconds for a handshake. */
  readonly within: number;
  /** Whether an address is cut off before anything is computed for it. */
  readonly turnsAway: (address: string) => boolean;
  /** A connection ended before its handshake was good. */
  readonly failed: (address: string) => void;
  readonly clock: Clock;
}

export interface SecureServer {
  readonly server: Server;
  link(socket: Socket): Link | undefined;
  /** Ends connections that are still in their handshake. */
  closeHandshakes(): void;
  /** Ends connections whose client certificate is revoked by now, whatever runs on them. */
  sweep(at: number): void;
}

interface Arrival {
  readonly socket: Socket;
  readonly address: string;
  /** In force when the connection came: a handshake cannot outlive a change of authorities. */
  readonly authorities: ClientAuthorities | undefined;
  done: boolean;
  link?: Link;
}

export function secureServer({ http, tls, within, turnsAway, failed, clock }: SecureOptions): SecureServer {
  const arrivals = new Map<string, Arrival>();
  const links = new WeakMap<Socket, Link>();
  const server = createServer({
    ...http,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    ciphers: 'TLS_AES_256_GCM_SHA384',
    ecdhCurve: 'X25519MLKEM768:X25519',
    // Nothing is resumed, so that each connection is verified in full.
    secureOptions: constants.SSL_OP_NO_TICKET,
    handshakeTimeout: within,
    requestCert: tls.clients !== 'off',
    rejectUnauthorized: tls.clients === 'required',
    ALPNProtocols: ['http/1.1'],
    SNICallback(name, done) {
      const { hosts, context } = tls.current();
      // Without a context the handshake goes on with the empty one and fails as it does without a name.
      done(null, hosts.has(name.toLowerCase()) ? context : undefined);
    },
  });

  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress;
    if (address === undefined || turnsAway(address)) return void socket.destroy();
    const key = keyOf(socket);
    const arrival: Arrival = { socket, address, authorities: tls.current().clients, done: false };
    arrivals.set(key, arrival);
    socket.once('close', () => {
      arrivals.delete(key);
      if (!arrival.done) failed(address);
    });
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    const arrival = arrivals.get(keyOf(socket));
    const link = arrival && linkOf(socket, arrival, tls, clock());
    if (!link) return void socket.destroy();
    arrival.done = true;
    arrival.link = link;
    links.set(socket, link);
  });

  return {
    server,
    link: (socket) => links.get(socket),
    closeHandshakes() {
      for (const { socket, done } of arrivals.values()) if (!done) socket.destroy();
    },
    sweep(at) {
      const now = tls.current().clients?.revocation;
      for (const { socket, link } of arrivals.values())
        if (link?.client && now?.refuses(link.client.ids, at)) socket.destroy();
    },
  };
}

/** The facts of a finished handshake; undefined when it should not have been finished. */
function linkOf(socket: TLSSocket, { address, authorities }: Arrival, tls: TlsOptions, at: number): Link | undefined {
  const name = socket.servername;
  if (typeof name !== 'string' || name === '' || socket.isSessionReused()) return undefined;
  const shown = tls.clients === 'off' ? undefined : socket.getPeerX509Certificate();
  // With `optional` the handshake goes on after a certificate that does not verify: it must not count as none.
  if (shown ? !socket.authorized : tls.clients === 'required') return undefined;
  const issuers = shown ? issuersOf(socket) : [];
  const { revocation } = tls.current().clients ?? {};
  const ids = shown && revocation ? known([shown.raw, ...issuers]) : [];
  if (!ids || revocation?.refuses(ids, at)) return undefined;
  const facts = {
    protocol: socket.getProtocol() ?? '-',
    cipher: socket.getCipher().name,
    ...(shown && { fingerprint: sha256Hex(shown.raw) }),
  };
  const host = name.toLowerCase();
  return Object.freeze({
    peer: Object.freeze({ listener: 'http', address, authority: host, tls: Object.freeze(facts) } satisfies Peer),
    host,
    ...(shown && {
      client: { authorities, until: shown.validToDate.getTime(), certificate: shown.raw, issuers, ids },
    }),
  });
}

/** Undefined when one of them is no plain DER: what cannot be looked up is not believed. */
function known(chain: readonly Uint8Array[]): CertificateId[] | undefined {
  try {
    return idsOf(chain);
  } catch {
    return undefined;
  }
}

/** Longest chain that is looked at. */
const CHAIN = 6;

function issuersOf(socket: TLSSocket): Uint8Array[] {
  const found: Uint8Array[] = [];
  let at = socket.getPeerCertificate(true);
  // A root is its own issuer.
  while (at.issuerCertificate && at.issuerCertificate !== at && found.length < CHAIN) {
    at = at.issuerCertificate;
    found.push(at.raw);
  }
  return found;
}

/** One for each open connection of a listener. */
function keyOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}
