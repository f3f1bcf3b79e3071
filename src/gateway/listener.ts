/** The HTTP listener of a site: certificate files read and followed, what is public, what is demanded of callers. */
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { CertificateFacts } from '../config/posture/finding.ts';
import type { Config } from '../config/schema.ts';
import type { Gate } from '../core/gate.ts';
import type { Log } from '../core/ports.ts';
import type { State } from '../core/state.ts';
import { CertificateFault, type Credentials, credentials, type Pem, type PemFile } from '../doors/certificate.ts';
import { type HttpDoor, type HttpOptions, serveHttp } from '../doors/http.ts';
import { identifies } from '../identity/rules.ts';
import type { KeyRing } from '../lib/seal.ts';
import { iso } from '../lib/time.ts';
import { watchFiles } from './watch.ts';

const MAX_BYTES = 1024 * 1024;
/** Lists of revoked certificates. */
const MAX_LISTS = 8 * MAX_BYTES;

/** Absolute paths. */
type PemFiles = Readonly<Partial<Record<PemFile, string>> & Record<'cert' | 'key', string>>;

export interface ListenerOptions {
  readonly gate: Gate;
  readonly config: Config;
  /** Folder of the configuration: paths of certificates are relative to it. */
  readonly dir: string;
  readonly ring: KeyRing;
  readonly state: Pick<State, 'get' | 'put'>;
  readonly log: Log;
  readonly oauth?: NonNullable<HttpOptions['oauth']>;
  /** Further authorities of client certificates, in PEM; undefined = there are no others. Followed by `changed`. */
  readonly trust?: {
    authorities(): string | undefined;
    changed(listener: () => void): void;
    isProxy(address: string): boolean;
  };
}

/** Listens. Rejects with CertificateFault, or when the address may not or cannot be had. */
export async function openListener(options: ListenerOptions): Promise<HttpDoor> {
  const { gate, config, dir, ring, state, log, oauth, trust } = options;
  const { host, port, origins, tls, url, unauthenticated } = config.listen;
  const shared = {
    gate,
    host,
    port,
    origins,
    ring,
    state,
    unauthenticated,
    identities: identifies(config.identity),
    ...(oauth && { oauth }),
    ...(trust && { shared: (address: string) => trust.isProxy(address) }),
    ...(url !== undefined && { publicUrl: url }),
  };
  const files = pemFiles(config, dir);
  if (!tls || !files) return serveHttp(shared);

  let current: Credentials = undefined as never;
  let door: HttpDoor | undefined;
  const watcher = watchFiles(Object.values(files), () => {
    try {
      current = newer(load(files, config, gate.clock(), trust?.authorities()), current);
      door?.sweep();
      const { hosts, until, fingerprint, clients } = current;
      log.event('event.certificate', {
        hosts: [...hosts].slice(0, 20),
        until: iso(until),
        fingerprint,
        ...(clients?.revocation && { lists: iso(clients.revocation.until) }),
      });
    } catch (error) {
      // What was good stays in force.
      log.event('event.certificate-refused', { why: error instanceof Error ? error.message : 'cannot be read' });
    }
  });
  try {
    current = load(files, config, gate.clock(), trust?.authorities());
    trust?.changed(() => {
      try {
        current = newer(load(files, config, gate.clock(), trust.authorities()), current);
      } catch (error) {
        log.event('event.certificate-refused', { why: error instanceof Error ? error.message : 'cannot be read' });
      }
    });
    const clients = current.clients === undefined ? 'off' : tls.required ? 'required' : 'optional';
    const opened = await serveHttp({ ...shared, tls: { current: () => current, clients } });
    door = opened;
    return {
      ...opened,
      close(grace) {
        watcher.close();
        return opened.close(grace);
      },
    };
  } catch (error) {
    watcher.close();
    throw error;
  }
}

/** What `check`, `doctor` and the start look at; undefined without TLS. */
export function certificateFacts(config: Config, dir: string, at: number): CertificateFacts | undefined {
  const files = pemFiles(config, dir);
  if (!files) return undefined;
  const keyMode = modeOf(files.key);
  const mode = keyMode === undefined ? {} : { keyMode };
  try {
    const { until, clients } = load(files, config, at, config.identity.spiffe && '');
    const refuse = config.listen.tls?.['crl-ended'] === 'refuse';
    const lists = clients?.revocation && { until: clients.revocation.until, refuse };
    return { until, ...(lists && { lists }), ...mode };
  } catch (error) {
    if (!(error instanceof CertificateFault)) throw error;
    return { fault: { file: error.file, text: error.message, fix: error.fix }, ...mode };
  }
}

function pemFiles({ listen: { tls } }: Config, dir: string): PemFiles | undefined {
  if (!tls) return undefined;
  const { cert, key, clients, crl } = tls;
  return {
    cert: resolve(dir, cert),
    key: resolve(dir, key),
    ...(clients !== undefined && { clients: resolve(dir, clients) }),
    ...(crl !== undefined && { crl: resolve(dir, crl) }),
  };
}

/** An older list must not bring back a certificate that a newer one took away. Throws CertificateFault. */
function newer(next: Credentials, { clients }: Credentials): Credentials {
  for (const [issuer, made] of next.clients?.revocation?.made ?? [])
    if (made < (clients?.revocation?.made.get(issuer) ?? 0))
      throw new CertificateFault('crl', 'a list in it is older than the one in force', 'put the newest list there');
  return next;
}

function load(
  { cert, key, clients, crl }: PemFiles,
  { listen: { url, tls } }: Config,
  at: number,
  more?: string,
): Credentials {
  const pem: Pem = {
    cert: read(cert, 'cert'),
    key: read(key, 'key'),
    ...(clients !== undefined && { clients: read(clients, 'clients') }),
    ...(more !== undefined && { trust: Buffer.from(more) }),
    ...(crl !== undefined && { crl: read(crl, 'crl', MAX_LISTS) }),
  };
  return credentials(pem, at, url === undefined ? undefined : new URL(url).hostname, tls?.['crl-ended']);
}

function read(path: string, file: PemFile, most = MAX_BYTES): Uint8Array {
  let why: string;
  try {
    const stats = statSync(path);
    if (stats.isFile() && stats.size <= most) return readFileSync(path);
    why = 'is no file of certificates';
  } catch (error) {
    why = `cannot be read (${(error as NodeJS.ErrnoException).code})`;
  }
  throw new CertificateFault(file, `${path} ${why}`, 'name a file that the gateway can read');
}

/** Permission bits; undefined where there are none. */
function modeOf(path: string): number | undefined {
  try {
    return process.platform === 'win32' ? undefined : statSync(path).mode & 0o777;
  } catch {
    return undefined;
  }
}
