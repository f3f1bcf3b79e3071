/** The reviewed things and the callers that the policy tests speak of. */
import type { Call, Caller, Facts, PinKind, Pinned } from '../../../src/core/call.ts';
import type { JsonObject } from '../../../src/lib/json/types.ts';

const READS: Facts = { reads: true, writes: false, destructive: false, executes: false, sendsOut: false };
const WRITES: Facts = { ...READS, writes: true };

export function pin(kind: PinKind, upstream: string, name: string, descriptor: JsonObject = {}, facts = READS): Pinned {
  return { kind, upstream, name, digest: 'sha256:00', descriptor: { name, ...descriptor }, facts, exceptions: {} };
}

function tool(upstream: string, name: string, properties: JsonObject, required: string[] = [], facts = READS): Pinned {
  const inputSchema: JsonObject = { type: 'object', properties, required, $defs: { Where: WHERE } };
  return pin('tool', upstream, name, { inputSchema }, facts);
}

const STRING = { type: 'string' };
const INTEGER = { type: 'integer' };
const WHERE: JsonObject = { type: 'object', properties: { tenant: STRING, region: STRING }, required: ['tenant'] };

export const PINNED: readonly Pinned[] = [
  tool('files', 'read_text_file', { path: STRING, head: INTEGER }, ['path']),
  tool('files', 'list_directory', { path: STRING }, ['path']),
  tool('files', 'write_file', { path: STRING, content: STRING }, ['path', 'content'], WRITES),
  tool(
    'warehouse',
    'run_query',
    {
      tenant: STRING,
      sql: STRING,
      limit: INTEGER,
      ratio: { type: 'number' },
      mode: { enum: ['dry', 'live'] },
      tables: { type: 'array', items: STRING },
      where: { $ref: '#/$defs/Where' },
      note: { anyOf: [STRING, { type: 'null' }] },
      odd: { oneOf: [STRING, INTEGER] },
      dry: { type: 'boolean' },
      __entity: STRING,
    },
    ['tenant', 'sql'],
  ),
  tool('github', 'create_issue', { title: STRING }, ['title'], WRITES),
  pin('prompt', 'notes', 'weekly', {
    arguments: [{ name: 'topic', required: true }, { name: 'tone' }],
  }),
  pin('resource', 'files', 'file:///data/', { uri: 'file:///data/' }),
  pin('template', 'files', 'file:///data/{name}', { uriTemplate: 'file:///data/{name}' }),
];

export function caller(some: Partial<Caller> = {}): Caller {
  return {
    tenant: 'acme',
    subject: 'alice',
    agent: [],
    groups: [],
    scopes: [],
    issuer: 'https://login.example.com',
    how: 'jwt',
    strength: { amr: [] },
    credential: 'c1',
    claims: {},
    ...some,
  };
}

/** `upstream.tool`, `upstream.prompt:NAME` and so on, as in a policy line. */
export function thing(name: string): Pinned {
  const found = PINNED.find((p) =>
    p.kind === 'tool' ? `${p.upstream}.${p.name}` === name : `${p.upstream}.${p.kind}:${p.name}` === name,
  );
  if (!found) throw new Error(`no fixture ${name}`);
  return found;
}

export function callOf(target: Call['target'], upstream: string, who: Caller, some: Partial<Call> = {}): Call {
  return {
    id: 'C1',
    at: 0,
    trace: {},
    tenant: who.tenant,
    peer: { listener: 'kit', address: '-' },
    caller: who,
    claimed: { capabilities: {} },
    era: '2026-07-28',
    route: upstream,
    upstream,
    method: 'tools/call',
    family: 'call',
    target,
    args: {},
    asked: [],
    lane: JSON.stringify(['files', 'default', 'alice', [], '-', '-']),
    taint: [],
    rulesId: 'r',
    ...some,
  };
}
