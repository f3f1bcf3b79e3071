/**
 * The Streamable HTTP listener for 2026-07-28 and 2025-11-25. Node's parser does the framing and its guards stop the
 * slow and the huge; `secure.ts` does TLS, `door.ts` says who may go on, `exchange.ts` answers one message.
 */
import { createServer, type IncomingMessage, type ServerOptions, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Code } from '../core/codes/index.ts';
import { type Evidence, type Gate, isCaller } from '../core/gate.ts';
import type { State } from '../core/state.ts';
import type { JsonObject } from '../lib/json/types.ts';
import type { KeyRing } from '../lib/seal.ts';
import { Authorities } from './authorities.ts';
import { BODY_LIMITS, type BodyLimits, readBody, tooLong } from './body.ts';
import {
  AFTER,
  BEFORE,
  type Check,
  type DoorRules,
  type Knock,
  only,
  type Refusal,
  routeOf,
  type Stop,
} from './door.ts';
import { Exchange, type ExchangeOptions } from './exchange.ts';
import { errorMessage } from './message.ts';
import { refuse } from './refusal.ts';
import { REPLY_TIMES, Reply, type ReplyTimes } from './reply.ts';
import { lacks } from './rules.ts';
import { type SecureServer, secureServer, type TlsOptions } from './secure.ts';
import { Sessions } from './session.ts';
import { CHARGE, STRANGER_RULES, type StrangerRules, Strangers } from './strangers.ts';
import { type After, after as realAfter } from './timers.ts';
import { identify } from './who.ts';

/** Guards of Node's own. Sizes in bytes, times in milliseconds. */
export interface HttpLimits {
  /** Request line and headers. */
  readonly head: number;
  readonly headWithin: number;
  /** Head and body. */
  readonly requestWithin: number;
  /** Between two requests of a connection. */
  readonly idle: number;
  readonly connections: number;
}
export const HTTP_LIMITS: HttpLimits = {
  head: 16 * 1024,
  headWithin: 10_000,
  requestWithin: 30_000,
  idle: 60_000,
  connections: 1024,
};

export interface HttpOptions {
  readonly gate: Gate;
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  /** Hosts served beside the loopback names, as `host:port`. */
  readonly authorities?: readonly string[];
  /** Without it: plain HTTP, on loopback only. */
  readonly tls?: TlsOptions;
  /** Where clients reach a TLS listener, such as `https://gate.example`: then nothing else is served. */
  readonly publicUrl?: string;
  /** Whether callers can prove themselves by more than the local token. */
  readonly identities?: boolean;
  /** What OAuth clients are told: the metadata document at a path, and the challenge of a call that lacks scopes. */
  readonly oauth?: {
    document(path: string): JsonObject | undefined;
    insufficient(route: string, scopes: readonly string[], error?: string): readonly string[];
  };
  /** Whether many speak from an address, that of a proxy: one of them must not lock the others out. */
  readonly shared?: (address: string) => boolean;
  /** What a request without a good credential gets: 401 with a challenge, or the 421 of a wrong authority. */
  readonly unauthenticated?: 'challenge' | 'misdirected';
  /** Origins of browser pages that may call, as a browser writes them. */
  readonly origins?: readonly string[];
  /** Seals session ids. */
  readonly ring: KeyRing;
  /** Remembers ended sessions. */
  readonly state: Pick<State, 'get' | 'put'>;
  readonly strangers?: StrangerRules;
  readonly body?: BodyLimits;
  readonly http?: HttpLimits;
  readonly times?: ReplyTimes;
  /** Life of a legacy session in milliseconds. */
  readonly sessionLife?: number;
  /** Bounds of calls that wait for their client's answer. */
  readonly questions?: ExchangeOptions['questions'];
  readonly after?: After;
}

export interface HttpDoor {
  /** `http://127.0.0.1:8808` with the real port; with TLS the public URL, or the first name that is served. */
  readonly url: string;
  /** Ends connections whose client certificate is revoked by what is in force now. */
  sweep(): void;
  /** Takes no new requests, lets open calls end within `grace` milliseconds (default 5 s), then cuts them off. */
  close(grace?: number): Promise<void>;
}

