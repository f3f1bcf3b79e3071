/**
 * What is asked of an HTTP request before its body is read, as two lists from the top down. The first refusal is the
 * answer. Nothing above `identity` depends on which routes, subjects or sessions exist (guarantee TR6).
 */
import type { IncomingMessage } from 'node:http';
import type { Caller, Peer, Stage } from '../core/call.ts';
import type { Code } from '../core/codes/index.ts';
import type { JsonObject } from '../lib/json/types.ts';
import type { Id } from '../wire/frame.ts';
import type { Authorities } from './authorities.ts';
import { tooLong } from './body.ts';
import type { ClientAuthorities } from './certificate.ts';
import type { Link } from './secure.ts';
import type { Strangers } from './strangers.ts';

/** One request as far as it is known. */
export interface Knock {
  readonly req: IncomingMessage;
  readonly id: string;
  readonly at: number;
  readonly peer: Peer;
  /** Of a TLS connection. */
  readonly link?: Link;
  /** The listed origin that the request comes from. */
  origin?: string;
  caller?: Caller;
  /** First and only path segment; known to name a route after `AFTER`. */
  route: string;
  /** The body, once somebody has begun to read it. */
  body?: Promise<Uint8Array | Code | 'gone'>;
}

export interface DoorRules {
  readonly authorities: Pick<Authorities, 'serves'>;
  /** Serialised origins, exact. */
  readonly origins: ReadonlySet<string>;
  readonly strangers: Strangers;
  readonly hasRoute: (name: string) => boolean;
  readonly closing: () => boolean;
  /** Bytes. */
  readonly maxBody: number;
  /** With TLS: the authorities of client certificates that are in force now. */
  readonly clientAuthorities?: () => ClientAuthorities | undefined;
  /** What clients read before they sign in, by path (RFC 9728). */
  readonly document: (path: string) => JsonObject | undefined;
  /** Whether a failed sign-in is answered like a wrong authority. */
  readonly misdirected: boolean;
  /** Whether many speak from this address: that of a proxy whose word is taken. */
  readonly shared: (address: string) => boolean;
}

export interface Refusal {
  readonly stage: Stage;
  readonly code: Code;
  /** Seconds, for a 429 that knows. */
  readonly wait?: number;
  /** Further headers, as name, value, name, value. */
  readonly headers?: readonly string[];
  /** Values of WWW-Authenticate for a 401; absent = `Bearer`. */
  readonly challenge?: readonly string[];
  /** Of the request, where it could be read. */
  readonly id?: Id;
  /** Of the JSON-RPC error. */
  readonly data?: JsonObject;
  /** What it named, for the log. */
  readonly name?: string;
}
/** An answer that needs no caller. */
export interface Notice {
  readonly status: number;
  readonly headers: readonly string[];
  readonly text?: string;
  /** Media type; text/plain without it. */
  readonly type?: string;
}
export type Stop = Refusal | Notice;
export type Check = (knock: Knock, rules: DoorRules) => Stop | undefined;

/** Before anybody has signed in. */
export const BEFORE: readonly Check[] = [
  authority,
  certificate,
  origin,
  preflight,
  health,
  closing,
  flood,
  framing,
  document,
];
/** With a caller. */
export const AFTER: readonly Check[] = [route, method, contentType, accept, length];

/**
 * DNS rebinding: the Host must be one that this listener serves, to the letter (guarantees TR5, TR6), and over TLS the
 * name for which the connection was made (TR3).
 */
function authority({ req, link }: Knock, { authorities }: DoorRules): Stop | undefined {
  const host = only(req, 'host');
  // A target that is not a path names an authority of its own, or none (RFC 9112 section 3.2).
  if (typeof host === 'string' && authorities.serves(host.toLowerCase(), link?.host) && req.url?.startsWith('/'))
    return;
  return { stage: 'door', code: 'door.authority' };
}

/** A client certificate counts as long as it would be believed in a handshake now; a new connection may show another. */
function certificate({ at, link }: Knock, { clientAuthorities }: DoorRules): Stop | undefined {
  if (!link?.client) return;
  const { until, authorities, ids } = link.client;
  const now = clientAuthorities?.();
  if (at < until && stillCount(authorities, now) && !now?.revocation?.refuses(ids, at)) return;
  return { stage: 'door', code: 'door.certificate', headers: ['Connection', 'close'] };
}

/** None of those who could have vouched for it may be gone; more may have come. */
function stillCount(then: ClientAuthorities | undefined, now: ClientAuthorities | undefined): boolean {
  if (then === now) return true;
  if (!then || !now) return false;
  for (const one of then.each) if (!now.each.has(one)) return false;
  return true;
}

/** A browser says where a page came from. `null` is what it says for pages of no origin: never listed. */
function origin(knock: Knock, { origins }: DoorRules): Stop | undefined {
  const value = only(knock.req, 'origin');
  if (value === undefined) return;
  if (typeof value !== 'string' || value === 'null' || !origins.has(value))
    return { stage: 'door', code: 'door.origin' };
  knock.origin = value;
  return;
}

