/** The official clients of both generations, as they are, through the real doors. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client as Client2, StreamableHTTPClientTransport as Http2 } from '@modelcontextprotocol/client';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as Http1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HttpDoor, serveHttp } from '../../src/doors/http.ts';
import { ALICE, type House, house, until } from './house.ts';

let inside: House;
let door: HttpDoor;
beforeEach(async () => {
  inside = house();
  door = await serveHttp({ gate: inside.gate, host: '127.0.0.1', port: 0, ring: inside.ring, state: inside.state });
});
afterEach(() => door.close(0));

const INFO = { name: 'test', version: '1' };
const init = { requestInit: { headers: { authorization: ALICE } } };
const url = () => new URL(`${door.url}/files`);
const said = (result: unknown) => (result as { content: { text: string }[] }).content[0]!.text;

/** What both generations of client offer. */
interface Both {
  callTool(params: { name: string; arguments: Record<string, unknown> }, ...rest: never[]): Promise<unknown>;
  listTools(): Promise<{ tools: unknown[] }>;
  close(): Promise<void>;
}
async function tour(client: Both): Promise<void> {
  expect((await client.listTools()).tools).toEqual([]);
  expect(said(await client.callTool({ name: 'echo', arguments: { a: 1 } }))).toBe('alice {"a":1}');
  await expect(client.callTool({ name: 'nope', arguments: {} })).rejects.toThrow(/unknown name/);
  const many = Array.from({ length: 20 }, (_, n) => client.callTool({ name: 'echo', arguments: { n } }));
  expect((await Promise.all(many)).map(said)).toEqual(many.map((_, n) => `alice {"n":${n}}`));
}

describe('over HTTP', () => {
  it('serves the first generation', async () => {
    const client = new Client1(INFO);
    const transport = new Http1(url(), init);
    await client.connect(transport as never);
    await tour(client as never);
    const progress: number[] = [];
    const result = await client.callTool({ name: 'progress', arguments: { n: 3 } }, undefined, {
      onprogress: ({ progress: n }) => void progress.push(n),
    });
    expect([said(result), progress]).toEqual(['after progress', [0, 1, 2]]);
    const leave = new AbortController();
    const slow = client.callTool({ name: 'slow', arguments: {} }, undefined, { signal: leave.signal });
    await until(() => inside.calls.at(-1)?.target.name === 'slow');
    leave.abort();
    await expect(slow).rejects.toThrow();
    await until(() => inside.aborted.length === 1);
    await transport.terminateSession();
    expect(inside.ended.size).toBe(1);
    await client.close();
    expect(new Set(inside.calls.map((call) => call.era))).toEqual(new Set(['2025-11-25']));
  });

  it.each([
    ['its default', undefined, '2025-11-25'],
    ['negotiation', { mode: 'auto' }, '2026-07-28'],
  ] as const)('serves the second generation with %s', async (_what, versionNegotiation, era) => {
    const client = new Client2(INFO, versionNegotiation && { versionNegotiation });
    await client.connect(new Http2(url(), init));
    await tour(client as never);
    await client.close();
    expect(new Set(inside.calls.map((call) => call.era))).toEqual(new Set([era]));
  });

  it('tells a client without a token so', async () => {
    for (const client of [new Client1(INFO), new Client2(INFO, { versionNegotiation: { mode: 'auto' } })]) {
      const transport = client instanceof Client1 ? new Http1(url()) : new Http2(url());
      await expect(client.connect(transport as never)).rejects.toThrow(/authentication required|401|Unauthorized/i);
    }
    expect(inside.calls).toHaveLength(0);
  });
});

describe('over stdio', () => {
  it('serves a client through owner and bridge', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sdk-'));
    const program = join(import.meta.dirname, 'member.ts');
    const clients = [new Client1(INFO), new Client1(INFO)];
    try {
      for (const client of clients) {
        const command = { command: process.execPath, args: [program, dir], stderr: 'ignore' as const };
        await client.connect(new StdioClientTransport(command));
        await tour(client as never);
      }
      // The owner's client leaves; the other goes on without noticing.
      await clients[0]!.close();
      await tour(clients[1] as never);
    } finally {
      for (const client of clients) await client.close();
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
