/** What the tests of this folder share: MCP servers on loopback, a table of lanes over one of them, and calls. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Call, Io, Notification, Pinned, Result, Resume, RpcError } from '../../../src/core/call.ts';
import { descriptorDigest as digest } from '../../../src/inventory/digest.ts';
import { serverDigest } from '../../../src/inventory/lock.ts';
import type { JsonObject } from '../../../src/lib/json/types.ts';
import type { DestinationConfig } from '../../../src/net/destination.ts';
import { type HttpSpec, httpSpec, serverPin } from '../../../src/upstreams/http/spec.ts';
import { type Lanes, type LanesOptions, lanes } from '../../../src/upstreams/lanes.ts';
import type { Asks } from '../../../src/wire/eras/asks.ts';

export const MODERN = '2026-07-28';
export const LEGACY = '2025-11-25';

export interface Heard {
  readonly http: string;
  readonly headers: IncomingMessage['headers'];
  readonly raw: readonly string[];
  readonly message: any;
}
export interface Answering {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly message: any;
  json(value: unknown, status?: number, headers?: Record<string, string>): void;
  result(value: JsonObject, headers?: Record<string, string>): void;
  error(code: number, message: string, status?: number, data?: unknown): void;
  /** Begins a stream of events, or adds one. */
  event(value: unknown): void;
}
/** True: it answered; otherwise the usual answer is given. */
export type Answer = (how: Answering) => boolean | void;

export interface Site {
  readonly url: string;
  readonly port: number;
  /** Every request, in order. */
  readonly heard: Heard[];
  /** Messages of one method. */
  of(method: string): Heard[];
  /** Connections that are open. */
  open(): number;
  readonly sessions: Set<string>;
  /** From now on another certificate. */
  swap(pair: { readonly cert: string; readonly key: string }): void;
  close(): Promise<void>;
}

export const ECHO: JsonObject = {
  name: 'echo',
  description: 'Says it again',
  inputSchema: {
    type: 'object',
    properties: {
      text: { type: 'string', 'x-mcp-header': 'Text' },
      count: { type: 'integer', 'x-mcp-header': 'Count' },
      where: { type: 'object', properties: { deep: { type: 'boolean', 'x-mcp-header': 'Deep' } } },
    },
  },
};

export interface SiteOptions {
  readonly era?: 'modern' | 'legacy' | 'both';
  readonly answer?: Answer;
  readonly tools?: () => JsonObject[];
  readonly capabilities?: JsonObject;
  readonly tls?: ServerOptions;
  readonly port?: number;
  /** What an older server answers `initialize` with. */
  readonly version?: string;
  /** A legacy server without sessions. */
  readonly stateless?: boolean;
}

