/** The far end of every HTTP row: answers each request with the prepared result under the request's id. */
import { createServer } from 'node:http';
import { PAYLOADS } from '../payloads.ts';
import { serve } from './child.ts';

const results = new Map(
  Object.entries(PAYLOADS).map(([name, result]) => [`/${name}`, JSON.stringify({ resultType: 'complete', ...result })]),
);

/** For the SDK's client, which will not call without one. */
const HANDSHAKE = JSON.stringify({
  protocolVersion: '2025-11-25',
  capabilities: { tools: {} },
  serverInfo: { name: 'bench', version: '1' },
});

const server = createServer((req, res) => {
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.on('end', () => {
    const body = Buffer.concat(chunks).toString('latin1');
    const id = /"id":(\d+)/.exec(body)?.[1];
    if (id === undefined) return void res.writeHead(202).end();
    const result = body.includes('"initialize"') ? HANDSHAKE : (results.get(req.url ?? '') ?? results.get('/small'));
    const reply = Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":${result}}`);
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': reply.length });
    res.end(reply);
  });
});
serve(server);
