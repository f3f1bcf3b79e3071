/** A client that keeps a stream of events open and collects what it says. */
import { type IncomingMessage, request } from 'node:http';
import type { JsonObject } from '../../src/lib/json/types.ts';
import { META } from '../doors/client.ts';
import type { Library } from './library.ts';

export interface Listener {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly messages: JsonObject[];
  /** Everything that came, comments and all. */
  raw(): string;
  /** Methods of the notifications so far, without `notifications/`. */
  heard(): string[];
  ended(): boolean;
  leave(): void;
}

export function open(
  url: string,
  ask: { method: 'GET' | 'POST'; path: string; headers: Record<string, string>; body?: object },
): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const headers = {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      ...ask.headers,
    };
    const req = request(url + ask.path, { method: ask.method, headers, agent: false }, (res) => {
      let text = '';
      let over = false;
      const messages: JsonObject[] = [];
      let at = 0;
      res.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        for (let end = text.indexOf('\n\n', at); end >= 0; end = text.indexOf('\n\n', at)) {
          const event = text.slice(at, end);
          at = end + 2;
          if (event.startsWith('data: ')) messages.push(JSON.parse(event.slice(6)));
        }
      });
      res
        .on('error', () => {})
        .on('close', () => {
          over = true;
        });
      resolve({
        status: res.statusCode!,
        headers: res.headers,
        messages,
        raw: () => text,
        heard: () => messages.flatMap(({ method }) => (method ? [String(method).replace('notifications/', '')] : [])),
        ended: () => over,
        leave: () => req.destroy(),
      });
    });
    req.on('error', reject).end(ask.body && JSON.stringify(ask.body));
  });
}

export function listen(
  { url, site }: Library,
  notifications: object,
  { id = 'sub', path = '/library' }: { id?: number | string; path?: string } = {},
): Promise<Listener> {
  return open(url, {
    method: 'POST',
    path,
    headers: {
      authorization: `Bearer ${site.token()}`,
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'subscriptions/listen',
    },
    body: { jsonrpc: '2.0', id, method: 'subscriptions/listen', params: { notifications, _meta: META } },
  });
}

export function listenLegacy({ url, site }: Library, session: string, path = '/library'): Promise<Listener> {
  return open(url, {
    method: 'GET',
    path,
    headers: {
      authorization: `Bearer ${site.token()}`,
      'mcp-protocol-version': '2025-11-25',
      'mcp-session-id': session,
    },
  });
}
