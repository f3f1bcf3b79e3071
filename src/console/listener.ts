/**
 * The console's own listener (guarantee IS11): loopback, its own port, never the one that serves MCP. Whatever does not
 * name it to the letter, or comes from another page, is refused before anything is looked up.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly query: string;
  readonly cookies: string;
  /** Fields of a posted form; each came once. */
  readonly form: ReadonlyMap<string, string>;
}
export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type?: 'text/html' | 'text/css';
  /** A whole Set-Cookie. */
  readonly cookie?: string;
}

const HOST = '127.0.0.1';
/** Bytes of a form, and of a request's head. */
const MAX_FORM = 8 * 1024;
const MAX_HEAD = 16 * 1024;
const WITHIN = 10_000;

/**
 * No script, no frame, no other origin, nothing kept. The referrer stays on this origin, so that a form still says where
 * it comes from: with `no-referrer` a browser would send `Origin: null`.
 */
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'X-Frame-Options': 'DENY',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
} as const;

export interface Listener {
  readonly url: string;
  close(): Promise<void>;
}

/** `face` = the URL under which a proxy of the operator shows this listener. Rejects when the port cannot be had. */
export async function listen(port: number, answer: (asked: Asked) => Promise<Answer>, face?: URL): Promise<Listener> {
  /** Host -> origin. */
  const served = new Map<string, string>();
  if (face) served.set(face.host, face.origin);

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { method, headers, url = '' } = req;
    const host = headers.host?.toLowerCase() ?? '';
    if (!served.has(host) || !url.startsWith('/')) return send(res, { status: 421, body: '' });
    const { origin, 'sec-fetch-site': site } = headers;
    const own = origin === served.get(host);
    // Whoever comes by a link sends no Origin; a form always does, and so does what another page sends.
    if (method === 'GET' ? origin !== undefined && !own : !own) return send(res, { status: 403, body: '' });
    if (method === 'POST' && site !== undefined && site !== 'same-origin') return send(res, { status: 403, body: '' });
    if (method !== 'GET' && method !== 'POST') return send(res, { status: 405, body: '' });
    const form = method === 'POST' ? await formOf(req) : new Map<string, string>();
    if (!form) return send(res, { status: 400, body: '' });
    const end = url.indexOf('?');
    const [path, query] = end < 0 ? [url, ''] : [url.slice(0, end), url.slice(end + 1)];
    send(res, await answer({ method, path, query, cookies: headers.cookie ?? '', form }));
  }

  const server = createServer(
    {
      maxHeaderSize: MAX_HEAD,
      headersTimeout: WITHIN,
      requestTimeout: WITHIN,
      keepAliveTimeout: 5_000,
      insecureHTTPParser: false,
      requireHostHeader: true,
    },
    (req, res) => {
      handle(req, res).catch(() => {
        if (res.headersSent) res.destroy();
        else send(res, { status: 500, body: '' });
      });
    },
  );
  server.maxConnections = 64;
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, HOST, resolve));
  const real = (server.address() as AddressInfo).port;
  for (const name of [HOST, 'localhost']) {
    served.set(`${name}:${real}`, `http://${name}:${real}`);
    if (real === 80) served.set(name, `http://${name}`);
  }
  return {
    url: `http://${HOST}:${real}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function send(res: ServerResponse, { status, body, type = 'text/html', cookie }: Answer): void {
  // A body that nobody reads must not be taken for the next request.
  const close = res.req.complete ? {} : { Connection: 'close' };
  res.writeHead(status, {
    ...HEADERS,
    ...close,
    ...(cookie !== undefined && { 'Set-Cookie': cookie }),
    ...(status === 405 && { Allow: 'GET, POST' }),
    'Content-Type': `${type}; charset=utf-8`,
    'Content-Length': Buffer.byteLength(body),
  });
  res.end(body);
}

/** Undefined for anything but one small form with each field once. */
async function formOf(req: IncomingMessage): Promise<ReadonlyMap<string, string> | undefined> {
  const { 'content-type': type, 'content-encoding': coding } = req.headers;
  if (type?.toLowerCase().split(';', 1)[0]!.trim() !== 'application/x-www-form-urlencoded' || coding !== undefined)
    return undefined;
  let body = '';
  for await (const chunk of req) {
    body += (chunk as Buffer).toString('latin1');
    if (body.length > MAX_FORM) return undefined;
  }
  const form = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(body)) {
    if (form.has(name)) return undefined;
    form.set(name, value);
  }
  return form;
}
