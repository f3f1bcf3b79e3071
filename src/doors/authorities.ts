/** Which Host headers are served: what the configuration names, or what the certificate in force is for. */
import type { Credentials } from './certificate.ts';
import type { TlsOptions } from './secure.ts';

const HTTPS = 443;

export class Authorities {
  readonly #named: Set<string>;
  readonly #tls: TlsOptions | undefined;
  readonly #publicUrl: string | undefined;
  #port = 0;
  #served: { readonly by: Credentials; readonly names: ReadonlySet<string> } | undefined;

  /** `named` as `host:port`, beside the loopback names or the names of the certificate. */
  constructor(named: readonly string[] = [], tls?: TlsOptions, publicUrl?: string) {
    this.#named = new Set(named.map((name) => name.toLowerCase()));
    this.#tls = tls;
    this.#publicUrl = publicUrl;
  }

  listening(port: number): void {
    this.#port = port;
    if (this.#tls) return;
    for (const name of ['localhost', '127.0.0.1', '[::1]']) {
      this.#named.add(`${name}:${port}`);
      if (port === 80) this.#named.add(name);
    }
  }

  /** The base URL of a TLS listener. */
  get url(): string | undefined {
    if (!this.#tls) return undefined;
    const [first] = this.#tls.current().hosts;
    return this.#publicUrl === undefined ? `https://${first}:${this.#port}` : new URL(this.#publicUrl).origin;
  }

  /** `authority` in lower case; `host` is the name that its TLS connection was made for. */
  serves(authority: string, host?: string): boolean {
    if (!this.#tls) return this.#named.has(authority);
    if (host === undefined || hostOf(authority) !== host) return false;
    return this.#named.has(authority) || this.#names(this.#tls.current()).has(authority);
  }

  #names(by: Credentials): ReadonlySet<string> {
    if (this.#served?.by !== by) this.#served = { by, names: new Set(this.#spell(by)) };
    return this.#served.names;
  }

  #spell({ hosts }: Credentials): string[] {
    const { port } = this.#publicUrl === undefined ? { port: this.#port } : new URL(this.#publicUrl);
    const number = Number(port) || HTTPS;
    return [...hosts].flatMap((host) => (number === HTTPS ? [host, `${host}:${HTTPS}`] : [`${host}:${number}`]));
  }
}

/** A name that a TLS client can ask for has no colon. */
function hostOf(authority: string): string {
  const colon = authority.indexOf(':');
  return colon < 0 ? authority : authority.slice(0, colon);
}
