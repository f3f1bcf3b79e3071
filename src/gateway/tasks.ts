/**
 * Tasks (MCP extension io.modelcontextprotocol/tasks, SEP-2663). A server's task gets a handle of ours: sealed, good for
 * one principal, route and tool, until it expires. Every get, update and cancel is a call of its own under the rules of
 * its moment; what a task has become passes the way out as the tool's own result would.
 */
import type { Entry } from '../core/admit.ts';
import type { Call, Handler, Result, RpcError } from '../core/call.ts';
import { Ended } from '../core/ended.ts';
import type { Ending } from '../core/pipeline.ts';
import { principalOf } from '../core/principal.ts';
import type { Clock, Random, State } from '../core/state.ts';
import { equal, sha256Hex } from '../lib/bytes.ts';
import { isObject, type Json, type JsonObject } from '../lib/json/types.ts';
import { type KeyRing, open, seal } from '../lib/seal.ts';
import { utf8Length } from '../lib/text.ts';

const CONTEXT = 'doorward.task.1';
/** Where the way back of a task's question waits: the protocol gives it no place on the wire. */
const ASKED = 'task.asked';
/** Longest life of a handle, in milliseconds; a server may set a shorter one. */
const LIFE = 24 * 3_600_000;
/** Bytes of a server's own id, and of arguments that travel in the handle: conditions on longer ones deny. */
const MAX_ID = 512;
const MAX_ARGS = 2048;

/** Only this file seals under its context, so what opens has this shape. */
interface Sealed {
  readonly principal: string;
  readonly route: string;
  readonly upstream: string;
  /** As the route names it. */
  readonly tool: string;
  readonly id: string;
  readonly args?: Json;
  /** Milliseconds since the epoch. */
  readonly until: number;
  readonly approved?: string;
}

/** What a server may say of a task besides its words. */
interface Envelope extends JsonObject {
  status: string;
  createdAt: string;
  lastUpdatedAt: string;
  ttlMs: number | null;
}

export interface TasksOptions {
  readonly ring: KeyRing;
  readonly random: Random;
  readonly clock: Clock;
  readonly state: Pick<State, 'get' | 'put'>;
}

/** One call that may begin a task or is about one: who answers it, and what its client is told. */
export interface Around {
  readonly handler: Handler;
  told(ending: Ending): Promise<Ending>;
}

export class Tasks {
  readonly #options: TasksOptions;

  constructor(options: TasksOptions) {
    this.#options = options;
  }