/** Kept short by hand: a page may send what MCP needs and nothing else. */
const PREFLIGHT = [
  'Access-Control-Allow-Methods',
  'GET, POST, DELETE',
  'Access-Control-Allow-Headers',
  'Authorization, DPoP, Content-Type, Accept, Mcp-Session-Id, MCP-Protocol-Version, Mcp-Method, Mcp-Name',
  'Access-Control-Max-Age',
  '600',
];

/** A browser asks before it sends; it sends no credential with the question. */
function preflight({ req, origin: from }: Knock): Stop | undefined {
  if (req.method !== 'OPTIONS' || !from || only(req, 'access-control-request-method') === undefined) return;
  return { status: 204, headers: PREFLIGHT };
}

/** Says whether the gateway is up and nothing else. */
function health({ req }: Knock, rules: DoorRules): Stop | undefined {
  if (req.url !== '/healthz' || req.method !== 'GET') return;
  return rules.closing() ? { status: 503, headers: [], text: 'down\n' } : { status: 200, headers: [], text: 'up\n' };
}

function closing(_: Knock, rules: DoorRules): Stop | undefined {
  return rules.closing() ? { stage: 'door', code: 'door.closing' } : undefined;
}

const CREDENTIALS = ['authorization', 'signature-input'] as const;

/**
 * By address. Who brings a credential is heard all the same: processes of one machine share its address, and a hostile
 * one must not lock the others out. A credential that fails then is answered 429 too.
 */
function flood({ peer, req, link }: Knock, { strangers, shared }: DoorRules): Stop | undefined {
  const wait = strangers.wait(peer.address);
  const brings =
    link?.client !== undefined ||
    CREDENTIALS.some((name) => req.headers[name] !== undefined) ||
    (wait > 0 && shared(peer.address));
  return wait > 0 && !brings ? { stage: 'door', code: 'door.rate', wait } : undefined;
}

/** The parser refuses conflicting lengths; what it lets pass and another hop might read differently ends here. */
function framing({ req }: Knock): Stop | undefined {
  const coding = only(req, 'transfer-encoding');
  const chunked = typeof coding === 'string' && coding.toLowerCase() === 'chunked' && req.httpVersion === '1.1';
  const plain = chunked || (coding === undefined && req.httpVersionMajor === 1);
  if (plain && only(req, 'content-length') !== REPEATED && only(req, 'upgrade') === undefined) return;
  return { stage: 'door', code: 'door.headers' };
}

/** Metadata of a protected resource: for everybody, and the same whichever routes there are. */
function document({ req }: Knock, rules: DoorRules): Stop | undefined {
  const found = req.method === 'GET' ? rules.document(req.url!) : undefined;
  return found && { status: 200, headers: [], text: JSON.stringify(found), type: 'application/json' };
}

/** `/<route>`; a query is neither read nor forwarded. */
function route(knock: Knock, { hasRoute }: DoorRules): Stop | undefined {
  knock.route = routeOf(knock.req.url!);
  return hasRoute(knock.route) ? undefined : { stage: 'door', code: 'door.route' };
}

/** The route that a request target names, whether or not there is one. */
export function routeOf(target: string): string {
  const end = target.indexOf('?');
  return target.slice(1, end < 0 ? undefined : end);
}

/** GET is for sessions of older revisions; to anyone else there is no such thing here. */
function method({ req }: Knock): Stop | undefined {
  if (req.method === 'POST' || req.method === 'DELETE') return;
  if (req.method === 'GET' && only(req, 'mcp-session-id') !== undefined) return;
  return { stage: 'door', code: 'door.method', headers: ['Allow', 'POST, DELETE'] };
}

/** Compressed bodies are refused: no bomb, and one spelling of a body (guarantee TR7). */
function contentType({ req }: Knock): Stop | undefined {
  if (req.method !== 'POST') return;
  const type = only(req, 'content-type');
  const [name = '', charset, more] = typeof type === 'string' ? type.toLowerCase().split(';', 3) : [];
  const json = name.trim() === 'application/json' && more === undefined;
  const utf8 = charset === undefined || /^ ?charset="?utf-8"?$/.test(charset);
  if (json && utf8 && only(req, 'content-encoding') === undefined) return;
  return { stage: 'door', code: 'door.content-type' };
}

function accept({ req }: Knock): Stop | undefined {
  if (req.method === 'DELETE') return;
  const listed = (req.headers.accept ?? '').toLowerCase().split(',', 32);
  const names = listed.map((entry) => entry.split(';', 1)[0]!.trim());
  const json = req.method === 'GET' || names.includes('application/json');
  if (json && names.includes('text/event-stream')) return;
  return { stage: 'door', code: 'door.accept' };
}

function length({ req }: Knock, { maxBody }: DoorRules): Stop | undefined {
  return tooLong(req.headers['content-length'], maxBody) ? { stage: 'door', code: 'door.too-large' } : undefined;
}

export const REPEATED = Symbol('repeated');

/** The one value of a header, as it was sent: Node would join or drop a second one. `name` in lower case. */
export function only(req: IncomingMessage, name: string): string | typeof REPEATED | undefined {
  // Most are not there, and Node knows that at once.
  if (req.headers[name] === undefined) return undefined;
  const raw = req.rawHeaders;
  let value: string | undefined;
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]!.length !== name.length || raw[i]!.toLowerCase() !== name) continue;
    if (value !== undefined) return REPEATED;
    value = raw[i + 1]!;
  }
  return value;
}
