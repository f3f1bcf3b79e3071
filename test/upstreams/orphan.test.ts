/** `kill -9` of the gateway: no process of a sandbox survives it. Real processes, really killed. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openToAll } from '../../src/upstreams/machine.ts';
import { processesWith } from './world.ts';

const GATEWAY = join(import.meta.dirname, '../fixtures/servers/lone-gateway.ts');

const NOBODY = 65534;

async function start(mark: string, folder: string, uid: number) {
  const user = uid === process.getuid!() ? {} : { uid, gid: uid };
  const gateway = spawn(process.execPath, [GATEWAY, mark, folder], { stdio: ['ignore', 'pipe', 'inherit'], ...user });
  const line = await new Promise<string>((done) => gateway.stdout.once('data', (chunk) => done(String(chunk))));
  expect(line).toBe('ready\n');
  return gateway;
}

describe('a gateway that is killed', () => {
  const root = process.getuid!() === 0;
  const kinds = root ? ['open', 'closed', ...(openToAll(GATEWAY) ? ['ordinary'] : [])] : ['open'];
  it.each(kinds)('takes its sandboxes along (%s)', async (kind) => {
    const folder = mkdtempSync('/tmp/doorward-orphan-');
    const mark = `--ignore-end-${kind}-${process.pid}`;
    try {
      chmodSync(folder, kind === 'closed' ? 0o700 : 0o755);
      const gateway = await start(mark, folder, kind === 'ordinary' ? NOBODY : process.getuid!());
      // The gateway, bubblewrap outside and inside, the server and what it started.
      expect(processesWith(mark).length).toBeGreaterThanOrEqual(5);
      gateway.kill('SIGKILL');
      let left: number[] = [];
      for (let i = 0; i < 40; i++) {
        await new Promise((done) => setTimeout(done, 25));
        left = processesWith(mark);
        if (left.length === 0) break;
      }
      expect(left).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
