/**
 * Trust bundles as a SPIFFE agent gives them: the streams FetchX509Bundles and FetchJWTBundles of the Workload API
 * (SPIFFE Workload API sections 4 to 6), of which no more is spoken here. Both must be heard before either counts, and
 * when one ends both are begun anew.
 */
import type { KeyObject, X509Certificate } from 'node:crypto';
import type { openStream, StreamOptions } from '../../net/grpc.ts';
import { BundleFault, derBundle, jwkBundle } from './bundle.ts';
import { mapOf } from './protobuf.ts';
import type { Trust } from './trust.ts';

export interface WorkloadApi {
  readonly socket: string;
  /** Those whose bundles are taken from it. */
  readonly domains: readonly string[];
  readonly trust: Trust;
  readonly open: typeof openStream;
  /** Runs something after so many milliseconds, unless it is called off. */
  readonly after: (ms: number, run: () => void) => () => void;
  /** Bundles have changed, or `why` they have not. */
  readonly said: (why?: string) => void;
}

const X509 = '/SpiffeWorkloadAPI/FetchX509Bundles';
const JWT = '/SpiffeWorkloadAPI/FetchJWTBundles';
/** Numbers of the field `bundles` in X509BundlesResponse and JWTBundlesResponse. */
const X509_BUNDLES = 2;
const JWT_BUNDLES = 1;
const UNIMPLEMENTED = 12;
const MAX_MESSAGE = 4 * 1024 * 1024;
const WITHIN = 10_000;
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 30_000;

type Certificates = ReadonlyMap<string, readonly X509Certificate[]>;
type Keys = ReadonlyMap<string, ReadonlyMap<string, KeyObject>>;

/** Follows an agent until it is closed. */
export function followAgent({ socket, domains, trust, open, after, said }: WorkloadApi): { close(): void } {
  let pause = FIRST_PAUSE;
  let streams: { close(): void }[] = [];
  let callOff = (): void => {};

  function begin(): void {
    let certificates: Certificates | undefined;
    let keys: Keys | undefined;
    let over = false;
    const stop = (why: string): void => {
      if (over) return;
      over = true;
      for (const stream of streams) stream.close();
      for (const domain of domains) trust.bad(domain);
      said(why);
      callOff = after(pause, begin);
      pause = Math.min(2 * pause, LONGEST_PAUSE);
    };
    const take = (): void => {
      if (!certificates || !keys) return;
      pause = FIRST_PAUSE;
      // What the agent does not name any more is trusted no more.
      for (const domain of domains)
        trust.put(domain, { x509: certificates.get(domain) ?? [], jwt: keys.get(domain) ?? new Map() });
      said();
    };
    const hear = (method: string, read: (message: Uint8Array) => void, ended?: (status?: number) => boolean): void => {
      if (over) return;
      const options: StreamOptions = {
        socket,
        method,
        metadata: { 'workload.spiffe.io': 'true' },
        request: new Uint8Array(),
        maxMessage: MAX_MESSAGE,
        within: WITHIN,
        onMessage(message) {
          if (over) return;
          try {
            read(message);
          } catch (error) {
            return stop(error instanceof BundleFault ? error.message : 'says nonsense');
          }
          take();
        },
        onEnd: (why, status) => {
          if (!ended?.(status)) stop(why);
        },
      };
      streams.push(open(options));
    };
    streams = [];
    hear(X509, (message) => {
      certificates = named(mapOf(message, X509_BUNDLES), derBundle);
    });
    hear(
      JWT,
      (message) => {
        keys = named(mapOf(message, JWT_BUNDLES), (bytes) => jwkBundle(bytes, false).jwt);
      },
      (status) => {
        if (status !== UNIMPLEMENTED || keys) return false;
        keys = new Map();
        take();
        return true;
      },
    );
  }

  /** Only the domains that are asked for are read: another's bundle cannot spoil theirs. */
  function named<T>(all: ReadonlyMap<string, Uint8Array>, read: (bytes: Uint8Array) => T): Map<string, T> {
    const found = new Map<string, T>();
    for (const domain of domains) {
      const bytes = all.get(`spiffe://${domain}`);
      if (bytes) found.set(domain, read(bytes));
    }
    return found;
  }

  begin();
  return {
    close() {
      callOff();
      for (const stream of streams) stream.close();
    },
  };
}
