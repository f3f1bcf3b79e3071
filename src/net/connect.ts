/**
 * Opens one checked connection (guarantees IS4, TR9). A name is resolved once; the whole answer is judged; the
 * connection goes to an address of it as a literal, so nothing can resolve differently in between; and what the socket
 * is connected to in the end is judged again.
 */
import { lookup } from 'node:dns/promises';
import { isIP, connect as netConnect, type Socket } from 'node:net';
import { checkServerIdentity, connect as tlsConnect } from 'node:tls';
import ipaddr from 'ipaddr.js';
import { isLoopback, isMetadataName, mayReach } from '../lib/address.ts';
import { type Destination, isLocalhost, loopbacks } from './destination.ts';
import { NetFault } from './fault.ts';
import type { Trust } from './trust.ts';

/** All addresses of a host name. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** By the operating system, which also reads its table of hosts. */
export const systemResolve: Resolve = async (host) => (await lookup(host, { all: true })).map(({ address }) => address);

/** Addresses of one answer that are tried, and those that are looked at before the answer counts as an attack. */
const TRIES = 4;
const MAX_ADDRESSES = 64;

/** The addresses that may be connected to. Rejects with NetFault when any of the answer must not be reached. */
export async function addresses({ host, named }: Destination, resolve: Resolve): Promise<readonly string[]> {
  if (isMetadataName(host)) throw new NetFault('address', 'a metadata service', true);
  let found: readonly string[];
  if (isIP(host) !== 0) found = [host];
  else if (isLocalhost(host)) found = loopbacks(named);
  else {
    try {
      found = await resolve(host);
    } catch {
      throw new NetFault('resolve', 'the name could not be resolved', true);
    }
  }
  if (found.length === 0 || found.length > MAX_ADDRESSES)
    throw new NetFault(isLocalhost(host) ? 'address' : 'resolve', 'no address, or too many', true);
  const wrong = found.find((address) => !mayReach(address, named));
  // One bad address spoils the answer: a public one beside it is how a check is walked around.
  if (wrong !== undefined) throw new NetFault('address', `the name leads to ${place(wrong)}`, true);
  return found;
}

/** Rejects with NetFault; no socket is left open then. `signal` bounds the time of everything together. */
export async function connect(to: Destination, trust: Trust, resolve: Resolve, signal: AbortSignal): Promise<Socket> {
  const found = await abortable(addresses(to, resolve), signal);
  let last: unknown;
  for (const address of found.slice(0, TRIES)) {
    if (signal.aborted) break;
    try {
      return await open(to, trust, address, signal);
    } catch (error) {
      // Who answers with a wrong certificate is not asked again at another address.
      if (!(error instanceof NetFault) || error.reason !== 'connect') throw error;
      last = error;
    }
  }
  throw last ?? timeout();
}

function open(to: Destination, trust: Trust, address: string, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const port = to.port;
    const socket = to.secure
      ? tlsConnect({
          host: address,
          port,
          // A server name is never an address (RFC 6066, section 3).
          servername: isIP(to.host) === 0 ? to.host : '',
          secureContext: trust.context(),
          ALPNProtocols: ['http/1.1'],
          rejectUnauthorized: true,
          checkServerIdentity: (_, peer) => checkServerIdentity(to.host, peer),
        })
      : netConnect({ host: address, port });
    const done = (fault?: NetFault) => {
      signal.removeEventListener('abort', abort);
      socket.off('error', fail);
      socket.off('close', closed);
      if (fault === undefined) return resolve(socket);
      socket.on('error', () => {});
      socket.destroy();
      reject(fault);
    };
    const abort = () => done(timeout());
    let connected = false;
    const fail = (error: NodeJS.ErrnoException) =>
      done(new NetFault(connected && to.secure ? 'tls' : 'connect', error.code ?? 'failed', true));
    const closed = () => done(new NetFault(connected && to.secure ? 'tls' : 'connect', 'closed', true));
    const judge = () => {
      const { remoteAddress } = socket;
      if (remoteAddress === undefined || !same(remoteAddress, address) || !mayReach(remoteAddress, to.named))
        return new NetFault('address', 'connected to another address than was checked', true);
      if (!to.secure && !isLoopback(remoteAddress)) return new NetFault('address', 'plaintext off loopback', true);
      return undefined;
    };
    socket.once('connect', () => {
      connected = true;
      const fault = judge();
      if (fault || !to.secure) done(fault);
    });
    if (to.secure) {
      socket.once('secureConnect', () => {
        const wrong = trust.refuse(socket as Parameters<Trust['refuse']>[0], to.host);
        done(wrong === undefined ? judge() : new NetFault('tls', wrong, true));
      });
    }
    socket.once('error', fail);
    socket.once('close', closed);
    signal.addEventListener('abort', abort, { once: true });
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 30_000);
  });
}

function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(timeout());
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

const timeout = () => new NetFault('time', 'no connection in time', true);

function same(one: string, other: string): boolean {
  const form = (address: string) => ipaddr.process(address).toNormalizedString();
  return isIP(one) !== 0 && isIP(other) !== 0 && form(one) === form(other);
}

/** An address out of a resolver's answer, for the log: only if it is one. */
function place(address: string): string {
  return isIP(address) === 0 ? 'no address' : address;
}
