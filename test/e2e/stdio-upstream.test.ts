/** Clients of both eras through a running gateway to a server of 2026-07-28 on pipes. */
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPEN_LIMITS, type Served, Site } from './site.ts';

let site: Site;
let served: Served;
beforeAll(async () => {
  site = new Site({ servers: { newer: ['modern.ts'] }, more: OPEN_LIMITS });
  site.review();
  served = await site.serve();
}, 60_000);
afterAll(async () => {
  await served?.stop();
  site?.close();
});

const place = () => ({
  url: new URL(`${served.url}/newer`),
  requestInit: { headers: { Authorization: `Bearer ${site.token()}` } },
});
const NAMES = ['echo', 'grow', 'heard', 'slow', 'steps'];

describe('a server of 2026-07-28 on pipes', () => {
  it('serves a client of 2026-07-28, with progress and the log messages that it wants', async () => {
    const client = new ModernClient(
      { name: 't', version: '1' },
      { versionNegotiation: { mode: { pin: '2026-07-28' } } },
    );
    const { url, requestInit } = place();
    const logged: string[] = [];
    client.setNotificationHandler('notifications/message', ({ params }) => void logged.push(params.level));
    await client.connect(new ModernTransport(url, { requestInit }));
    expect((await client.listTools()).tools.map(({ name }) => name).sort()).toEqual(NAMES);
    const steps: number[] = [];
    const _meta = { 'io.modelcontextprotocol/logLevel': 'alert' };
    await client.callTool(
      { name: 'steps', arguments: { count: 2 }, _meta },
      { onprogress: ({ progress }) => void steps.push(progress) },
    );
    expect(steps).toEqual([1, 2]);
    expect(logged).toEqual(['alert', 'emergency']);
    await client.close();
  });

  it('serves a client of 2025-11-25, with progress and the log messages that it wants', async () => {
    const client = new LegacyClient({ name: 't', version: '1' });
    const { url, requestInit } = place();
    const logged: string[] = [];
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void logged.push(params.level));
    await client.connect(new LegacyTransport(url, { requestInit }) as never);
    expect((await client.listTools()).tools.map(({ name }) => name).sort()).toEqual(NAMES);
    const steps: number[] = [];
    await client.setLoggingLevel('critical');
    await client.callTool({ name: 'steps', arguments: { count: 2 } }, undefined, {
      onprogress: ({ progress }) => void steps.push(progress),
    });
    expect(steps).toEqual([1, 2]);
    expect(logged).toEqual(['critical', 'alert', 'emergency']);
    const answer = await client.callTool({ name: 'echo', arguments: { text: 'old to new' } });
    expect(answer).toEqual({ content: [{ type: 'text', text: 'old to new' }] });
    await client.close();
  });
});
