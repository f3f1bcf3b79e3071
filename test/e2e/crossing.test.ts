/**
 * Many clients with equal request ids and equal progress tokens, one gateway, one upstream: each hears its own answers
 * and nothing else. `CROSSING_CLIENTS` says how many; 200 by default, 50 where `CI` is set.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Served, Site } from './site.ts';

const CLIENTS = Number(process.env['CROSSING_CLIENTS'] ?? (process.env['CI'] ? 50 : 200));
const CALLS = 5;
/** A lane of its own for each legacy session, so no more than one subject may have. */
const SESSIONS = 6;
const NONE = '{ minute: 1000000, burst: 1000000, at-once: 1000 }';

let site: Site;
let served: Served;
beforeAll(async () => {
  site = new Site({
    servers: { shuffle: ['shuffle.ts'] },
    more: `limits: { subject: ${NONE}, same: { minute: 1000000, burst: 1000000 }, upstream: ${NONE} }\n`,
  });
  site.reviewAll();
  served = await site.serve();
});
afterAll(async () => {
  await served?.stop();
  site?.close();
});

interface Heard {
  readonly id?: number;
  readonly result?: { readonly content: readonly { readonly text: string }[] };
  readonly params?: { readonly progressToken: unknown; readonly message: string };
}

async function post(headers: Record<string, string>, body: object): Promise<{ headers: Headers; heard: Heard[] }> {
  const response = await fetch(`${served.url}/shuffle`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${site.token()}`,
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', ...body }),
  });
  const text = await response.text();
  const lines = response.headers.get('content-type')?.startsWith('text/event-stream')
    ? [...text.matchAll(/^data: (.+)$/gm)].map((match) => match[1]!)
    : text === ''
      ? []
      : [text];
  return { headers: response.headers, heard: lines.map((line) => JSON.parse(line) as Heard) };
}

/** Calls 1 to `CALLS` at once, all clients with the same ids and tokens; what each said must come back, alone. */
async function client(name: string, headers: Record<string, string>, envelope: object): Promise<void> {
  const ids = Array.from({ length: CALLS }, (_, i) => i + 1);
  await Promise.all(
    ids.map(async (id) => {
      const text = `${name}: ${id}`;
      const { heard } = await post(headers, {
        id,
        method: 'tools/call',
        params: { name: 'echo', arguments: { text }, _meta: { ...envelope, progressToken: id } },
      });
      expect(heard.map((message) => message.params?.message ?? message.result?.content[0]?.text)).toEqual([text, text]);
      expect(heard[0]!.params!.progressToken).toBe(id);
      expect(heard[1]!.id).toBe(id);
    }),
  );
}

const VERSION = '2026-07-28';
const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': VERSION,
  'io.modelcontextprotocol/clientCapabilities': {},
};

it(`${CLIENTS} clients of ${VERSION} share one server process`, { timeout: 120_000 }, async () => {
  const headers = { 'MCP-Protocol-Version': VERSION, 'Mcp-Method': 'tools/call', 'Mcp-Name': 'echo' };
  await Promise.all(Array.from({ length: CLIENTS }, (_, i) => client(`client ${i}`, headers, ENVELOPE)));
});

it(`${SESSIONS} sessions of 2025-11-25 beside them`, { timeout: 120_000 }, async () => {
  const open = async (i: number) => {
    const { headers } = await post(
      {},
      {
        id: 1,
        method: 'initialize',
        params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: `c${i}`, version: '1' } },
      },
    );
    const session = headers.get('mcp-session-id')!;
    await client(`session ${i}`, { 'Mcp-Session-Id': session, 'MCP-Protocol-Version': '2025-11-25' }, {});
  };
  await Promise.all(Array.from({ length: SESSIONS }, (_, i) => open(i)));
});

it('leaves an outcome for each call', () => {
  const { status, stdout } = site.run('audit', 'verify');
  expect([status, stdout]).toEqual([0, expect.not.stringMatching(/open/)]);
});
