import { rpc } from './row.ts';

export const door = {
  'door.authority': rpc(421, -31001, '', 'the Host is not one this listener serves (DNS rebinding?)'),
  'door.origin': rpc(
    403,
    -31002,
    'origin not allowed',
    'a browser page sent this; name its origin in listen.origins if it is yours',
  ),
  'door.route': rpc(404, -31003, 'not found', 'the path names no upstream'),
  'door.method': rpc(405, -31004, 'method not allowed', 'MCP uses POST; this route offers nothing else here'),
  'door.content-type': rpc(415, -32000, 'unsupported content type', 'send application/json without content-encoding'),
  'door.accept': rpc(406, -32000, 'not acceptable', 'accept application/json and text/event-stream'),
  'door.headers': rpc(
    400,
    -32600,
    'bad request',
    'a protocol header is repeated, oversized or holds control characters',
  ),
  'door.too-large': rpc(413, -32000, 'request too large', 'the body is over the cap of the door'),
  'door.slow': rpc(408, -32000, 'request timeout', 'the body did not arrive in time'),
  'door.rate': rpc(429, -31005, 'too many requests', 'the address is over its bucket before sign-in'),
  'door.tls': rpc(
    421,
    -31007,
    '',
    'a TLS handshake failed: version, cipher, name asked for, client certificate, or no TLS',
  ),
  'door.certificate': rpc(
    421,
    -31008,
    '',
    'the client certificate of an open connection has ended, or its authority is no longer trusted',
  ),
  'door.closing': rpc(503, -31006, 'shutting down', 'the gateway is stopping'),
} as const;
