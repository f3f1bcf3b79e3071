/** A gateway whose server asks: real doors and the real loop, two processes' worth of it, and a server that follows a plan. */
import { randomBytes } from 'node:crypto';
import { schema } from '../../src/config/schema.ts';
import { schema as asksSchema } from '../../src/controls/asks/rules.ts';
import type { Call, Caller, Handler, Pinned } from '../../src/core/call.ts';
import type { Gate } from '../../src/core/gate.ts';
import type { Log, Snapshot } from '../../src/core/ports.ts';
import type { State } from '../../src/core/state.ts';
import { type HttpDoor, type HttpOptions, serveHttp } from '../../src/doors/http.ts';
import type { Limits } from '../../src/gateway/deadline.ts';
import { farEnd } from '../../src/gateway/far.ts';
import { harden } from '../../src/gateway/harden.ts';
import { rounds } from '../../src/gateway/rounds.ts';
import { compileSnapshot } from '../../src/gateway/snapshot.ts';
import { descriptorDigest } from '../../src/inventory/digest.ts';
import { Holds } from '../../src/inventory/holds.ts';
import { shelf } from '../../src/inventory/shelf.ts';
import type { JsonObject } from '../../src/lib/json/types.ts';
import { memoryState } from '../../src/store/memory.ts';
import { SUPPORTED } from '../../src/wire/eras/versions.ts';
import { CALLER, TOOL } from '../core/fakes.ts';
import { http } from '../doors/client.ts';
import { RING } from '../doors/house.ts';

const text = { type: 'string' };
const inputSchema = { type: 'object', properties: { plan: text, note: text } };
const pin = (kind: Pinned['kind'], name: string, descriptor: JsonObject): Pinned => {
  return { ...TOOL, kind, name, descriptor, digest: descriptorDigest(kind, descriptor) };
};
const THINGS = [
  pin('tool', 'ask', { name: 'ask', inputSchema }),
  pin('tool', 'other', { name: 'other', inputSchema }),
  pin('prompt', 'ask', { name: 'ask', arguments: [{ name: 'plan' }] }),
  pin('resource', 'file:///ask', { uri: 'file:///ask', name: 'ask' }),
];
const OPEN = { minute: 1_000_000, burst: 1_000_000, 'at-once': 1000 };

export const ABLE: JsonObject = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };
export const GRANTED: JsonObject = {
  elicitation: ['form', 'url'],
  hosts: ['accounts.example.com'],
  sampling: true,
  roots: true,
};
export const form = (properties: JsonObject = { name: { type: 'string' } }, message = 'Who?'): JsonObject => ({
  method: 'elicitation/create',
  params: { message, requestedSchema: { type: 'object', properties } },
});
export const page = (url: string): JsonObject => ({
  method: 'elicitation/create',
  params: { mode: 'url', message: 'Sign in', url },
});
export const SAMPLE: JsonObject = {
  method: 'sampling/createMessage',
  params: { messages: [{ role: 'user', content: { type: 'text', text: 'Hi?' } }], maxTokens: 9 },
};
export const ROOTS: JsonObject = { method: 'roots/list' };

/** What the server asks for, round by round: `inputRequests`. `state`: its own requestState, which ends with the round. */
export interface Plan {
  readonly rounds: readonly JsonObject[];
  readonly state?: string;
}

export interface Logged {
  readonly call: string;
  readonly parent?: string | undefined;
  readonly method: string;
  readonly code?: string | undefined;
  readonly detail?: string | undefined;
  readonly edits: readonly string[];
}

export interface Asked {
  readonly url: string;
  /** Another process with the same key ring and the same state. */
  readonly twin: string;
  readonly gate: Gate;
  readonly state: State;
  readonly plans: Record<string, Plan>;
  /** What reached the server. */
  readonly calls: Call[];
  readonly log: Logged[];
  readonly attempts: string[];
  readonly callers: Record<string, Caller>;
  /** Puts other grants in force; without any, those of the start. */
  rule(policy?: object): void;
  /** Milliseconds by which the clock is ahead. */
  ahead: number;
  close(): Promise<void>;
}