/** Listens. Rejects when the address cannot be had, or may not be had with what is configured (guarantees TR1, TR5). */
export async function serveHttp(options: HttpOptions): Promise<HttpDoor> {
  const { gate, host, tls, after = realAfter, body = BODY_LIMITS, http = HTTP_LIMITS, times = REPLY_TIMES } = options;
  const missing = lacks({
    host,
    url: options.publicUrl,
    tls: tls !== undefined,
    identities: options.identities === true || tls?.clients === 'required',
  });
  if (missing.length > 0)
    throw new Error(`refusing to listen on ${host || 'every address'} without ${missing.join(' and ')}`);
  const strangers = new Strangers(gate.clock, options.strangers ?? STRANGER_RULES);
  const sessions = new Sessions({
    ring: options.ring,
    clock: gate.clock,
    random: gate.random,
    state: options.state,
    ...(options.sessionLife !== undefined && { life: options.sessionLife }),
  });
  const exchange = new Exchange({
    gate,
    sessions,
    body,
    after,
    ...(options.oauth && { insufficient: options.oauth.insufficient }),
    ...(options.questions && { questions: options.questions }),
  });
  const authorities = new Authorities(options.authorities, tls, options.publicUrl);
  let closing = false;
  const rules: DoorRules = {
    authorities,
    origins: new Set((options.origins ?? []).map((page) => new URL(page).origin)),
    strangers,
    hasRoute: (name) => gate.snapshot().routes.has(name),
    closing: () => closing,
    maxBody: body.max,
    ...(tls && { clientAuthorities: () => tls.current().clients }),
    document: options.oauth?.document ?? (() => undefined),
    misdirected: options.unauthenticated === 'misdirected',
    shared: options.shared ?? (() => false),
  };

  async function handle(req: IncomingMessage, res: ServerResponse, expects: boolean): Promise<void> {
    const reply = new Reply(res, after, times);
    const link = secure?.link(req.socket);
    const peer = link?.peer ?? { listener: 'http' as const, address: req.socket.remoteAddress ?? '-' };
    const knock: Knock = { req, id: gate.id(), at: gate.clock(), peer, route: '', ...(link && { link }) };
    if (stopped(BEFORE, knock, reply)) return;
    const go = () => {
      if (expects && !res.destroyed) res.writeContinue();
      expects = false;
    };
    const said = identify(() => gate.authenticate(evidence(knock, go)));
    const caller = said instanceof Promise ? await said : said;
    if (!isCaller(caller)) return stranger(knock, reply, typeof caller === 'string' ? { code: caller } : caller);
    knock.caller = caller;
    if (stopped(AFTER, knock, reply)) return;
    go();
    await exchange.answer({ knock, caller, res, reply });
  }

  function stopped(checks: readonly Check[], knock: Knock, reply: Reply): boolean {
    for (const check of checks) {
      const stop = check(knock, rules);
      if (!stop) continue;
      turnAway(knock, reply, stop);
      return true;
    }
    if (checks === BEFORE && knock.origin !== undefined) allow(reply, knock.origin);
    return false;
  }

  /** `go`: a client that waits to be asked for its body is asked. */
  function evidence(knock: Knock, go: () => void): Evidence {
    const { req, peer, link } = knock;
    const target = req.url!;
    return {
      peer,
      header: (name) => text(only(req, name)),
      has: (name) => req.headers[name] !== undefined,
      request: { method: req.method!, target, route: routeOf(target) },
      ...(link?.client && {
        certificate: link.client.certificate,
        issuers: link.client.issuers,
        ...(link.client.authorities && { authorities: link.client.authorities }),
      }),
      async body() {
        if (tooLong(req.headers['content-length'], body.max)) knock.body ??= Promise.resolve('door.too-large');
        go();
        const bytes = await (knock.body ??= readBody(req, body, after));
        if (typeof bytes === 'string') throw new Error(bytes);
        return bytes;
      },
    };
  }

  /** Nobody signed in. A body that was too much to be looked at is told as what it is. */
  async function stranger(knock: Knock, reply: Reply, why: Pick<Refusal, 'code' | 'challenge' | 'headers'>) {
    const { peer, req } = knock;
    const read = await knock.body;
    if (read === 'gone') return;
    const wait = strangers.wait(peer.address);
    if (!UNGUESSED.has(why.code)) strangers.charge(peer.address, CHARGE.signIn - CHARGE.refused);
    if (typeof read === 'string') reply.unread(req, true);
    if (wait > 0) return turnAway(knock, reply, { stage: 'door', code: 'door.rate', wait });
    if (typeof read === 'string') return turnAway(knock, reply, { stage: 'door', code: read });
    turnAway(knock, reply, { stage: 'identity', ...why });
  }

  /** Answers without having read the body. */
  function turnAway(knock: Knock, reply: Reply, stop: Stop): void {
    if (!knock.body) reply.unread(knock.req);
    if ('code' in stop) {
      if (!knock.caller) strangers.charge(knock.peer.address, CHARGE.refused);
      return refuse(gate, knock, reply, stop, rules.misdirected);
    }
    if (knock.origin !== undefined) allow(reply, knock.origin);
    for (let i = 0; i < stop.headers.length; i += 2) reply.header(stop.headers[i]!, stop.headers[i + 1]!);
    reply.send(stop.status, stop.text === undefined ? [] : [stop.text], stop.type ?? 'text/plain');
  }

  const settings: ServerOptions = {
    maxHeaderSize: http.head,
    headersTimeout: http.headWithin,
    requestTimeout: http.requestWithin,
    keepAliveTimeout: http.idle,
    connectionsCheckingInterval: Math.min(1000, http.headWithin),
    insecureHTTPParser: false,
    requireHostHeader: true,
    noDelay: true,
  };
  const secure: SecureServer | undefined =
    tls &&
    secureServer({
      http: settings,
      tls,
      within: http.headWithin,
      clock: gate.clock,
      turnsAway: (address) => strangers.wait(address) > 0 && !rules.shared(address),
      failed(address) {
        strangers.charge(address, CHARGE.refused);
        gate.refuse({ id: gate.id(), at: gate.clock(), peer: { listener: 'http', address } }, 'door', 'door.tls');
      },
    });
  const server = secure?.server ?? createServer(settings);
  server.maxConnections = http.connections;
  server.maxRequestsPerSocket = 0;
  // Node drops headers over its count without a word; the cap on their bytes is the one that counts.
  server.maxHeadersCount = 0;

  const take = (expects: boolean) => (req: IncomingMessage, res: ServerResponse) => {
    // Whatever throws here is a defect: nothing of it may reach the caller.
    handle(req, res, expects).catch(() => {
      if (res.headersSent) res.destroy();
      else res.writeHead(500, ['Connection', 'close']).end(errorMessage(undefined, 'internal.run'));
    });
  };
  server.on('request', take(false));
  // A body is asked for only after its sender has signed in.
  server.on('checkContinue', take(true));
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const peer = { listener: 'http' as const, address: socket.remoteAddress ?? '-' };
    const slow = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
    const malformed = error.code?.startsWith('HPE_') ?? false;
    if (slow || malformed) {
      strangers.charge(peer.address, CHARGE.refused);
      gate.refuse({ id: gate.id(), at: gate.clock(), peer }, 'door', slow ? 'door.slow' : 'door.headers');
      const status = slow ? '408 Request Timeout' : '400 Bad Request';
      // After a reply has begun these bytes would be read as part of it.
      if (socket.writable && socket.bytesWritten === 0) {
        socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      }
    }
    socket.destroySoon();
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port, host, resolve);
  });
  const { address, family, port } = server.address() as AddressInfo;
  authorities.listening(port);

  return {
    url: authorities.url ?? `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    sweep: () => secure?.sweep(gate.clock()),
    async close(grace = 5000) {
      closing = true;
      // Until the open calls are done the listener stays, so that whoever knocks is told and health says `down`.
      await exchange.idle(grace);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      secure?.closeHandshakes();
      server.closeAllConnections();
      await exchange.idle();
      await closed;
    },
  };
}

/** Refusals that follow no wrong credential: clients learn by them how to sign in. */
const UNGUESSED: ReadonlySet<Code> = new Set(['identity.missing', 'identity.nonce', 'identity.unavailable']);

function text(value: ReturnType<typeof only>): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function allow(reply: Reply, origin: string): void {
  reply.header('Access-Control-Allow-Origin', origin);
  reply.header('Access-Control-Expose-Headers', 'Mcp-Session-Id, WWW-Authenticate, DPoP-Nonce, Retry-After');
  reply.header('Vary', 'Origin');
}
