/** Clients for tests of doors: one that says exactly what it is told, byte for byte, and one that speaks MCP. */
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { JsonObject } from '../../src/lib/json/types.ts';

export const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
};

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly json: JsonObject;
}

export interface Ask {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string | Uint8Array | object;
  readonly signal?: AbortSignal;
  readonly agent?: Agent;
}

/** One HTTP request with the headers that MCP wants, except where `ask` says otherwise (`undefined` drops one). */
export function http(url: string, ask: Ask): Promise<Answer> {
  const body = ask.body === undefined || typeof ask.body === 'string' || ask.body instanceof Uint8Array;
  const sent = body ? (ask.body as string | undefined) : JSON.stringify(ask.body);
  const headers: Record<string, string> = {};
  const wanted = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...(sent !== undefined && { 'content-length': String(Buffer.byteLength(sent)) }),
    ...ask.headers,
  };
  for (const [name, value] of Object.entries(wanted)) if (value !== undefined) headers[name] = value;
  return new Promise((resolve, reject) => {
    const req = request(
      url + (ask.path ?? '/files'),
      {
        method: ask.method ?? 'POST',
        headers,
        agent: ask.agent ?? false,
        ...(ask.signal && { signal: ask.signal }),
      },
      (res) => {
        let text = '';
        res.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        res.on('error', reject).on('end', () => {
          const json = text.startsWith('{') ? JSON.parse(text) : {};
          resolve({ status: res.statusCode!, headers: res.headers, text, json });
        });
      },
    );
    req.on('error', reject).end(sent);
  });
}

export function modern(
  id: string | number,
  name: string,
  args: object = {},
): { headers: Record<string, string>; body: object } {
  return {
    headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name },
    body: { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args, _meta: META } },
  };
}

export const INITIALIZE = {
  jsonrpc: '2.0',
  id: 'init',
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
};

export function legacy(id: string | number, name: string, args: object = {}): object {
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } };
}

/** The events of a stream, as their data. */
export function events(text: string): JsonObject[] {
  return text
    .split('\n\n')
    .filter((event) => event.startsWith('data:') || event.includes('\ndata:'))
    .map((event) => JSON.parse(event.replace(/^(event: message\n)?data: ?/, '')));
}

/** Writes bytes and reads until the other end closes, or `ms` are over. */
export function raw(port: number, bytes: string | Uint8Array, ms = 300): Promise<string> {
  return new Promise((resolve) => {
    const socket: Socket = connect(port, '127.0.0.1');
    let text = '';
    const timer = setTimeout(() => socket.destroy(), ms);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(text);
    });
    socket.write(bytes);
  });
}