export async function asking(
  options: { asks?: JsonObject; questions?: HttpOptions['questions']; blocks?: JsonObject; limits?: Limits } = {},
): Promise<Asked> {
  const { asks = GRANTED, questions, blocks = {}, limits } = options;
  const calls: Call[] = [];
  const log: Logged[] = [];
  const attempts: string[] = [];
  const plans: Record<string, Plan> = {};
  const callers: Record<string, Caller> = { alice: CALLER, bob: { ...CALLER, subject: 'bob' } };
  const names = ['ask', 'other'].map((name) => `files.${name}`);
  const everything = [...names, 'files.prompt:ask', 'files.resource:file:///ask'];
  const everybody = ['alice', 'bob'].map((subject) => ({ to: { subject }, allow: everything }));
  const compile = (policy: object): Snapshot =>
    compileSnapshot({
      id: 'test',
      config: schema.parse({
        doorward: 1,
        upstreams: {},
        limits: { subject: OPEN, agent: OPEN, upstream: OPEN, same: { minute: 1_000_000, burst: 1_000_000 } },
        policy,
        ...blocks,
      }),
      context: {
        pinned: THINGS,
        cedar: [],
        fingerprint: () => '0123456789ab',
        asks: new Map([['files', asksSchema.parse(asks)]]),
      },
      shelf: shelf({ upstreams: new Map([['files', { things: THINGS }]]) }, new Holds()),
      routes: new Map([['files', 'files']]),
    });
  let snapshot = compile(everybody);
  const made: { ahead: number } = { ahead: 0 };
  const clock = () => Date.now() + made.ahead;
  const state = memoryState(clock);

  const lane: Handler = (call) => {
    calls.push(call);
    const { plan = 'plain' } = call.args as { plan?: string };
    const { rounds: asked, state: own = 'at' } = plans[plan] ?? { rounds: [] };
    const [, at = '0'] = call.resume?.state?.split('#') ?? [];
    const inputRequests = asked[Number(at)];
    if (inputRequests) {
      const requestState = `${own}#${Number(at) + 1}`;
      return { kind: 'result', value: { resultType: 'input_required', inputRequests, requestState } };
    }
    const said = JSON.stringify(call.resume?.answers ?? 'nothing');
    const content = { type: 'text', text: said };
    if (call.family === 'get')
      return { kind: 'result', value: { resultType: 'complete', messages: [{ role: 'user', content }] } };
    if (call.family === 'read')
      return { kind: 'result', value: { resultType: 'complete', contents: [{ uri: 'file:///ask', text: said }] } };
    return { kind: 'result', value: { resultType: 'complete', content: [content] } };
  };
  const logging: Log = {
    intent() {},
    outcome(call, trail, { code, detail }) {
      const edits = trail.flatMap(({ verdict }) => (verdict.kind === 'edit' ? [verdict.code] : []));
      log.push({ call: call.id, parent: call.parent, method: call.method, code, detail, edits });
    },
    attempt: ({ code }) => void attempts.push(code),
    event() {},
  };
  const gateOf = () =>
    harden({
      snapshot: () => snapshot,
      world: { state, log: logging, clock, rounds: rounds({ ring: RING, clock, random: randomBytes, state }) },
      handlers: farEnd(() => snapshot, { lane, versions: SUPPORTED, ring: RING, random: randomBytes }),
      authenticate: (evidence) => callers[evidence.header('authorization') ?? ''] ?? 'identity.invalid',
      random: randomBytes,
      ...(limits && { limits }),
    });
  const gate = gateOf();
  const shared = { host: '127.0.0.1', port: 0, ring: RING, state, ...(questions && { questions }) };
  const doors: HttpDoor[] = [await serveHttp({ ...shared, gate }), await serveHttp({ ...shared, gate: gateOf() })];
  return Object.assign(made, {
    url: doors[0]!.url,
    twin: doors[1]!.url,
    gate,
    state,
    rule: (policy: object = everybody) => void (snapshot = compile(policy)),
    plans,
    calls,
    log,
    attempts,
    callers,
    close: async () => void (await Promise.all(doors.map((door) => door.close(0)))),
  });
}

export interface Ask {
  readonly who?: string;
  readonly url?: string;
  readonly method?: string;
  readonly params?: object;
  readonly capabilities?: JsonObject;
}

/** One request of 2026-07-28; `tools/call` of the tool `ask` unless told otherwise. */
export async function modern(
  world: Asked,
  { who = 'alice', url = world.url, method = 'tools/call', params = {}, capabilities = ABLE }: Ask,
): Promise<any> {
  const thing = { name: 'ask', ...params } as { name?: string; uri?: string };
  const told: object = method === 'resources/read' ? { ...params, uri: 'file:///ask' } : thing;
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': capabilities,
  };
  const { json, status } = await http(url, {
    headers: {
      authorization: who,
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      'mcp-name': method === 'resources/read' ? 'file:///ask' : thing.name,
    },
    body: { jsonrpc: '2.0', id: 1, method, params: { ...told, _meta } },
  });
  return { ...json, status };
}
