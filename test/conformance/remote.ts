/** The fixture over HTTP in a process of its own: the one that runs tests is not always free to answer. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Era } from '../fixtures/everything/parts.ts';

export interface Remote {
  readonly url: string;
  close(): void;
}

export function remote(era: Era): Promise<Remote> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../fixtures/everything/serve.ts'), era], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the fixture ended with ${code}`)));
    child.stdout.once('data', (line: Buffer) => resolve({ url: line.toString().trim(), close: () => child.kill() }));
  });
}
