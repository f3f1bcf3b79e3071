/** A desktop client over stdio: initialize, then requests whose answers are awaited by id. */
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Site } from './site.ts';

export interface Answer {
  readonly id: number;
  readonly result?: { readonly content?: readonly { readonly text: string }[]; readonly isError?: boolean };
  readonly error?: { readonly code: number; readonly message: string };
}

export async function desktop(site: Site, upstream: string) {
  const child: ChildProcess = site.spawn('run', '--stdio', upstream);
  const waiting = new Map<number, (message: Answer) => void>();
  let next = 0;
  createInterface({ input: child.stdout! }).on('line', (line) => {
    const message = JSON.parse(line) as Answer;
    waiting.get(message.id)?.(message);
  });
  const ask = (method: string, params: object): Promise<Answer> => {
    const id = ++next;
    const answer = new Promise<Answer>((resolve) => waiting.set(id, resolve));
    child.stdin!.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    return answer;
  };
  await ask('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 't', version: '1' },
  });
  child.stdin!.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
  return { child, call: (name: string, args: object = {}) => ask('tools/call', { name, arguments: args }) };
}
