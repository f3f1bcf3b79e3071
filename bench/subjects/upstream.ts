/** The far end of every HTTP row: answers each request with the prepared result under the request's id. */
import { createServer } from 'node:http';
import { EVENTS, PAYLOADS, TOOL } from '../payloads.ts';
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

const DISCOVERED = JSON.stringify({
  resultType: 'complete',
  supportedVersions: ['2026-07-28'],
  capabilities: { tools: {} },
  _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'bench', version: '1' } },
});
const LISTED = JSON.stringify({ resultType: 'complete', tools: [TOOL], ttlMs: 0, cacheScope: 'private' });

/** What an answer is made of, by a word in the request. */
function resultOf(body: string, path: string): string {
  if (body.includes('"initialize"')) return HANDSHAKE;
  if (body.includes('"server/discover"')) return DISCOVERED;
  if (body.includes('"tools/list"')) return LISTED;
  return results.get(path) ?? results.get('/small')!;
}

const server = createServer((req, res) => {
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.on('end', () => {
    const body = Buffer.concat(chunks).toString('latin1');
    const id = /"id":(\d+)/.exec(body)?.[1];
    if (id === undefined) return void res.writeHead(202).end();
    const reply = Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":${resultOf(body, req.url ?? '')}}`);
    if (req.url === '/events' && body.includes('"tools/call"')) {
      const token = /"progressToken":("[^"]*"|\d+)/.exec(body)?.[1] ?? '0';
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      for (let progress = 1; progress < EVENTS; progress++)
        res.write(
          `data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${token},"progress":${progress}}}\n\n`,
        );
      return void res.end(`data: ${reply.toString()}\n\n`);
    }
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': reply.length });
    res.end(reply);
  });
});
serve(server);
