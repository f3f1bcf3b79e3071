/** A small certificate authority of the tests, made with the openssl program. */
import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Pair {
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** `sha256/...` over the public key. */
  readonly pin: string;
}

export interface Wanted {
  readonly days?: number;
  readonly client?: boolean;
  readonly selfSigned?: boolean;
  readonly ca?: boolean;
  /** Of an authority: how many more may follow. */
  readonly pathLength?: number;
  readonly lines?: string;
  readonly from?: Pair;
}

export interface WantedList {
  readonly by?: Pair;
  readonly from?: number;
  readonly until?: number;
  /** Further extensions as openssl writes them. */
  readonly lines?: string;
}

export class Authority {
  readonly dir = mkdtempSync(join(tmpdir(), 'doorward-pki-'));
  readonly root: Pair;
  #count = 0;

  constructor() {
    const [certFile, keyFile] = this.#files();
    this.#key(keyFile);
    openssl('req', '-x509', '-key', keyFile, '-out', certFile, '-days', '2', '-subj', '/CN=test root');
    this.root = pair(certFile, keyFile);
  }

  /** The root with its key and name, made otherwise: `lines` of the section `req`. */
  anew(lines: string): Pair {
    const [certFile] = this.#files();
    const { keyFile } = this.root;
    writeFileSync(
      `${certFile}.cnf`,
      `[req]\ndistinguished_name = d\nx509_extensions = e\n${lines}\n[d]\n[e]\nbasicConstraints = CA:TRUE\n`,
    );
    const subject = ['-config', `${certFile}.cnf`, '-subj', '/CN=test root'];
    openssl('req', '-x509', '-key', keyFile, '-out', certFile, '-days', '2', ...subject);
    return pair(certFile, keyFile);
  }

  /**
   * `names` as in subjectAltName: DNS:example.test, IP:127.0.0.1. `days` may be negative: expired. `lines` are further
   * extensions as openssl writes them; `from` is the issuer in place of the root.
   */
  issue(
    names: string,
    { days = 2, client = false, selfSigned = false, ca = false, pathLength, lines = '', from }: Wanted = {},
  ): Pair {
    const [certFile, keyFile] = this.#files();
    this.#key(keyFile);
    const config = `${certFile}.cnf`;
    const use = client ? 'clientAuth' : 'serverAuth';
    const plain = `extendedKeyUsage=${use}\nbasicConstraints=critical,CA:FALSE\n`;
    const authority = `basicConstraints=critical,CA:TRUE${pathLength === undefined ? '' : `,pathlen:${pathLength}`}\nkeyUsage=critical,keyCertSign,cRLSign\n`;
    writeFileSync(config, `${names && `subjectAltName=${names}\n`}${ca ? authority : plain}${lines}`);
    const request = `${certFile}.csr`;
    openssl(
      'req',
      '-new',
      '-key',
      keyFile,
      '-out',
      request,
      '-subj',
      ca ? `/CN=authority ${this.#count}` : '/CN=not a name',
    );
    const by = selfSigned
      ? ['-key', keyFile]
      : ['-CA', (from ?? this.root).certFile, '-CAkey', (from ?? this.root).keyFile, '-CAcreateserial'];
    openssl('x509', '-req', '-in', request, ...by, '-out', certFile, '-days', String(days), '-extfile', config);
    return pair(certFile, keyFile);
  }

  /**
   * The list of revoked certificates of the root, or of `from`, in PEM. `from`/`until` in milliseconds since the epoch; an
   * hour ago and in an hour without.
   */
  revoked(
    pairs: readonly Pair[],
    { by = this.root, from = Date.now() - 3_600_000, until = Date.now() + 3_600_000, lines = '' }: WantedList = {},
  ): string {
    const [base] = this.#files();
    const config = `${base}.cnf`;
    writeFileSync(`${base}.index`, '');
    writeFileSync(`${base}.number`, '01\n');
    const extensions = lines === '' ? '' : `crl_extensions = e\n[e]\n${lines}\n`;
    writeFileSync(
      config,
      `[ca]\ndefault_ca = a\n[a]\ndatabase = ${base}.index\ncrlnumber = ${base}.number\ndefault_md = sha256\nunique_subject = no\n${extensions}`,
    );
    const own = ['-config', config, '-keyfile', by.keyFile, '-cert', by.certFile];
    for (const { certFile } of pairs) openssl('ca', ...own, '-revoke', certFile);
    const time = (ms: number) => new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '');
    const times = ['-crl_lastupdate', time(from), '-crl_nextupdate', time(until)];
    openssl('ca', ...own, '-gencrl', ...times, '-out', `${base}.crl`);
    return readFileSync(`${base}.crl`, 'utf8');
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  #files(): [string, string] {
    const name = join(this.dir, String(this.#count++));
    return [`${name}.crt`, `${name}.key`];
  }

  #key(file: string): void {
    openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', file);
  }
}

function pair(certFile: string, keyFile: string): Pair {
  const cert = readFileSync(certFile, 'utf8');
  const spki = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
  const pin = `sha256/${createHash('sha256').update(spki).digest('base64')}`;
  return { cert, key: readFileSync(keyFile, 'utf8'), certFile, keyFile, pin };
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
