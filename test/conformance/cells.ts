/** The matrix: clients of both eras against servers of every kind behind the gateway. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { copyClosure } from '../../src/upstreams/closure.ts';
import { OPEN_LIMITS, Site } from '../e2e/site.ts';
import type { Era } from '../fixtures/everything/parts.ts';
import { passThrough } from './pass-through.ts';
import { remote } from './remote.ts';

export const ERAS: readonly Era[] = ['2025-11-25', '2026-07-28'];

/** A server behind the gateway. */
export interface Upstream {
  readonly name: string;
  readonly era: Era;
  readonly over: 'stdio' | 'http';
}

/** Each is one column of the table, and one file in `expected/` for each era of clients. */
export const UPSTREAMS: readonly Upstream[] = [
  { name: 'stdio-2025-11-25', era: '2025-11-25', over: 'stdio' },
  { name: 'stdio-2026-07-28', era: '2026-07-28', over: 'stdio' },
  { name: 'http-2025-11-25', era: '2025-11-25', over: 'http' },
  { name: 'http-2026-07-28', era: '2026-07-28', over: 'http' },
];

/** What the suite's servers ask for. */
export const ASKS = { elicitation: ['form'], sampling: true, roots: true };

const FIXTURE = join(import.meta.dirname, '../fixtures/everything');
const ROOT = join(import.meta.dirname, '../..');
const SDK: Readonly<Record<Era, string>> = {
  '2025-11-25': '@modelcontextprotocol/sdk',
  '2026-07-28': '@modelcontextprotocol/server',
};

export interface Behind {
  /** What the suite is given. */
  readonly url: string;
  readonly site: Site;
  close(): Promise<void>;
}

/** The fixture behind a gateway, everything reviewed and granted. */
export async function behindGateway({ era, over }: Upstream): Promise<Behind> {
  const through = await passThrough();
  const far = over === 'http' ? await remote(era) : undefined;
  let folder = '';
  const site = new Site({
    upstreams: {
      everything: far
        ? { url: far.url.replace('localhost', '127.0.0.1'), private: ['127.0.0.0/8'], asks: ASKS }
        : { run: ['node', './everything/stdio.ts', era], asks: ASKS },
    },
    origins: [through.origin],
    more: OPEN_LIMITS,
    fill: (dir) => cpSync(FIXTURE, (folder = join(dir, 'everything')), { recursive: true }),
  });
  // A server of one's own sees its folder and nothing else: its packages must be in there.
  if (!(await copyClosure(join(ROOT, 'node_modules', SDK[era]), ROOT, folder)))
    throw new Error('no plain node_modules');
  site.reviewAll();
  const served = await site.serve();
  through.aim(served.url, site.token());
  const url = `${through.origin}/everything`;
  await warm(url);
  return {
    url,
    site,
    async close() {
      await served.stop();
      await through.close();
      far?.close();
      site.close();
    },
  };
}

/** The suite gives an answer half a second; a lane of stdio takes longer to start, and modern clients share one. */
async function warm(url: string): Promise<void> {
  const client = new Client({ name: 't', version: '1' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  await client.callTool({ name: 'test_simple_text', arguments: {} });
  await client.close();
}
