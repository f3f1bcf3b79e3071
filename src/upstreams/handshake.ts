/** What a server says of itself when a connection opens, and what it says it offers. */
import type { Listing } from '../inventory/drift.ts';
import { isObject, type JsonObject } from '../lib/json/types.ts';
import { MODERN } from '../wire/eras/versions.ts';
import type { Connection, Reply } from './stdio.ts';

export interface Greeting {
  readonly version: string;
  readonly capabilities: JsonObject;
  readonly instructions?: string;
  readonly serverInfo?: JsonObject;
}

/** Revisions whose form is the same for what is used here. */
export const VERSIONS: readonly string[] = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];
/** The first revision with structured results: what an older server says about them promises nothing. */
const STRUCTURED = '2025-06-18';
/** Bounds of a listing: pages of one kind, things in all. */
const MAX_PAGES = 100;
const MAX_THINGS = 2000;

/** An InitializeResult. Throws an Error for the log. */
export function greeting({ protocolVersion, capabilities, serverInfo, instructions }: JsonObject): Greeting {
  if (typeof protocolVersion !== 'string' || !VERSIONS.includes(protocolVersion))
    throw new Error('the server speaks none of our protocol versions');
  return {
    version: protocolVersion,
    capabilities: isObject(capabilities) ? capabilities : {},
    ...(typeof instructions === 'string' && { instructions }),
    ...(isObject(serverInfo) && { serverInfo }),
  };
}

/** A DiscoverResult as a greeting. Who the server says it is stands in `_meta`. */
export function discovered({ capabilities, instructions, _meta: meta }: JsonObject): Greeting {
  const info = isObject(meta) ? meta['io.modelcontextprotocol/serverInfo'] : undefined;
  return {
    version: MODERN,
    capabilities: isObject(capabilities) ? capabilities : {},
    ...(typeof instructions === 'string' && { instructions }),
    ...(isObject(info) && { serverInfo: info }),
  };
}

/** Everything the server offers, page by page. Rejects with an Error for the log. */
export async function list(
  connection: Pick<Connection, 'ask'>,
  greeting: Greeting,
  signal: AbortSignal,
): Promise<Listing> {
  const { version, capabilities, instructions, serverInfo } = greeting;
  const pages = async (offered: boolean, method: string, member: string): Promise<JsonObject[]> => {
    const all: JsonObject[] = [];
    if (!offered) return all;
    const seen = new Set<string>();
    for (let cursor: string | undefined, page = 0; ; page++) {
      const reply = await connection.ask(method, cursor === undefined ? {} : { cursor }, { signal });
      // Templates are an optional part of the resources capability.
      if (reply.kind === 'error' && reply.code === -32601 && method === 'resources/templates/list') return all;
      const { [member]: things, nextCursor } = good(reply, method);
      if (!Array.isArray(things) || !things.every(isObject)) throw new Error(`${method}: not a listing`);
      all.push(...things);
      if (nextCursor === undefined) return all;
      if (typeof nextCursor !== 'string' || seen.has(nextCursor))
        throw new Error(`${method}: a cursor that leads nowhere`);
      if (page + 1 >= MAX_PAGES || all.length > MAX_THINGS) throw new Error(`${method}: too long`);
      seen.add((cursor = nextCursor));
    }
  };
  const has = (name: string) => capabilities[name] !== undefined;
  const [tools, prompts, resources, templates] = await Promise.all([
    pages(has('tools'), 'tools/list', 'tools'),
    pages(has('prompts'), 'prompts/list', 'prompts'),
    pages(has('resources'), 'resources/list', 'resources'),
    pages(has('resources'), 'resources/templates/list', 'resourceTemplates'),
  ]);
  return {
    tools: version < STRUCTURED ? tools.map(unstructured) : tools,
    prompts,
    resources,
    templates,
    ...(instructions !== undefined && { instructions }),
    ...(serverInfo && { serverInfo }),
  };
}

function unstructured(tool: JsonObject): JsonObject {
  const { outputSchema: _, ...rest } = tool;
  return rest;
}

/** The result. Throws an Error for the log. */
export function good(reply: Reply, method: string): JsonObject {
  if (reply.kind === 'error') throw new Error(`${method} was answered with an error`);
  return reply.value;
}
