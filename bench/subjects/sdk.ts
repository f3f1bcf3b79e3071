/** What one gets by hand: the official SDK's Server in front, its Client behind, nothing else. */
import { createServer } from 'node:http';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CallToolRequestSchema, CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { serve } from './child.ts';

const events = process.env['PAYLOAD'] === 'events';
const client = new Client({ name: 'proxy', version: '1' });
const upstream = new StreamableHTTPClientTransport(
  new URL(`http://127.0.0.1:${process.env['UPSTREAM']}/${process.env['PAYLOAD']}`),
);
await client.connect(upstream as never);

serve(
  createServer(async (req, res) => {
    const server = new Server({ name: 'proxy', version: '1' }, { capabilities: { tools: {} } });
    server.setRequestHandler(CallToolRequestSchema, (request, extra) =>
      client.request(
        { method: 'tools/call', params: request.params },
        CallToolResultSchema,
        events
          ? {
              onprogress: (progress) =>
                void extra.sendNotification({
                  method: 'notifications/progress',
                  params: { ...progress, progressToken: request.params._meta!.progressToken! },
                }),
            }
          : {},
      ),
    );
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: undefined,
      enableJsonResponse: !events,
    } as never);
    await server.connect(transport as never);
    res.on('close', () => void transport.close());
    await transport.handleRequest(req, res);
  }),
);
