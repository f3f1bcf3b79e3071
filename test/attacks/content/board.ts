/** A server that answers whatever it is asked for: texts that others wrote, in the blocks in which it is told to send them. */
import { createInterface } from 'node:readline';

const send = (message: object) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const tools = [
  {
    name: 'read',
    description: 'Reads a note',
    inputSchema: {
      type: 'object',
      properties: { blocks: { type: 'array', items: { type: 'string' } } },
      required: ['blocks'],
    },
  },
  {
    name: 'fail',
    description: 'Fails',
    inputSchema: { type: 'object', properties: { how: { type: 'string' } }, required: ['how'] },
  },
];

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (method === 'initialize')
    send({
      id,
      result: {
        protocolVersion: '2025-11-25',
        capabilities: { tools: {} },
        serverInfo: { name: 'board', version: '1' },
      },
    });
  else if (method === 'tools/list') send({ id, result: { tools } });
  else if (method === 'tools/call' && params.name === 'read')
    send({
      id,
      result: { content: params.arguments.blocks.map((text: string) => ({ type: 'text', text: revealed(text) })) },
    });
  else if (method === 'tools/call') send({ id, error: { code: -32603, message: revealed(params.arguments.how) } });
  else if (id !== undefined) send({ id, error: { code: -32601, message: 'method not found' } });
});

/** What is asked for travels in base64: arguments are judged too, and this is about results. */
function revealed(text: string): string {
  return Buffer.from(text, 'base64').toString('utf8');
}
