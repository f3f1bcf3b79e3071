/**
 * `talk [-c config] upstream file`: a client over stdio. Introduces itself, sends each line of the file as the parameters of a
 * tools/call, one after the other, and prints what comes back: one line each, references left out.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [file = '', upstream = '', ...config] = process.argv.slice(2).reverse();
const child = spawn('doorward', [...config.reverse(), 'run', '--stdio', upstream], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
const send = (message: object) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);

async function ask(id: number, method: string, params: object): Promise<unknown> {
  send({ id, method, params });
  const { value } = (await answers.next()) as { value?: string };
  return value && JSON.parse(value);
}

const clientInfo = { name: 'talk', version: '1.0.0' };
await ask(0, 'initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
send({ method: 'notifications/initialized' });
const calls = readFileSync(file, 'utf8').split('\n').filter(Boolean);
for (const [i, line] of calls.entries()) {
  const answer = await ask(i + 1, 'tools/call', JSON.parse(line) as object);
  console.log(JSON.stringify(answer).replaceAll(/[0-9A-Z]{26}/g, 'REFERENCE'));
}
child.stdin.end();
child.on('exit', (code) => {
  process.exitCode = code ?? 2;
});