/** A small MCP server, strict about what a client of its era must send. */
export async function site({
  era = 'modern',
  answer = () => {},
  tools = () => [ECHO],
  capabilities = { tools: {} },
  tls,
  port = 0,
  version: older = LEGACY,
  stateless = false,
}: SiteOptions = {}): Promise<Site> {
  const heard: Heard[] = [];
  const sessions = new Set<string>();
  let count = 0;
  const listener = async (req: IncomingMessage, res: ServerResponse) => {
    const chunks: Buffer[] = [];
    req.on('error', () => {});
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const message = text === '' ? undefined : JSON.parse(text);
    heard.push({ http: req.method!, headers: req.headers, raw: req.rawHeaders, message });
    const json = (value: unknown, status = 200, headers: Record<string, string> = {}) => {
      res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
    };
    const id = message?.id;
    const how: Answering = {
      req,
      res,
      message,
      json,
      result: (result, headers) => json({ jsonrpc: '2.0', id, result }, 200, headers),
      error: (code, text, status = 200, data) =>
        json(
          { jsonrpc: '2.0', id: id ?? null, error: { code, message: text, ...(data !== undefined && { data }) } },
          status,
        ),
      event(value) {
        if (!res.headersSent) res.writeHead(200, { 'content-type': 'text/event-stream' });
        res.write(`data: ${JSON.stringify(value)}\n\n`);
      },
    };
    if (answer(how) === true) return;
    if (req.method === 'DELETE') {
      sessions.delete(String(req.headers['mcp-session-id']));
      return void res.writeHead(200).end();
    }
    if (req.method !== 'POST') return void res.writeHead(405).end();
    const version = message.params?._meta?.['io.modelcontextprotocol/protocolVersion'];
    if (version !== undefined) {
      if (era === 'legacy') return how.error(-32000, 'Bad Request: Server not initialized', 400);
      if (
        version !== MODERN ||
        req.headers['mcp-protocol-version'] !== version ||
        req.headers['mcp-method'] !== message.method
      )
        return how.error(-32020, 'header mismatch', 400);
    } else if (era === 'modern') return how.error(-32022, 'unsupported', 400, { supported: [MODERN], requested: '?' });
    const session = req.headers['mcp-session-id'];
    if (version === undefined && message.method !== 'initialize' && !stateless) {
      if (session === undefined) return how.error(-32000, 'Bad Request: Mcp-Session-Id header is required', 400);
      if (!sessions.has(String(session))) return how.error(-32001, 'Session not found', 404);
    }
    if (id === undefined || message.method === undefined) return void res.writeHead(202).end();
    switch (message.method) {
      case 'server/discover':
        return how.result({
          resultType: 'complete',
          supportedVersions: era === 'both' ? [MODERN, LEGACY] : [MODERN],
          capabilities,
          instructions: 'be kind',
          _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'site', version: '1' } },
        });
      case 'initialize': {
        const made = `session-${++count}`;
        if (!stateless) sessions.add(made);
        return how.result(
          {
            protocolVersion: older,
            capabilities,
            serverInfo: { name: 'site', version: '1' },
            instructions: 'be kind',
          },
          stateless ? {} : { 'mcp-session-id': made },
        );
      }
      case 'tools/list':
        return how.result({ resultType: 'complete', tools: tools() });
      case 'resources/list':
        return how.result({ resultType: 'complete', resources: [] });
      case 'tools/call':
        return how.result({
          content: [{ type: 'text', text: String(message.params.arguments?.text ?? '') }],
          ...(version !== undefined && { resultType: 'complete' }),
        });
      default:
        return how.error(-32601, 'Method not found', version === undefined ? 200 : 404);
    }
  };
  const server = tls ? createTlsServer(tls, listener) : createServer(listener);
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${bound}/mcp`,
    port: bound,
    heard,
    sessions,
    swap: ({ cert, key }) => (server as TlsServer).setSecureContext({ cert, key }),
    of: (method) => heard.filter(({ message }) => message?.method === method),
    open: () => sockets.size,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

export interface World {
  readonly lanes: Lanes;
  readonly spec: HttpSpec;
  readonly events: { code: string; data: any }[];
  readonly drifts: string[];
  call(args?: JsonObject, how?: CallHow): Promise<Result | RpcError>;
}
export interface CallHow {
  readonly tool?: string;
  readonly subject?: string;
  readonly session?: string;
  readonly executes?: boolean;
  readonly signal?: AbortSignal;
  readonly notes?: Notification[];
  readonly send?: Io['send'];
  readonly pin?: JsonObject;
  /** What the client says that it can. */
  readonly capabilities?: JsonObject;
  readonly resume?: Resume;
}

let calls = 0;

export function world(
  config: DestinationConfig,
  change: Partial<LanesOptions> & { pinned?: readonly JsonObject[]; asks?: Asks; transport?: 'sse' } = {},
): World {
  const { asks, transport } = change;
  const more = { ...(asks && { asks }), ...(transport && { transport }) };
  const spec = httpSpec('under-test', { private: ['127.0.0.0/8'], ...config }, more);
  if ('fault' in spec) throw new Error(spec.fault);
  const { pinned = [ECHO] } = change;
  const events: World['events'] = [];
  const drifts: string[] = [];
  const made = lanes({
    machine: undefined as never,
    clock: Date.now,
    version: '0',
    onEvent: (code, data) => events.push({ code, data }),
    redactor: undefined as never,
    specs: (name) => (name === spec.name ? spec : undefined),
    pin: () => serverDigest(serverPin(spec)),
    expected: () => new Map(pinned.map((tool) => [`tool:${tool['name']}`, digest('tool', tool)])),
    onDrift: (upstream) => drifts.push(upstream),
    timers: { set: (run, ms) => setTimeout(run, ms), clear: (timer) => clearTimeout(timer as NodeJS.Timeout) },
    ...change,
  });
  return {
    lanes: made,
    spec,
    events,
    drifts,
    async call(args = { text: 'hello' }, how = {}) {
      const { tool = 'echo', subject = 'a', session = '-', executes = false, signal, notes, send } = how;
      const { capabilities = {}, resume } = how;
      const id = `call-${++calls}`;
      const descriptor = how.pin ?? pinned.find(({ name }) => name === tool) ?? { name: tool };
      const target: Pinned = {
        kind: 'tool',
        upstream: spec.name,
        name: tool,
        digest: digest('tool', descriptor),
        descriptor,
        facts: { reads: true, writes: false, destructive: false, executes, sendsOut: false },
        exceptions: {},
      };
      const call = {
        id,
        tenant: 't',
        caller: { subject },
        claimed: { capabilities },
        ...(resume && { resume }),
        upstream: spec.name,
        method: 'tools/call',
        family: 'call',
        target,
        args,
        lane: JSON.stringify([spec.name, 't', subject, [], session, executes ? id : '-']),
      } as unknown as Call;
      return made.handle(call, {
        send: send ?? (async (note) => void notes?.push(note)),
        signal: signal ?? new AbortController().signal,
      });
    },
  };
}

export function textOf(answer: Result | RpcError): string {
  if (answer.kind === 'error') throw new Error(`${answer.code} ${answer.message}`);
  return (answer.value['content'] as { text: string }[])[0]!.text;
}

export const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
