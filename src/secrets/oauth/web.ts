/**
 * The `fetch` of everything that speaks OAuth: through `net/`, so that metadata of a stranger leads nowhere that was not
 * meant (guarantee IS4). https, or loopback that is named; no redirect is followed; answers are small and quick.
 */
import { allowInsecureRequests, customFetch } from 'oauth4webapi';
import type { Resolve } from '../../net/connect.ts';
import { destination, isFault } from '../../net/destination.ts';
import { type Caps, Dialler, type Head } from '../../net/dialler.ts';
import { NetFault } from '../../net/fault.ts';

export interface WebOptions {
  readonly resolve: Resolve;
  readonly private: readonly string[];
  /** Absolute path. */
  readonly ca?: string;
  readonly caps?: Partial<Caps>;
}

type Fetch = (url: string, init: Init) => Promise<Response>;

export interface Web {
  readonly options: WebOptions;
  /** For each function of oauth4webapi. */
  readonly through: { readonly [customFetch]: Fetch; readonly [allowInsecureRequests]: true };
}

const CAPS: Partial<Caps> = { body: 262_144, head: 10_000, idle: 10_000, total: 15_000 };

export function web(options: WebOptions): Web {
  // What may go without TLS is decided by `destination`.
  return {
    options,
    through: { [customFetch]: (url, init) => send(url, init, options), [allowInsecureRequests]: true },
  };
}

interface Init {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** Whether the answer keeps its challenge; the library would read one where the body says more. */
  readonly challenge?: boolean;
}

/** Rejects with NetFault. */
async function send(url: string, init: Init, { resolve, private: named, ca, caps }: WebOptions): Promise<Response> {
  const to = destination({ url, private: named, ...(ca !== undefined && { tls: { ca } }) });
  if (isFault(to)) throw new NetFault('address', to.fault, true);
  const dialler = new Dialler(to, { resolve, connections: 1 });
  try {
    return await exchange(dialler, to.url, init, { ...CAPS, ...caps });
  } finally {
    void dialler.close();
  }
}

function exchange(dialler: Dialler, url: URL, init: Init, caps: Partial<Caps>): Promise<Response> {
  const method = init.method === 'POST' ? 'POST' : 'GET';
  const body = method === 'POST' ? String(init.body ?? '') : undefined;
  return new Promise((done, failed) => {
    const chunks: Uint8Array[] = [];
    let head: Head | undefined;
    const abort = dialler.send(
      {
        method,
        path: url.pathname + url.search,
        headers: Object.entries(init.headers ?? {}).flat(),
        ...(body !== undefined && { body }),
        caps,
      },
      {
        head: (heard) => (head = heard),
        data: (chunk) => void chunks.push(chunk),
        end() {
          const { status, header } = head!;
          const type = header('content-type');
          const empty = [204, 205, 304].includes(status);
          const challenge = init.challenge ? header('www-authenticate') : undefined;
          const headers = {
            ...(type !== undefined && { 'content-type': type }),
            ...(challenge !== undefined && { 'www-authenticate': challenge }),
          };
          done(new Response(empty ? null : Buffer.concat(chunks), { status, headers }));
        },
        fail: failed,
      },
    );
    init.signal?.addEventListener('abort', () => abort(), { once: true });
  });
}
