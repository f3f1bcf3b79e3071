/** A server that says what `script.json` beside it says: tools, and the text each answers with. It checks nothing. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

interface Script {
  readonly tools: readonly { readonly name: string }[];
  readonly says: Readonly<Record<string, string>>;
}
const file = join(import.meta.dirname, 'script.json');
const script = (): Script => JSON.parse(readFileSync(file, 'utf8'));
const send = (message: object) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (method === 'initialize') {
    const capabilities = { tools: { listChanged: true } };
    send({ id, result: { protocolVersion: '2025-11-25', capabilities, serverInfo: { name: 's', version: '1' } } });
  } else if (method === 'tools/list') send({ id, result: { tools: script().tools } });
  else if (method === 'tools/call') {
    const said = script().says[params.name] ?? `${params.name} ${JSON.stringify(params.arguments)}`;
    send({ id, result: { content: [{ type: 'text', text: said }] } });
  } else if (id !== undefined) send({ id, error: { code: -32601, message: 'method not found' } });
});