  /** A call about a task, with what its handle says to this caller. */
  async unsealed(entry: Entry): Promise<Entry> {
    const { said, at } = entry;
    const sealed = said.family === 'task' && this.#open(said.name, entry, at);
    if (!sealed) return entry;
    const { upstream, tool, id, args = {}, approved } = sealed;
    const task = { handle: said.name, id, upstream, tool, ...(approved !== undefined && { approved }) };
    return {
      ...entry,
      said: { ...said, args, task, ...(said.resume && { resume: await this.#resumed(said.name, said.resume) }) },
    };
  }

  /** Whether a handle says anything to this caller on this route. */
  known(who: Pick<Entry, 'caller' | 'route'>, handle: string): boolean {
    return this.#open(handle, who, this.#options.clock()) !== undefined;
  }

  #open(handle: string, { caller, route }: Pick<Entry, 'caller' | 'route'>, at: number): Sealed | undefined {
    const plain = open(this.#options.ring, CONTEXT, handle);
    if (!plain) return undefined;
    const sealed = JSON.parse(Buffer.from(plain).toString()) as Sealed;
    const own = equal(sealed.principal, principalOf(caller)) && sealed.route === route;
    return own && at < sealed.until ? sealed : undefined;
  }

  async #resumed(handle: string, resume: NonNullable<Call['resume']>): Promise<NonNullable<Call['resume']>> {
    const state = await this.#options.state.get(ASKED, sha256Hex(handle));
    return typeof state === 'string' ? { ...resume, state } : resume;
  }

  /** Undefined: nothing about this call is a task. */
  around(call: Call, handler: Handler): Around | undefined {
    const { target } = call;
    if (target.kind === 'route') return undefined;
    if (call.method === 'tools/call' && call.extensions?.includes('tasks')) return this.#begins(handler);
    if (call.method === 'tasks/get' && target.task) return this.#gets(handler, target.task.handle);
    return call.family === 'task' ? { handler: acknowledged(handler), told: async (ending) => ending } : undefined;
  }

  #begins(handler: Handler): Around {
    let begun: { readonly id: string; readonly envelope: Envelope } | undefined;
    return {
      async handler(call, io) {
        const reply = await handler(call, io);
        if (reply.kind === 'error' || reply.value['resultType'] !== 'task') return reply;
        const { taskId: id, statusMessage } = reply.value;
        begun = { id: idOf(id), envelope: envelopeOf(reply.value) };
        return words(statusMessage);
      },
      told: async (ending) => {
        const { message, call } = ending;
        if (!begun || message.kind === 'error' || message.value['resultType'] !== 'task') return ending;
        const { id, envelope } = begun;
        return {
          ...ending,
          message: result({ ...message.value, taskId: this.#seal(call, id, envelope), ...envelope }),
        };
      },
    };
  }

  #gets(handler: Handler, taskId: string): Around {
    let found: Envelope | undefined;
    const told = (status: string, members: JsonObject): Result =>
      result({ resultType: 'complete', taskId, ...found!, status, ...members });
    return {
      async handler(call, io) {
        const reply = await handler(call, io);
        if (reply.kind === 'error') throw gone(reply) ?? new Ended('stop', 'output.error', `rpc ${reply.code}`);
        found = envelopeOf(reply.value);
        const { result: made, error, inputRequests, statusMessage } = reply.value;
        switch (found.status) {
          case 'completed':
            if (!isObject(made)) throw new Ended('stop', 'output.shape', 'a completed task without a result');
            return result({ ...made, resultType: 'complete' });
          case 'failed':
            return failure(error);
          case 'input_required':
            if (!isObject(inputRequests)) throw new Ended('stop', 'output.shape', 'a task that asks nothing');
            return result({ resultType: 'input_required', inputRequests });
          default:
            return words(statusMessage);
        }
      },
      told: async (ending) => {
        const { message } = ending;
        if (!found) return ending;
        const { status } = found;
        // What stopped on the way out is an error of this call; only the task's own becomes a part of it.
        if (message.kind === 'error') {
          const { code, message: text } = message;
          const own = status === 'failed' && ending.outcome.kind === 'error';
          return own ? { ...ending, message: told(status, { error: { code, message: text } }) } : ending;
        }
        const { resultType, requestState, ...value } = message.value;
        if (resultType === 'input_required') {
          if (typeof requestState === 'string')
            await this.#options.state.put(ASKED, sha256Hex(taskId), requestState, LIFE);
          return { ...ending, message: told(status, { inputRequests: value['inputRequests'] ?? {} }) };
        }
        return { ...ending, message: told(status, status === 'completed' ? { result: value } : value) };
      },
    };
  }

  #seal(call: Call, id: string, { ttlMs }: Envelope): string {
    const { ring, random, clock } = this.#options;
    const { route, upstream, target, args, approval, caller } = call;
    const sealed: Sealed = {
      principal: principalOf(caller),
      route,
      upstream,
      tool: target.name,
      id,
      ...(utf8Length(JSON.stringify(args)) <= MAX_ARGS && { args }),
      until: clock() + Math.min(ttlMs ?? LIFE, LIFE),
      ...(approval?.kind === 'spent' && { approved: call.rulesId }),
    };
    return seal(ring, CONTEXT, Buffer.from(JSON.stringify(sealed)), random);
  }
}

const result = (value: JsonObject): Result => ({ kind: 'result', value });
/** What a server says of a task that is not over, as `output` knows it. */
const words = (statusMessage: Json | undefined): Result =>
  result({ resultType: 'task', ...(typeof statusMessage === 'string' && { statusMessage }) });

function failure(error: Json | undefined): RpcError {
  const { code, message } = isObject(error) ? error : {};
  return {
    kind: 'error',
    code: Number.isSafeInteger(code) ? (code as number) : -32603,
    message: typeof message === 'string' ? message : 'failed',
  };
}

/** An update or a cancel is only ever acknowledged (SEP-2663). */
function acknowledged(handler: Handler): Handler {
  return async (call, io) => {
    const reply = await handler(call, io);
    if (reply.kind === 'error') throw gone(reply) ?? new Ended('stop', 'output.error', `rpc ${reply.code}`);
    return result({ resultType: 'complete' });
  };
}

/** The server no longer knows the task: the same answer as to a handle that nobody knows. */
function gone({ code }: RpcError): Ended | undefined {
  return code === -32602 ? new Ended('stop', 'inventory.unknown', 'the server does not know the task') : undefined;
}

const STATUS: ReadonlySet<unknown> = new Set(['working', 'input_required', 'completed', 'failed', 'cancelled']);
/** ISO 8601 as RFC 3339 has it. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;
const isTime = (value: Json | undefined): value is string => typeof value === 'string' && TIME.test(value);
const isSpan = (value: Json | undefined): value is number => Number.isSafeInteger(value) && (value as number) > 0;

function envelopeOf({ status, createdAt, lastUpdatedAt, ttlMs = null, pollIntervalMs }: JsonObject): Envelope {
  if (!STATUS.has(status) || !isTime(createdAt) || !isTime(lastUpdatedAt) || (ttlMs !== null && !isSpan(ttlMs)))
    throw new Ended('stop', 'output.shape', 'not a task');
  return {
    status: status as string,
    createdAt,
    lastUpdatedAt,
    ttlMs,
    ...(isSpan(pollIntervalMs) && { pollIntervalMs }),
  };
}

function idOf(id: Json | undefined): string {
  if (typeof id === 'string' && id !== '' && utf8Length(id) <= MAX_ID) return id;
  throw new Ended('stop', 'output.shape', 'not the id of a task');
}
