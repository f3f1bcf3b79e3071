import { rpc } from './row.ts';

export const frame = {
  'frame.json': rpc(
    400,
    -32700,
    'parse error',
    'not one well-formed JSON text: duplicate names, bad UTF-8, lone surrogates, caps and __proto__ count as malformed',
  ),
  'frame.request': rpc(400, -32600, 'invalid request', 'not one JSON-RPC 2.0 request or notification'),
  'frame.batch': rpc(
    400,
    -32600,
    'this batch is not allowed',
    'send one message a request; 2025-03-26 alone has batches, of at most 32 messages',
  ),
  'frame.method': rpc(
    404,
    -32601,
    'method not found',
    'the revision has no such method, or Doorward does not serve it',
  ),
  'frame.params': rpc(400, -32602, 'invalid params', 'params do not have the shape that the method needs'),
  'frame.envelope': rpc(
    400,
    -32602,
    'missing or malformed request envelope',
    '_meta needs io.modelcontextprotocol/protocolVersion and /clientCapabilities',
  ),
  'frame.cursor': rpc(
    200,
    -32602,
    'invalid cursor',
    'not a cursor of this listing and this caller, or the listing changed since: list from the start',
  ),
  'frame.header-mismatch': rpc(400, -32020, 'header mismatch', 'a protocol header is missing or differs from the body'),
  'frame.version': rpc(400, -32022, 'unsupported protocol version', 'data.supported lists what is served'),
  'frame.capability': rpc(
    400,
    -32021,
    'missing required client capability',
    'data.requiredCapabilities names the extension that the client would have to declare',
  ),
  'frame.session-missing': rpc(400, -32000, 'session required', 'send the Mcp-Session-Id that initialize answered'),
  'frame.session-unknown': rpc(
    404,
    -31020,
    'session not found',
    'unknown, ended, expired, or of another caller: initialize again',
  ),
} as const;
