/** Servers over HTTP as processes of their own, which can be killed and come back on the port they had. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

export const SDK_SERVER = join(import.meta.dirname, '../fixtures/servers/http.ts');

export interface Outside {
  readonly port: number;
  /** The block under `upstreams:`. */
  readonly block: { readonly url: string; readonly private: readonly string[] };
  pid(): number;
  /** `kill -9`, then the same server again on the same port. */
  crash(): Promise<void>;
  close(): void;
}

/** `file` prints its port when it listens; `args` come before the port it is told to take. */
export async function outside(file: string, ...args: string[]): Promise<Outside> {
  let child: ChildProcess;
  const start = (port: number): Promise<number> => {
    child = spawn(process.execPath, [file, ...args, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
    return new Promise((resolve, reject) => {
      child.stdout!.once('data', (text) => resolve(Number(String(text).trim())));
      child.once('exit', (code) => reject(new Error(`${file} ended with ${code}`)));
    });
  };
  const port = await start(0);
  return {
    port,
    block: { url: `http://127.0.0.1:${port}/mcp`, private: ['127.0.0.0/8'] },
    pid: () => child.pid!,
    async crash() {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
      await start(port);
    },
    close: () => void child.kill('SIGKILL'),
  };
}
