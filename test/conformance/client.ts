/**
 * What the suite runs as the client under test: a gateway before the suite's server, and a plain client before the
 * gateway. What reaches the suite's server is the gateway's own doing. `node client.ts <url>`; the scenario comes by
 * environment.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { OPEN_LIMITS, Site } from '../e2e/site.ts';
import { ASKS } from './cells.ts';

interface Context {
  readonly toolCalls?: readonly { readonly name: string; readonly arguments: Record<string, unknown> }[];
}

const url = process.argv[2]!.replace('localhost', '127.0.0.1');
const { MCP_CONFORMANCE_PROTOCOL_VERSION: era = '2025-11-25', MCP_CONFORMANCE_CONTEXT: json = '{}' } = process.env;
const { toolCalls = [] } = JSON.parse(json) as Context;

const site = new Site({ upstreams: { suite: { url, private: ['127.0.0.0/8'], asks: ASKS } }, more: OPEN_LIMITS });
const LOCK = join(site.dir, 'doorward.lock');
try {
  try {
    site.reviewAll();
  } catch (error) {
    // What cannot be pinned is left out; the rest is served.
    if (!existsSync(LOCK)) throw error;
  }
  // What a reviewer would correct: the guess that a tool executes what it is given.
  writeFileSync(LOCK, readFileSync(LOCK, 'utf8').replaceAll('executes: true', 'executes: false'));
  const served = await site.serve();
  const client = new Client(
    { name: 'driver', version: '1' },
    {
      capabilities: { elicitation: { form: { applyDefaults: true } } },
      ...(era === '2026-07-28' && { versionNegotiation: { mode: { pin: era } } }),
    },
  );
  client.setRequestHandler('elicitation/create', () => ({ action: 'accept' as const, content: {} }));
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${served.url}/suite`), {
      requestInit: { headers: { authorization: `Bearer ${site.token()}` } },
    }),
  );
  const { tools } = await client.listTools();
  for (const { name, inputSchema } of tools) {
    const wanted = toolCalls.filter((call) => call.name === name);
    const own =
      name === 'json_schema_echo'
        ? { schema: tools.find((other) => other.name !== name)?.inputSchema }
        : madeFor(inputSchema);
    const all = wanted.length > 0 ? wanted.map((call) => call.arguments) : [own];
    for (const args of all) await client.callTool({ name, arguments: present(args) }).catch(() => {});
  }
  await client.close();
  await served.stop();
} finally {
  site.close();
}

/** What is null is left out: no schema of the suite has it, and what no schema has goes nowhere. */
function present(args: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(args).filter(([, value]) => value !== null));
}

/** One value of each kind that a schema names. */
function madeFor({
  properties = {},
  required = [],
}: {
  properties?: object | undefined;
  required?: string[] | undefined;
}) {
  const values: Readonly<Record<string, unknown>> = {
    string: 'text',
    number: 3,
    integer: 3,
    boolean: true,
    array: [],
    object: {},
  };
  return Object.fromEntries(
    Object.entries(properties as Record<string, { type?: string }>)
      .filter(([name]) => required.includes(name))
      .map(([name, { type = 'string' }]) => [name, values[type]]),
  );
}
