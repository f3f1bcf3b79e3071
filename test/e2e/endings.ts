/** One gate over a handler, asked in three ways: in process (the library's ending), and over a socket in both eras. */
import { randomBytes } from 'node:crypto';
import { type Config, schema } from '../../src/config/schema.ts';
import type { Call, Handler, Pinned } from '../../src/core/call.ts';
import type { Gate } from '../../src/core/gate.ts';
import { isRefused } from '../../src/core/gate.ts';
import type { Log } from '../../src/core/ports.ts';
import { serveHttp } from '../../src/doors/http.ts';
import { farEnd } from '../../src/gateway/far.ts';
import { harden } from '../../src/gateway/harden.ts';
import { compileSnapshot } from '../../src/gateway/snapshot.ts';
import { localIdentity } from '../../src/identity/local.ts';
import { descriptorDigest } from '../../src/inventory/digest.ts';
import { Holds } from '../../src/inventory/holds.ts';
import { shelf } from '../../src/inventory/shelf.ts';
import type { Json, JsonObject } from '../../src/lib/json/types.ts';
import { memoryState } from '../../src/store/memory.ts';
import { SUPPORTED } from '../../src/wire/eras/versions.ts';
import { http, INITIALIZE, modern } from '../doors/client.ts';
import { RING } from '../doors/house.ts';

export const TOKEN = 'e2e-token-e2e-token-e2e-token-e2e-token-0123';
const OPEN = { minute: 1_000_000, burst: 1_000_000, 'at-once': 1000 };

export interface Heard {
  /** Code of the outcome or of the refusal; undefined for a plain reply. */
  readonly code: string | undefined;
  /** `edit` codes of the trail, in order. */
  readonly edits: readonly string[];
  readonly answer: JsonObject;
  /** Arguments as the handler saw them; undefined when it was not asked. */
  readonly sent: Json | undefined;
}

export interface Ending {
  readonly name: string;
  ask(tool: string, args: Json): Promise<Heard>;
  close(): Promise<void>;
}

export interface House {
  readonly gate: Gate;
  readonly identity: ReturnType<typeof localIdentity>;
  readonly state: ReturnType<typeof memoryState>;
  last(): { code: string | undefined; edits: readonly string[]; sent: Json | undefined };
}

export function house(pinned: readonly Pinned[], blocks: Partial<Config> | JsonObject, handler: Handler): House {
  const things = pinned.map((pin) => ({ ...pin, digest: descriptorDigest(pin.kind, pin.descriptor as JsonObject) }));
  const config = schema.parse({
    doorward: 1,
    upstreams: {},
    limits: { subject: OPEN, agent: OPEN, upstream: OPEN, same: { minute: 1_000_000, burst: 1_000_000 } },
    policy: things
      .filter(({ kind }) => kind === 'tool')
      .map(({ upstream, name }) => ({ to: 'local', allow: [`${upstream}.${name}`] })),
    ...blocks,
  });
  const snapshot = compileSnapshot({
    id: 'test',
    config,
    context: { pinned: things, cedar: [], fingerprint: () => '0123456789ab' },
    shelf: shelf({ upstreams: new Map([['files', { things }]]) }, new Holds()),
    routes: new Map([['files', 'files']]),
  });
  let last: { code: string | undefined; edits: string[]; sent: Json | undefined } = {
    code: undefined,
    edits: [],
    sent: undefined,
  };
  const log: Log = {
    intent() {},
    outcome(_call, trail, outcome) {
      last.code = outcome.code;
      last.edits = trail.flatMap(({ verdict }) => (verdict.kind === 'edit' ? [verdict.code] : []));
    },
    attempt({ code }) {
      last = { code, edits: [], sent: undefined };
    },
    event() {},
  };
  const state = memoryState(Date.now);
  const identity = localIdentity(TOKEN, 'test');
  const far = farEnd(() => snapshot, {
    lane: (call: Call, io) => {
      last.sent = call.args;
      return handler(call, io);
    },
    versions: SUPPORTED,
    ring: RING,
    random: randomBytes,
  });
  const gate = harden({
    snapshot: () => snapshot,
    world: { state, log, clock: Date.now },
    handlers: (call) => {
      last = { code: undefined, edits: [], sent: undefined };
      return far(call);
    },
    authenticate: identity.authenticate,
    random: randomBytes,
  });
  return { gate, identity, state, last: () => last };
}

export function inProcess(made: House): Ending {
  return {
    name: 'in process',
    async ask(tool, args) {
      const { gate, identity } = made;
      const said = {
        era: '2026-07-28' as const,
        method: 'tools/call',
        family: 'call' as const,
        name: tool,
        args,
        claimed: { capabilities: {} },
        trace: {},
        session: '-',
      };
      const peer = { listener: 'kit' as const, address: '-' };
      const end = await gate.call(
        { id: gate.id(), at: gate.clock(), peer, caller: identity.caller, route: 'files', said },
        () => {},
        new AbortController(),
      );
      const message = isRefused(end) ? end.message : end.message;
      const answer =
        message.kind === 'result'
          ? { result: message.value }
          : { error: { code: message.code, message: message.message } };
      return { ...made.last(), answer: JSON.parse(JSON.stringify(answer)) };
    },
    async close() {},
  };
}

export async function overHttp(made: House, era: 'modern' | 'legacy'): Promise<Ending> {
  const door = await serveHttp({
    gate: made.gate,
    host: '127.0.0.1',
    port: 0,
    ring: RING,
    state: made.state,
  });
  const authorization = `Bearer ${TOKEN}`;
  let session: string | undefined;
  if (era === 'legacy') {
    const hello = await http(door.url, { headers: { authorization }, body: INITIALIZE });
    session = String(hello.headers['mcp-session-id']);
  }
  let id = 0;
  return {
    name: `over HTTP, ${era}`,
    async ask(tool, args) {
      id++;
      const ask =
        era === 'modern'
          ? modern(id, tool, args as object)
          : {
              headers: { 'mcp-session-id': session!, 'mcp-protocol-version': '2025-11-25' },
              body: { jsonrpc: '2.0', id, method: 'tools/call', params: { name: tool, arguments: args } },
            };
      const { json } = await http(door.url, {
        headers: { authorization, ...ask.headers } as Record<string, string>,
        body: JSON.stringify(ask.body),
      });
      const { jsonrpc: _, id: __, ...answer } = json;
      return { ...made.last(), answer };
    },
    close: () => door.close(),
  };
}

/** What must be equal in every era: the answer without what only one of them has, and without the reference. */
export function comparable(answer: JsonObject): string {
  return JSON.stringify(answer, (name, value) =>
    ['resultType', 'ttlMs', 'cacheScope', '_meta'].includes(name) ? undefined : value,
  ).replaceAll(/[0-9A-HJKMNP-TV-Z]{26}/g, 'REF');
}
