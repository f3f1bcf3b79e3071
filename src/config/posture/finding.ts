import type { Pinned } from '../../core/call.ts';
import type { PemFile } from '../../doors/certificate.ts';
import type { Config } from '../schema.ts';

export type Severity = 'critical' | 'high' | 'medium' | 'low' | 'note';
export const SEVERITIES: readonly Severity[] = ['critical', 'high', 'medium', 'low', 'note'];

/** What is wrong with a set-up as a whole. `critical` findings refuse the start. */
export interface Finding {
  readonly code: string;
  readonly severity: Severity;
  /** Path into the configuration, for file:line:column; empty when it is about the machine. */
  readonly path: readonly (string | number)[];
  readonly text: string;
  readonly fix: string;
}

/** Facts of the place where the gateway runs. */
export interface Machine {
  readonly root: boolean;
  readonly container: boolean;
}

export interface Posture {
  readonly config: Config;
  readonly machine: Machine;
  /** Upstream -> what the lockfile pins of it; absent when it was never reviewed. */
  readonly pinned: ReadonlyMap<string, readonly Pinned[]>;
  /** Now, in milliseconds since the epoch. */
  readonly now: number;
  /** Of the TLS listener, when there is one. */
  readonly certificate?: CertificateFacts | undefined;
}

/** What was found in the files of a certificate. */
export interface CertificateFacts {
  readonly fault?: { readonly file: PemFile; readonly text: string; readonly fix: string };
  /** End of validity, in milliseconds since the epoch. */
  readonly until?: number;
  /** When the first list of revoked certificates is over, and whether its issuer's are refused then. */
  readonly lists?: { readonly until: number; readonly refuse: boolean };
  /** Permission bits of the file of the key. */
  readonly keyMode?: number;
}

export type Check = (posture: Posture) => readonly Finding[];
