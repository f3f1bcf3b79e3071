/** Whom a sidecar says that it speaks with, in the headers that Linkerd and Istio (Envoy) set. */
import { parseSpiffeId } from '../spiffe/id.ts';

export const MESH_HEADER = { linkerd: 'l5d-client-id', istio: 'x-forwarded-client-cert' } as const;
export type Mesh = keyof typeof MESH_HEADER;

/** Keys that Envoy writes (HTTP connection manager, `x-forwarded-client-cert`), in lower case. */
const KEYS: ReadonlySet<string> = new Set(['by', 'hash', 'cert', 'chain', 'subject', 'uri', 'dns']);
/** A name of Linkerd: `account.namespace.serviceaccount.identity.linkerd.cluster.local`. */
const LABELS = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$/;

/** The id of the peer, of one of these trust domains; undefined for anything else. */
export function meshPeer(mesh: Mesh, header: string, domains: readonly string[]): string | undefined {
  const id = mesh === 'istio' ? uriOf(header) : header;
  if (id === undefined) return undefined;
  const spiffe = parseSpiffeId(id);
  if (spiffe) return spiffe.path !== '' && domains.includes(spiffe.trustDomain) ? id : undefined;
  if (mesh === 'istio' || !LABELS.test(id)) return undefined;
  return domains.some((domain) => id.endsWith(`.${domain}`)) ? id : undefined;
}

/** Two elements are two hops: what the first one says, the sidecar has only passed on. */
function uriOf(header: string): string | undefined {
  const uris = parseClientCert(header)?.get('uri');
  return uris?.length === 1 ? uris[0] : undefined;
}

/** The values by key of the one element that a header is; undefined when it is another thing, or several. */
export function parseClientCert(header: string): ReadonlyMap<string, readonly string[]> | undefined {
  const found = new Map<string, string[]>();
  let at = 0;
  for (;;) {
    const equals = header.indexOf('=', at);
    const key = equals < 0 ? '' : header.slice(at, equals).toLowerCase();
    if (!KEYS.has(key)) return undefined;
    at = equals + 1;
    let value = '';
    if (header[at] === '"') {
      at++;
      while (at < header.length && header[at] !== '"') {
        if (header[at] === '\\') at++;
        value += header[at++] ?? '';
      }
      // The closing quote.
      if (header[at++] !== '"') return undefined;
    } else {
      const start = at;
      while (at < header.length && !';,="\\ \t'.includes(header[at]!)) at++;
      value = header.slice(start, at);
    }
    found.set(key, [...(found.get(key) ?? []), value]);
    if (at === header.length) return found;
    if (header[at++] !== ';' || found.get(key)!.length > 16) return undefined;
  }
}
